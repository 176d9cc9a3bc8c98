using Countersign.Policy.Conditions;

namespace Countersign.Policy;

/// <summary>What a document holds once it is read: the snapshot is compiled from it if there was no error.</summary>
internal sealed class PolicyContent
{
    public PolicyMode Mode { get; set; }

    public List<Upstream> Upstreams { get; } = [];

    public List<(Function Function, PathTemplate Path)> Functions { get; } = [];

    public List<Rule> Rules { get; } = [];

    /// <summary>The compiled conditions of the rules, by the rules' place and the function's.</summary>
    public Dictionary<(int Rule, int Function), ConditionProgram> Conditions { get; } = [];

    public List<Separation> Separations { get; } = [];

    public List<DynamicSeparation> DynamicSeparations { get; } = [];

    /// <summary>What names the object, by the separation's place among the dynamic ones and the function's.</summary>
    public Dictionary<(int Separation, int Function), ConditionProgram> Objects { get; } = [];

    public List<MaskRule> Masks { get; } = [];

    public List<RateLimit> Limits { get; } = [];
}
