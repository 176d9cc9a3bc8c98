using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Countersign.DataPlane.Transport;

/// <summary>Serves the connections of one listener, looks after their deadlines and drains them.</summary>
internal sealed partial class CallConnectionHandler : ConnectionHandler, IDisposable
{
    // Deadlines are seconds long; a quarter of one is as exact as they need to be.
    private static readonly TimeSpan Heartbeat = TimeSpan.FromMilliseconds(250);

    // How often a drain looks again at what is left.
    private static readonly TimeSpan DrainEvery = TimeSpan.FromMilliseconds(20);

    // What is told at the end of a drain that time is up has this long to say so to its client.
    private static readonly TimeSpan LastWordWithin = TimeSpan.FromSeconds(1);

    // So many over the limit are told that there are too many; the rest are cut, since even telling costs memory.
    private const int ShedMax = 64;

    private readonly ConcurrentDictionary<CallConnection, byte> _connections = new();
    private readonly AddressCounts _addresses = new();
    private readonly CancellationTokenSource _drain = new();
    private readonly DataServices _services;
    private readonly Entrance? _entrance;
    private readonly Action _onHeartbeat;
    private readonly ITimer _timer;
    private readonly ILogger _log;
    private int _count;
    private int _expected;

    internal CallConnectionHandler(
        DataServices services, Action onHeartbeat, ILogger log, Entrance? entrance = null)
    {
        _services = services;
        _entrance = entrance;
        _onHeartbeat = onHeartbeat;
        _log = log;
        _timer = services.Clock.CreateTimer(
            static state => ((CallConnectionHandler)state!).Beat(), this, Heartbeat, Heartbeat);
    }

    /// <summary>Connections open now, those included that only wait for their last bytes to be taken.</summary>
    internal int Count => Volatile.Read(ref _count);

    /// <summary>
    /// Announces a connection that was accepted and is on its way here, so that no drain ends between the two.
    /// </summary>
    internal void Expect() => Interlocked.Increment(ref _expected);

    /// <summary>Says that an announced connection has come.</summary>
    internal void Meet() => Interlocked.Decrement(ref _expected);

    private bool IsEmpty => Volatile.Read(ref _expected) == 0 && Count == 0;

    /// <inheritdoc/>
    public override async Task OnConnectedAsync(ConnectionContext connection)
    {
        int over = Interlocked.Increment(ref _count) - _services.Limits.ConnectionsMax;
        IPAddress? address = null;
        CallConnection? served = null;
        try
        {
            if (over <= ShedMax && await AdmitAsync(connection) is { } admitted)
            {
                // The PROXY header may have told of another address than the one that connected.
                connection = admitted;
                address = (connection.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None;
                over = Math.Max(over, _addresses.Enter(address) - _services.Limits.ConnectionsPerAddressMax);
                if (over <= ShedMax)
                {
                    served = Begin(connection, isShed: over > 0);
                    await served.RunAsync();
                }
            }

            if (over > ShedMax) connection.Abort(new ConnectionAbortedException("Too many connections."));
        }
        catch (Exception fault) when (served is not null)
        {
            LogFault(_log, fault);
            connection.Abort(new ConnectionAbortedException("The gateway failed."));
        }
        finally
        {
            if (served is not null) await EndAsync(served, connection);
            if (address is not null) _addresses.Leave(address);
            Interlocked.Decrement(ref _count);
        }

        if (served is null) await connection.DisposeAsync();
    }

    /// <summary>
    /// Ends idle connections now and the others after their call; false if some had to be cut.
    /// </summary>
    internal async Task<bool> DrainAsync(TimeSpan within)
    {
        await _drain.CancelAsync();
        if (await EmptiesAsync(within, static connection => connection.Drain())) return true;
        int left = Count;
        if (!await EmptiesAsync(LastWordWithin, static connection => connection.EndDrain()))
        {
            await EmptiesAsync(LastWordWithin, static connection => connection.Cut());
        }

        return left == 0;
    }

    /// <summary>True while a call of that id is in flight on some connection, with a credential for it
    /// alone.</summary>
    internal bool HasLent(Guid call)
    {
        foreach (KeyValuePair<CallConnection, byte> connection in _connections)
        {
            if (connection.Key.HasLent(call)) return true;
        }

        return false;
    }

    /// <summary>Stops looking after deadlines.</summary>
    public void Dispose()
    {
        _timer.Dispose();
        _drain.Dispose();
    }

    // Transport's own story: the PROXY header, then TLS, then calls. Null if it did not get that far.
    private async ValueTask<ConnectionContext?> AdmitAsync(ConnectionContext connection)
    {
        if (_entrance is null) return connection;
        try
        {
            return await _entrance.AdmitAsync(connection, _drain.Token);
        }
        catch (Exception fault)
        {
            LogFault(_log, fault);
            return null;
        }
    }

    private CallConnection Begin(ConnectionContext connection, bool isShed)
    {
        CallConnection served = new(connection, _services, isShed);
        _connections.TryAdd(served, 0);
        return served;
    }

    private async ValueTask EndAsync(CallConnection served, ConnectionContext connection)
    {
        // The transport waits until the client has taken everything: the heartbeat must look on until then.
        served.BeginClose();
        await connection.DisposeAsync();
        _connections.TryRemove(served, out _);
        served.Dispose();
    }

    private async Task<bool> EmptiesAsync(TimeSpan within, Action<CallConnection> tell)
    {
        long startedAt = _services.Clock.GetTimestamp();
        while (!IsEmpty && _services.Clock.GetElapsedTime(startedAt) < within)
        {
            foreach (KeyValuePair<CallConnection, byte> connection in _connections) tell(connection.Key);
            await Task.Delay(DrainEvery, _services.Clock);
        }

        return IsEmpty;
    }

    private void Beat()
    {
        long now = _services.Clock.GetTimestamp();
        foreach (KeyValuePair<CallConnection, byte> connection in _connections) connection.Key.Tick(now);
        _onHeartbeat();
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "A connection failed by a fault of the gateway")]
    private static partial void LogFault(ILogger log, Exception fault);
}
