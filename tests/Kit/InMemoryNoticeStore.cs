using Countersign.Policy;
using Countersign.Policy.Notices;

namespace Countersign.Kit;

/// <summary>
/// A notice store in memory that keeps the contract of <see cref="INoticeStore"/>: one lock stands for the store's
/// atomic steps, its clock for the store's own.
/// </summary>
internal sealed class InMemoryNoticeStore(TimeProvider clock) : INoticeStore
{
    private readonly Lock _gate = new();
    private readonly HashSet<(string, string)> _filed = [];
    private readonly List<Held> _held = [];
    private int _leases;

    /// <summary>True answers nothing.</summary>
    internal bool IsAway { get; set; }

    public ValueTask<StoreStatus> FileAsync(string approval, string occasion, IReadOnlyList<Notice> notices)
    {
        if (IsAway) return new(StoreStatus.Unavailable);
        lock (_gate)
        {
            if (!_filed.Add((approval, occasion))) return new(StoreStatus.Conflict);
            foreach (Notice notice in notices) _held.Add(new Held(notice) { At = clock.GetUtcNow() });
            return new(StoreStatus.Ok);
        }
    }

    public ValueTask<StoreResult<LeasedNotice>> TakeAsync(string webhook, TimeSpan lease)
    {
        if (IsAway) return new(default(StoreResult<LeasedNotice>));
        lock (_gate)
        {
            Held? due = _held.Where(one => !one.IsDead && one.Notice.Webhook == webhook && one.At <= clock.GetUtcNow())
                .MinBy(one => one.At);
            if (due is null) return new(new StoreResult<LeasedNotice>(StoreStatus.NotFound, null));
            due.At = clock.GetUtcNow() + lease;
            due.Attempts++;
            due.Lease = $"{++_leases}";
            return new(new StoreResult<LeasedNotice>(StoreStatus.Ok, new(due.Notice, due.Attempts, due.Lease)));
        }
    }

    public ValueTask<StoreStatus> CompleteAsync(LeasedNotice taken) => EndAsync(taken, one => _held.Remove(one));

    public ValueTask<StoreStatus> FailAsync(LeasedNotice taken, TimeSpan? delay, string error) =>
        EndAsync(taken, one =>
        {
            one.IsDead = delay is null;
            one.At = clock.GetUtcNow() + (delay ?? TimeSpan.Zero);
            one.Error = error;
            one.Lease = "";
        });

    public ValueTask<StoreResult<NoticePage>> ListAsync(
        IReadOnlyList<string> webhooks, bool dead, int limit, string? cursor)
    {
        if (IsAway) return new(default(StoreResult<NoticePage>));
        if (cursor is not null) return new(new StoreResult<NoticePage>(StoreStatus.NotFound, null));
        lock (_gate)
        {
            FiledNotice[] items = [.. _held.Where(one => one.IsDead == dead && webhooks.Contains(one.Notice.Webhook))
                .OrderByDescending(one => one.At).Take(limit)
                .Select(one => new FiledNotice(one.Notice, one.Attempts, one.Error, one.At))];
            return new(new StoreResult<NoticePage>(StoreStatus.Ok, new NoticePage(items, null)));
        }
    }

    public ValueTask<StoreStatus> ReviveAsync(IReadOnlyList<string> webhooks, string id)
    {
        if (IsAway) return new(StoreStatus.Unavailable);
        lock (_gate)
        {
            Held? dead = _held.Find(one => one.IsDead && one.Notice.Id == id && webhooks.Contains(one.Notice.Webhook));
            if (dead is null) return new(StoreStatus.NotFound);
            dead.IsDead = false;
            dead.Attempts = 0;
            dead.At = clock.GetUtcNow();
            return new(StoreStatus.Ok);
        }
    }

    private ValueTask<StoreStatus> EndAsync(LeasedNotice taken, Action<Held> end)
    {
        lock (_gate)
        {
            Held? held = _held.Find(one => one.Notice.Id == taken.Notice.Id && one.Lease == taken.Lease);
            if (held is null) return new(StoreStatus.Lapsed);
            end(held);
            return new(StoreStatus.Ok);
        }
    }

    private sealed class Held(Notice notice)
    {
        internal Notice Notice => notice;

        internal DateTimeOffset At { get; set; }

        internal int Attempts { get; set; }

        internal string Lease { get; set; } = "";

        internal string Error { get; set; } = "";

        internal bool IsDead { get; set; }
    }
}
