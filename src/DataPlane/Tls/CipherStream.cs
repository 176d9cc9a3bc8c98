using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace Countersign.DataPlane.Tls;

/// <summary>
/// A connection's pipes as the stream that <see cref="System.Net.Security.SslStream"/> wants beneath it. A handshake is
/// ended early by cancelling its token and then the pipe's pending read and flush, which every pipe can do; a read
/// after it by <see cref="CancelRead"/>. So nothing is registered per read.
/// </summary>
internal sealed class CipherStream(PipeReader input, PipeWriter output) : Stream
{
    private int _isReadCancelled;

    /// <summary>
    /// True once the handshake is over: what is written waits in the pipe for one flush, so that the records of one
    /// answer leave together.
    /// </summary>
    internal bool IsCorked { get; set; }

    /// <summary>True once the peer's bytes ended where TLS still wanted some.</summary>
    internal bool HasEnded { get; private set; }

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Ends the read in progress, or the next one, with <see cref="ReadCancelledException"/>.</summary>
    internal void CancelRead()
    {
        // In this order: whoever finds the pipe cancelled finds the mark too.
        Volatile.Write(ref _isReadCancelled, 1);
        input.CancelPendingRead();
    }

    /// <summary>True once for each time that reading was cancelled and nobody has said so.</summary>
    internal bool TryTakeCancellation() =>
        Volatile.Read(ref _isReadCancelled) != 0 && Interlocked.Exchange(ref _isReadCancelled, 0) != 0;

    /// <summary>Reads what there is; with no room given, waits until there is something and takes none of it.</summary>
    [AsyncMethodBuilder(typeof(KeptTaskMethodBuilder<>))]
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            ReadResult result = await input.ReadAsync(CancellationToken.None);
            ReadOnlySequence<byte> bytes = result.Buffer;
            bool isStopped = result.IsCanceled && cancellationToken.IsCancellationRequested;
            bool isCancelled = result.IsCanceled && Volatile.Read(ref _isReadCancelled) != 0;
            if (isStopped || isCancelled || (buffer.IsEmpty && (!bytes.IsEmpty || result.IsCompleted)))
            {
                input.AdvanceTo(bytes.Start, bytes.Start);
                if (isStopped) throw new OperationCanceledException(cancellationToken);
                if (isCancelled) throw new ReadCancelledException();
                return 0;
            }

            if (!bytes.IsEmpty)
            {
                int count = (int)Math.Min(bytes.Length, buffer.Length);
                bytes.Slice(0, count).CopyTo(buffer.Span);
                input.AdvanceTo(bytes.GetPosition(count));
                return count;
            }

            input.AdvanceTo(bytes.End);
            if (!result.IsCompleted) continue;
            HasEnded = true;
            return 0;
        }
    }

    /// <summary>Puts bytes into the pipe, and sends them at once while there is no cork.</summary>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        output.Write(buffer.Span);
        return IsCorked ? ValueTask.CompletedTask : SendAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <summary>Refused: nothing here may block a thread.</summary>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <summary>Refused: nothing here may block a thread.</summary>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <summary>Nothing: what is written leaves by the cork's owner.</summary>
    public override void Flush()
    {
    }

    /// <summary>Nothing: what is written leaves by the cork's owner.</summary>
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async ValueTask SendAsync(CancellationToken cancellation)
    {
        FlushResult result = await output.FlushAsync(CancellationToken.None);
        if (result.IsCanceled) cancellation.ThrowIfCancellationRequested();
        if (result.IsCompleted) throw new IOException("The peer closed the connection.");
    }
}
