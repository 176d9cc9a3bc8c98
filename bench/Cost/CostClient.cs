using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace Countersign.Bench.Cost;

/// <summary>Connections that each make one call after the other.</summary>
internal sealed class CostClient : IDisposable
{
    private readonly byte[] _request;
    private readonly Socket[] _sockets;

    private CostClient(byte[] request, Socket[] sockets) => (_request, _sockets) = (request, sockets);

    internal static async Task<CostClient> ConnectAsync(CostGateway gateway, string path, int connections)
    {
        Uri address = new(gateway.Address);
        Socket[] sockets = new Socket[connections];
        for (int index = 0; index < connections; index++)
        {
            sockets[index] = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await sockets[index].ConnectAsync(address.Host, address.Port);
        }

        string request = $"GET {path} HTTP/1.1\r\nHost: gateway.test\r\nAuthorization: Bearer {gateway.Token}\r\n\r\n";
        return new CostClient(Encoding.ASCII.GetBytes(request), sockets);
    }

    /// <summary>Calls for so long; how many calls were made. Any other answer than 200 is a fault.</summary>
    internal async Task<long> RunAsync(double seconds)
    {
        long until = Stopwatch.GetTimestamp() + (long)(seconds * Stopwatch.Frequency);
        long[] calls = await Task.WhenAll(_sockets.Select(socket => Task.Run(() => CallAsync(socket, until))));
        return calls.Sum();
    }

    public void Dispose()
    {
        foreach (Socket socket in _sockets) socket.Dispose();
    }

    private async Task<long> CallAsync(Socket socket, long until)
    {
        byte[] answer = new byte[4_096];
        long calls = 0;
        for (; Stopwatch.GetTimestamp() < until; calls++)
        {
            await socket.SendAsync(_request);
            int read = 0;
            while (!answer.AsSpan(0, read).EndsWith(CostUpstream.Body))
            {
                int more = await socket.ReceiveAsync(answer.AsMemory(read));
                read += more;
                bool isOk = read < 12 || answer.AsSpan(0, 12).SequenceEqual("HTTP/1.1 200"u8);
                if (more == 0 || !isOk)
                    throw new InvalidDataException("not 200: " + Encoding.ASCII.GetString(answer, 0, read));
            }
        }

        return calls;
    }
}
