using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Countersign.Bench.Cost;

/// <summary>A function on loopback that answers every request the same.</summary>
internal sealed class CostUpstream : IAsyncDisposable
{
    private static readonly byte[] Answer = Encoding.ASCII.GetBytes(
        $"HTTP/1.1 200 OK\r\nContent-Length: {Body.Length}\r\n\r\n{Encoding.ASCII.GetString(Body)}");

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Task _accepting;

    internal CostUpstream()
    {
        _listener.Start(backlog: 1_024);
        Endpoint = "http://" + _listener.LocalEndpoint;
        _accepting = AcceptAsync();
    }

    /// <summary>The body of every answer.</summary>
    internal static ReadOnlySpan<byte> Body => "{\"paid\":true,\"amount\":42}"u8;

    internal string Endpoint { get; }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _accepting;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await _listener.AcceptSocketAsync());
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            // It was stopped.
        }
    }

    private static async Task ServeAsync(Socket socket)
    {
        using Socket served = socket;
        socket.NoDelay = true;
        byte[] request = new byte[8_192];
        int read = 0;
        try
        {
            while (await socket.ReceiveAsync(request.AsMemory(read)) is var more and > 0)
            {
                read += more;
                if (!request.AsSpan(0, read).EndsWith("\r\n\r\n"u8)) continue;
                read = 0;
                await socket.SendAsync(Answer);
            }
        }
        catch (SocketException)
        {
            // The gateway let go of it.
        }
    }
}
