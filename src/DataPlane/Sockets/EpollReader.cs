using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Runtime.InteropServices;
using System.Threading.Tasks.Sources;
using Microsoft.AspNetCore.Connections;

namespace Countersign.DataPlane.Sockets;

/// <summary>
/// What a socket receives, as a pipe with one contiguous buffer and no pipe in between: bytes go from the kernel to
/// where they are parsed. While nothing has arrived there is no buffer either.
/// </summary>
internal sealed class EpollReader : PipeReader, IValueTaskSource<ReadResult>, IResumable, IStep
{
    // A consumer bounds what it leaves unread far below this (Limits.HeadBytesMax); beyond it there is a bug.
    private const int BufferBytesMax = 4 * 1024 * 1024;

    // A long body is read in steps of at most this much. Bare forwarders did best with buffers of 16 to 64 KiB; other
    // sizes were not measured in this one.
    private const int StepBytesMax = 65_536;

    // So many reads in a row without a wait, and the loop's other sockets get their turn.
    private const int RunMax = 16;

    private readonly EpollConnection _connection;
    private ManualResetValueTaskSourceCore<ReadResult> _source;
    private Readiness _ready;
    private byte[]? _buffer;
    private int _stepBytes;
    private int _start;
    private int _examined;
    private int _end;
    private int _dirty;
    private int _run;
    private bool _isEnded;
    private bool _isReset;
    private bool _isCompleted;
    private volatile bool _isCancelled;
    private CancellationTokenRegistration _cancellation;

    internal EpollReader(EpollConnection connection, int stepBytes)
    {
        _connection = connection;
        _stepBytes = stepBytes;
        _ready.Set();
    }

    /// <inheritdoc/>
    public override bool TryRead(out ReadResult result)
    {
        ObjectDisposedException.ThrowIf(_isCompleted, this);
        bool isCancelled = TakeCancellation();
        if (isCancelled || HasNews || (_ready.IsSignalled && TryFill()))
        {
            result = Result(isCancelled);
            return true;
        }

        result = default;
        return false;
    }

