namespace Countersign.Policy.Notices;

/// <summary>
/// Where notices wait: one bounded queue for each webhook, so that one that does not answer keeps no other waiting.
/// Every method is one atomic step in the store; none throws for a store that is away.
/// </summary>
public interface INoticeStore
{
    /// <summary>
    /// Files the notices of one event of one approval, once, whoever else files the same. A webhook whose queue is full
    /// gets its notice among the dead. <see cref="StoreStatus.Conflict"/> means that they were filed before.
    /// </summary>
    /// <param name="approval">The approval.</param>
    /// <param name="occasion">What makes the event the same: filed once for each occasion.</param>
    /// <param name="notices">One for each webhook that wants it.</param>
    ValueTask<StoreStatus> FileAsync(string approval, string occasion, IReadOnlyList<Notice> notices);

    /// <summary>The webhook's notice that has been due longest; not found when none is.</summary>
    /// <param name="webhook">The webhook's name.</param>
    /// <param name="lease">For how long nobody else gets it.</param>
    ValueTask<StoreResult<LeasedNotice>> TakeAsync(string webhook, TimeSpan lease);

    /// <summary>It was delivered: it is gone. <see cref="StoreStatus.Lapsed"/> once the lease is another's.</summary>
    ValueTask<StoreStatus> CompleteAsync(LeasedNotice taken);

    /// <summary>It was not delivered: again after <paramref name="delay"/>; null gives it up, among the dead.</summary>
    ValueTask<StoreStatus> FailAsync(LeasedNotice taken, TimeSpan? delay, string error);

    /// <summary>Lists notices of these webhooks, the dead ones or those that wait.</summary>
    ValueTask<StoreResult<NoticePage>> ListAsync(
        IReadOnlyList<string> webhooks, bool dead, int limit, string? cursor);

    /// <summary>Gives a dead notice of one of these webhooks another round of attempts.</summary>
    ValueTask<StoreStatus> ReviveAsync(IReadOnlyList<string> webhooks, string id);
}
