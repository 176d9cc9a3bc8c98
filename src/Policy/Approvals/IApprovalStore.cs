namespace Countersign.Policy.Approvals;

/// <summary>A page of approvals, newest first.</summary>
/// <param name="Items">The approvals.</param>
/// <param name="Next">Pass it on to get the next page; null at the end.</param>
public sealed record ApprovalPage(IReadOnlyList<Approval> Items, string? Next);

/// <summary>What may be asked beside the approval itself.</summary>
/// <param name="SealedRun">The whole call, sealed, for a gateway to make once it is approved; empty for a caller who
/// comes back.</param>
/// <param name="RetryKey">The caller's own name for the call, made one that no other caller has; empty for
/// none.</param>
public readonly record struct AskExtras(ReadOnlyMemory<byte> SealedRun, string? RetryKey)
{
    /// <summary>What one requester, and each person behind it, may file; null does not count.</summary>
    public AskLimits? Limits { get; init; }

    /// <summary>Joins what is there, and files nothing: the draft lacks what a new approval takes.</summary>
    public bool JoinsOnly { get; init; }
}

/// <summary>How much may be asked of approvers by one requester, and on behalf of each person of its chain.</summary>
/// <param name="PendingMax">Approvals that are pending at once.</param>
/// <param name="PerMinute">Approvals filed in a minute.</param>
public sealed record AskLimits(int PendingMax, int PerMinute)
{
    /// <summary>How soon to come back where too much is pending: nobody knows when it is decided.</summary>
    public static readonly TimeSpan PendingRetryAfter = TimeSpan.FromSeconds(30);

    /// <summary>Everybody whose asks an approval is counted with: its requester, and each person behind it.</summary>
    public static IReadOnlyList<string> CountedOf(Requester requester)
    {
        ArgumentNullException.ThrowIfNull(requester);
        return
        [
            "caller:" + SeenPerson.KeyOf(requester.Issuer, requester.Subject),
            .. requester.Chain.Select(person => person.ToUpperInvariant()).Distinct(StringComparer.Ordinal)
                .Select(person => "person:" + SeenPerson.KeyOf("", person)),
        ];
    }
}

/// <summary>
/// Where approvals live. Every method is one atomic step in the store; none throws for a store that is away. Windows
/// are opened and closed by the store's clock: <see cref="Approval.ExpiresAt"/> is what the store says.
/// </summary>
public interface IApprovalStore
{
    /// <summary>
    /// Joins the live (pending or approved, not lapsed) approval with the draft's digest, or files the draft with its
    /// sealed payload. The result's id differs from the draft's when it joined. With a retry key that is known, joins
    /// what it stands for, in whatever state; <see cref="StoreStatus.Mismatch"/> if that has another digest.
    /// What would be filed beyond the limits is not: <see cref="StoreStatus.Limited"/>. Joining is never limited.
    /// Who only joins and finds nothing to join is told <see cref="StoreStatus.NotFound"/>.
    /// </summary>
    ValueTask<StoreResult<Approval>> AskAsync(
        Approval draft, ReadOnlyMemory<byte> sealedPayload, AskExtras extras = default);

    /// <summary>
    /// Lets a retry key stand for an approval that was not asked with it, if it is live; a key that stands for it
    /// already does so in whatever state. <see cref="StoreStatus.Mismatch"/> if the key stands for another one,
    /// <see cref="StoreStatus.NotFound"/> if it stands for nothing and the approval is not live.
    /// </summary>
    /// <param name="approval">As the store returned it.</param>
    /// <param name="retryKey">As in <see cref="AskExtras.RetryKey"/>; not empty.</param>
    ValueTask<StoreStatus> BindAsync(Approval approval, string retryKey);

    /// <summary>Reads one. A pending or approved approval whose window has closed is returned as expired.</summary>
    ValueTask<StoreResult<Approval>> FindAsync(string id);

    /// <summary>
    /// Lists approvals, newest first. A page may hold fewer than asked for, even none, and still name a next one. A
    /// cursor goes on from where its page ended, whatever was filed or moved meanwhile; one that no page named is
    /// <see cref="StoreStatus.NotFound"/>.
    /// </summary>
    /// <param name="state">Only these; null lists all.</param>
    /// <param name="limit">The most on a page.</param>
    /// <param name="cursor">What the page before said; null begins with the newest.</param>
    /// <param name="where">Only these; null takes all. Called once for each that the state lets through.</param>
    ValueTask<StoreResult<ApprovalPage>> ListAsync(
        ApprovalState? state, int limit, string? cursor, Func<Approval, bool>? where = null);

