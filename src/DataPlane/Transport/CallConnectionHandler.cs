using System.Collections.Concurrent;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Countersign.DataPlane.Transport;

/// <summary>Serves the connections of one listener, looks after their deadlines and drains them.</summary>
internal sealed partial class CallConnectionHandler : ConnectionHandler, IDisposable
{
    // Deadlines are seconds long; a quarter of one is as exact as they need to be.
    private static readonly TimeSpan Heartbeat = TimeSpan.FromMilliseconds(250);

    // So many over the limit are told that there are too many; the rest are cut, since even telling costs memory.
    private const int ShedMax = 64;

    private readonly ConcurrentDictionary<CallConnection, byte> _connections = new();
    private readonly CancellationTokenSource _drain = new();
    private readonly DataServices _services;
    private readonly Entrance? _entrance;
    private readonly Action _onHeartbeat;
    private readonly ITimer _timer;
    private readonly ILogger _log;
    private int _count;

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

    /// <summary>Connections open now.</summary>
    internal int Count => Volatile.Read(ref _count);

    /// <inheritdoc/>
    public override async Task OnConnectedAsync(ConnectionContext connection)
    {
        int count = Interlocked.Increment(ref _count), max = _services.Limits.ConnectionsMax;
        if (count > max + ShedMax)
        {
            Interlocked.Decrement(ref _count);
            connection.Abort(new ConnectionAbortedException("Too many connections."));
            await connection.DisposeAsync();
            return;
        }

        // Transport's own story: the PROXY header, then TLS, then calls.
        ConnectionContext? admitted = _entrance is null ? connection : await AdmitAsync(_entrance, connection);
        if (admitted is not null) await ServeAsync(admitted, isShed: count > max);
    }

    private async ValueTask<ConnectionContext?> AdmitAsync(Entrance entrance, ConnectionContext connection)
    {
        ConnectionContext? admitted = null;
        try
        {
            admitted = await entrance.AdmitAsync(connection, _drain.Token);
        }
        catch (Exception fault)
        {
            LogFault(_log, fault);
        }

        if (admitted is not null) return admitted;
        Interlocked.Decrement(ref _count);
        await connection.DisposeAsync();
        return null;
    }

    private async Task ServeAsync(ConnectionContext connection, bool isShed)
    {
        using CallConnection served = new(connection, _services, isShed);
        _connections.TryAdd(served, 0);
        try
        {
            await served.RunAsync();
        }
        catch (Exception fault)
        {
            LogFault(_log, fault);
            connection.Abort(new ConnectionAbortedException("The gateway failed."));
        }
        finally
        {
            _connections.TryRemove(served, out _);
            Interlocked.Decrement(ref _count);
            await connection.DisposeAsync();
        }
    }

    /// <summary>Ends idle connections now and the others after their call; false if some had to be left.</summary>
    internal async Task<bool> DrainAsync(TimeSpan within)
    {
        await _drain.CancelAsync();
        long startedAt = _services.Clock.GetTimestamp();
        while (Count > 0 && _services.Clock.GetElapsedTime(startedAt) < within)
        {
            foreach (CallConnection connection in _connections.Keys) connection.Drain();
            await Task.Delay(TimeSpan.FromMilliseconds(20), _services.Clock);
        }

        return Count == 0;
    }

    /// <summary>Stops looking after deadlines.</summary>
    public void Dispose()
    {
        _timer.Dispose();
        _drain.Dispose();
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
