namespace Countersign.Masking;

/// <summary>
/// Rules, compiled. Immutable and shared by any number of threads. The steps of all paths lie one after another, each
/// a bit of a 64-bit word, so that every path is followed at once: a step that is matched and is not its path's last
/// makes the bit above it live (see <see cref="PathTracker"/>).
/// </summary>
public sealed class MaskProgram
{
    private readonly NameTable _names;
    private readonly bool _hasBareNames;
    private readonly ulong _nameSteps;
    private readonly ulong _wildcardSteps;
    private readonly ulong _indexSteps;
    private readonly ulong _lastSteps;
    private readonly ulong _redactSteps;
    private readonly long[] _indexes;

    private MaskProgram(
        Dictionary<string, Hit> bare, List<PathStep> steps, ulong firstSteps, ulong lastSteps, ulong redactSteps,
        Hit root)
    {
        _names = new NameTable(bare, steps);
        _hasBareNames = bare.Count > 0;
        _lastSteps = lastSteps;
        _redactSteps = redactSteps;
        _indexes = new long[steps.Count];
        FirstSteps = firstSteps;
        Root = root;
        for (int bit = 0; bit < steps.Count; bit++)
        {
            ulong step = 1UL << bit;
            _indexes[bit] = steps[bit].Index;
            if (steps[bit].Descends) DescendantSteps |= step;
            if (steps[bit].Kind == PathStepKind.Name) _nameSteps |= step;
            else if (steps[bit].Kind == PathStepKind.Index) _indexSteps |= step;
            else _wildcardSteps |= step;
        }

        IsEmpty = !_hasBareNames && steps.Count == 0 && root == Hit.None;
    }

    /// <summary>True if no rule is in it: bodies are checked and pass unchanged.</summary>
    public bool IsEmpty { get; }

    /// <summary>What is said of a whole body's value.</summary>
    internal Hit Root { get; }

    /// <summary>The first step of every path, live at the root.</summary>
    internal ulong FirstSteps { get; }

    /// <summary>Steps that stay live below the node they are live at.</summary>
    internal ulong DescendantSteps { get; }

    /// <summary>
    /// Compiles <paramref name="rules"/>, at most <see cref="MaskLimits.RulesMax"/> whose paths have together at most
    /// <see cref="MaskLimits.PathStepsMax"/> segments. Where two rules hit one value, <see cref="MaskAction.Redact"/>
    /// wins.
    /// </summary>
    /// <exception cref="ArgumentException">A field is not well-formed (the message is that of
    /// <see cref="MaskField.Check"/>), or there is too much of something.</exception>
    public static MaskProgram Compile(IReadOnlyList<MaskRule> rules)
    {
        ArgumentNullException.ThrowIfNull(rules);
        if (rules.Count > MaskLimits.RulesMax) throw new ArgumentException("too many rules", nameof(rules));
        var bare = new Dictionary<string, Hit>(StringComparer.Ordinal);
        var paths = new Dictionary<string, Hit>(StringComparer.Ordinal);
        foreach (MaskRule rule in rules)
        {
            string? wrong = MaskField.Check(rule.Field);
            if (wrong is not null) throw new ArgumentException(rule.Field + ": " + wrong, nameof(rules));
            Hit hit = rule.Action == MaskAction.KeepLast4 ? Hit.KeepLast4 : Hit.Redact;
            Dictionary<string, Hit> fields = MaskField.IsPath(rule.Field) ? paths : bare;
            fields[rule.Field] = fields.TryGetValue(rule.Field, out Hit other) && other < hit ? other : hit;
        }

        return Compile(bare, paths);
    }

    private static MaskProgram Compile(Dictionary<string, Hit> bare, Dictionary<string, Hit> paths)
    {
        var steps = new List<PathStep>();
        ulong firstSteps = 0;
        ulong lastSteps = 0;
        ulong redactSteps = 0;
        Hit root = Hit.None;
        foreach ((string path, Hit hit) in paths)
        {
            int first = steps.Count;
            PathParser.Parse(path, steps);
            if (steps.Count > MaskLimits.PathStepsMax)
            {
                string limit = MaskField.Text(MaskLimits.PathStepsMax);
                throw new ArgumentException(
                    path + ": the paths have together more than " + limit + " segments", nameof(paths));
            }

            if (steps.Count == first)
            {
                root = hit;
                continue;
            }

            ulong last = 1UL << (steps.Count - 1);
            firstSteps |= 1UL << first;
            lastSteps |= last;
            if (hit == Hit.Redact) redactSteps |= last;
        }

        return new MaskProgram(bare, steps, firstSteps, lastSteps, redactSteps, root);
    }

    /// <summary>
    /// The live steps that select the member <paramref name="name"/>, and what bare names say of it. A name that is
    /// too long to be any rule's comes as not <paramref name="comparable"/>.
    /// </summary>
    internal ulong MatchMember(ulong live, ReadOnlySpan<byte> name, bool comparable, out Hit bare)
    {
        bare = Hit.None;
        ulong selecting = _wildcardSteps;
        if (comparable && (_hasBareNames || (live & _nameSteps) != 0))
        {
            NameHit hit = _names.Find(name);
            bare = hit.Bare;
            selecting |= hit.Steps;
        }

        return live & selecting;
    }

    /// <summary>The live steps that select the element at <paramref name="index"/>, counted from 0.</summary>
    internal ulong MatchElement(ulong live, long index)
    {
        ulong matched = live & _wildcardSteps;
        ulong candidates = live & _indexSteps;
        while (candidates != 0)
        {
            int bit = System.Numerics.BitOperations.TrailingZeroCount(candidates);
            if (_indexes[bit] == index) matched |= 1UL << bit;
            candidates &= candidates - 1;
        }

        return matched;
    }

    /// <summary>What the paths that end at a matched step say.</summary>
    internal Hit HitOf(ulong matched)
    {
        ulong ended = matched & _lastSteps;
        if (ended == 0) return Hit.None;
        return (ended & _redactSteps) != 0 ? Hit.Redact : Hit.KeepLast4;
    }

    /// <summary>
    /// The steps that are live below a node that <paramref name="matched"/> steps selected. A last step is followed by
    /// another path's first; what it selected is masked whole and never looked into, and even so it must not start
    /// that.
    /// </summary>
    internal ulong Below(ulong live, ulong matched) => (matched & ~_lastSteps) << 1 | (live & DescendantSteps);
}
