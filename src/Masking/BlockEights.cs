using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Countersign.Masking;

/// <summary>
/// What the bytes of a window are, asked once for each block: one look-up says of each byte of which eight classes it
/// is, and one multiplication of bits turns that into eight words of a bit for each byte. Words of one class of eight
/// blocks are then one vector. How it works: docs/decisions/0028.
/// </summary>
internal static class BlockEights
{
    /// <summary>Blocks that are read at once.</summary>
    public const int Blocks = 8;

    /// <summary>Words of each.</summary>
    public const int Classes = 8;

    private static readonly Vector512<byte> LowTable = TableOf(0, ClassesOf);
    private static readonly Vector512<byte> HighTable = TableOf(64, ClassesOf);

    // Bytes of eight in reverse, as a matrix has its rows; and byte k of each eight to the k-th eight.
    private static readonly Vector512<byte> Reverse =
        Vector512.Create([.. Enumerable.Range(0, 64).Select(place => (byte)(place & 15 ^ 7))]);
    private static readonly Vector512<byte> Gather =
        Vector512.Create([.. Enumerable.Range(0, 64).Select(place => (byte)(place % 8 * 8 + place / 8))]);

    /// <summary>True if this machine has instructions for it.</summary>
    public static bool IsSupported =>
        Gfni.V512.IsSupported && Avx512Vbmi.IsSupported && Avx512BW.IsSupported && Avx512CD.IsSupported
        && Pclmulqdq.V512.IsSupported;

    /// <summary>Writes to <paramref name="classes"/> eight words for each block of <paramref name="bytes"/>, in the
    /// order of <see cref="BlockClass"/>. Each block has room for eight bytes more behind it.</summary>
    public static void Classify(ReadOnlySpan<byte> bytes, Span<ulong> classes) =>
        Classify(bytes, classes, LowTable, HighTable, Vector512.Create((byte)(1 << (int)BlockClass.Special)));

    /// <summary>The same by tables of one's own; <paramref name="special"/> are the classes of what is not
    /// ASCII.</summary>
    public static void Classify(
        ReadOnlySpan<byte> bytes, Span<ulong> classes, Vector512<byte> low, Vector512<byte> high,
        Vector512<byte> special)
    {
        Vector512<byte> reverse = Reverse;
        Vector512<byte> gather = Gather;
        Vector512<byte> identity = Vector512.Create(0x8040_2010_0804_0201).AsByte();
        Vector512<byte> signs = Vector512.Create(0x8080_8080_8080_8080).AsByte();
        Span<Vector512<ulong>> target = MemoryMarshal.Cast<ulong, Vector512<ulong>>(classes);
        ReadOnlySpan<Vector512<byte>> source = MemoryMarshal.Cast<byte, Vector512<byte>>(bytes)[..target.Length];
        for (int block = 0; block < source.Length; block++)
        {
            Vector512<byte> now = Avx512BW.Shuffle(source[block], reverse);
            Vector512<byte> isHigh = Gfni.V512.GaloisFieldAffineTransform(now, signs, 0);
            Vector512<byte> found = Avx512Vbmi.PermuteVar64x8x2(low, now, high);
            found = Vector512.ConditionalSelect(isHigh, special, found);
            Vector512<byte> turned = Gfni.V512.GaloisFieldAffineTransform(identity, found, 0);
            target[block] = Avx512Vbmi.PermuteVar64x8(turned, gather).AsUInt64();
        }
    }

    /// <summary>As <see cref="Block512.NameEnds"/>, of each block.</summary>
    public static void FindNameEnds(ReadOnlySpan<byte> bytes, KeyTrails names, Span<ulong> ends)
    {
        Vector512<byte> last = names.Last.Whole;
        Vector512<byte> second = names.SecondLast.Whole;
        Vector512<byte> third = names.ThirdLast.Whole;
        for (int block = 0; block < ends.Length; block++)
        {
            ReadOnlySpan<byte> around = bytes.Slice(block * BlockWindow.BlockBytes, BlockWindow.BlockBytes + 8);
            Vector512<byte> groups = Avx512Vbmi.PermuteVar64x8(last, Vector512.Create(around[7..]))
                & Avx512Vbmi.PermuteVar64x8(second, Vector512.Create(around[6..]))
                & Avx512Vbmi.PermuteVar64x8(third, Vector512.Create(around[5..]));
            ends[block] = ~Vector512.Equals(groups, Vector512<byte>.Zero).ExtractMostSignificantBits();
        }
    }

