using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Countersign.Masking;

/// <summary>A block in four 128-bit vectors.</summary>
internal readonly struct Block128(Vector128<byte> a, Vector128<byte> b, Vector128<byte> c, Vector128<byte> d)
    : IBlockBytes<Block128>
{
    private const int QuarterBytes = 16;

    private static readonly Vector128<byte> MarkTable = Vector128.Create(HalfByteTables.Marks);
    private static readonly Vector128<byte> BlankTable = Vector128.Create(HalfByteTables.Blanks);
    private static readonly Vector128<byte> FirstHigh = Vector128.Create(Utf8Tables.FirstHigh);
    private static readonly Vector128<byte> FirstLow = Vector128.Create(Utf8Tables.FirstLow);
    private static readonly Vector128<byte> SecondHigh = Vector128.Create(Utf8Tables.SecondHigh);
    private static readonly Vector128<byte> EscapeTable = Vector128.Create(HalfByteTables.Escapes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Block128 Load(ReadOnlySpan<byte> bytes) => new(
        Vector128.Create(bytes), Vector128.Create(bytes[16..]), Vector128.Create(bytes[32..]),
        Vector128.Create(bytes[48..]));

    public static ulong NameEnds(ReadOnlySpan<byte> around, KeyTrails names)
    {
        ulong none = 0;
        for (int at = 0; at < BlockWindow.BlockBytes; at += QuarterBytes)
        {
            Vector128<byte> groups = Groups(Vector128.Create(around[(at + 7)..]), names.Last)
                & Groups(Vector128.Create(around[(at + 6)..]), names.SecondLast)
                & Groups(Vector128.Create(around[(at + 5)..]), names.ThirdLast);
            none |= (ulong)Vector128.Equals(groups, Vector128<byte>.Zero).ExtractMostSignificantBits() << at;
        }

        return ~none;
    }

    /// <summary>Bytes of a block that stand in <paramref name="table"/> at the place of their lower half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong InTable(
        Vector128<byte> table, Vector128<byte> a, Vector128<byte> b, Vector128<byte> c, Vector128<byte> d)
    {
        Vector128<byte> half = Vector128.Create((byte)0x0F);
        return Join(
            Vector128.Equals(Vector128.Shuffle(table, a & half), a),
            Vector128.Equals(Vector128.Shuffle(table, b & half), b),
            Vector128.Equals(Vector128.Shuffle(table, c & half), c),
            Vector128.Equals(Vector128.Shuffle(table, d & half), d));
    }

    public static ulong NotUtf8(ReadOnlySpan<byte> around)
    {
        Vector128<byte> half = Vector128.Create((byte)0x0F);
        ulong sound = 0;
        for (int at = 0; at < BlockWindow.BlockBytes; at += QuarterBytes)
        {
            Vector128<byte> second = Vector128.Create(around[(at + 8)..]);
            Vector128<byte> first = Vector128.Create(around[(at + 7)..]);
            Vector128<byte> pairs = Vector128.Shuffle(FirstHigh, first >>> 4)
                & Vector128.Shuffle(FirstLow, first & half) & Vector128.Shuffle(SecondHigh, second >>> 4);
            Vector128<byte> third = Vector128.SubtractSaturate(
                Vector128.Create(around[(at + 6)..]), Vector128.Create(Utf8Tables.ThirdFrom));
            Vector128<byte> fourth = Vector128.SubtractSaturate(
                Vector128.Create(around[(at + 5)..]), Vector128.Create(Utf8Tables.FourthFrom));
            Vector128<byte> goesOn = (third | fourth) & Vector128.Create(Utf8Tables.TwoGoOn);
            sound |= (ulong)Vector128.Equals(pairs, goesOn).ExtractMostSignificantBits() << at;
        }

        return ~sound;
    }

    public static ulong Literals(ReadOnlySpan<byte> bytes, ulong starts, out ulong fives) =>
        LiteralWords.Find(bytes, starts, out fives);

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
    public ulong Between()
    {
        Vector128<byte> bit = Vector128.Create((byte)0x20);
        ulong marks = InTable(MarkTable, a | bit, b | bit, c | bit, d | bit) & ~InRange(0, 0x20);
        return marks | InTable(BlankTable, a, b, c, d);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Special() => Equal((byte)'\\') | High();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong EscapeLetters() => Equal((byte)'r') | InTable(EscapeTable, a, b, c, d);

    public void Compress(ulong mask, Span<byte> target)
    {
        Span<byte> block = stackalloc byte[BlockWindow.BlockBytes];
        a.CopyTo(block);
        b.CopyTo(block[16..]);
        c.CopyTo(block[32..]);
        d.CopyTo(block[48..]);
        for (int count = 0; mask != 0; mask &= mask - 1) target[count++] = block[BitOperations.TrailingZeroCount(mask)];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Groups(Vector128<byte> bytes, TrailSet set)
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
