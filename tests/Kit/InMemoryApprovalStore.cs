using Countersign.Policy;
using Countersign.Policy.Approvals;

namespace Countersign.Kit;

/// <summary>
/// An approval store in memory that keeps the contract of <see cref="IApprovalStore"/>: one lock stands for the store's
/// atomic steps, its clock for the store's own. Never away by itself. The real stores are held to it by a test that
/// gives both the same commands.
/// </summary>
public sealed partial class InMemoryApprovalStore(TimeProvider clock) : IApprovalStore
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Kept> _approvals = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (string Digest, string Id)> _retryKeys = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (long IssuedAt, string Text)> _people = new(StringComparer.Ordinal);
    private readonly DutyBook _duties = new();
    private readonly Dictionary<string, DateTimeOffset> _askedUntil = new(StringComparer.Ordinal);
    private readonly List<Watcher> _watchers = [];

    /// <summary>Which master answers; what was settled under another is void.</summary>
    public string Master { get; set; } = "first";

    /// <inheritdoc/>
    public ValueTask<StoreResult<Approval>> AskAsync(
        Approval draft, ReadOnlyMemory<byte> sealedPayload, AskExtras extras = default)
    {
        ArgumentNullException.ThrowIfNull(draft);
        Approval asked;
        lock (_gate)
        {
            string retryKey = extras.RetryKey ?? "";
            if (_retryKeys.TryGetValue(retryKey, out (string Digest, string Id) known))
            {
                return known.Digest == draft.Digest ? Ok(Seen(_approvals[known.Id])) : Ended(StoreStatus.Mismatch);
            }

            Kept? live = _approvals.Values.FirstOrDefault(
                one => one.Approval.Digest == draft.Digest && IsOpen(one.Approval) && !IsLapsed(one));
            if (live is null && _approvals.ContainsKey(draft.Id)) return Ended(StoreStatus.Conflict);
            if (live is null && extras.JoinsOnly) return Ended(StoreStatus.NotFound);
            if (live is null && extras.Limits is { } limits && Limit(draft, limits) is { } wait)
                return new(new StoreResult<Approval>(StoreStatus.Limited, null) { RetryAfter = wait });
            if (live is null)
            {
                TimeSpan window = draft.ExpiresAt - draft.CreatedAt;
                live = new Kept(draft with { ExpiresAt = clock.GetUtcNow() + window })
                {
                    Payload = IsKept(draft) ? sealedPayload.ToArray() : null,
                    Counted = extras.Limits is null ? [] : AskLimits.CountedOf(draft.Requester),
                };
                _approvals.Add(draft.Id, live);
            }

            if (retryKey.Length > 0)
            {
                _retryKeys.Add(retryKey, (draft.Digest, live.Approval.Id));
                live.IsKeyed = true;
            }

            if (extras.SealedRun.Length > 0)
            {
                live.Runs = true;
                if (IsKept(live.Approval)) live.Run ??= extras.SealedRun.ToArray();
            }

            asked = Seen(live);
        }

        Tell(asked.Id);
        return Ok(asked);
    }

    /// <inheritdoc/>
    public ValueTask<StoreResult<Approval>> FindAsync(string id)
    {
        lock (_gate)
        {
            return _approvals.TryGetValue(id, out Kept? found) ? Ok(Seen(found)) : Ended(StoreStatus.NotFound);
        }
    }

    /// <inheritdoc/>
    public ValueTask<StoreResult<ApprovalPage>> ListAsync(
        ApprovalState? state, int limit, string? cursor, Func<Approval, bool>? where = null) =>
        Page(one => (state is null || one.State == state) && (where is null || where(one)), limit, cursor);

    /// <inheritdoc/>
    public ValueTask<StoreResult<ApprovalPage>> ListOwedAsync(
        int limit, string? cursor, Func<Approval, bool>? where = null) =>
        Page(one => one.OwesReview && (where is null || where(one)), limit, cursor);

    /// <inheritdoc/>
    public ValueTask<StoreResult<Approval>> MoveAsync(
        Approval from, Approval to, IReadOnlyList<SeenPerson>? seen = null)
    {
        ArgumentNullException.ThrowIfNull(from);
        ArgumentNullException.ThrowIfNull(to);
        bool isReview = from.OwesReview && to.Review is not null && to.State == from.State;
        if (to.Version != from.Version + 1 || !(isReview || ApprovalRules.IsMove(from.State, to.State)))
            throw new ArgumentException("Not a move of the state machine.", nameof(to));
        Approval moved;
        lock (_gate)
        {
            if (!_approvals.TryGetValue(from.Id, out Kept? found)) return Ended(StoreStatus.NotFound);
            bool isThere = found.Approval.Version == from.Version
                && (isReview ? found.Approval.OwesReview : found.Approval.State == from.State);
            if (!isThere) return new(new StoreResult<Approval>(StoreStatus.Conflict, Seen(found)));
            if (!isReview && IsLapsed(found)) return new(new StoreResult<Approval>(StoreStatus.Lapsed, Seen(found)));
            bool isChanged = (seen ?? []).Any(person => TextOf(person.Issuer, person.Subject) != person.Stored);
            if (isChanged) return new(new StoreResult<Approval>(StoreStatus.Conflict, Seen(found)));
            IReadOnlyList<string> people = Duty.PeopleOf(from, to);
            if (people.Count > 0)
            {
                bool writes = to.State == ApprovalState.Claimed;
                string? refused = _duties.Act(to.Duties, to.Function, people, writes, true, clock.GetUtcNow());
                if (refused is not null)
                    return new(new StoreResult<Approval>(StoreStatus.DutyConflict, Seen(found))
                    {
                        Separation = refused,
                    });
            }

            Settle(found, from, isReview ? to with { State = found.Approval.State } : to);

            // A move is told as it was made, even one into a window that is over at once.
            moved = isReview ? Seen(found) : Seen(found) with { State = to.State };
        }

        Tell(to.Id);
        return Ok(moved);
    }

    /// <inheritdoc/>
    public ValueTask<StoreResult<string>> ActAsync(
        IReadOnlyList<Duty> duties, string function, IReadOnlyList<string> people, bool writes, bool enforces)
    {
        lock (_gate)
        {
            string? met = _duties.Act(duties, function, people, writes, enforces, clock.GetUtcNow());
            return new(met is not null && enforces
                ? new StoreResult<string>(StoreStatus.DutyConflict, null) { Separation = met }
                : new StoreResult<string>(StoreStatus.Ok, met ?? ""));
        }
    }

    /// <inheritdoc/>
    public ValueTask<StoreResult<byte[]>> PayloadAsync(string id) => Bytes(id, kept => kept.Payload);

    /// <inheritdoc/>
    public ValueTask<StoreResult<IReadOnlyList<SeenPerson>>> SeenAsync(Approval approval)
    {
        lock (_gate)
        {
            IReadOnlyList<SeenPerson> people = [.. SeenPerson.BehindOf(approval).Select(person =>
                new SeenPerson(person.Issuer, person.Subject, TextOf(person.Issuer, person.Subject)))];
            return new(new StoreResult<IReadOnlyList<SeenPerson>>(StoreStatus.Ok, people));
        }
    }

    /// <inheritdoc/>
    public ValueTask<StoreResult<SeenPerson>> SeenAsync(string issuer, string subject)
    {
        lock (_gate)
        {
            SeenPerson seen = new(issuer, subject, TextOf(issuer, subject));
            return new(new StoreResult<SeenPerson>(StoreStatus.Ok, seen));
        }
    }

    /// <inheritdoc/>
    public ValueTask<StoreStatus> NoteAsync(Caller person)
    {
        ArgumentNullException.ThrowIfNull(person);
        lock (_gate)
        {
            string key = SeenPerson.KeyOf(person.Issuer, person.Subject);
            bool isNewer = !_people.TryGetValue(key, out (long IssuedAt, string Text) held)
                || held.IssuedAt <= person.IssuedAt;
            if (isNewer) _people[key] = (person.IssuedAt, SeenPerson.TextOf(person));
            return new(StoreStatus.Ok);
        }
    }

    /// <inheritdoc/>
    public IDisposable Watch(string id, Action moved)
    {
        Watcher watcher = new(this, id, _ => moved());
        lock (_gate) _watchers.Add(watcher);
        return watcher;
    }

    /// <inheritdoc/>
    public IDisposable WatchAll(Action<string?> moved)
    {
        Watcher watcher = new(this, null, moved);
        lock (_gate) _watchers.Add(watcher);
        return watcher;
    }

    /// <summary>Tells those who watch all that any may have moved, as after a reconnect.</summary>
    public void Miss()
    {
        Watcher[] missed;
        lock (_gate) missed = [.. _watchers.Where(one => one.Id is null)];
        foreach (Watcher watcher in missed) watcher.Moved(null);
    }

    private static ValueTask<StoreResult<Approval>> Ok(Approval approval)
        => new(new StoreResult<Approval>(StoreStatus.Ok, approval));

    private static ValueTask<StoreResult<Approval>> Ended(StoreStatus status) =>
        new(new StoreResult<Approval>(status, null));

    // How long to wait; null counts the ask.
    private TimeSpan? Limit(Approval draft, AskLimits limits)
    {
        IReadOnlyList<string> counted = AskLimits.CountedOf(draft.Requester);
        DateTimeOffset now = clock.GetUtcNow();
        Dictionary<string, DateTimeOffset> until = [];
        foreach (string who in counted)
        {
            int pending = _approvals.Values.Count(one => one.Approval.State == ApprovalState.Pending
                && !IsLapsed(one) && one.Counted.Contains(who));
            if (pending >= limits.PendingMax) return AskLimits.PendingRetryAfter;
            DateTimeOffset spent = _askedUntil.GetValueOrDefault(who);
            until[who] = (spent > now ? spent : now) + (TimeSpan.FromMinutes(1) / limits.PerMinute);
            TimeSpan over = until[who] - now - TimeSpan.FromMinutes(1);
            if (over > TimeSpan.FromMicroseconds(1)) return over;
        }

        foreach ((string who, DateTimeOffset end) in until) _askedUntil[who] = end;
        return null;
    }

    // What is over before it is filed keeps nothing.
    private static bool IsKept(Approval approval) =>
        approval.ExpiresAt - approval.CreatedAt + approval.UseWithin > TimeSpan.Zero;

    private static bool IsOpen(Approval approval) =>
        approval.State is ApprovalState.Pending or ApprovalState.Approved;

    private void Settle(Kept found, Approval from, Approval to)
    {
        bool isSettled = from.State == ApprovalState.Pending && to.State == ApprovalState.Approved;
        if (isSettled) found.Master = Master;
        bool isVoid = to.State == ApprovalState.Expired;
        found.Approval = to with
        {
            ExpiresAt = isSettled ? clock.GetUtcNow() + to.UseWithin
                : isVoid && clock.GetUtcNow() < found.Approval.ExpiresAt ? clock.GetUtcNow()
                : found.Approval.ExpiresAt,
        };
        if (IsOpen(to)) return;
        found.Run = null;
        bool cameToNothing = to.State is ApprovalState.Denied or ApprovalState.Cancelled or ApprovalState.Revoked
            or ApprovalState.Expired;
        if (cameToNothing) found.Payload = null;
    }

    private string TextOf(string issuer, string subject) =>
        _people.TryGetValue(SeenPerson.KeyOf(issuer, subject), out (long, string Text) held) ? held.Text : "";

    private ValueTask<StoreResult<ApprovalPage>> Page(Func<Approval, bool> isWanted, int limit, string? cursor)
    {
        if (cursor is not null && !Guid.TryParse(cursor, out _))
            return new(new StoreResult<ApprovalPage>(StoreStatus.NotFound, null));
        lock (_gate)
        {
            Approval[] newestFirst = [.. _approvals.Values.Select(Seen)
                .Where(isWanted)
                .Where(one => cursor is null || string.CompareOrdinal(one.Id, cursor) < 0)
                .OrderByDescending(one => one.Id, StringComparer.Ordinal)];
            string? next = newestFirst.Length > limit ? newestFirst[limit - 1].Id : null;
            return new(new StoreResult<ApprovalPage>(
                StoreStatus.Ok, new ApprovalPage([.. newestFirst.Take(limit)], next)));
        }
    }

    private ValueTask<StoreResult<byte[]>> Bytes(string id, Func<Kept, byte[]?> of)
    {
        lock (_gate)
        {
            byte[]? bytes = _approvals.TryGetValue(id, out Kept? kept) ? of(kept) : null;
            return new(new StoreResult<byte[]>(bytes is null ? StoreStatus.NotFound : StoreStatus.Ok, bytes));
        }
    }

    private void Tell(string id)
    {
        Watcher[] told;
        lock (_gate) told = [.. _watchers.Where(one => one.Id is null || one.Id == id)];
        foreach (Watcher watcher in told) watcher.Moved(id);
    }

    private bool IsLapsed(Kept kept) => IsOpen(kept.Approval)
        && (clock.GetUtcNow() >= kept.Approval.ExpiresAt
            || (kept.Approval.State == ApprovalState.Approved && kept.Master != Master));

    // As the contract says: a window that has closed is told as expired, whoever has noticed it.
    private Approval Seen(Kept kept) => kept.Approval with
    {
        State = IsLapsed(kept) ? ApprovalState.Expired : kept.Approval.State,
        Runs = kept.Runs,
        HasOutcome = kept.Outcome is not null && !kept.IsTold,
        IsOutcomeTold = kept.IsTold,
    };

    private sealed class Kept(Approval approval)
    {
        internal Approval Approval { get; set; } = approval;

        internal string Master { get; set; } = "";

        internal IReadOnlyList<string> Counted { get; init; } = [];

        internal byte[]? Payload { get; set; }

        internal byte[]? Run { get; set; }

        internal bool Runs { get; set; }

        internal byte[]? Outcome { get; set; }

        internal bool IsTold { get; set; }

        internal bool IsKeyed { get; set; }
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
