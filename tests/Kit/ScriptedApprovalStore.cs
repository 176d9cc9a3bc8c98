using Countersign.Policy;
using Countersign.Policy.Approvals;

namespace Countersign.Kit;

/// <summary>A store that does what another one does, except where it is told to fail.</summary>
internal sealed class ScriptedApprovalStore(IApprovalStore inner) : IApprovalStore
{
    private int _moves;
    private int _watches;

    /// <summary>The other one.</summary>
    internal IApprovalStore Inner => inner;

    /// <summary>True answers nothing.</summary>
    internal bool IsAway { get; set; }

    /// <summary>Called before a move is made; a status is returned in place of making it.</summary>
    internal Func<Approval, Approval, StoreStatus?>? OnMove { get; set; }

    /// <summary>Awaited before a move is made.</summary>
    internal Func<Approval, Task>? BeforeMove { get; set; }

    /// <summary>Called when a wait begins.</summary>
    internal Action<string>? OnWatch { get; set; }

    /// <summary>Moves asked for.</summary>
    internal int Moves => Volatile.Read(ref _moves);

    /// <summary>Waits that have begun.</summary>
    internal int Watches => Volatile.Read(ref _watches);

    public ValueTask<StoreResult<Approval>> AskAsync(
        Approval draft, ReadOnlyMemory<byte> sealedPayload, AskExtras extras = default) =>
        IsAway ? new(default(StoreResult<Approval>)) : inner.AskAsync(draft, sealedPayload, extras);

    public ValueTask<StoreStatus> BindAsync(Approval approval, string retryKey) =>
        IsAway ? new(StoreStatus.Unavailable) : inner.BindAsync(approval, retryKey);

    public ValueTask<StoreResult<Approval>> FindAsync(string id) =>
        IsAway ? new(default(StoreResult<Approval>)) : inner.FindAsync(id);

    public ValueTask<StoreResult<ApprovalPage>> ListAsync(
        ApprovalState? state, int limit, string? cursor, Func<Approval, bool>? where = null) =>
        IsAway ? new(default(StoreResult<ApprovalPage>)) : inner.ListAsync(state, limit, cursor, where);

    public ValueTask<StoreResult<ApprovalPage>> ListOwedAsync(
        int limit, string? cursor, Func<Approval, bool>? where = null) =>
        IsAway ? new(default(StoreResult<ApprovalPage>)) : inner.ListOwedAsync(limit, cursor, where);

    public async ValueTask<StoreResult<Approval>> MoveAsync(
        Approval from, Approval to, IReadOnlyList<SeenPerson>? seen = null)
    {
        Interlocked.Increment(ref _moves);
        if (IsAway) return default;
        if (BeforeMove is { } before) await before(to);
        return OnMove?.Invoke(from, to) is { } status
            ? new StoreResult<Approval>(status, null)
            : await inner.MoveAsync(from, to, seen);
    }

    public ValueTask<StoreResult<string>> ActAsync(
        IReadOnlyList<Duty> duties, string function, IReadOnlyList<string> people, bool writes, bool enforces) =>
        IsAway ? new(default(StoreResult<string>)) : inner.ActAsync(duties, function, people, writes, enforces);

    public ValueTask<StoreResult<byte[]>> PayloadAsync(string id) =>
        IsAway ? new(default(StoreResult<byte[]>)) : inner.PayloadAsync(id);

    public ValueTask<StoreResult<IReadOnlyList<SeenPerson>>> SeenAsync(Approval approval) =>
        IsAway ? new(default(StoreResult<IReadOnlyList<SeenPerson>>)) : inner.SeenAsync(approval);

    /// <inheritdoc/>
    public ValueTask<StoreResult<SeenPerson>> SeenAsync(string issuer, string subject) =>
        IsAway ? new(default(StoreResult<SeenPerson>)) : inner.SeenAsync(issuer, subject);

    public ValueTask<StoreStatus> NoteAsync(Caller person) =>
        IsAway ? new(StoreStatus.Unavailable) : inner.NoteAsync(person);

    public ValueTask<StoreResult<IReadOnlyList<string>>> ListRunsAsync(int limit) =>
        IsAway ? new(default(StoreResult<IReadOnlyList<string>>)) : inner.ListRunsAsync(limit);

    public ValueTask<StoreResult<byte[]>> RunAsync(string id) =>
        IsAway ? new(default(StoreResult<byte[]>)) : inner.RunAsync(id);

    public ValueTask<StoreStatus> KeepOutcomeAsync(string id, ReadOnlyMemory<byte> sealedOutcome, TimeSpan keep) =>
        IsAway ? new(StoreStatus.Unavailable) : inner.KeepOutcomeAsync(id, sealedOutcome, keep);

    public ValueTask<StoreResult<byte[]>> OutcomeAsync(string id) =>
        IsAway ? new(default(StoreResult<byte[]>)) : inner.OutcomeAsync(id);

    public ValueTask<StoreResult<byte[]>> TakeOutcomeAsync(string id) =>
        IsAway ? new(default(StoreResult<byte[]>)) : inner.TakeOutcomeAsync(id);

    public IDisposable Watch(string id, Action moved)
    {
        IDisposable watch = inner.Watch(id, moved);
        Interlocked.Increment(ref _watches);
        OnWatch?.Invoke(id);
        return watch;
    }

    public IDisposable WatchAll(Action<string?> moved) => inner.WatchAll(moved);
}
