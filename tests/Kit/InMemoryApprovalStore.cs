using Countersign.Policy;
using Countersign.Policy.Approvals;

namespace Countersign.Kit;

/// <summary>
/// An approval store in memory that keeps the contract of <see cref="IApprovalStore"/>: one lock stands for the store's
/// atomic steps, its clock for the store's own. Never away by itself.
/// </summary>
public sealed class InMemoryApprovalStore(TimeProvider clock) : IApprovalStore
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Approval> _approvals = new(StringComparer.Ordinal);
    private readonly Dictionary<string, byte[]> _payloads = new(StringComparer.Ordinal);
    private readonly List<Watcher> _watchers = [];

    /// <inheritdoc/>
    public ValueTask<StoreResult<Approval>> AskAsync(Approval draft, ReadOnlyMemory<byte> sealedPayload)
    {
        ArgumentNullException.ThrowIfNull(draft);
        lock (_gate)
        {
            DateTimeOffset now = clock.GetUtcNow();
            Approval? live = _approvals.Values.FirstOrDefault(
                one => one.Digest == draft.Digest && ApprovalRules.IsLive(one, now));
            if (live is not null) return Ok(live);
            _approvals.Add(draft.Id, draft);
            _payloads.Add(draft.Id, sealedPayload.ToArray());
        }

        Tell(draft.Id);
        return Ok(draft);
    }

    /// <inheritdoc/>
    public ValueTask<StoreResult<Approval>> FindAsync(string id)
    {
        lock (_gate) return _approvals.TryGetValue(id, out Approval? found) ? Ok(Seen(found))
            : new(Not(StoreStatus.NotFound));
    }

    /// <inheritdoc/>
    public ValueTask<StoreResult<ApprovalPage>> ListAsync(
        ApprovalState? state, int limit, string? cursor, Func<Approval, bool>? where = null)
    {
        if (cursor is not null && !Guid.TryParse(cursor, out _))
            return new(new StoreResult<ApprovalPage>(StoreStatus.NotFound, null));
        lock (_gate)
        {
            Approval[] newestFirst = [.. _approvals.Values.Select(Seen)
                .Where(one => state is null || one.State == state)
                .Where(one => where is null || where(one))
                .Where(one => cursor is null || string.CompareOrdinal(one.Id, cursor) < 0)
                .OrderByDescending(one => one.Id, StringComparer.Ordinal)];
            string? next = newestFirst.Length > limit ? newestFirst[limit - 1].Id : null;
            return new(new StoreResult<ApprovalPage>(StoreStatus.Ok, new ApprovalPage([.. newestFirst.Take(limit)],
                next)));
        }
    }

    /// <inheritdoc/>
    public ValueTask<StoreResult<Approval>> MoveAsync(Approval from, Approval to)
    {
        ArgumentNullException.ThrowIfNull(from);
        ArgumentNullException.ThrowIfNull(to);
        lock (_gate)
        {
            if (!_approvals.TryGetValue(from.Id, out Approval? found)) return new(Not(StoreStatus.NotFound));
            if (found.Version != from.Version || found.State != from.State) return new(new StoreResult<Approval>(
                StoreStatus.Conflict, found));
            bool isOpen = found.State is ApprovalState.Pending or ApprovalState.Approved;
            if (isOpen && clock.GetUtcNow() >= found.ExpiresAt) return new(Not(StoreStatus.Lapsed));
            if (!ApprovalRules.IsMove(from.State,
                to.State)) return new(new StoreResult<Approval>(StoreStatus.Conflict, found));
            _approvals[from.Id] = to;
        }

        Tell(to.Id);
        return Ok(to);
    }

    /// <inheritdoc/>
    public ValueTask<StoreResult<byte[]>> PayloadAsync(string id)
    {
        lock (_gate)
        {
            return new(_payloads.TryGetValue(id, out byte[]? payload)
                ? new StoreResult<byte[]>(StoreStatus.Ok, payload)
                : new StoreResult<byte[]>(StoreStatus.NotFound, null));
        }
    }

    /// <inheritdoc/>
    public IDisposable Watch(string id, Action moved) => Add(id, _ => moved());

    /// <inheritdoc/>
    public IDisposable WatchAll(Action<string?> moved) => Add(null, moved);

    /// <summary>Tells those who watch all that any may have moved, as after a reconnect.</summary>
    public void Miss()
    {
        Action<string?>[] missed;
        lock (_gate) missed = [.. _watchers.Where(one => one.Id is null).Select(one => one.Moved)];
        foreach (Action<string?> tell in missed) tell(null);
    }

    private Watcher Add(string? id, Action<string?> moved)
    {
        Watcher watcher = new(this, id, moved);
        lock (_gate) _watchers.Add(watcher);
        return watcher;
    }

    private void Tell(string id)
    {
        Action<string?>[] moved;
        lock (_gate) moved = [.. _watchers.Where(one => one.Id is null || one.Id == id).Select(one => one.Moved)];
        foreach (Action<string?> tell in moved) tell(id);
    }

    private static ValueTask<StoreResult<Approval>> Ok(Approval approval)
        => new(new StoreResult<Approval>(StoreStatus.Ok, approval));

    private static StoreResult<Approval> Not(StoreStatus status) => new(status, null);

    // As the contract says: a window that has closed is told as expired, whoever has noticed it.
    private Approval Seen(Approval stored)
    {
        bool isOpen = stored.State is ApprovalState.Pending or ApprovalState.Approved;
        return isOpen && clock.GetUtcNow() >= stored.ExpiresAt ? stored with { State = ApprovalState.Expired } : stored;
    }

    private sealed class Watcher(InMemoryApprovalStore store, string? id, Action<string?> moved) : IDisposable
    {
        internal string? Id => id;

        internal Action<string?> Moved => moved;

        public void Dispose()
        {
            lock (store._gate) store._watchers.Remove(this);
        }
    }
}