    /// <summary>Eight blocks' words of <paramref name="classes"/>, those of one class in one vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Turn(
        ReadOnlySpan<ulong> classes, out Vector512<ulong> quotes, out Vector512<ulong> special,
        out Vector512<ulong> between, out Vector512<ulong> marks, out Vector512<ulong> ahead,
        out Vector512<ulong> controls, out Vector512<ulong> digits, out Vector512<ulong> zeros)
    {
        ReadOnlySpan<Vector512<ulong>> rows = MemoryMarshal.Cast<ulong, Vector512<ulong>>(classes)[..Blocks];
        Vector512<ulong> a0 = Avx512F.UnpackLow(rows[0], rows[1]);
        Vector512<ulong> a1 = Avx512F.UnpackHigh(rows[0], rows[1]);
        Vector512<ulong> a2 = Avx512F.UnpackLow(rows[2], rows[3]);
        Vector512<ulong> a3 = Avx512F.UnpackHigh(rows[2], rows[3]);
        Vector512<ulong> a4 = Avx512F.UnpackLow(rows[4], rows[5]);
        Vector512<ulong> a5 = Avx512F.UnpackHigh(rows[4], rows[5]);
        Vector512<ulong> a6 = Avx512F.UnpackLow(rows[6], rows[7]);
        Vector512<ulong> a7 = Avx512F.UnpackHigh(rows[6], rows[7]);
        Four(a0, a2, a4, a6, out quotes, out between, out ahead, out digits);
        Four(a1, a3, a5, a7, out special, out marks, out controls, out zeros);
    }

    // Of four vectors of four pairs each, the first pairs in one, the second ones in the next, and so on.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Four(
        Vector512<ulong> a, Vector512<ulong> b, Vector512<ulong> c, Vector512<ulong> d, out Vector512<ulong> first,
        out Vector512<ulong> second, out Vector512<ulong> third, out Vector512<ulong> fourth)
    {
        Vector512<ulong> evenLow = Avx512F.Shuffle4x128(a, b, 0b10_00_10_00);   // a0 a2 b0 b2
        Vector512<ulong> oddLow = Avx512F.Shuffle4x128(a, b, 0b11_01_11_01);    // a1 a3 b1 b3
        Vector512<ulong> evenHigh = Avx512F.Shuffle4x128(c, d, 0b10_00_10_00);
        Vector512<ulong> oddHigh = Avx512F.Shuffle4x128(c, d, 0b11_01_11_01);
        first = Avx512F.Shuffle4x128(evenLow, evenHigh, 0b10_00_10_00);         // a0 b0 c0 d0
        third = Avx512F.Shuffle4x128(evenLow, evenHigh, 0b11_01_11_01);
        second = Avx512F.Shuffle4x128(oddLow, oddHigh, 0b10_00_10_00);
        fourth = Avx512F.Shuffle4x128(oddLow, oddHigh, 0b11_01_11_01);
    }

    /// <summary>For each bit whether an odd number of bits is set up to it, in each word alone.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<ulong> PrefixXor(Vector512<ulong> words)
    {
        Vector512<ulong> ones = Vector512<ulong>.AllBitsSet;
        Vector512<ulong> even = Pclmulqdq.V512.CarrylessMultiply(words, ones, 0);
        Vector512<ulong> odd = Pclmulqdq.V512.CarrylessMultiply(words, ones, 1);
        return Avx512F.UnpackLow(even, odd);
    }

    /// <summary>The word before each, and before the first the last one of <paramref name="earlier"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<ulong> Before(Vector512<ulong> words, Vector512<ulong> earlier) =>
        Avx512F.AlignRight64(words, earlier, 7);

    /// <summary>What is moved up by a bit, from word to word; into the first comes the last one of
    /// <paramref name="earlier"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<ulong> Up(Vector512<ulong> words, Vector512<ulong> earlier) =>
        words << 1 | Before(words, earlier) >>> 63;

    /// <summary>Of the word behind each of the first <paramref name="words"/> its place, for
    /// <see cref="Down"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<ulong> Behind(int words)
    {
        Vector512<ulong> places = Vector512.Create(1UL, 2, 3, 4, 5, 6, 7, 8);
        Vector512<ulong> isBeyond = Vector512.GreaterThanOrEqual(places, Vector512.Create((ulong)words));
        return Vector512.ConditionalSelect(isBeyond, Vector512.Create(8UL), places);
    }

    /// <summary>The bits so many places behind each, 1 to 63; all are set behind the last word.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<ulong> Down(
        Vector512<ulong> words, [ConstantExpected] int places, Vector512<ulong> behind) =>
        words >>> places
        | Avx512F.PermuteVar8x64x2(words, behind, Vector512<ulong>.AllBitsSet) << (64 - places);

    /// <summary>A word of all ones for each bit of <paramref name="bits"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<ulong> Spread(ulong bits)
    {
        Vector512<ulong> counts = Vector512.Create(63UL, 62, 61, 60, 59, 58, 57, 56);
        Vector512<ulong> tops = Avx512F.ShiftLeftLogicalVariable(Vector512.Create(bits), counts);
        return Avx512F.ShiftRightArithmetic(tops.AsInt64(), 63).AsUInt64();
    }

    /// <summary>Half a table for <see cref="Classify"/>: what <paramref name="classesOf"/> says of each of the 64
    /// bytes from <paramref name="from"/> on.</summary>
    public static Vector512<byte> TableOf(int from, Func<char, byte> classesOf) =>
        Vector512.Create([.. Enumerable.Range(from, 64).Select(one => classesOf((char)one))]);

    private static byte ClassesOf(char one) =>
        (byte)(Bit(BlockClass.Quotes, one == '"') | Bit(BlockClass.Special, one == '\\')
            | Bit(BlockClass.Between, "{}[]:, \t\n\r".Contains(one)) | Bit(BlockClass.Marks, "{}[]:,".Contains(one))
            | Bit(BlockClass.Ahead, one is ':' or <= ' ') | Bit(BlockClass.Controls, one < ' ')
            | Bit(BlockClass.Digits, char.IsAsciiDigit(one)) | Bit(BlockClass.Zeros, one == '0'));

    private static int Bit(BlockClass which, bool isSet) => isSet ? 1 << (int)which : 0;
}

/// <summary>Classes of bytes, by the order of their words.</summary>
internal enum BlockClass
{
    /// <summary>Quotes, escaped or not.</summary>
    Quotes,

    /// <summary>Backslashes and bytes from 0x80 on.</summary>
    Special,

    /// <summary>What may stand between values: brackets, colons, commas and white space of JSON.</summary>
    Between,

    /// <summary>Those of them that are no white space.</summary>
    Marks,

    /// <summary>What may stand behind a name: colons, spaces and control characters.</summary>
    Ahead,

    /// <summary>Control characters.</summary>
    Controls,

    /// <summary>Digits.</summary>
    Digits,

    /// <summary>The digit 0.</summary>
    Zeros,
}
