using System.IO.Pipelines;
using System.Net;
using Countersign.DataPlane.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging.Abstractions;

namespace Countersign.Bench.Operations;

/// <summary>
/// One request's and one answer's worth of bytes over each of some real loopback connections at once, both ends on the
/// event loops, each end waiting for the other with nothing received. Over many, they share the loops' turns.
/// </summary>
internal sealed class SocketRoundTrip(int connections) : Operation
{
    private const int RequestBytes = 1_024;
    private const int AnswerBytes = 4_096;

    private readonly EpollTransport _transport = new(
        new LoopClock(TimeProvider.System), NullLogger.Instance, usesRing: true);
    private readonly byte[] _request = new byte[RequestBytes];
    private readonly byte[] _answer = new byte[AnswerBytes];
    private readonly EpollConnection[] _clients = new EpollConnection[connections];
    private readonly ConnectionContext[] _servers = new ConnectionContext[connections];
    private readonly Task[] _serving = new Task[connections];
    private IConnectionListener? _listener;

    internal override bool SpansThreads => true;

    internal override async Task PrepareAsync()
    {
        _listener = await _transport.BindAsync(new IPEndPoint(IPAddress.Loopback, 0));
        for (int index = 0; index < connections; index++)
        {
            ValueTask<ConnectionContext?> accepting = _listener.AcceptAsync();
            _clients[index] = await _transport.ConnectAsync(_listener.EndPoint, CancellationToken.None);
            _servers[index] = (await accepting)!;
            _serving[index] = ServeAsync(_servers[index]);
        }
    }

    internal override async Task RunAsync(int count)
    {
        for (int turn = 0; turn < count; turn++)
        {
            foreach (EpollConnection client in _clients) await client.Output.WriteAsync(_request);
            foreach (EpollConnection client in _clients) Require(await TryReadAsync(client.Input, AnswerBytes));
        }
    }

    protected override async ValueTask ReleaseAsync()
    {
        foreach (EpollConnection client in _clients) await client.DisposeAsync();
        await Task.WhenAll(_serving);
        foreach (ConnectionContext server in _servers) await server.DisposeAsync();
        if (_listener is not null) await _listener.DisposeAsync();
        _transport.Dispose();
    }

    private async Task ServeAsync(ConnectionContext server)
    {
        while (await TryReadAsync(server.Transport.Input, RequestBytes))
        {
            await server.Transport.Output.WriteAsync(_answer);
        }
    }

    [System.Runtime.CompilerServices.AsyncMethodBuilder(
        typeof(Countersign.DataPlane.KeptTaskMethodBuilder<>))]
    private static async ValueTask<bool> TryReadAsync(PipeReader input, int bytes)
    {
        long left = bytes;
        while (left > 0)
        {
            ReadResult result = await input.ReadAsync();
            left -= result.Buffer.Length;
            input.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted) return false;
        }

        return true;
    }
}
