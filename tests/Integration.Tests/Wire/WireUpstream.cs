using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Countersign.Integration.Tests.Wire;

/// <summary>An upstream on a real socket, which does with each connection what the test says.</summary>
internal sealed class WireUpstream : IAsyncDisposable
{
    // What the kernel takes of an answer that nobody reads counts for the gateway's buffers: as little as may be.
    private const int SendBytes = 16_384;

    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly ConcurrentQueue<WirePeer> _peers = new();
    private readonly Task _accepting;

    internal WireUpstream()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        Endpoint = "http://" + _listener.LocalEndPoint;
        _accepting = AcceptAsync();
    }

    /// <summary>Where it is.</summary>
    internal string Endpoint { get; }

    /// <summary>Connections that were opened to it.</summary>
    internal int Connections => _peers.Count;

    /// <summary>What it does with a connection; by default it answers every request with its target.</summary>
    internal Func<WirePeer, Task> Script { get; set; } = EchoAsync;

    /// <summary>The answer of the default script, with these bytes as the body.</summary>
    internal static string Answer(string body) => $"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\n\r\n{body}";

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _accepting;
        foreach (WirePeer peer in _peers) peer.Dispose();
    }

    private static async Task EchoAsync(WirePeer peer)
    {
        while (await peer.ReadHeadAsync() is { } head) await peer.SendAsync(Answer(head.Split(' ')[1]));
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket socket = await _listener.AcceptAsync();
                socket.NoDelay = true;
                socket.SendBufferSize = SendBytes;
                WirePeer peer = new(socket);
                _peers.Enqueue(peer);
                _ = RunAsync(peer);
            }
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task RunAsync(WirePeer peer)
    {
        try
        {
            await Script(peer);
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // The gateway let go, or the test is over; a script that must see it catches it itself.
        }
    }
}
