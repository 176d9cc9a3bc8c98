namespace Countersign.Policy.Conditions;

/// <summary>What conditions see of a caller.</summary>
internal enum CallerField : byte
{
    Issuer,
    Subject,
    Kind,
    Groups,
    Chain,
    Tenant,
    Delegated,
}

/// <summary>A caller as values; made once for each caller, who is shared by calls.</summary>
internal sealed class CallerFacts
{
    public static readonly string[] Names = ["issuer", "subject", "kind", "groups", "chain", "tenant", "delegated"];

    private readonly ConditionValue[] _fields;

    public CallerFacts(Caller caller)
    {
        _fields =
        [
            ConditionValue.OfText(caller.Issuer),
            ConditionValue.OfText(caller.Subject),
            ConditionValue.OfText(KindName(caller.Kind)),
            ListOf(caller.Groups),
            ListOf(caller.Chain),
            ConditionValue.OfText(caller.Tenant),
            ConditionValue.Of(caller.IsDelegated),
        ];
        MadeMap map = new();
        for (int index = 0; index < Names.Length; index++)
        {
            map.TryAdd(ConditionValue.OfText(Names[index]), _fields[index]);
        }

        Whole = ConditionValue.OfMap(map);
    }

    public ConditionValue Whole { get; }

    /// <summary>As an approval's JSON writes it; empty for a token that names no kind.</summary>
    public static string KindName(CallerKind kind) => kind switch
    {
        CallerKind.Human => "human",
        CallerKind.Agent => "agent",
        CallerKind.Ci => "ci",
        CallerKind.Service => "service",
        _ => "",
    };

    [HotPath]
    public ConditionValue Of(CallerField field) => _fields[(int)field];

    private static ConditionValue ListOf(IReadOnlyList<string> texts) =>
        ConditionValue.OfList(new MadeList([.. texts.Select(text => ConditionValue.OfText(text))]));
}
