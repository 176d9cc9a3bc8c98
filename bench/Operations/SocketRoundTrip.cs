using System.IO.Pipelines;
using System.Net;
using Countersign.DataPlane.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging.Abstractions;

namespace Countersign.Bench.Operations;

/// <summary>
/// One request's and one answer's worth of bytes over a real loopback connection, both ends on the event loops, each
/// end waiting for the other with nothing received.
/// </summary>
internal sealed class SocketRoundTrip : Operation
{
    private const int RequestBytes = 1_024;
    private const int AnswerBytes = 4_096;

    private readonly EpollTransport _transport = new(new LoopClock(TimeProvider.System), NullLogger.Instance);
    private readonly byte[] _request = new byte[RequestBytes];
    private readonly byte[] _answer = new byte[AnswerBytes];
    private IConnectionListener? _listener;
    private EpollConnection? _client;
    private ConnectionContext? _server;
    private Task _serving = Task.CompletedTask;

    internal override bool SpansThreads => true;

    internal override async Task PrepareAsync()
    {
        _listener = await _transport.BindAsync(new IPEndPoint(IPAddress.Loopback, 0));
        ValueTask<ConnectionContext?> accepting = _listener.AcceptAsync();
        _client = await _transport.ConnectAsync(_listener.EndPoint, CancellationToken.None);
        _server = await accepting;
        _serving = ServeAsync(_server!);
    }

    internal override async Task RunAsync(int count)
    {
        for (int turn = 0; turn < count; turn++)
        {
            await _client!.Output.WriteAsync(_request);
            Require(await TryReadAsync(_client.Input, AnswerBytes));
        }
    }

    protected override async ValueTask ReleaseAsync()
    {
        if (_client is not null) await _client.DisposeAsync();
        await _serving;
        if (_server is not null) await _server.DisposeAsync();
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
