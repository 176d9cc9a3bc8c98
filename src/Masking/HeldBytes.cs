using System.Buffers;

namespace Countersign.Masking;

/// <summary>Bytes that wait, in a buffer that is kept for the next body unless it grew large, and wiped.</summary>
internal sealed class HeldBytes
{
    private const int KeptBytesMax = 65_536;

    private byte[] _bytes = [];

    /// <summary>How many there are.</summary>
    public int Count { get; private set; }

    /// <summary>All of them.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, Count);

    /// <summary>They, and the room behind them, whatever is in it.</summary>
    public ReadOnlySpan<byte> BytesAndRoom => _bytes;

    /// <summary>Adds bytes behind.</summary>
    public void Add(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Reserve(bytes.Length));
        Count += bytes.Length;
    }

    /// <summary>Room for <paramref name="count"/> more bytes, which <see cref="Advance"/> then counts.</summary>
    public Span<byte> Reserve(int count)
    {
        if (_bytes.Length - Count < count) Grow(Count + count);
        return _bytes.AsSpan(Count, count);
    }

    /// <summary>Counts bytes written to what <see cref="Reserve"/> gave.</summary>
    public void Advance(int count) => Count += count;

    /// <summary>Lets go of the first <paramref name="count"/>.</summary>
    public void RemoveFirst(int count)
    {
        _bytes.AsSpan(count, Count - count).CopyTo(_bytes);
        _bytes.AsSpan(Count - count, count).Clear();
        Count -= count;
    }

    /// <summary>Lets go of all, and of the buffer if it is large.</summary>
    public void Clear()
    {
        if (Count == 0 && _bytes.Length <= KeptBytesMax) return;
        _bytes.AsSpan(0, Count).Clear();
        Count = 0;
        if (_bytes.Length <= KeptBytesMax) return;
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
    }

    private void Grow(int needed)
    {
        byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(needed, Math.Max(256, _bytes.Length * 2)));
        Bytes.CopyTo(larger);
        _bytes.AsSpan(0, Count).Clear();
        if (_bytes.Length > 0) ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = larger;
    }
}
