using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Countersign.DataPlane.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging.Abstractions;

namespace Countersign.Integration.Tests.Sockets;

/// <summary>
/// Connections of one event loop, which can be held: what becomes ready meanwhile is one turn's once it is let go.
/// </summary>
internal sealed class LoopGroup : IAsyncDisposable
{
    private readonly EpollTransport _transport;
    private readonly IConnectionListener _listener;
    private readonly List<(ConnectionContext Connection, Socket Peer)> _others = [];
    private readonly SemaphoreSlim _held = new(0);
    private readonly SemaphoreSlim _letGo = new(0);
    private ConnectionContext? _holder;
    private Socket? _holding;

    private LoopGroup(EpollTransport transport, IConnectionListener listener) =>
        (_transport, _listener) = (transport, listener);

    /// <summary>The gateway's ends.</summary>
    internal List<EpollConnection> Connections { get; } = [];

    /// <summary>The other ends.</summary>
    internal List<Socket> Peers { get; } = [];

    /// <summary>Opens so many connections on one loop, and one more to hold it by.</summary>
    internal static async Task<LoopGroup> OpenAsync(int count, bool usesRing)
    {
        EpollTransport transport = new(
            new LoopClock(TimeProvider.System), NullLogger.Instance, usesRing && Ring.IsSupported);
        LoopGroup group = new(transport, await transport.BindAsync(new IPEndPoint(IPAddress.Loopback, 0)));
        while (group.Connections.Count < count) await group.AddAsync();
        return group;
    }

    /// <summary>Holds the loop until <see cref="LetGo"/>.</summary>
    internal async Task HoldAsync()
    {
        _ = HoldOnLoopAsync();
        await _holding!.SendAsync(new byte[1]);
        await _held.WaitAsync(EpollPair.Limit());
    }

    /// <summary>Lets the loop go on.</summary>
    internal void LetGo() => _letGo.Release();

    public async ValueTask DisposeAsync()
    {
        LetGo();
        foreach (Socket peer in Peers) peer.Dispose();
        foreach (EpollConnection connection in Connections) await connection.DisposeAsync();
        foreach ((ConnectionContext connection, Socket peer) in _others)
        {
            peer.Dispose();
            await connection.DisposeAsync();
        }

        await _listener.DisposeAsync();
        _transport.Dispose();
        _held.Dispose();
        _letGo.Dispose();
    }

    private async Task AddAsync()
    {
        Socket peer = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await peer.ConnectAsync(_listener.EndPoint);
        EpollConnection connection = (EpollConnection)(await _listener.AcceptAsync())!;
        if (_holder is null) (_holder, _holding) = (connection, peer);
        else if (connection.Loop == ((EpollConnection)_holder).Loop)
        {
            Connections.Add(connection);
            Peers.Add(peer);
            return;
        }

        _others.Add((connection, peer));
    }

    // The continuation runs on the loop's thread, and keeps it.
    private async Task HoldOnLoopAsync()
    {
        PipeReader input = _holder!.Transport.Input;
        ReadResult result = await input.ReadAsync().ConfigureAwait(false);
        input.AdvanceTo(result.Buffer.End);
        _held.Release();
        _letGo.Wait(TimeSpan.FromSeconds(30));
    }
}
