using System.Net;
using System.Text;
using Countersign.DataPlane.Sockets;
using Countersign.Policy;

namespace Countersign.DataPlane.Upstream;

/// <summary>
/// One address of an endpoint: its connections, idle ones kept per lane, how busy it is and how well. A connection is
/// kept in the lane of the thread that gives it back, which is the one that will take it.
/// </summary>
internal sealed class EndpointPool
{
    // Half of Node's and a fraction of nginx's and Kestrel's own keep-alive, so that we rarely race their close.
    private static readonly TimeSpan IdleMax = TimeSpan.FromSeconds(4);

    private readonly IdleStack?[] _lanes = new IdleStack?[Lane.Count];
    private readonly int _idleMax;
    private readonly byte[] _authority;
    private int _idle;
    private int _open;
    private int _callsInFlight;
    private bool _hasRiders;
    private bool _isRetired;

    internal EndpointPool(Uri endpoint, IPEndPoint address, UpstreamTls? tls, int idleMax)
    {
        Endpoint = endpoint;
        Address = address;
        Tls = tls;
        _idleMax = idleMax;
        // The one form with brackets where there must be some (RFC 3986 section 3.2.2).
        string host = endpoint.HostNameType == UriHostNameType.IPv6 ? endpoint.Host : endpoint.IdnHost;
        _authority = Encoding.ASCII.GetBytes(endpoint.IsDefaultPort ? host : host + ":" + endpoint.Port);
    }

    /// <summary>Scheme, host and port.</summary>
    internal Uri Endpoint { get; }

    /// <summary>Where that is.</summary>
    internal IPEndPoint Address { get; }

    /// <summary>How it is spoken to.</summary>
    internal UpstreamTls? Tls { get; }

    /// <summary>The Host value.</summary>
    internal ReadOnlySpan<byte> Authority => _authority;

    /// <summary>What its calls say of it.</summary>
    internal Circuit Circuit { get; } = new();

    /// <summary>What its health checks say of it; true where there are none.</summary>
    internal bool IsHealthy { get; set; } = true;

    /// <summary>Calls that use it now, those that wait for a connection included.</summary>
    internal int CallsInFlight => Volatile.Read(ref _callsInFlight);

    /// <summary>Connections of calls open or being opened, idle ones included; health checks have their own.</summary>
    internal int ConnectionsOpen => Volatile.Read(ref _open);

    /// <summary>Connections kept for the next call.</summary>
    internal int ConnectionsIdle => Math.Max(0, Volatile.Read(ref _idle));

    /// <summary>True once a call came that may use a connection which another has used: idle ones have a use.</summary>
    internal bool HasRiders => Volatile.Read(ref _hasRiders);

    /// <summary>
    /// Counts a call in; false if there are as many as there may be connections. A call that is counted in owns one
    /// place at most, so that there is always one for it: free, idle, or on its way to be either.
    /// </summary>
    [HotPath]
    internal bool TryBeginCall(int connectionsMax)
    {
        if (Interlocked.Increment(ref _callsInFlight) <= connectionsMax) return true;
        Interlocked.Decrement(ref _callsInFlight);
        return false;
    }

    /// <summary>Notes that calls come which may use an idle connection.</summary>
    [HotPath]
    internal void NoteRider()
    {
        // Read first, so that the line stays shared.
        if (!Volatile.Read(ref _hasRiders)) Volatile.Write(ref _hasRiders, true);
    }

    /// <summary>Counts a call out, whose connection is back or gone.</summary>
    [HotPath]
    internal void EndCall() => Interlocked.Decrement(ref _callsInFlight);

    /// <summary>Takes a place for a new connection; false at the limit. Never over it, not for a moment.</summary>
    internal bool TryOpen(int openMax)
    {
        int seen = Volatile.Read(ref _open);
        while (seen < openMax)
        {
            int found = Interlocked.CompareExchange(ref _open, seen + 1, seen);
            if (found == seen) return true;
            seen = found;
        }

        return false;
    }

    /// <summary>Gives the place of a connection back.</summary>
    internal void Close() => Interlocked.Decrement(ref _open);

    /// <summary>Takes an idle, still fit connection of the current thread's lane; null if there is none.</summary>
    [HotPath]
    internal UpstreamConnection? TryTake() => TryTake(Volatile.Read(ref _lanes[Lane.Current]));

    /// <summary>Takes one of any lane: a hop between threads, where a new connection is not to be had.</summary>
    internal UpstreamConnection? TryTakeAny()
    {
        foreach (ref IdleStack? lane in _lanes.AsSpan())
        {
            if (TryTake(Volatile.Read(ref lane)) is { } connection) return connection;
        }

        return null;
    }

    /// <summary>Keeps a connection for the next call; false if there are enough, over all lanes.</summary>
    [HotPath]
    internal bool TryReturn(UpstreamConnection connection)
    {
        if (Volatile.Read(ref _isRetired)) return false;
        if (Interlocked.Increment(ref _idle) <= _idleMax && LaneOf(Lane.Current).TryPush(connection))
        {
            // Retired in between: what Retire has not seen goes now.
            if (Volatile.Read(ref _isRetired)) DropIdle();
            return true;
        }

        Interlocked.Decrement(ref _idle);
        return false;
    }

    /// <summary>Drops connections that have been idle too long or were closed by their peer.</summary>
    internal void Prune()
    {
        foreach (ref IdleStack? lane in _lanes.AsSpan())
        {
            if (Volatile.Read(ref lane) is { } stack && stack.HasStale(IdleMax)) Prune(stack);
        }
    }

    /// <summary>Keeps no connection from now on; calls that use one finish.</summary>
    internal void Retire()
    {
        Volatile.Write(ref _isRetired, true);
        DropIdle();
    }

    private void DropIdle()
    {
        while (TryTakeAny() is { } connection) connection.Drop();
    }

    private UpstreamConnection? TryTake(IdleStack? stack)
    {
        while (stack?.TryPop() is { } connection)
        {
            Interlocked.Decrement(ref _idle);
            if (connection.IsFit(IdleMax)) return connection;
            connection.Drop();
        }

        return null;
    }

    // Newest first comes off, so oldest first goes back on.
    private void Prune(IdleStack stack)
    {
        List<UpstreamConnection> fit = [];
        while (TryTake(stack) is { } connection) fit.Add(connection);
        for (int index = fit.Count - 1; index >= 0; index--)
        {
            if (stack.TryPush(fit[index])) Interlocked.Increment(ref _idle);
            else fit[index].Drop();
        }
    }

    private IdleStack LaneOf(int lane) => Volatile.Read(ref _lanes[lane]) ?? AddLane(lane);

    private IdleStack AddLane(int lane)
    {
        IdleStack made = new(_idleMax);
        return Interlocked.CompareExchange(ref _lanes[lane], made, null) ?? made;
    }
}
