using System.Buffers;

namespace Countersign.DataPlane.Http;

/// <summary>
/// Bytes that grow in a leased array. Wiped when given back, since bodies and credentials pass through here (STYLE rule
/// 15).
/// </summary>
internal sealed class LeasedBuffer : IBufferWriter<byte>
{
    // Beyond this a copy would be one of the collector's large objects, which it takes long to take back.
    private const int ShrunkBytesMax = 65_536;

    private byte[] _bytes = [];
    private bool _isFitted;

    /// <summary>How many bytes were written.</summary>
    internal int Count { get; private set; }

    /// <summary>What was written.</summary>
    internal ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Count);

    /// <summary>What was written.</summary>
    internal ReadOnlyMemory<byte> WrittenMemory => _bytes.AsMemory(0, Count);

    /// <inheritdoc/>
    public void Advance(int count) => Count += count;

    /// <inheritdoc/>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _bytes.AsMemory(Count);
    }

    /// <inheritdoc/>
    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _bytes.AsSpan(Count);
    }

    /// <summary>Takes room for so many more bytes at once, in place of growing towards it; for none or less,
    /// none.</summary>
    internal void Expect(int count)
    {
        if (count > 0) Reserve(count);
    }

    /// <summary>Forgets what was written, wiped, and keeps the lease.</summary>
    internal void Clear()
    {
        _bytes.AsSpan(0, Count).Clear();
        Count = 0;
    }

    /// <summary>Gives the array back, wiped.</summary>
    internal void Return()
    {
        if (_bytes.Length == 0) return;
        _bytes.AsSpan(0, Count).Clear();
        if (!_isFitted) ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
        _isFitted = false;
        Count = 0;
    }

    /// <summary>
    /// Keeps what was written in no more memory than it needs, unless it is long, and gives the lease back: for what
    /// waits long.
    /// </summary>
    internal void Shrink()
    {
        if (_isFitted || Count > ShrunkBytesMax) return;
        byte[] fitted = Written.ToArray();
        Return();
        _bytes = fitted;
        _isFitted = fitted.Length > 0;
        Count = fitted.Length;
    }

    private void Reserve(int sizeHint)
    {
        int wanted = Math.Max(sizeHint, 1);
        if (_bytes.Length - Count >= wanted) return;
        byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(Math.Max(_bytes.Length * 2, Count + wanted), 4096));
        Written.CopyTo(larger);
        int count = Count;
        Return();
        _bytes = larger;
        Count = count;
    }
}
