using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Countersign.Masking;

/// <summary>A block in two 256-bit vectors.</summary>
internal readonly struct Block256(Vector256<byte> low, Vector256<byte> high) : IBlockBytes<Block256>
{
    private const int HalfBytes = 32;

    private static readonly Vector256<byte> MarkTable = HalfByteTables.Repeat(HalfByteTables.Marks).GetLower();
    private static readonly Vector256<byte> BlankTable = HalfByteTables.Repeat(HalfByteTables.Blanks).GetLower();
    private static readonly Vector256<byte> FirstHigh = HalfByteTables.Repeat(Utf8Tables.FirstHigh).GetLower();
    private static readonly Vector256<byte> FirstLow = HalfByteTables.Repeat(Utf8Tables.FirstLow).GetLower();
    private static readonly Vector256<byte> SecondHigh = HalfByteTables.Repeat(Utf8Tables.SecondHigh).GetLower();
    private static readonly Vector256<byte> EscapeTable = HalfByteTables.Repeat(HalfByteTables.Escapes).GetLower();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Block256 Load(ReadOnlySpan<byte> bytes) =>
        new(Vector256.Create(bytes), Vector256.Create(bytes[HalfBytes..]));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong NameEnds(ReadOnlySpan<byte> around, KeyTrails names)
    {
        if (!Avx2.IsSupported) return Block128.NameEnds(around, names);
        Vector256<byte> zero = Vector256<byte>.Zero;
        return ~Join(
            Vector256.Equals(Ends(around, names), zero), Vector256.Equals(Ends(around[HalfBytes..], names), zero));
    }

    public static ulong NotUtf8(ReadOnlySpan<byte> around) => Avx2.IsSupported
        ? ~Join(Sound(around), Sound(around[HalfBytes..]))
        : Block128.NotUtf8(around);

    private static Vector256<byte> Sound(ReadOnlySpan<byte> around)
    {
        Vector256<byte> half = Vector256.Create((byte)0x0F);
        Vector256<byte> second = Vector256.Create(around[8..]);
        Vector256<byte> first = Vector256.Create(around[7..]);
        Vector256<byte> pairs = Avx2.Shuffle(FirstHigh, (first.AsUInt16() >>> 4).AsByte() & half)
            & Avx2.Shuffle(FirstLow, first & half)
            & Avx2.Shuffle(SecondHigh, (second.AsUInt16() >>> 4).AsByte() & half);
        Vector256<byte> third =
            Vector256.SubtractSaturate(Vector256.Create(around[6..]), Vector256.Create(Utf8Tables.ThirdFrom));
        Vector256<byte> fourth =
            Vector256.SubtractSaturate(Vector256.Create(around[5..]), Vector256.Create(Utf8Tables.FourthFrom));
        return Vector256.Equals(pairs, (third | fourth) & Vector256.Create(Utf8Tables.TwoGoOn));
    }

    public static ulong Literals(ReadOnlySpan<byte> bytes, ulong starts, out ulong fives) =>
        LiteralWords.Find(bytes, starts, out fives);

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
    public ulong Between()
    {
        Vector256<byte> bit = Vector256.Create((byte)0x20);
        return (InTable(MarkTable, low | bit, high | bit) & ~InRange(0, 0x20)) | InTable(BlankTable, low, high);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Special() => Equal((byte)'\\') | High();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong EscapeLetters() => Equal((byte)'r') | InTable(EscapeTable, low, high);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Compress(ulong mask, Span<byte> target)
    {
        if (Bmi2.X64.IsSupported)
        {
            int count = Compress(low, (uint)mask, target, 0);
            Compress(high, (uint)(mask >> HalfBytes), target, count);
            return;
        }

        new Block128(low.GetLower(), low.GetUpper(), high.GetLower(), high.GetUpper()).Compress(mask, target);
    }

    // Eight bytes at a time, each picked by all of its bits.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Compress(Vector256<byte> bytes, uint mask, Span<byte> target, int count)
    {
        Vector256<ulong> eights = bytes.AsUInt64();
        for (int place = 0; place < 4; place++, mask >>= 8)
        {
            ulong picked = Bmi2.X64.ParallelBitDeposit(mask, 0x0101_0101_0101_0101) * 0xFF;
            ulong kept = Bmi2.X64.ParallelBitExtract(eights[place], picked);
            BinaryPrimitives.WriteUInt64LittleEndian(target[count..], kept);
            count += BitOperations.PopCount(mask & 0xFF);
        }

        return count;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong InTable(Vector256<byte> table, Vector256<byte> a, Vector256<byte> b)
    {
        if (Avx2.IsSupported)
            return Join(Vector256.Equals(Avx2.Shuffle(table, a), a), Vector256.Equals(Avx2.Shuffle(table, b), b));
        Vector128<byte> half = table.GetLower();
        return Block128.InTable(half, a.GetLower(), a.GetUpper(), b.GetLower(), b.GetUpper());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Ends(ReadOnlySpan<byte> around, KeyTrails names) =>
        Groups(Vector256.Create(around[7..]), names.Last) & Groups(Vector256.Create(around[6..]), names.SecondLast)
            & Groups(Vector256.Create(around[5..]), names.ThirdLast);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Groups(Vector256<byte> bytes, TrailSet set)
    {
        Vector256<byte> half = Vector256.Create((byte)0x0F);
        Vector256<byte> folded = bytes | Vector256.Create((byte)0x20);
        Vector256<byte> highs = (folded.AsUInt16() >>> 4).AsByte() & half;
        return Avx2.Shuffle(set.Low.GetLower(), folded & half) & Avx2.Shuffle(set.High.GetLower(), highs);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Join(Vector256<byte> a, Vector256<byte> b) =>
        a.ExtractMostSignificantBits() | (ulong)b.ExtractMostSignificantBits() << HalfBytes;
}