    /// <summary>Lists those whose glass was broken and whose review is owed, the latest first.</summary>
    ValueTask<StoreResult<ApprovalPage>> ListOwedAsync(
        int limit, string? cursor, Func<Approval, bool>? where = null);

    /// <summary>
    /// Swaps <paramref name="from"/> for <paramref name="to"/> if the stored version and state are still those of
    /// <paramref name="from"/> and, where <paramref name="from"/> is pending or approved, its window has not closed by
    /// the store's clock. <see cref="StoreStatus.Unavailable"/> means nobody knows whether it happened.
    /// </summary>
    /// <param name="from">As the store returned it.</param>
    /// <param name="to">A move of it.</param>
    /// <param name="seen">What must still be known of the people behind it; anything newer is a conflict.</param>
    ValueTask<StoreResult<Approval>> MoveAsync(
        Approval from, Approval to, IReadOnlyList<SeenPerson>? seen = null);

    /// <summary>
    /// Checks that none of the people did another function on the duties' objects within their windows and, if it is
    /// to be written, remembers that they did this one: one step, so that of two calls at once one is refused. Moves
    /// do the same for an approval's duties: a claim writes, a decision only checks.
    /// </summary>
    /// <param name="duties">Not empty.</param>
    /// <param name="function">The function that is done.</param>
    /// <param name="people">As <see cref="Duty.PeopleOf(Caller)"/> gives them.</param>
    /// <param name="writes">False only asks.</param>
    /// <param name="enforces">False writes even where there is a conflict.</param>
    /// <returns><see cref="StoreStatus.DutyConflict"/> and the separation, also when its object has no more room for
    /// people. Not enforced it is Ok, and the value tells the separation; empty where there was no conflict.</returns>
    ValueTask<StoreResult<string>> ActAsync(
        IReadOnlyList<Duty> duties, string function, IReadOnlyList<string> people, bool writes, bool enforces);

    /// <summary>The sealed payload, or not found once it has expired.</summary>
    ValueTask<StoreResult<byte[]>> PayloadAsync(string id);

    /// <summary>What the control listener last saw of the people behind an approval.</summary>
    ValueTask<StoreResult<IReadOnlyList<SeenPerson>>> SeenAsync(Approval approval);

    /// <summary>What was last seen of one person, of the newest token that anybody was shown.</summary>
    /// <param name="issuer">Who vouches for the person.</param>
    /// <param name="subject">The person.</param>
    ValueTask<StoreResult<SeenPerson>> SeenAsync(string issuer, string subject);

    /// <summary>Notes the groups of a person who shows a token, unless a newer one has told of them.</summary>
    ValueTask<StoreStatus> NoteAsync(Caller person);

    /// <summary>The ids of approvals that wait to be run, or may, the oldest first.</summary>
    ValueTask<StoreResult<IReadOnlyList<string>>> ListRunsAsync(int limit);

    /// <summary>The sealed call of one of them; not found once it was claimed or has ended.</summary>
    ValueTask<StoreResult<byte[]>> RunAsync(string id);

    /// <summary>Keeps what came of a claimed call, sealed.</summary>
    ValueTask<StoreStatus> KeepOutcomeAsync(string id, ReadOnlyMemory<byte> sealedOutcome, TimeSpan keep);

    /// <summary>What came of a call; it stays.</summary>
    ValueTask<StoreResult<byte[]>> OutcomeAsync(string id);

    /// <summary>
    /// What came of a call, for who fetches it: once. It is gone then, unless a retry key stands for the approval: then
    /// <see cref="OutcomeAsync"/> still has it.
    /// </summary>
    ValueTask<StoreResult<byte[]>> TakeOutcomeAsync(string id);

    /// <summary>
    /// Calls <paramref name="moved"/> on every move of the approval, on any gateway, until disposed. It may be called
    /// without a move (a reconnect), never miss one without such a call.
    /// </summary>
    IDisposable Watch(string id, Action moved);

    /// <summary>
    /// As <see cref="Watch"/>, for every approval: filed or moved, on any gateway. <paramref name="moved"/> gets the
    /// id, or null when any may have moved. It must not wait.
    /// </summary>
    IDisposable WatchAll(Action<string?> moved);
}
