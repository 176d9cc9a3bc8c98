using Countersign.Policy;

namespace Countersign.DataPlane.Upstream;

/// <summary>
/// One upstream of the policy in force: chooses the endpoint of each call, opens connections, and leaves out what does
/// not work. Calls read immutable arrays; whatever changes those does so on the heartbeat or after a failure, under a
/// lock that no call that goes well ever takes.
/// </summary>
internal sealed class UpstreamGroup
{
    // As HAProxy's: the first and three more.
    private const int ConnectsMax = 4;

    // Endpoints are looked at one after the other: a place that is given back behind the look is found by the next.
    private const int LooksMax = 8;

    private readonly UpstreamParts _parts;
    private readonly NameWatch[] _names;
    private readonly Lock _gate = new();
    private readonly Action _onNames;
    private readonly Action<EndpointPool> _onHealth;
    private EndpointPool[] _members = [];
    private EndpointPool[] _ready = [];
    private HealthProbe[] _probes = [];
    private int _callsInFlight;
    private long _beatAt;
    private bool _isRetired;

    internal UpstreamGroup(Policy.Upstream terms, UpstreamParts parts, UpstreamGroup? before)
    {
        Terms = terms;
        _parts = parts;
        _onNames = Regroup;
        _onHealth = NoteHealth;
        Retries = new RetryBudget(terms.RetryBudgetPercent);
        _names = [.. terms.Endpoints.Select(endpoint => new NameWatch(endpoint, parts.Resolver,
            Array.Find(before?._names ?? [], name => name.Endpoint == endpoint)))];
        if (before is not null) _members = [.. before._members.Where(member => member.Tls == terms.Tls)];
        _beatAt = parts.Clock.GetTimestamp();
        Regroup();
    }

    /// <summary>What the policy says of it.</summary>
    internal Policy.Upstream Terms { get; }

    /// <summary>What its retries may cost.</summary>
    internal RetryBudget Retries { get; }

    /// <summary>Every address of every endpoint.</summary>
    internal EndpointPool[] Members => Volatile.Read(ref _members);

    /// <summary>Calls in flight.</summary>
    internal int CallsInFlight => Volatile.Read(ref _callsInFlight);

    /// <summary>Counts a call in; false if there are as many as there may be.</summary>
    [HotPath]
    internal bool TryEnter()
    {
        if (Interlocked.Increment(ref _callsInFlight) <= Terms.CallsInFlightMax)
        {
            Retries.Earn();
            return true;
        }

        Interlocked.Decrement(ref _callsInFlight);
        return false;
    }

    /// <summary>Counts a call out that got no connection.</summary>
    internal void Leave() => Interlocked.Decrement(ref _callsInFlight);

    /// <summary>
    /// Chooses the endpoint of a call and takes an idle connection to it. Without one, the endpoint is still chosen and
    /// <see cref="ConnectAsync"/> goes on from there.
    /// </summary>
    /// <param name="isStrict">The call must have a fresh connection, and may not be what tries an endpoint.</param>
    /// <param name="chosen">The endpoint, with the call counted in; null if none is ready, or this one is full.</param>
    [HotPath]
    internal UpstreamConnection? TryTake(bool isStrict, out EndpointPool? chosen)
    {
        chosen = Choose(isStrict);
        if (chosen is null) return null;
        if (!chosen.TryBeginCall(Terms.ConnectionsMax))
        {
            chosen.Circuit.EndTrial();
            chosen = null;
            return null;
        }

        if (isStrict) return null;
        chosen.NoteRider();
        UpstreamConnection? connection = chosen.TryTake();
        connection?.Begin(this);
        return connection;
    }

