using System.Buffers;
using System.Diagnostics;
using System.Threading.Tasks.Sources;

namespace Countersign.Audit;

/// <summary>
/// One pooled entry: fill it as a buffer writer, then hand it over once, with <see cref="AuditLog.Enqueue"/> or
/// <see cref="AuditLog.CommitAsync"/>; after that it belongs to the log. Not thread-safe.
/// </summary>
public sealed class AuditRecord : IBufferWriter<byte>, IValueTaskSource<bool>
{
    private const uint StateMask = 3;
    private const uint Free = 0;
    private const uint Leased = 1;
    private const uint Queued = 2;
    private const uint NextLease = 4;
    private readonly AuditRecordPool _pool;
    private readonly byte[] _kept = GC.AllocateUninitializedArray<byte>(AuditLimits.RecordBytesKept);
    private ManualResetValueTaskSourceCore<bool> _committed = new() { RunContinuationsAsynchronously = true };
    private byte[] _bytes;
    private uint _leaseTag;
    private int _timeEnd;

    // What the log has promised it, in bytes; and whether it was refused more.
    private int _granted;
    private bool _isNarrow;

    internal AuditRecord(AuditRecordPool pool, int slot)
    {
        _pool = pool;
        Slot = slot;
        _bytes = _kept;
    }

    /// <summary>Bytes written so far.</summary>
    public int WrittenBytes { get; private set; }

    /// <summary>
    /// The longest that this record may become, in bytes: 8,192 where the log has no room for more.
    /// </summary>
    public int BytesMax
    {
        get
        {
            if (_granted < _pool.RecordBytesMax && !_isNarrow) Widen();
            return _granted;
        }
    }

    /// <summary>What was written so far.</summary>
    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, WrittenBytes);

    /// <summary>Count of leases and state in one word: no reservation can return what another holds by now.</summary>
    internal uint LeaseTag => Volatile.Read(ref _leaseTag);

    /// <summary>Its place in the pool.</summary>
    internal int Slot { get; }

    /// <summary>True while somebody waits for the commit.</summary>
    internal bool IsAwaited { get; set; }

    /// <inheritdoc/>
    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Math.Min(_bytes.Length, _granted) - WrittenBytes);
        WrittenBytes += count;
    }

    /// <summary>Room for more. Asking beyond <see cref="BytesMax"/> is a bug of the caller and throws.</summary>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _bytes.AsMemory(WrittenBytes, Math.Min(_bytes.Length, _granted) - WrittenBytes);
    }

    /// <summary>Room for more. Asking beyond <see cref="BytesMax"/> is a bug of the caller and throws.</summary>
    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _bytes.AsSpan(WrittenBytes, Math.Min(_bytes.Length, _granted) - WrittenBytes);
    }

    /// <summary>Forgets what was written, to begin again.</summary>
    public void Clear() => WrittenBytes = _timeEnd = 0;

    /// <summary>True if the record of an intent has left here what its outcome shares with it.</summary>
    public bool IsReadied => _timeEnd > 0;

    /// <summary>True if what was left is shortened.</summary>
    internal bool IsReadiedCut { get; private set; }

    /// <summary>
    /// Leaves what an outcome shares with its intent, behind a head that ends with the time; nothing where the rest of
    /// the outcome might then not fit.
    /// </summary>
    internal void Ready(bool isCut, ReadOnlySpan<byte> shared)
    {
        int timeEnd = WrittenBytes, most = timeEnd + shared.Length + AuditLimits.OutcomeBytesMost;
        if (most > _granted && most > BytesMax)
        {
            Clear();
            return;
        }

        shared.CopyTo(GetSpan(shared.Length));
        Advance(shared.Length);
        _timeEnd = timeEnd;
        IsReadiedCut = isCut;

        // The outcome may be long in coming: nobody else should want for the room meanwhile.
        if (most <= AuditLimits.RecordBytesPromised) Narrow();
    }

    /// <summary>Where the time stands in a readied record.</summary>
    internal Span<byte> TimeOf() => _bytes.AsSpan(_timeEnd - AuditJson.TimeBytes, AuditJson.TimeBytes);

    bool IValueTaskSource<bool>.GetResult(short token)
    {
        bool committed = _committed.GetResult(token);
        _pool.Return(this);
        return committed;
    }

    ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => _committed.GetStatus(token);

    void IValueTaskSource<bool>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _committed.OnCompleted(continuation, state, token, flags);

    /// <summary>True if it asked for more than was promised, and there was none.</summary>
    internal bool IsNarrow => _isNarrow;

    internal void BeginLease()
    {
        (_granted, _isNarrow) = (AuditLimits.RecordBytesPromised, false);
        Debug.Assert((_leaseTag & StateMask) == Free, "the pool gives out free records only");
        Volatile.Write(ref _leaseTag, (_leaseTag & ~StateMask) + NextLease + Leased);
    }

    /// <summary>From its holder to the log; false if it was handed over before.</summary>
    internal bool TryQueue()
    {
        uint tag = _leaseTag;
        if ((tag & StateMask) != Leased
            || Interlocked.CompareExchange(ref _leaseTag, (tag & ~StateMask) + Queued, tag) != tag) return false;
        _pool.Room.Give(_granted - WrittenBytes);
        _granted = WrittenBytes;
        return true;
    }

    /// <summary>From its holder to nobody; false if that lease is over or was handed over.</summary>
    internal bool TryRelease(uint leaseTag) =>
        Interlocked.CompareExchange(ref _leaseTag, (leaseTag & ~StateMask) + Queued, leaseTag) == leaseTag;

    /// <summary>Gives up what it was promised beyond what every reserved record is.</summary>
    internal void Narrow()
    {
        if (_granted > AuditLimits.RecordBytesPromised) _pool.Room.Give(_granted - AuditLimits.RecordBytesPromised);
        (_granted, _isNarrow) = (AuditLimits.RecordBytesPromised, false);
    }

    /// <summary>Gives up all that it was promised.</summary>
    internal void GiveUpRoom()
    {
        _pool.Room.Give(AuditLimits.FrameHeadBytes + _granted);
        _granted = 0;
    }

    internal ValueTask<bool> Await()
    {
        _committed.Reset();
        IsAwaited = true;
        return new ValueTask<bool>(this, _committed.Version);
    }

    internal void Complete(bool committed) => _committed.SetResult(committed);

    internal void EndLease()
    {
        byte[] used = _bytes;
        _bytes = _kept;
        WrittenBytes = _timeEnd = _granted = 0;
        IsAwaited = false;
        Volatile.Write(ref _leaseTag, _leaseTag & ~StateMask);
        if (!ReferenceEquals(used, _kept)) ArrayPool<byte>.Shared.Return(used);
    }

    private void Reserve(int sizeHint)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
        int wanted = WrittenBytes + Math.Max(sizeHint, 1);
        if (wanted <= Math.Min(_bytes.Length, _granted)) return;
        Grow(wanted);
    }

    private void Widen()
    {
        _isNarrow = !_pool.Room.TryTake(_pool.RecordBytesMax - _granted);
        if (!_isNarrow) _granted = _pool.RecordBytesMax;
    }

    private void Grow(int wanted)
    {
        if (wanted > _granted) ArgumentOutOfRangeException.ThrowIfGreaterThan(wanted, BytesMax);
        if (wanted <= _bytes.Length) return;
        byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(wanted, _bytes.Length * 2));
        Written.CopyTo(larger);
        if (!ReferenceEquals(_bytes, _kept)) ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = larger;
    }
}
