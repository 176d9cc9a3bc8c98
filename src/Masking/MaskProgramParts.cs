using System.Numerics;
using System.Text;
using Countersign.Masking.Detectors;

namespace Countersign.Masking;

/// <summary>Rules on their way to a <see cref="MaskProgram"/>.</summary>
internal sealed class MaskProgramParts
{
    private const int DetectorBits = 32;

    private readonly Dictionary<(string Path, MaskNames Names), Hit> _paths = [];

    private MaskProgramParts() => Array.Fill(HitOfDetector, Hit.None);

    /// <summary>Effects, the strictest first.</summary>
    public List<MaskEffect> Effects { get; } = [];

    /// <summary>Names that count wherever they stand.</summary>
    public Dictionary<(string Name, MaskNames Names), Hit> Bare { get; } = [];

    /// <summary>The steps of all paths.</summary>
    public List<PathStep> Steps { get; } = [];

    /// <summary>For each last step what its path says.</summary>
    public List<Hit> HitOfStep { get; } = [];

    /// <summary>For each detector what happens to what it finds.</summary>
    public Hit[] HitOfDetector { get; } = new Hit[DetectorBits];

    /// <summary>The first step of each path.</summary>
    public ulong FirstSteps { get; private set; }

    /// <summary>The last step of each path.</summary>
    public ulong LastSteps { get; private set; }

    /// <summary>What is said of a whole body's value.</summary>
    public Hit Root { get; private set; } = Hit.None;

    /// <summary>Checks rules and takes them apart.</summary>
    public static MaskProgramParts Of(IReadOnlyList<MaskRule> rules)
    {
        var parts = new MaskProgramParts();
        IEnumerable<int> order = Enumerable.Range(0, rules.Count)
            .OrderBy(rule => MaskEffect.StrictnessOf(rules[rule].Action));
        foreach (int rule in order) parts.Add(rules[rule], rule);
        foreach (((string path, MaskNames names), Hit hit) in parts._paths) parts.AddSteps(path, names, hit);
        return parts;
    }

    private void Add(MaskRule rule, int place)
    {
        var hit = (Hit)Effects.Count;
        Effects.Add(EffectOf(rule, place));
        if (rule.Detect != DetectorSet.None)
        {
            if (rule.Field.Length > 0) Refuse(rule, "a rule has a field or detectors, not both");
            for (uint left = (uint)rule.Detect; left != 0; left &= left - 1)
            {
                ref Hit known = ref HitOfDetector[BitOperations.TrailingZeroCount(left)];
                if (hit < known) known = hit;
            }

            return;
        }

        string? wrong = MaskField.Check(rule.Field);
        if (wrong is not null) Refuse(rule, wrong);

        // Rules come strictest first, so that the first to name a field decides.
        if (MaskField.IsPath(rule.Field)) _paths.TryAdd((rule.Field, rule.Names), hit);
        else Bare.TryAdd((rule.Field, rule.Names), hit);
    }

    private static MaskEffect EffectOf(MaskRule rule, int place)
    {
        MaskAction action = rule.Action <= MaskAction.Drop ? rule.Action : MaskAction.Redact;
        if (action != MaskAction.Tokenize) return new MaskEffect(action, null, [], place);
        if (rule.Key is null) Refuse(rule, "tokens need a key");
        string name = rule.Class ?? (rule.Field.Length > 0 ? rule.Field : rule.Detect.ToString());
        return new MaskEffect(action, rule.Key, [.. Encoding.UTF8.GetBytes(name), 0], place);
    }

    private static void Refuse(MaskRule rule, string wrong) =>
        throw new ArgumentException(rule.Field + ": " + wrong, nameof(rule));

    private void AddSteps(string path, MaskNames names, Hit hit)
    {
        int first = Steps.Count;
        PathParser.Parse(path, Steps);
        if (Steps.Count > MaskLimits.PathStepsMax)
        {
            string limit = MaskField.Text(MaskLimits.PathStepsMax);
            throw new ArgumentException(
                path + ": the paths have together more than " + limit + " segments", nameof(path));
        }

        if (Steps.Count == first)
        {
            if (hit < Root) Root = hit;
            return;
        }

        for (int step = first; step < Steps.Count; step++)
        {
            Steps[step] = Steps[step] with { Names = names };
            HitOfStep.Add(hit);
        }

        FirstSteps |= 1UL << first;
        LastSteps |= 1UL << (Steps.Count - 1);
    }
}