    /// <summary>Opens a connection: to the chosen endpoint, and to others where it cannot be reached.</summary>
    internal async ValueTask<Connected> ConnectAsync(bool isStrict, EndpointPool? chosen)
    {
        if (chosen is null && Members.Length == 0) await ResolveAsync();
        EndpointPool? endpoint = chosen ?? ChooseAnew(isStrict);
        for (int attempt = 1; endpoint is not null; attempt++)
        {
            (bool hasPlace, UpstreamConnection? connection) = endpoint.TryOpen(Terms.ConnectionsMax)
                ? (true, null)
                : await MakeRoomAsync(endpoint, isStrict);
            if (!hasPlace) return new(null, ConnectFault.AtLimit);
            string refusal = "";
            if (connection is null) (connection, refusal) = await OpenAsync(endpoint);
            if (connection is not null)
            {
                connection.Begin(this);
                return new(connection, ConnectFault.None);
            }

            _parts.Metrics.ConnectFailed();
            Fail(endpoint);
            bool mayRetry = !isStrict && attempt < ConnectsMax && Members.Length > 1 && Retries.TrySpend();
            if (!mayRetry) return new(null, ConnectFault.Unreachable, refusal);
            _parts.Metrics.Retried();
            endpoint = After(endpoint);
        }

        if (Volatile.Read(ref _ready).Length > 0) return new(null, ConnectFault.AtLimit);
        return new(null, Members.Length == 0 ? ConnectFault.Unresolved : ConnectFault.Unhealthy);
    }

    /// <summary>Counts a connection that turned out never to have been one.</summary>
    internal void NoteConnectFailed() => _parts.Metrics.ConnectFailed();

    /// <summary>Counts a call out and notes what it says of its endpoint.</summary>
    [HotPath]
    internal void End(EndpointPool endpoint, CallResult result)
    {
        endpoint.EndCall();
        Interlocked.Decrement(ref _callsInFlight);
        if (result == CallResult.Answered && endpoint.Circuit.IsCalm) return;
        Note(endpoint, result);
    }

    /// <summary>Resolves, checks, and lets ejected endpoints try again, where it is time to.</summary>
    internal void Beat(long now)
    {
        long frequency = _parts.Clock.TimestampFrequency;
        Retries.Refill(TimeSpan.FromSeconds((double)(now - _beatAt) / frequency));
        _beatAt = now;
        long every = (long)(Terms.ResolveEvery.TotalSeconds * frequency);
        foreach (NameWatch name in _names)
        {
            name.Beat(now, every, soon: frequency, _parts.Limits.ConnectWithin, _onNames);
        }

        foreach (HealthProbe probe in Volatile.Read(ref _probes)) probe.Beat(now, _onHealth);
        bool isChange = false;
        lock (_gate)
        {
            foreach (EndpointPool member in _members)
            {
                if (!member.Circuit.Beat(now)) continue;
                isChange = true;
                UpstreamLog.HalfOpen(_parts.Log, Terms.Name, member.Endpoint, member.Address);
            }

            if (isChange) MakeReady();
        }

        foreach (EndpointPool member in Members) member.Prune();
    }

    /// <summary>Ends it, but for the endpoints that another group goes on with.</summary>
    internal void Retire(UpstreamGroup? successor)
    {
        lock (_gate)
        {
            _isRetired = true;
            foreach (EndpointPool member in _members)
            {
                if (successor is null || !successor.Members.Contains(member)) member.Retire();
            }
        }
    }

    // Of two at random, the one with fewer calls (Mitzenmacher, "The Power of Two Choices", 2001): nearly as even as
    // the least of all, without every lane running after the same one.
    [HotPath]
    private EndpointPool? Choose(bool isStrict)
    {
        EndpointPool[] ready = Volatile.Read(ref _ready);
        if (ready.Length < 2) return ready.Length == 0 ? null : ready[0];
        uint roll = _parts.Chance.Next();
        int first = (int)((roll & 0xFFFF) % (uint)ready.Length);
        int other = (int)((roll >> 16) % (uint)(ready.Length - 1));
        EndpointPool left = ready[first], right = ready[other < first ? other : other + 1];
        bool isTrial = left.Circuit.State != CircuitState.Closed || right.Circuit.State != CircuitState.Closed;
        return isTrial ? ChooseOnTrial(ready, left, right, isStrict) : Better(left, right);
    }

