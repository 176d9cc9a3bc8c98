using System.Numerics;
using Countersign.Masking.Detectors;

namespace Countersign.Masking;

/// <summary>
/// Rules, compiled. Immutable and shared by any number of threads. The steps of all paths lie one after another, each
/// a bit of a 64-bit word, so that every path is followed at once: a step that is matched and is not its path's last
/// makes the bit above it live (see <see cref="PathTracker"/>).
/// </summary>
public sealed class MaskProgram
{
    private readonly MaskEffect[] _effects;
    private readonly PathStep[] _steps;
    private readonly Hit[] _hitOfStep;
    private readonly Hit[] _hitOfDetector;
    private readonly ulong _nameSteps;
    private readonly ulong _sliceSteps;
    private readonly ulong _lastSteps;
    private readonly bool _hasUnnamedPath;   // with steps, none of them a name

    internal MaskProgram(MaskProgramParts parts, MaskOptions options)
    {
        _effects = [.. parts.Effects];
        _steps = [.. parts.Steps];
        _hitOfStep = [.. parts.HitOfStep];
        _hitOfDetector = parts.HitOfDetector;
        _lastSteps = parts.LastSteps;
        Names = new NameTable(parts.Bare, parts.Steps);
        HasBareNames = parts.Bare.Count > 0;
        FirstSteps = parts.FirstSteps;
        Root = parts.Root;
        Options = options;
        for (int bit = 0; bit < _steps.Length; bit++)
        {
            ulong step = 1UL << bit;
            if (_steps[bit].Descends) DescendantSteps |= step;
            if (_steps[bit].Kind == PathStepKind.Name) _nameSteps |= step;
            else if (_steps[bit].Kind == PathStepKind.Slice) _sliceSteps |= step;
            else WildcardSteps |= step;
        }

        _hasUnnamedPath = HasUnnamedPath();

        for (int bit = 0; bit < _hitOfDetector.Length; bit++)
        {
            if (_hitOfDetector[bit] == Hit.None) continue;
            var detector = (DetectorSet)(1U << bit);
            Detectors |= detector;
            MaskAction action = EffectOf(_hitOfDetector[bit]).Action;
            if (action is MaskAction.Null or MaskAction.Drop) WholeDetectors |= detector;
            if (action == MaskAction.Redact) RedactingDetectors |= detector;
        }

        IsEmpty = !HasBareNames && !HasPaths && Root == Hit.None && Detectors == DetectorSet.None;
        Drops = _effects.Any(effect => effect.Action == MaskAction.Drop);
        NestedDepth = IsEmpty ? 0 : options.NestedDepth;
    }

    /// <summary>True if no rule is in it: bodies are checked and pass unchanged.</summary>
    public bool IsEmpty { get; }

    /// <summary>The names in it.</summary>
    internal NameTable Names { get; }

    /// <summary>True if a name counts wherever it stands.</summary>
    internal bool HasBareNames { get; }

    /// <summary>True if it has a path with a step.</summary>
    internal bool HasPaths => _steps.Length > 0;

    /// <summary>What is said of a whole body's value.</summary>
    internal Hit Root { get; }

    /// <summary>The first step of every path, live at the root.</summary>
    internal ulong FirstSteps { get; }

    /// <summary>Steps that stay live below the node they are live at.</summary>
    internal ulong DescendantSteps { get; }

    /// <summary>Steps that select every child.</summary>
    internal ulong WildcardSteps { get; }

    /// <summary>What is looked for in values.</summary>
    internal DetectorSet Detectors { get; }

    /// <summary>Those of them for which a whole string goes.</summary>
    internal DetectorSet WholeDetectors { get; }

    /// <summary>Those of them that leave three stars.</summary>
    internal DetectorSet RedactingDetectors { get; }

    /// <summary>True if members can be dropped.</summary>
    internal bool Drops { get; }

    /// <summary>Levels of JSON in strings that are masked; 0 if strings are not looked into.</summary>
    internal int NestedDepth { get; }

    /// <summary>Its bounds.</summary>
    internal MaskOptions Options { get; }

    /// <summary>
    /// Compiles <paramref name="rules"/>, at most <see cref="MaskLimits.RulesMax"/> whose paths have together at most
    /// <see cref="MaskLimits.PathStepsMax"/> segments. Where rules hit one value, the strictest action wins, and of two
    /// that are alike the first.
    /// </summary>
    /// <exception cref="ArgumentException">A field is not well-formed (the message is that of
    /// <see cref="MaskField.Check"/>), tokens have no key, or there is too much of something.</exception>
    public static MaskProgram Compile(IReadOnlyList<MaskRule> rules) => Compile(rules, new MaskOptions());

