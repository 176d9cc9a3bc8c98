namespace Countersign.Policy.Approvals;

/// <summary>A page of approvals, newest first.</summary>
/// <param name="Items">The approvals.</param>
/// <param name="Next">Pass it on to get the next page; null at the end.</param>
public sealed record ApprovalPage(IReadOnlyList<Approval> Items, string? Next);

/// <summary>
/// Where approvals live. Every method is one atomic step in the store; none throws for a store that is away.
/// </summary>
public interface IApprovalStore
{
    /// <summary>
    /// Joins the live (pending or approved, not lapsed) approval with the draft's digest, or files the draft with its
    /// sealed payload. The result's id differs from the draft's when it joined.
    /// </summary>
    ValueTask<StoreResult<Approval>> AskAsync(Approval draft, ReadOnlyMemory<byte> sealedPayload);

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

    /// <summary>
    /// Swaps <paramref name="from"/> for <paramref name="to"/> if the stored version and state are still those of
    /// <paramref name="from"/> and, where <paramref name="from"/> is pending or approved, its window has not closed by
    /// the store's clock. <see cref="StoreStatus.Unavailable"/> means nobody knows whether it happened.
    /// </summary>
    ValueTask<StoreResult<Approval>> MoveAsync(Approval from, Approval to);

    /// <summary>The sealed payload, or not found once it has expired.</summary>
    ValueTask<StoreResult<byte[]>> PayloadAsync(string id);

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