    private static EndpointPool Better(EndpointPool left, EndpointPool right)
    {
        if (left.Circuit.IsAvoided != right.Circuit.IsAvoided) return left.Circuit.IsAvoided ? right : left;
        return left.CallsInFlight <= right.CallsInFlight ? left : right;
    }

    // A half-open endpoint that is not being tried gets this call, unless it is one that must not fail.
    private static EndpointPool ChooseOnTrial(
        EndpointPool[] ready, EndpointPool left, EndpointPool right, bool isStrict)
    {
        bool isLeft = left.Circuit.State != CircuitState.Closed, isRight = right.Circuit.State != CircuitState.Closed;
        if (!isStrict && isLeft && left.Circuit.TryBeginTrial()) return left;
        if (!isStrict && isRight && right.Circuit.TryBeginTrial()) return right;
        if (!isLeft) return left;
        if (!isRight) return right;
        return Array.Find(ready, static member => member.Circuit.State == CircuitState.Closed) ?? left;
    }

    // The endpoint that balancing says, or whichever has a place left.
    private EndpointPool? ChooseAnew(bool isStrict)
    {
        EndpointPool? chosen = Choose(isStrict);
        if (chosen is null || TryBegin(chosen)) return chosen;
        chosen.Circuit.EndTrial();
        EndpointPool[] ready = Volatile.Read(ref _ready);
        for (int look = 0; look < LooksMax; look++)
        {
            if (Array.Find(ready, TryBegin) is { } other) return other;
        }

        return null;
    }

    // The next endpoint after one that could not be reached; one on trial only if there is no other.
    private EndpointPool? After(EndpointPool failed)
    {
        EndpointPool[] members = Members, ready = Volatile.Read(ref _ready);
        int from = Array.IndexOf(members, failed);
        List<EndpointPool> spare = [];
        for (int step = 1; step <= members.Length; step++)
        {
            EndpointPool member = members[(from + step) % members.Length];
            if (!ready.Contains(member)) continue;
            if (member.Circuit.State != CircuitState.Closed || member.Circuit.IsAvoided) spare.Add(member);
            else if (TryBegin(member)) return member;
        }

        return spare.Find(TryBegin);
    }

    private bool TryBegin(EndpointPool endpoint) => endpoint.TryBeginCall(Terms.ConnectionsMax);

    // A place for a call that is counted in where all may be taken: an idle connection, or null and the place alone,
    // where the call needs a fresh one. No more calls are counted in than there are places, so one is idle or about to
    // be: a call or the heartbeat that has taken one off its stack puts it back, or gives up its place, and waits for
    // nothing.
    private async ValueTask<(bool HasPlace, UpstreamConnection? Idle)> MakeRoomAsync(
        EndpointPool endpoint, bool isStrict)
    {
        long since = _parts.Clock.GetTimestamp();
        TimeSpan within = Terms.ConnectTimeout ?? _parts.Limits.ConnectWithin;
        do
        {
            if (endpoint.TryTakeAny() is { } idle)
            {
                if (!isStrict) return (true, idle);
                idle.CutKeepingPlace();
                return (true, null);
            }

            if (endpoint.TryOpen(Terms.ConnectionsMax)) return (true, null);
            await Task.Yield();
        }
        while (_parts.Clock.GetElapsedTime(since) < within);
        endpoint.EndCall();
        return default;
    }

    private async ValueTask<(UpstreamConnection? Connection, string Refusal)> OpenAsync(EndpointPool endpoint)
    {
        UpstreamConnection? opened = null;
        try
        {
            Dialled dialled = await _parts.Dialer.DialAsync(
                endpoint.Address, endpoint.Endpoint, endpoint.Tls, Terms.ConnectTimeout ?? _parts.Limits.ConnectWithin);
            if (dialled.Connection is null) return (null, dialled.Refusal);
            opened = new UpstreamConnection(dialled.Connection, endpoint, _parts.Clock);
            return (opened, "");
        }
        finally
        {
            if (opened is null)
            {
                endpoint.Close();
                endpoint.EndCall();
            }
        }
    }

