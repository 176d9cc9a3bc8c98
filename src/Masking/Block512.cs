using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Countersign.Masking;

/// <summary>A block in one 512-bit vector.</summary>
internal readonly struct Block512(Vector512<byte> bytes) : IBlockBytes<Block512>
{
    private static readonly Vector512<byte> BetweenTable = ByLowBits("{}[]:, \t\n\r"u8, "{}[]:, \t\n\r"u8);
    private static readonly Vector512<byte> LiteralFirst = ByLowBits("tfn"u8, "tfn"u8);
    private static readonly Vector512<byte> LiteralSecond = ByLowBits("tfn"u8, "rau"u8);
    private static readonly Vector512<byte> LiteralThird = ByLowBits("tfn"u8, "ull"u8);
    private static readonly Vector512<byte> LiteralFourth = ByLowBits("tfn"u8, "esl"u8);
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
    public static ulong Literals(ReadOnlySpan<byte> bytes, ulong starts, out ulong fives)
    {
        if (!Avx512Vbmi.IsSupported) return LiteralWords.Find(bytes, starts, out fives);
        // What must follow is told by the first letter, and by nothing else.
        Vector512<byte> first = Vector512.Create(bytes);
        Vector512<byte> differ = (Avx512Vbmi.PermuteVar64x8(LiteralFirst, first) ^ first)
            | (Avx512Vbmi.PermuteVar64x8(LiteralSecond, first) ^ Vector512.Create(bytes[1..]))
            | (Avx512Vbmi.PermuteVar64x8(LiteralThird, first) ^ Vector512.Create(bytes[2..]))
            | (Avx512Vbmi.PermuteVar64x8(LiteralFourth, first) ^ Vector512.Create(bytes[3..]));
        ulong found = Vector512.Equals(differ, Vector512<byte>.Zero).ExtractMostSignificantBits() & starts;
        ulong isFive = Vector512.Equals(first, Vector512.Create((byte)'f')).ExtractMostSignificantBits();
        ulong ends = Vector512.Equals(Vector512.Create(bytes[4..]), Vector512.Create((byte)'e'))
            .ExtractMostSignificantBits();
        fives = found & isFive & ends;
        return found & (~isFive | ends);
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
    public ulong Between() => Avx512Vbmi.IsSupported
        ? Vector512.Equals(Avx512Vbmi.PermuteVar64x8(BetweenTable, bytes), bytes).ExtractMostSignificantBits()
        : new Block256(bytes.GetLower(), bytes.GetUpper()).Between();

    // A backslash becomes zero and no other sign changes: both are what is not above zero.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Special() => Vector512.LessThanOrEqual(
        (bytes ^ Vector512.Create((byte)'\\')).AsSByte(), Vector512<sbyte>.Zero).ExtractMostSignificantBits();

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

    // At the place of each byte's lower six bits what stands for it; elsewhere what is no byte that is looked up there.
    private static Vector512<byte> ByLowBits(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> meanings)
    {
        Span<byte> table = stackalloc byte[64];
        for (int place = 0; place < table.Length; place++) table[place] = (byte)(place ^ 1);
        for (int place = 0; place < bytes.Length; place++) table[bytes[place] & 63] = meanings[place];
        return Vector512.Create<byte>(table);
    }
}