    /// <inheritdoc/>
    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        while (true)
        {
            if (!MustYield && TryRead(out ReadResult result)) return new(result);
            if (_run >= RunMax) return YieldAsync();
            Rest();
            _source.Reset();
            if (!_ready.TryPark()) continue;
            if (_isCancelled && _ready.TryUnpark()) continue;
            if (cancellationToken.CanBeCanceled) Watch(cancellationToken);
            return new(this, _source.Version);
        }
    }

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        if (_buffer is null) return;
        int start = consumed.GetInteger(), seen = examined.GetInteger();
        Debug.Assert(start >= _start && seen >= start && seen <= _end);
        _start = start;
        _examined = seen;

        // Nothing is left, and the kernel had no more: the next socket of this loop takes the buffer while it is warm.
        if (start == _end && !_ready.IsSignalled) Release();
    }

    /// <inheritdoc/>
    public override void CancelPendingRead()
    {
        _isCancelled = true;
        _connection.Loop.Post(this);
    }

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null)
    {
        if (_isCompleted) return;
        _isCompleted = true;
        Release();
    }

    /// <summary>The kernel says that there is something to receive, or that nothing more will come. True if that ends
    /// a wait, which the loop then continues.</summary>
    internal bool TryWake() => _ready.Signal();

    /// <summary>Ends a wait that was cancelled, or one that only gave others their turn.</summary>
    void IResumable.Resume()
    {
        if (_ready.TryUnpark()) Continue();
    }

    /// <inheritdoc/>
    bool IStep.TryAsk(Ring ring)
    {
        if (_isCompleted || _isCancelled || HasNews) return false;
        if (_buffer is not null && !BufferStack.IsPinned(_buffer)) return false;
        MakeRoom();
        if (!BufferStack.IsPinned(_buffer!)) return false;
        _run = 0; // it waited
        _ready.Clear();
        ring.Receive(_connection.Descriptor, _buffer!, _end, _buffer!.Length - _end);
        return true;
    }

    /// <inheritdoc/>
    void IStep.Answer(int result)
    {
        if (result > 0) Received(result);
        else if (result == 0) _isEnded = true;
        else if (result != -Epoll.WouldBlock)
        {
            // The kernel does not say so again, and a cancellation may end this wait first.
            _isReset = result != -Epoll.Interrupted;
            _ready.Set();
        }
    }

    /// <inheritdoc/>
    void IStep.Continue() => Continue();

    /// <inheritdoc/>
    ReadResult IValueTaskSource<ReadResult>.GetResult(short token)
    {
        ReadResult result = _source.GetResult(token);
        CancellationToken cancellation = _cancellation.Token;
        _cancellation.Dispose();
        _cancellation = default;
        if (result.IsCanceled) cancellation.ThrowIfCancellationRequested();
        return result;
    }

    /// <inheritdoc/>
    ValueTaskSourceStatus IValueTaskSource<ReadResult>.GetStatus(short token) => _source.GetStatus(token);

    /// <inheritdoc/>
    void IValueTaskSource<ReadResult>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    private bool HasNews => _end > _examined || _isEnded;

    // It has read often enough without a wait: others get their turn. Who only looks (TryRead) is not held to it.
    private bool MustYield => _run >= RunMax && !HasNews;

    private ValueTask<ReadResult> YieldAsync()
    {
        _run = 0;
        _source.Reset();
        _ready.Park();
        _connection.Loop.Post(this);
        return new(this, _source.Version);
    }

    private void Watch(CancellationToken cancellation) => _cancellation = cancellation.UnsafeRegister(
        static state => ((EpollReader)state!).CancelPendingRead(), this);

    // On the loop's thread: the wait is over, unless there was nothing after all.
    private void Continue()
    {
        if (!HasNews) _run = 0;
        bool isCancelled = TakeCancellation();
        if (_isCompleted && !isCancelled) return; // disposed of a moment ago: nobody waits any more
        try
        {
            while (!isCancelled && !HasNews && !TryFill())
            {
                Rest();
                if (!_ready.TryPark()) continue;
                if (!_isCancelled || !_ready.TryUnpark()) return;
                isCancelled = TakeCancellation();
            }
        }
        catch (IOException fault)
        {
            _source.SetException(fault);
            return;
        }

        _source.SetResult(Result(isCancelled));
    }

    private bool TakeCancellation()
    {
        if (!_isCancelled) return false;
        _isCancelled = false;
        return true;
    }

    // False if the kernel has nothing now. Throws ConnectionResetException if it never will.
    private bool TryFill()
    {
        while (true)
        {
            if (_isReset) throw Reset();
            MakeRoom();
            _ready.Clear();
            int count = _connection.Receive(_buffer.AsSpan(_end));
            if (count > 0)
            {
                Received(count);
                return true;
            }

            if (count == 0)
            {
                _isEnded = true;
                return true;
            }

            int error = Marshal.GetLastPInvokeError();
            if (error == Epoll.Interrupted) continue;
            if (error != Epoll.WouldBlock) throw Reset();
            return false;
        }
    }

    private void Received(int count)
    {
        bool isFull = count == _buffer!.Length - _end;
        _end += count;
        _dirty = Math.Max(_dirty, _end);
        _run++;

        // All the room was used, or the peer has ended: the kernel need not tell of what is left.
        if (isFull || _connection.IsHungUp) _ready.Set();
        if (isFull && _stepBytes < StepBytesMax) _stepBytes *= 4;
    }

    private static ConnectionResetException Reset() => new("The peer reset the connection.");

    private void MakeRoom()
    {
        if (_buffer is null)
        {
            _buffer = BufferStack.Rent(_stepBytes);
            return;
        }

        if (_start == _end) _start = _examined = _end = 0;
        if (_end < _buffer.Length) return;
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            _end -= _start;
            _examined -= _start;
            _start = 0;
            return;
        }

        if (_buffer.Length >= BufferBytesMax) throw new InvalidOperationException("A reader leaves too much unread.");
        byte[] larger = BufferStack.Rent(Math.Max(_buffer.Length * 2, _stepBytes));
        _buffer.AsSpan(0, _end).CopyTo(larger);
        (int end, int examined) = (_end, _examined);
        Release();
        (_buffer, _end, _examined, _dirty) = (larger, end, examined, end);
    }

    /// <summary>
    /// Lets go of the buffer if nothing is in it: a connection that waits with nothing received holds none. For the
    /// consumer, between its reads.
    /// </summary>
    internal void Rest()
    {
        if (_start == _end) Release();
    }

    // Wiped, since heads hold credentials and bodies hold anything (STYLE rule 15).
    private void Release()
    {
        byte[]? buffer = _buffer;
        _buffer = null;
        _start = _examined = _end = 0;
        if (buffer is null) return;
        buffer.AsSpan(0, _dirty).Clear();
        _dirty = 0;
        BufferStack.Return(buffer);
    }

    private ReadResult Result(bool isCancelled) => new(
        _buffer is null ? ReadOnlySequence<byte>.Empty : new ReadOnlySequence<byte>(_buffer, _start, _end - _start),
        isCancelled, _isEnded);
}
