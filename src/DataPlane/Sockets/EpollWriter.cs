using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.InteropServices;
using System.Threading.Tasks.Sources;

namespace Countersign.DataPlane.Sockets;

/// <summary>
/// What a socket sends, as a pipe with one contiguous buffer, so that a head and a body written together leave in one
/// send, with what others of the loop send in the same turn. A flush is over when the kernel has taken everything:
/// there is no second buffer that a slow peer could fill.
/// </summary>
internal sealed class EpollWriter : PipeWriter, IValueTaskSource<FlushResult>, IResumable, IStep
{
    // Room for the head and body of a usual answer; what is larger doubles it.
    private const int FirstBytes = 16_384;

    private readonly EpollConnection _connection;
    private ManualResetValueTaskSourceCore<FlushResult> _source;
    private Readiness _ready;
    private byte[]? _buffer;
    private int _sent;
    private int _count;
    private bool _isBroken;
    private bool _isCompleted;
    private volatile bool _isCancelled;
    private CancellationTokenRegistration _cancellation;

    internal EpollWriter(EpollConnection connection) => _connection = connection;

    /// <inheritdoc/>
    public override bool CanGetUnflushedBytes => true;

    /// <inheritdoc/>
    public override long UnflushedBytes => _count - _sent;

    /// <inheritdoc/>
    public override void Advance(int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, (_buffer?.Length ?? 0) - _count);
        _count += bytes;
    }

    /// <inheritdoc/>
    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(Math.Max(sizeHint, 1));
        return _buffer.AsMemory(_count);
    }

    /// <inheritdoc/>
    public override Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(Math.Max(sizeHint, 1));
        return _buffer.AsSpan(_count);
    }

    /// <inheritdoc/>
    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (CanDefer && _connection.Loop.TryDefer(this))
        {
            _source.Reset();
            if (cancellationToken.CanBeCanceled) Watch(cancellationToken);
            return new(this, _source.Version);
        }

        while (true)
        {
            if (TakeCancellation()) return new(new FlushResult(isCanceled: true, isCompleted: false));
            if (TrySend()) return new(Result());
            _source.Reset();
            if (!_ready.TryPark()) continue;
            if (_isCancelled && _ready.TryUnpark()) continue;
            if (cancellationToken.CanBeCanceled) Watch(cancellationToken);
            return new(this, _source.Version);
        }
    }

    /// <inheritdoc/>
    public override void CancelPendingFlush()
    {
        _isCancelled = true;
        _connection.Loop.Post(this);
    }

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null)
    {
        if (_isCompleted) return;
        _isCompleted = true;
        _isBroken |= _sent < _count; // a flush that was to go with others will not
        Release();
    }

    /// <summary>The kernel says that it takes more, or that it never will. True if that ends a wait, which the loop
    /// then continues.</summary>
    internal bool TryWake() => _ready.Signal();

    /// <summary>Waits for a connection that is being opened; flushing nothing is how it is done.</summary>
    internal ValueTask<FlushResult> WaitAsync()
    {
        _source.Reset();
        if (!_ready.TryPark()) return new(new FlushResult(isCanceled: false, isCompleted: false));
        if (_isCancelled && _ready.TryUnpark()) return new(new FlushResult(isCanceled: true, isCompleted: false));
        return new(this, _source.Version);
    }

    /// <summary>Ends a wait that was cancelled.</summary>
    void IResumable.Resume()
    {
        if (_ready.TryUnpark()) Continue();
    }

    /// <inheritdoc/>
    bool IStep.TryAsk(Ring ring)
    {
        if (_isCompleted || _isCancelled || !CanDefer) return false;
        _ready.Clear();
        ring.Send(_connection.Descriptor, _buffer!, _sent, _count - _sent);
        return true;
    }

    /// <inheritdoc/>
    void IStep.Answer(int result)
    {
        if (result >= 0) _sent += result;
        else _isBroken = result is not (-Epoll.WouldBlock or -Epoll.Interrupted);
    }

    /// <inheritdoc/>
    void IStep.Continue() => Continue();

    /// <inheritdoc/>
    FlushResult IValueTaskSource<FlushResult>.GetResult(short token)
    {
        FlushResult result = _source.GetResult(token);
        CancellationToken cancellation = _cancellation.Token;
        _cancellation.Dispose();
        _cancellation = default;
        if (result.IsCanceled) cancellation.ThrowIfCancellationRequested();
        return result;
    }

    /// <inheritdoc/>
    ValueTaskSourceStatus IValueTaskSource<FlushResult>.GetStatus(short token) => _source.GetStatus(token);

    /// <inheritdoc/>
    void IValueTaskSource<FlushResult>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    // Of the usual size; what is larger has the kernel's attention for long enough to go by itself.
    private bool CanDefer => _sent < _count && !_isBroken && BufferStack.IsPinned(_buffer!);

    private void Watch(CancellationToken cancellation) => _cancellation = cancellation.UnsafeRegister(
        static state => ((EpollWriter)state!).CancelPendingFlush(), this);

    private void Continue()
    {
        while (true)
        {
            if (TakeCancellation())
            {
                _source.SetResult(new FlushResult(isCanceled: true, isCompleted: false));
                return;
            }

            if (TrySend()) break;
            if (_ready.TryPark() && !(_isCancelled && _ready.TryUnpark())) return;
        }

        _source.SetResult(Result());
    }

    private bool TakeCancellation()
    {
        if (!_isCancelled) return false;
        _isCancelled = false;
        return true;
    }

    // False while the kernel takes no more. What could never be sent is dropped, and the flush says that it is over.
    private bool TrySend()
    {
        while (_sent < _count && !_isBroken)
        {
            _ready.Clear();
            int count = _connection.Send(_buffer.AsSpan(_sent, _count - _sent));
            if (count >= 0)
            {
                _sent += count;
                continue;
            }

            int error = Marshal.GetLastPInvokeError();
            if (error == Epoll.Interrupted) continue;
            if (error == Epoll.WouldBlock) return false;
            _isBroken = true;
        }

        Release();
        return true;
    }

    private FlushResult Result() => new(isCanceled: false, isCompleted: _isBroken);

    private void Reserve(int bytes)
    {
        ObjectDisposedException.ThrowIf(_isCompleted, this);
        if (_buffer is null)
        {
            _buffer = BufferStack.Rent(Math.Max(bytes, FirstBytes));
            return;
        }

        if (_buffer.Length - _count >= bytes) return;
        byte[] larger = BufferStack.Rent(Math.Max(_buffer.Length * 2, _count + bytes));
        _buffer.AsSpan(_sent, _count - _sent).CopyTo(larger);
        int count = _count - _sent;
        Release();
        (_buffer, _count) = (larger, count);
    }

    // Wiped, since answers and lent credentials pass through here (STYLE rule 15).
    private void Release()
    {
        byte[]? buffer = _buffer;
        _buffer = null;
        int count = _count;
        _sent = _count = 0;
        if (buffer is null) return;
        buffer.AsSpan(0, count).Clear();
        BufferStack.Return(buffer);
    }
}