    /// <summary>As <see cref="Compile(IReadOnlyList{MaskRule})"/>, with bounds of one's own.</summary>
    /// <exception cref="ArgumentException">As above, or a bound is out of its range.</exception>
    public static MaskProgram Compile(IReadOnlyList<MaskRule> rules, MaskOptions options)
    {
        ArgumentNullException.ThrowIfNull(rules);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegative(options.NestedDepth);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.NestedDepth, MaskLimits.NestedDepthMax);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.ValueBytesMax, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.ValueBytesMax, MaskLimits.ValueBytesMax);
        if (rules.Count > MaskLimits.RulesMax) throw new ArgumentException("too many rules", nameof(rules));
        return new MaskProgram(MaskProgramParts.Of(rules), options);
    }

    /// <summary>
    /// False if nothing that fields select is in <paramref name="text"/>, in whatever grammar: no name is in it as a
    /// word, nor spelled with escapes that are not known. Under a path without names nothing tells, and it is true.
    /// </summary>
    internal bool MayOccurIn(ReadOnlySpan<byte> text)
    {
        if (_hasUnnamedPath) return true;
        return (HasBareNames || _nameSteps != 0) && (text.Contains((byte)'\\') || Names.OccurIn(text));
    }

    /// <summary>The effect of that rank; <see cref="Hit.None"/> has none.</summary>
    internal MaskEffect EffectOf(Hit hit) => _effects[(int)hit];

    /// <summary>What happens to what was <paramref name="found"/>: what leaves least of it, said by the
    /// <paramref name="detector"/> that it is named after or, where another's says more, by the lowest such.</summary>
    internal Hit HitOf(in Detection found, out DetectorSet detector)
    {
        detector = found.Detector;
        Hit hit = HitOf(detector);
        for (uint left = (uint)(found.All & ~detector); left != 0; left &= left - 1)
        {
            var other = (DetectorSet)(left & (0 - left));
            if (EffectOf(HitOf(other)).Strictness >= EffectOf(hit).Strictness) continue;
            (hit, detector) = (HitOf(other), other);
        }

        return hit;
    }

    /// <summary>
    /// The live steps that select the member <paramref name="name"/>, and what bare names say of it. A name that is
    /// too long to be any rule's comes as not <paramref name="comparable"/>.
    /// </summary>
    internal ulong MatchMember(ulong live, ReadOnlySpan<byte> name, bool comparable, out Hit bare)
    {
        bare = Hit.None;
        ulong selecting = WildcardSteps;
        if (comparable && (HasBareNames || (live & _nameSteps) != 0))
        {
            NameHit hit = Names.Find(name);
            bare = hit.Bare;
            selecting |= hit.Steps;
        }

        return live & selecting;
    }

    /// <summary>The same of a name that was found.</summary>
    internal ulong MatchMember(ulong live, NameHit name) => live & (WildcardSteps | name.Steps);

    /// <summary>The live steps that select the element at <paramref name="index"/>, counted from 0.</summary>
    internal ulong MatchElement(ulong live, long index)
    {
        ulong matched = live & WildcardSteps;
        ulong candidates = live & _sliceSteps;
        while (candidates != 0)
        {
            int bit = BitOperations.TrailingZeroCount(candidates);
            if (_steps[bit].Selects(index)) matched |= 1UL << bit;
            candidates &= candidates - 1;
        }

        return matched;
    }

    /// <summary>What the paths that end at a matched step say.</summary>
    internal Hit HitOf(ulong matched)
    {
        ulong ended = matched & _lastSteps;
        Hit hit = Hit.None;
        while (ended != 0)
        {
            Hit one = _hitOfStep[BitOperations.TrailingZeroCount(ended)];
            if (one < hit) hit = one;
            ended &= ended - 1;
        }

        return hit;
    }

    /// <summary>
    /// The steps that are live below a node that <paramref name="matched"/> steps selected. A last step is followed by
    /// another path's first; what it selected is masked whole and never looked into, and even so it must not start
    /// that.
    /// </summary>
    internal ulong Below(ulong live, ulong matched) => (matched & ~_lastSteps) << 1 | (live & DescendantSteps);

    private Hit HitOf(DetectorSet detector) => _hitOfDetector[BitOperations.TrailingZeroCount((uint)detector)];

    private bool HasUnnamedPath()
    {
        bool isNamed = false;
        for (int bit = 0; bit < _steps.Length; bit++)
        {
            isNamed |= _steps[bit].Kind == PathStepKind.Name;
            if ((_lastSteps >> bit & 1) == 0) continue;
            if (!isNamed) return true;
            isNamed = false;
        }

        return false;
    }
}