    // Without an address there is nobody to call: the one place where a call waits for a resolver.
    private async ValueTask ResolveAsync()
    {
        long now = _parts.Clock.GetTimestamp();
        foreach (NameWatch name in _names)
        {
            // Asked once a second at most, however many calls wait.
            long second = _parts.Clock.TimestampFrequency;
            name.Beat(now, every: second, soon: second, _parts.Limits.ConnectWithin, _onNames);
            if (name.Pending is { } pending) await pending;
            if (Members.Length > 0) return;
        }
    }

    private void Note(EndpointPool endpoint, CallResult result)
    {
        if (result == CallResult.Unknown)
        {
            endpoint.Circuit.EndTrial();
            return;
        }

        if (result == CallResult.Failed)
        {
            Fail(endpoint);
            return;
        }

        lock (_gate)
        {
            if (!endpoint.Circuit.Succeed(_parts.Clock.GetTimestamp())) return;
            MakeReady();
        }

        UpstreamLog.Returned(_parts.Log, Terms.Name, endpoint.Endpoint, endpoint.Address);
    }

    private void Fail(EndpointPool endpoint)
    {
        lock (_gate)
        {
            int open = 1 + _members.Count(member => member.Circuit.State == CircuitState.Open);
            bool mayOpen = open <= _members.Length / 2;
            bool isChange = endpoint.Circuit.Fail(
                Terms.Ejection, mayOpen, _parts.Clock.GetTimestamp(), _parts.Clock.TimestampFrequency);
            if (!isChange) return;
            MakeReady();
        }

        UpstreamLog.Ejected(_parts.Log, Terms.Name, endpoint.Endpoint, endpoint.Address);
    }

    private void NoteHealth(EndpointPool endpoint)
    {
        lock (_gate) MakeReady();
        UpstreamLog.Health(_parts.Log, Terms.Name, endpoint.Endpoint, endpoint.Address, endpoint.IsHealthy);
    }

    // Names have other addresses: those that stay keep their connections and their past, new ones join, gone ones
    // drain.
    private void Regroup()
    {
        lock (_gate)
        {
            EndpointPool[] before = _members;
            EndpointPool[] members = [.. _names.SelectMany(name => name.Addresses.Select(address =>
                Array.Find(before, one => one.Endpoint == name.Endpoint && one.Address.Equals(address))
                    ?? new EndpointPool(
                        name.Endpoint, address, Terms.Tls, _parts.Limits.IdleUpstreamConnectionsMax)))];
            Volatile.Write(ref _members, members);
            Volatile.Write(ref _probes, ProbesOf(members));
            MakeReady();
            foreach (EndpointPool gone in _isRetired ? members : before.Except(members)) gone.Retire();
        }
    }

    private HealthProbe[] ProbesOf(EndpointPool[] members)
    {
        if (Terms.Health is { } health)
        {
            return [.. members.Select(member => Array.Find(_probes, probe => probe.Endpoint == member)
                ?? new HealthProbe(member, health, _parts.Dialer, _parts.Limits, _parts.Clock))];
        }

        foreach (EndpointPool member in members) member.IsHealthy = true;
        return [];
    }

    // Healthy and not ejected. If that is nobody, being ejected is no reason: better a call that may fail than none.
    private void MakeReady()
    {
        EndpointPool[] healthy = [.. _members.Where(member => member.IsHealthy)];
        EndpointPool[] ready = [.. healthy.Where(member => member.Circuit.State != CircuitState.Open)];
        Volatile.Write(ref _ready, ready.Length > 0 ? ready : healthy);
    }
}
