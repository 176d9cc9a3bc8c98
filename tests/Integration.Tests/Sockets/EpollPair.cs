using System.Net;
using System.Net.Sockets;
using Countersign.DataPlane.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging.Abstractions;

namespace Countersign.Integration.Tests.Sockets;

/// <summary>A connection of the epoll transport, and the plain socket at its other end.</summary>
internal sealed class EpollPair : IAsyncDisposable
{
    private readonly EpollTransport _transport;
    private readonly IConnectionListener _listener;

    private EpollPair(
        EpollTransport transport, IConnectionListener listener, ConnectionContext connection, Socket peer)
    {
        _transport = transport;
        _listener = listener;
        Connection = connection;
        Peer = peer;
    }

    /// <summary>The gateway's end.</summary>
    internal ConnectionContext Connection { get; }

    /// <summary>The other end.</summary>
    internal Socket Peer { get; }

    /// <summary>Ends a test that hangs.</summary>
    internal static CancellationToken Limit() => new CancellationTokenSource(TimeSpan.FromSeconds(30)).Token;

    /// <summary>Binds, connects and accepts.</summary>
    internal static async Task<EpollPair> OpenAsync()
    {
        EpollTransport transport = new(new LoopClock(TimeProvider.System), NullLogger.Instance, Ring.IsSupported);
        IConnectionListener listener = await transport.BindAsync(new IPEndPoint(IPAddress.Loopback, 0));
        Socket peer = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await peer.ConnectAsync(listener.EndPoint);
        return new EpollPair(transport, listener, (await listener.AcceptAsync())!, peer);
    }

    public async ValueTask DisposeAsync()
    {
        Peer.Dispose();
        await Connection.DisposeAsync();
        await _listener.DisposeAsync();
        _transport.Dispose();
    }
}
