using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Countersign.Integration.Tests.Audit;

/// <summary>A function that remembers which calls it saw, by the id that the gateway sends along.</summary>
internal sealed class SeeingUpstream : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly Task _accepting;

    internal SeeingUpstream()
    {
        _listener.Start();
        Address = "http://" + _listener.LocalEndpoint;
        _accepting = AcceptAsync();
    }

    internal string Address { get; }

    internal ConcurrentDictionary<string, int> Seen { get; } = new();

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Stop();
        await _accepting;
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await _listener.AcceptTcpClientAsync(_end.Token));
        }
        catch (Exception fault) when (fault is OperationCanceledException or SocketException)
        {
            // It was stopped.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using TcpClient served = client;
        try
        {
            using StreamReader reader = new(client.GetStream(), Encoding.ASCII);
            while (await reader.ReadLineAsync(_end.Token) is { Length: > 0 })
            {
                string call = "";
                while (await reader.ReadLineAsync(_end.Token) is { Length: > 0 } line)
                {
                    const string Field = "Countersign-Call: ";
                    if (line.StartsWith(Field, StringComparison.OrdinalIgnoreCase)) call = line[Field.Length..];
                }

                Seen.AddOrUpdate(call, 1, static (_, times) => times + 1);
                await client.GetStream().WriteAsync("HTTP/1.1 204 No Content\r\n\r\n"u8.ToArray(), _end.Token);
            }
        }
        catch (Exception fault) when (fault is IOException or OperationCanceledException or SocketException)
        {
            // The gateway died, as it is meant to.
        }
    }
}
