using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Countersign.Masking;

/// <summary>A block in one 512-bit vector.</summary>
internal readonly struct Block512(Vector512<byte> bytes) : IBlockBytes<Block512>
{
    private static readonly Vector512<byte> MarkTable = HalfByteTables.Repeat(HalfByteTables.Marks);
    private static readonly Vector512<byte> BlankTable = HalfByteTables.Repeat(HalfByteTables.Blanks);
    private static readonly Vector512<byte> FirstHigh = HalfByteTables.Repeat(Utf8Tables.FirstHigh);
    private static readonly Vector512<byte> FirstLow = HalfByteTables.Repeat(Utf8Tables.FirstLow);
    private static readonly Vector512<byte> SecondHigh = HalfByteTables.Repeat(Utf8Tables.SecondHigh);
    private static readonly Vector512<byte> EscapeTable = HalfByteTables.Repeat(HalfByteTables.Escapes);

    // For each byte of a block, which byte of a mask its bit is in, and which bit that is.
    private static readonly Vector512<byte> ByteOfBit =
        Vector512.Create([.. Enumerable.Range(0, 64).Select(place => (byte)(place / 8))]);
    private static readonly Vector512<byte> BitOfByte =
        Vector512.Create([.. Enumerable.Range(0, 64).Select(place => (byte)(1 << place % 8))]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Block512 Load(ReadOnlySpan<byte> bytes) => new(Vector512.Create(bytes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong NameEnds(ReadOnlySpan<byte> around, KeyTrails names)
    {
        if (!Avx512Vbmi.IsSupported) return Block256.NameEnds(around, names);
        Vector512<byte> groups =
            Avx512Vbmi.PermuteVar64x8(names.Last.Whole, Vector512.Create(around[7..]))
            & Avx512Vbmi.PermuteVar64x8(names.SecondLast.Whole, Vector512.Create(around[6..]))
            & Avx512Vbmi.PermuteVar64x8(names.ThirdLast.Whole, Vector512.Create(around[5..]));
        return ~Vector512.Equals(groups, Vector512<byte>.Zero).ExtractMostSignificantBits();
    }

    public static ulong NotUtf8(ReadOnlySpan<byte> around)
    {
        if (!Avx512BW.IsSupported) return Block256.NotUtf8(around);
        Vector512<byte> half = Vector512.Create((byte)0x0F);
        Vector512<byte> second = Vector512.Create(around[8..]);
        Vector512<byte> first = Vector512.Create(around[7..]);
        Vector512<byte> pairs = Avx512BW.Shuffle(FirstHigh, (first.AsUInt16() >>> 4).AsByte() & half)
            & Avx512BW.Shuffle(FirstLow, first & half)
            & Avx512BW.Shuffle(SecondHigh, (second.AsUInt16() >>> 4).AsByte() & half);
        Vector512<byte> third =
            Vector512.SubtractSaturate(Vector512.Create(around[6..]), Vector512.Create(Utf8Tables.ThirdFrom));
        Vector512<byte> fourth =
            Vector512.SubtractSaturate(Vector512.Create(around[5..]), Vector512.Create(Utf8Tables.FourthFrom));
        Vector512<byte> goesOn = (third | fourth) & Vector512.Create(Utf8Tables.TwoGoOn);
        return ~Vector512.Equals(pairs, goesOn).ExtractMostSignificantBits();
    }

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
    public ulong Marks()
    {
        if (!Avx512BW.IsSupported) return new Block256(bytes.GetLower(), bytes.GetUpper()).Marks();
        Vector512<byte> folded = bytes | Vector512.Create((byte)0x20);
        return Vector512.Equals(Avx512BW.Shuffle(MarkTable, folded), folded).ExtractMostSignificantBits();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Blanks() => Avx512BW.IsSupported
        ? Vector512.Equals(Avx512BW.Shuffle(BlankTable, bytes), bytes).ExtractMostSignificantBits()
        : new Block256(bytes.GetLower(), bytes.GetUpper()).Blanks();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong EscapeLetters() => Avx512BW.IsSupported
        ? Equal((byte)'r') | Vector512.Equals(Avx512BW.Shuffle(EscapeTable, bytes), bytes).ExtractMostSignificantBits()
        : new Block256(bytes.GetLower(), bytes.GetUpper()).EscapeLetters();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Compress(ulong mask, Span<byte> target)
    {
        if (Avx512Vbmi2.IsSupported)
        {
            Vector512<byte> spread = Avx512BW.Shuffle(Vector512.Create(mask).AsByte(), ByteOfBit);
            Vector512<byte> isKept = Vector512.Equals(spread & BitOfByte, BitOfByte);
            Avx512Vbmi2.Compress(Vector512<byte>.Zero, isKept, bytes).CopyTo(target);
            return;
        }

        new Block256(bytes.GetLower(), bytes.GetUpper()).Compress(mask, target);
    }
}
