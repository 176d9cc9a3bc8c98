namespace Countersign.Policy.Approvals;

/// <summary>Where an approval stands (DESIGN section 7). Zero is no approval.</summary>
public enum ApprovalState : byte
{
    /// <summary>Not an approval.</summary>
    None = 0,

    /// <summary>Waiting for approvers.</summary>
    Pending,

    /// <summary>Every stage is filled; the call may be made once.</summary>
    Approved,

    /// <summary>A gateway has taken it and is making the call.</summary>
    Claimed,

    /// <summary>The upstream answered.</summary>
    Executed,

    /// <summary>The call certainly had no effect.</summary>
    Failed,

    /// <summary>Nobody knows whether the call had an effect. Never retried.</summary>
    Unknown,

    /// <summary>An approver refused.</summary>
    Denied,

    /// <summary>Nobody decided, or nobody used it, in time.</summary>
    Expired,

    /// <summary>The requester withdrew it.</summary>
    Cancelled,

    /// <summary>An approver took an approval back before it was claimed.</summary>
    Revoked,
}

/// <summary>One person's word on an approval.</summary>
/// <param name="Issuer">Who vouches for the approver.</param>
/// <param name="Approver">The approver's subject.</param>
/// <param name="Chain">The approver's human chain.</param>
/// <param name="Stage">The stage it fills, from 0; -1 for a denial.</param>
/// <param name="Approve">True to approve.</param>
/// <param name="Reason">What the approver said, or empty.</param>
/// <param name="At">When.</param>
public sealed record ApprovalDecision(
    string Issuer, string Approver, IReadOnlyList<string> Chain, int Stage, bool Approve, string Reason,
    DateTimeOffset At)
{
    /// <summary>
    /// Every stage, from 0, that the approver's groups qualified for when they decided; a later approver may move this
    /// one to another of them. Empty means <see cref="Stage"/> alone.
    /// </summary>
    public IReadOnlyList<int> Qualifies { get; init; } = [];
}

/// <summary>What one person did beside deciding: who broke the glass and why, or who reviewed it.</summary>
/// <param name="Issuer">Who vouches for them.</param>
/// <param name="Subject">Their subject.</param>
/// <param name="Chain">Their human chain.</param>
/// <param name="Reason">What they gave as the reason, or noted.</param>
/// <param name="At">When.</param>
public sealed record ApprovalAct(
    string Issuer, string Subject, IReadOnlyList<string> Chain, string Reason, DateTimeOffset At);

/// <summary>Who asks, as an approval keeps it.</summary>
public sealed record Requester(
    string Issuer, string Subject, CallerKind Kind, IReadOnlyList<string> Groups, IReadOnlyList<string> Chain,
    string Tenant)
{
    /// <summary>Who acts with the subject's token, as <see cref="Caller.Actor"/>; empty where nobody else does, and
    /// in approvals that an older gateway filed.</summary>
    public string Actor { get; init; } = "";

    /// <summary>A caller who asks.</summary>
    public static Requester Of(Caller caller)
    {
        ArgumentNullException.ThrowIfNull(caller);
        return new(caller.Issuer, caller.Subject, caller.Kind, caller.Groups, caller.Chain, caller.Tenant)
        {
            Actor = caller.Actor,
        };
    }
}

/// <summary>
/// A request for countersignature. Immutable: a move makes a new one with <see cref="Version"/> one higher, and the
/// store swaps it in only where the version is still the one that was read.
/// </summary>
public sealed record Approval
{
    /// <summary>UUIDv7, 32 hexadecimal digits with dashes.</summary>
    public required string Id { get; init; }

    /// <summary>Counts moves, from 1.</summary>
    public required long Version { get; init; }

    /// <summary>Where it stands.</summary>
    public required ApprovalState State { get; init; }

    /// <summary>The function's id.</summary>
    public required string Function { get; init; }

    /// <summary>The function's risk when it was asked.</summary>
    public required Risk Risk { get; init; }

    /// <summary>The HTTP method.</summary>
    public required string Method { get; init; }

    /// <summary>Path and query as sent.</summary>
    public required string Target { get; init; }

    /// <summary>The body's content type as sent, or empty.</summary>
    public required string ContentType { get; init; }

    /// <summary>Who asks.</summary>
    public required Requester Requester { get; init; }

    /// <summary>Why, from <c>Countersign-Reason</c>, or empty.</summary>
    public required string Reason { get; init; }

    /// <summary><c>sha256:</c> and 64 hexadecimal digits (DESIGN 4.2).</summary>
    public required string Digest { get; init; }

    /// <summary>The approve rules that asked for it, joined by a comma.</summary>
    public required string Rule { get; init; }

    /// <summary>What it takes.</summary>
    public required IReadOnlyList<StageTerms> Stages { get; init; }

    /// <summary>Who has decided so far, in order.</summary>
    public required IReadOnlyList<ApprovalDecision> Decisions { get; init; }

    /// <summary>When it was asked.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>
    /// When the present state lapses: the end of the decide window while pending, of the use window once approved.
    /// </summary>
    public required DateTimeOffset ExpiresAt { get; init; }

    /// <summary>How long it may be used once approved.</summary>
    public required TimeSpan UseWithin { get; init; }

    /// <summary>The policy version it was asked under.</summary>
    public required long PolicyVersion { get; init; }

    /// <summary>The call that asked, and later the call that claimed it.</summary>
    public required string Call { get; init; }

    /// <summary>The start of the gateway that claimed it, <c>name/start</c>; empty until then.</summary>
    public string Claimant { get; init; } = "";

    /// <summary>
    /// Who may break the glass: a person in a group of each list, one list for each rule; none when nobody may.
    /// </summary>
    public IReadOnlyList<IReadOnlyList<string>> BreakGlass { get; init; } = [];

    /// <summary>Who settled it without its approvers, or null.</summary>
    public ApprovalAct? Broken { get; init; }

    /// <summary>Who closed the review that a broken glass owes, or null.</summary>
    public ApprovalAct? Review { get; init; }

    /// <summary>What dynamic separations say of the call, by the policy it was asked under, or claimed under.</summary>
    public IReadOnlyList<Duty> Duties { get; init; } = [];

    /// <summary>
    /// True if a gateway makes the call as soon as it is approved (<c>respond-async</c>). The store tells; it is not
    /// part of the document.
    /// </summary>
    public bool Runs { get; init; }

    /// <summary>True while what came of the call waits to be fetched. The store tells, as for <see
    /// cref="Runs"/>.</summary>
    public bool HasOutcome { get; init; }

    /// <summary>True once what came of the call was fetched. The store tells, as for <see cref="Runs"/>.</summary>
    public bool IsOutcomeTold { get; init; }

    /// <summary>True while somebody else must still look at why the glass was broken.</summary>
    public bool OwesReview => Broken is not null && Review is null;
}
