using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Countersign.Masking;

/// <summary>How many bytes one instruction looks at. All give the same masks.</summary>
internal enum BlockWidth : byte
{
    Scalar = 0,
    Bits128,
    Bits256,
    Bits512,
}

/// <summary>64 bytes, asked for one bit each: the lowest is the first byte's.</summary>
internal interface IBlockBytes<TSelf>
    where TSelf : struct, IBlockBytes<TSelf>
{
    /// <summary>The first 64 of <paramref name="bytes"/>.</summary>
    static abstract TSelf Load(ReadOnlySpan<byte> bytes);

    /// <summary>Bytes that are <paramref name="value"/>.</summary>
    ulong Equal(byte value);

    /// <summary>Bytes that are <paramref name="value"/> once 0x20 is set in them.</summary>
    ulong EqualFolded(byte value);

    /// <summary>Bytes of <paramref name="count"/> values from <paramref name="first"/> on.</summary>
    ulong InRange(byte first, byte count);

    /// <summary>Bytes from 0x80 on.</summary>
    ulong High();

    /// <summary>Bytes that are in <paramref name="set"/>, and those that share both halves with it.</summary>
    ulong Among(ByteSet set);
}

/// <summary>A block in one 512-bit vector.</summary>
internal readonly struct Block512(Vector512<byte> bytes) : IBlockBytes<Block512>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Block512 Load(ReadOnlySpan<byte> bytes) => new(Vector512.Create(bytes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Equal(byte value) => Vector512.Equals(bytes, Vector512.Create(value)).ExtractMostSignificantBits();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong EqualFolded(byte value) =>
        Vector512.Equals(bytes | Vector512.Create((byte)0x20), Vector512.Create(value)).ExtractMostSignificantBits();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong InRange(byte first, byte count) =>
        Vector512.LessThan(bytes - Vector512.Create(first), Vector512.Create(count)).ExtractMostSignificantBits();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong High() => bytes.ExtractMostSignificantBits();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Among(ByteSet set)
    {
        Vector512<byte> half = Vector512.Create((byte)0x0F);
        Vector512<byte> folded = bytes | Vector512.Create((byte)0x20);
        Vector512<byte> lows = folded & half;
        Vector512<byte> highs = (folded.AsUInt16() >>> 4).AsByte() & half;
        if (!Avx512BW.IsSupported)
            return new Block256(folded.GetLower(), folded.GetUpper()).Among(set);
        Vector512<byte> groups = Avx512BW.Shuffle(set.Low, lows)
            & Avx512BW.Shuffle(set.High, highs);
        return ~Vector512.Equals(groups, Vector512<byte>.Zero).ExtractMostSignificantBits();
    }
}

/// <summary>A block in two 256-bit vectors.</summary>
internal readonly struct Block256(Vector256<byte> low, Vector256<byte> high) : IBlockBytes<Block256>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Block256 Load(ReadOnlySpan<byte> bytes) =>
        new(Vector256.Create(bytes), Vector256.Create(bytes[32..]));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Equal(byte value)
    {
        Vector256<byte> wanted = Vector256.Create(value);
        return Join(Vector256.Equals(low, wanted), Vector256.Equals(high, wanted));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong EqualFolded(byte value)
    {
        Vector256<byte> wanted = Vector256.Create(value);
        Vector256<byte> bit = Vector256.Create((byte)0x20);
        return Join(Vector256.Equals(low | bit, wanted), Vector256.Equals(high | bit, wanted));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong InRange(byte first, byte count)
    {
        Vector256<byte> start = Vector256.Create(first);
        Vector256<byte> last = Vector256.Create((byte)(count - 1));
        Vector256<byte> a = low - start;
        Vector256<byte> b = high - start;
        return Join(Vector256.Equals(Vector256.Min(a, last), a), Vector256.Equals(Vector256.Min(b, last), b));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong High() => Join(low, high);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Among(ByteSet set)
    {
        if (!Avx2.IsSupported)
            return new Block128(low.GetLower(), low.GetUpper(), high.GetLower(), high.GetUpper()).Among(set);
        Vector256<byte> zero = Vector256<byte>.Zero;
        return ~Join(Vector256.Equals(Groups(low, set), zero), Vector256.Equals(Groups(high, set), zero));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Groups(Vector256<byte> bytes, ByteSet set)
    {
        Vector256<byte> half = Vector256.Create((byte)0x0F);
        Vector256<byte> folded = bytes | Vector256.Create((byte)0x20);
        Vector256<byte> highs = (folded.AsUInt16() >>> 4).AsByte() & half;
        return Avx2.Shuffle(set.Low.GetLower(), folded & half)
            & Avx2.Shuffle(set.High.GetLower(), highs);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Join(Vector256<byte> a, Vector256<byte> b) =>
        a.ExtractMostSignificantBits() | (ulong)b.ExtractMostSignificantBits() << 32;
}

/// <summary>A block in four 128-bit vectors.</summary>
internal readonly struct Block128(Vector128<byte> a, Vector128<byte> b, Vector128<byte> c, Vector128<byte> d)
    : IBlockBytes<Block128>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Block128 Load(ReadOnlySpan<byte> bytes) => new(
        Vector128.Create(bytes), Vector128.Create(bytes[16..]), Vector128.Create(bytes[32..]),
        Vector128.Create(bytes[48..]));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Equal(byte value)
    {
        Vector128<byte> wanted = Vector128.Create(value);
        return Join(
            Vector128.Equals(a, wanted), Vector128.Equals(b, wanted), Vector128.Equals(c, wanted),
            Vector128.Equals(d, wanted));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong EqualFolded(byte value)
    {
        Vector128<byte> bit = Vector128.Create((byte)0x20);
        return new Block128(a | bit, b | bit, c | bit, d | bit).Equal(value);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong InRange(byte first, byte count)
    {
        Vector128<byte> start = Vector128.Create(first);
        Vector128<byte> last = Vector128.Create((byte)(count - 1));
        return Join(
            AtMost(a - start, last), AtMost(b - start, last), AtMost(c - start, last), AtMost(d - start, last));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong High() => Join(a, b, c, d);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Among(ByteSet set)
    {
        Vector128<byte> zero = Vector128<byte>.Zero;
        return ~Join(
            Vector128.Equals(Groups(a, set), zero), Vector128.Equals(Groups(b, set), zero),
            Vector128.Equals(Groups(c, set), zero), Vector128.Equals(Groups(d, set), zero));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Groups(Vector128<byte> bytes, ByteSet set)
    {
        Vector128<byte> folded = bytes | Vector128.Create((byte)0x20);
        return Vector128.Shuffle(set.Low.GetLower().GetLower(), folded & Vector128.Create((byte)0x0F))
            & Vector128.Shuffle(set.High.GetLower().GetLower(), folded >>> 4);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> AtMost(Vector128<byte> bytes, Vector128<byte> last) =>
        Vector128.Equals(Vector128.Min(bytes, last), bytes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Join(Vector128<byte> a, Vector128<byte> b, Vector128<byte> c, Vector128<byte> d) =>
        a.ExtractMostSignificantBits()
            | (ulong)b.ExtractMostSignificantBits() << 16
            | (ulong)c.ExtractMostSignificantBits() << 32
            | (ulong)d.ExtractMostSignificantBits() << 48;
}

/// <summary>A block byte by byte: what the vectors must agree with.</summary>
internal readonly struct BlockScalar : IBlockBytes<BlockScalar>
{
    private readonly Bytes64 _bytes;

    private BlockScalar(ReadOnlySpan<byte> bytes) => bytes[..64].CopyTo(_bytes);

    public static BlockScalar Load(ReadOnlySpan<byte> bytes) => new(bytes);

    public ulong Equal(byte value) => InRange(value, 1);

    public ulong EqualFolded(byte value)
    {
        ulong mask = 0;
        for (int place = 63; place >= 0; place--) mask = mask << 1 | ((_bytes[place] | 0x20) == value ? 1UL : 0);
        return mask;
    }

    public ulong InRange(byte first, byte count)
    {
        ulong mask = 0;
        for (int place = 63; place >= 0; place--)
            mask = mask << 1 | ((byte)(_bytes[place] - first) < count ? 1UL : 0);
        return mask;
    }

    public ulong High() => InRange(0x80, 0x80);

    public ulong Among(ByteSet set)
    {
        ulong mask = 0;
        for (int place = 63; place >= 0; place--)
        {
            int folded = _bytes[place] | 0x20;
            mask = mask << 1 | ((set.Low[folded & 15] & set.High[folded >> 4]) != 0 ? 1UL : 0);
        }

        return mask;
    }

    [InlineArray(64)]
    private struct Bytes64
    {
        private byte _first;
    }
}
