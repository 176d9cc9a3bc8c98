namespace Countersign.ControlPlane.Console.Views;

/// <summary>What of the log is looked for, as it was typed.</summary>
public sealed record AuditFilter(
    string Type, string Caller, string Person, string Function, string Decision, string Verdict, string Approval,
    string From, string To, string Text)
{
    /// <summary>The fields by the names of the query.</summary>
    public IReadOnlyList<(string Name, string Value)> Fields =>
    [
        ("type", Type), ("caller", Caller), ("person", Person), ("function", Function), ("decision", Decision),
        ("verdict", Verdict), ("approval", Approval), ("from", From), ("to", To), ("text", Text),
    ];

    /// <summary>The query that asks for it, behind a question mark.</summary>
    public string Query(string? cursor) => "?" + string.Join('&', Fields.Append(("cursor", cursor ?? ""))
        .Where(pair => pair.Item2.Length > 0).Select(pair => pair.Item1 + "=" + Uri.EscapeDataString(pair.Item2)));
}

/// <summary>One record on one line.</summary>
/// <param name="Actor">Who acted with the token of <paramref name="Who"/>; empty where nobody else did.</param>
public sealed record AuditRow(
    long Index, string At, string Type, string Call, string What, string Who, string Actor, string Decision,
    string Verdict, string More);

/// <summary>The search.</summary>
/// <param name="Fault">What is wrong with the question; empty for nothing.</param>
/// <param name="IsWhole">False where the log could not be read to its end.</param>
public sealed record AuditModel(
    PageHead Head, AuditFilter Filter, string Fault, bool IsWhole, IReadOnlyList<AuditRow> Rows, string? Next,
    bool IsFirst);

/// <summary>One step of a call's story.</summary>
public sealed record AuditStep(DateTimeOffset At, string Step, string Text, long Index);

/// <summary>What the log keeps of a body.</summary>
public sealed record AuditCopy(string Title, string Text, string Withheld, string Digest);

/// <summary>The story of a call.</summary>
public sealed record AuditCallModel(
    PageHead Head, string Call, IReadOnlyList<AuditStep> Steps, IReadOnlyList<AuditCopy> Copies,
    IReadOnlyList<long> Entries);

/// <summary>A witness of the log.</summary>
public sealed record WitnessRow(
    string Name, string Key, string Through, long Size, DateTimeOffset CosignedAt, string Trouble);

/// <summary>Another log that contradicted what was seen of it.</summary>
public sealed record ConflictRow(string Log, string How);

/// <summary>The chain of trust.</summary>
/// <param name="IsVerified">True if the newest entries verify against the signed head, just now.</param>
/// <param name="Verified">The same in words.</param>
/// <param name="Doubt">Why the log is not to be believed; null where nothing says so.</param>
/// <param name="Unwitnessed">Why high-risk calls are refused for want of witnesses; null where they are not.</param>
public sealed record AuditChainModel(
    PageHead Head, string Log, string Key, long Entries, long Signed, string Checkpoint, bool IsVerified,
    string Verified, string? Doubt, string? Unwitnessed,
    IReadOnlyList<WitnessRow> Witnesses, IReadOnlyList<ConflictRow> Conflicts);
