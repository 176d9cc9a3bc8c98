using System.Buffers;
using System.IO.Pipelines;
using System.Net.Security;
using System.Runtime.CompilerServices;

namespace Countersign.DataPlane.Tls;

/// <summary>
/// What the peer gets, encrypted when it is flushed: the records of one flush go into the connection's pipe and leave
/// in one flush of that, so back-pressure and cancelling are the pipe's own.
/// </summary>
internal sealed class TlsOutput(SslStream tls, PipeWriter cipherOutput) : PipeWriter
{
    private const int BlockBytes = 16_384;

    private byte[]? _block;
    private int _count;

    /// <inheritdoc/>
    public override bool CanGetUnflushedBytes => true;

    /// <inheritdoc/>
    public override long UnflushedBytes => _count;

    /// <inheritdoc/>
    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        MakeRoom(sizeHint);
        return _block.AsMemory(_count);
    }

    /// <inheritdoc/>
    public override Span<byte> GetSpan(int sizeHint = 0)
    {
        MakeRoom(sizeHint);
        return _block.AsSpan(_count);
    }

    /// <inheritdoc/>
    public override void Advance(int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, (_block?.Length ?? 0) - _count);
        _count += bytes;
    }

    /// <inheritdoc/>
    [AsyncMethodBuilder(typeof(KeptTaskMethodBuilder<>))]
    public override async ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        // The stream beneath is corked, so this encrypts and does not wait.
        if (_count > 0) await tls.WriteAsync(_block.AsMemory(0, _count), CancellationToken.None);
        Return();
        return await cipherOutput.FlushAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public override void CancelPendingFlush() => cipherOutput.CancelPendingFlush();

    /// <summary>Drops what was not flushed; the connection ends TLS itself.</summary>
    public override void Complete(Exception? exception = null) => Return();

    private void MakeRoom(int sizeHint)
    {
        int wanted = _count + Math.Max(sizeHint, 1);
        _block ??= ArrayPool<byte>.Shared.Rent(Math.Max(BlockBytes, wanted));
        if (wanted <= _block.Length) return;
        byte[] roomy = ArrayPool<byte>.Shared.Rent(Math.Max(_block.Length * 2, wanted));
        _block.AsSpan(0, _count).CopyTo(roomy);
        ArrayPool<byte>.Shared.Return(_block, clearArray: true);
        _block = roomy;
    }

    private void Return()
    {
        if (_block is null) return;
        // What was written may be a masked field's neighbour or a lent credential: wiped before it is lent again.
        _block.AsSpan(0, _count).Clear();
        ArrayPool<byte>.Shared.Return(_block);
        _block = null;
        _count = 0;
    }
}
