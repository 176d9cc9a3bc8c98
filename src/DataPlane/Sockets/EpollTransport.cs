using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Countersign.DataPlane.Sockets;

/// <summary>
/// The event loops, one for each core: accepts on them, and dials from them. A connection that a loop's own thread
/// dials stays on that loop.
/// </summary>
internal sealed class EpollTransport : IConnectionListenerFactory, IDisposable
{
    // A request with its token fits; a larger one doubles it.
    private const int ClientStepBytes = 4_096;

    // An answer of the usual size with its head fits in one read.
    private const int UpstreamStepBytes = 16_384;

    private readonly EpollLoop[] _loops;
    private readonly LoopClock _clock;
    private int _next;

    /// <summary>Starts the loops. Throws <see cref="IOException"/> where the kernel has no room for them.</summary>
    /// <param name="clock">The clock whose turns they begin.</param>
    /// <param name="log">Where faults go.</param>
    /// <param name="usesRing">They receive and send by <see cref="Ring"/>.</param>
    internal EpollTransport(LoopClock clock, ILogger log, bool usesRing)
    {
        _clock = clock;
        _loops = new EpollLoop[Lane.Count - 1];
        for (int index = 0; index < _loops.Length; index++)
            _loops[index] = new EpollLoop(index + 1, usesRing, clock, log);
    }

    /// <inheritdoc/>
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        Socket socket = new(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (endpoint is IPEndPoint { Address: { } address } && address.Equals(IPAddress.IPv6Any))
            {
                socket.DualMode = true;
            }

            socket.Bind(endpoint);
            socket.Listen(4_096);
            return new(new EpollListener(this, socket, _clock));
        }
        catch (SocketException fault) when (fault.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            socket.Dispose();
            throw new AddressInUseException(fault.Message, fault);
        }
        catch (SocketException)
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Serves an accepted socket, on the loops in turn.</summary>
    internal EpollConnection Adopt(Socket socket)
    {
        // Sends and receives never wait, whatever the socket is set to (Epoll); setting it not to block would make the
        // framework keep what its own loop needs, a tenth of what an idle connection takes.
        socket.NoDelay = true;
        EpollConnection connection = new(NextLoop(), socket, socket.RemoteEndPoint, ClientStepBytes);
        connection.Open();
        return connection;
    }

    /// <summary>
    /// Opens a connection to an upstream on the current loop. Throws <see cref="SocketException"/> where it cannot be
    /// opened, or not in time.
    /// </summary>
    internal async ValueTask<EpollConnection> ConnectAsync(EndPoint endpoint, CancellationToken cancellation)
    {
        Socket socket = new(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp)
        {
            NoDelay = true,
            Blocking = false,
        };
        EpollConnection connection = new(CurrentLoop() ?? NextLoop(), socket, endpoint, UpstreamStepBytes);
        SocketError opened;
        using (cancellation.UnsafeRegister(
            static state => ((EpollConnection)state!).Output.CancelPendingFlush(), connection))
        {
            opened = await connection.ConnectAsync(endpoint);
        }

        if (opened == SocketError.Success && !cancellation.IsCancellationRequested) return connection;
        await connection.DisposeAsync();
        cancellation.ThrowIfCancellationRequested();
        throw new SocketException((int)opened);
    }

    /// <summary>Ends the loops, after every connection on them has ended.</summary>
    public void Dispose()
    {
        foreach (EpollLoop loop in _loops) loop.Dispose();
    }

    private EpollLoop? CurrentLoop()
    {
        int lane = Lane.Current;
        return lane > 0 && _loops[lane - 1].IsCurrent ? _loops[lane - 1] : null;
    }

    private EpollLoop NextLoop() => _loops[(Interlocked.Increment(ref _next) & int.MaxValue) % _loops.Length];
}

/// <summary>One bound address of the epoll transport.</summary>
internal sealed class EpollListener(EpollTransport transport, Socket socket, TimeProvider clock) : IConnectionListener
{
    // Who has connected when the listener closes is accepted first: the kernel would reset them.
    private static readonly TimeSpan QueueWithin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan QueuePause = TimeSpan.FromMilliseconds(1);

    // Out of descriptors: accepting again at once would only spin.
    private static readonly TimeSpan ExhaustedPause = TimeSpan.FromMilliseconds(50);

    /// <inheritdoc/>
    public EndPoint EndPoint { get; } = socket.LocalEndPoint!;

    /// <inheritdoc/>
    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            Socket? accepted = null;
            try
            {
                accepted = await socket.AcceptAsync(cancellationToken);
                return transport.Adopt(accepted);
            }
            catch (ObjectDisposedException)
            {
                return null;
            }
            catch (SocketException fault) when (fault.SocketErrorCode == SocketError.OperationAborted)
            {
                return null;
            }
            catch (Exception fault) when (fault is SocketException or IOException)
            {
                // A client that left while it waited, or no descriptor left; the listener goes on either way.
                accepted?.Dispose();
                bool isExhausted = fault is not SocketException { SocketErrorCode: SocketError.ConnectionReset };
                if (isExhausted) await Task.Delay(ExhaustedPause, clock, cancellationToken);
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        long startedAt = clock.GetTimestamp();
        while (!cancellationToken.IsCancellationRequested && IsQueued()
            && clock.GetElapsedTime(startedAt) < QueueWithin)
        {
            await Task.Delay(QueuePause, clock, CancellationToken.None);
        }

        EndListening();
        socket.Dispose();
    }

    // At once, while the queue is empty: to close takes the framework longer, and meanwhile others would be queued.
    private void EndListening()
    {
        try
        {
            socket.Shutdown(SocketShutdown.Receive);
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            // It is closed already, or the kernel has no such thing.
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        socket.Dispose();
        return default;
    }

    private bool IsQueued()
    {
        try
        {
            return socket.Poll(0, SelectMode.SelectRead);
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }
}
