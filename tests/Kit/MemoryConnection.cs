using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace Countersign.Kit;

/// <summary>
/// A connection made of two pipes. Everything runs inline, so that a test and the gateway take turns in a fixed order.
/// What was written before an abort stays readable; <see cref="WasAborted"/> tells a reset from an orderly end.
/// </summary>
internal sealed class MemoryConnection : ConnectionContext
{
    private static readonly PipeOptions Options = new(
        readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline, useSynchronizationContext: false);

    private readonly Pipe _toServer = new(Options);
    private readonly Pipe _toClient = new(Options);
    private readonly CancellationTokenSource _closed = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _wasAborted;

    internal MemoryConnection(string address = "192.0.2.7")
    {
        Transport = new Ends(_toServer.Reader, _toClient.Writer);
        ConnectionClosed = _closed.Token;
        RemoteEndPoint = new IPEndPoint(IPAddress.Parse(address), 40_000);
    }

    public override IDuplexPipe Transport { get; set; }

    public override string ConnectionId { get; set; } = "memory";

    public override IFeatureCollection Features { get; } = new FeatureCollection();

    public override IDictionary<object, object?> Items { get; set; } = new Dictionary<object, object?>();

    /// <summary>What the other end writes to.</summary>
    internal PipeWriter FarOutput => _toServer.Writer;

    /// <summary>What the other end reads from.</summary>
    internal PipeReader FarInput => _toClient.Reader;

    /// <summary>True once the near end cut the connection.</summary>
    internal bool WasAborted => _wasAborted;

    /// <summary>Completes once the near end has let go of the connection.</summary>
    internal Task Ended => _ended.Task;

    /// <summary>The far end goes away, as a socket does that was closed.</summary>
    internal void CloseFar()
    {
        _toServer.Writer.Complete();
        _toClient.Reader.Complete();
        _closed.Cancel();
    }

    /// <summary>The transport tells of the far end's end, as sockets do before its last bytes were read.</summary>
    internal void TellFar() => _closed.Cancel();

    /// <summary>The far end ends its side only, of which a socket's transport tells.</summary>
    internal void EndFar()
    {
        _toServer.Writer.Complete();
        _closed.Cancel();
    }

    /// <summary>The far end resets: what it had sent and was not read is lost.</summary>
    internal void ResetFar()
    {
        _toServer.Writer.Complete(new ConnectionResetException("reset by the far end"));
        _toClient.Reader.Complete();
        _closed.Cancel();
    }

    public override void Abort(ConnectionAbortedException abortReason)
    {
        _wasAborted = true;
        _closed.Cancel();
    }

    public override ValueTask DisposeAsync()
    {
        Transport.Input.Complete();
        Transport.Output.Complete();
        _ended.TrySetResult();
        return base.DisposeAsync();
    }

    private sealed record Ends(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
