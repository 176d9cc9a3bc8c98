using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Net.Security;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using Microsoft.AspNetCore.Connections;

namespace Countersign.DataPlane.Tls;

/// <summary>
/// What the peer sent, decrypted, as a pipe. It holds a block only while bytes are in it: an idle connection waits
/// without one. An end that TLS did not announce is a broken connection, since anybody on the way could have made it.
/// </summary>
/// <param name="tls">Authenticated.</param>
/// <param name="cipher">The stream beneath it.</param>
/// <param name="cipherInput">The pipe beneath that.</param>
/// <param name="onFailed">Hears why TLS failed, before the read throws; null where nobody does.</param>
internal sealed class TlsInput(
    SslStream tls, CipherStream cipher, PipeReader cipherInput, Action<string>? onFailed = null) : PipeReader
{
    // One record holds 16 KiB at most, so a block takes whatever one read decrypts.
    private const int BlockBytes = 16_384;

    private ReadOnlySequence<byte> _given;
    private Task? _begun;
    private int _begunCount;
    private byte[]? _block;
    private int _start;
    private int _end;
    private bool _isExamined;
    private bool _isCompleted;

    /// <inheritdoc/>
    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return TryTake(out ReadResult ready) ? new(ready) : ReadMoreAsync(cancellationToken);
    }

    /// <summary>
    /// Takes what is decrypted, or can be now. Bytes that have come and are no data yet, such as a ticket, leave a read
    /// begun, which the next one ends.
    /// </summary>
    public override bool TryRead(out ReadResult result)
    {
        if (TryTake(out result)) return true;
        if (_begun is null)
        {
            if (!cipherInput.TryRead(out ReadResult waiting)) return false;
            cipherInput.AdvanceTo(waiting.Buffer.Start, waiting.Buffer.Start);
            _begun = BeginAsync();
        }

        if (!_begun.IsCompleted) return false;
        Exception? fault = _begun.Exception?.InnerException;
        _begun = null;
        if (fault is ReadCancelledException) return TryTake(out result);
        if (fault is not null) ExceptionDispatchInfo.Throw(fault);
        result = Take(_begunCount);
        return true;
    }

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        if (_given.IsEmpty)
        {
            _isExamined = true;
            return;
        }

        _start += (int)_given.Slice(_given.Start, consumed).Length;
        _isExamined = _given.Slice(examined).IsEmpty;
        _given = default;
        if (_start == _end && _begun is null) Return();
    }

    /// <inheritdoc/>
    public override void CancelPendingRead() => cipher.CancelRead();

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null)
    {
        _isCompleted = true;
        _given = default;
        if (_begun is null) Return();
    }

    // What waits: a cancellation first, then bytes nobody has looked at, then the end.
    private bool TryTake(out ReadResult result)
    {
        bool isCancelled = cipher.TryTakeCancellation();
        result = isCancelled || (_start < _end && !_isExamined) || _isCompleted ? Give(isCancelled) : default;
        return isCancelled || !result.Buffer.IsEmpty || result.IsCompleted;
    }

    [AsyncMethodBuilder(typeof(KeptTaskMethodBuilder<>))]
    private async ValueTask<ReadResult> ReadMoreAsync(CancellationToken cancellation)
    {
        using CancellationTokenRegistration registration = cancellation.UnsafeRegister(
            static state => ((TlsInput)state!).CancelPendingRead(), this);
        while (true)
        {
            try
            {
                return Take(await ReadOnceAsync());
            }
            catch (ReadCancelledException)
            {
                cancellation.ThrowIfCancellationRequested();
                if (cipher.TryTakeCancellation()) return Give(isCancelled: true);
            }
        }
    }

    [AsyncMethodBuilder(typeof(KeptTaskMethodBuilder<>))]
    private async ValueTask<int> ReadOnceAsync()
    {
        if (_begun is { } begun)
        {
            try
            {
#pragma warning disable VSTHRD003 // Begun by this reader, in TryRead.
                await begun;
                return _begunCount;
#pragma warning restore VSTHRD003
            }
            finally
            {
                _begun = null;
            }
        }

        try
        {
            // With no room given it waits for bytes and takes none, so an idle connection holds no block.
            int none = _start == _end ? await tls.ReadAsync(Memory<byte>.Empty) : 0;
            Debug.Assert(none == 0);
            return await tls.ReadAsync(Room());
        }
        catch (IOException fault) when (TlsFailedException.Is(fault))
        {
            throw Failed(fault);
        }
    }

    private async Task BeginAsync()
    {
        try
        {
            _begunCount = await tls.ReadAsync(Room());
        }
        catch (IOException fault) when (TlsFailedException.Is(fault))
        {
            throw Failed(fault);
        }
    }

    private TlsFailedException Failed(IOException fault)
    {
        TlsFailedException failed = new(fault);
        onFailed?.Invoke(failed.Message);
        return failed;
    }

    private ReadResult Take(int count)
    {
        if (count == 0 && cipher.HasEnded) throw new ConnectionResetException("The peer ended without ending TLS.");
        if (count == 0) _isCompleted = true;
        _end += count;
        return Give(isCancelled: false);
    }

    private ReadResult Give(bool isCancelled)
    {
        _isExamined = false;
        _given = _start < _end ? new ReadOnlySequence<byte>(_block!, _start, _end - _start) : default;
        return new ReadResult(_given, isCancelled, _isCompleted);
    }

    // Room for a record's worth behind what is kept. How much is kept is bounded by whoever reads.
    private Memory<byte> Room()
    {
        _block ??= ArrayPool<byte>.Shared.Rent(BlockBytes);
        if (_end < _block.Length) return _block.AsMemory(_end);
        int kept = _end - _start;
        byte[] roomy = _start > 0 ? _block : ArrayPool<byte>.Shared.Rent(_block.Length * 2);
        _block.AsSpan(_start, kept).CopyTo(roomy);
        if (roomy != _block) ArrayPool<byte>.Shared.Return(_block, clearArray: true);
        _block = roomy;
        _start = 0;
        _end = kept;
        return _block.AsMemory(_end);
    }

    private void Return()
    {
        if (_block is null) return;
        // What was decrypted may be a token: wiped before another connection gets the block.
        _block.AsSpan(0, _end).Clear();
        ArrayPool<byte>.Shared.Return(_block);
        _block = null;
        _start = _end = 0;
    }
}
