using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Countersign.Masking.Detectors;

/// <summary>
/// Where in 64 bytes a detection may be given away, a bit for each byte: what no detector needs to look at has none.
/// Marks of two or three letters are found by nibbles, eight sets of marks at once: a set's bit survives where the low
/// and the high half of each byte may both be the mark's. All widths say the same.
/// </summary>
internal static class TriggerMasks
{
    /// <summary>Bytes that are classified at once.</summary>
    public const int BlockBytes = 64;

    /// <summary>Bytes after a block that are read with it.</summary>
    public const int BytesAhead = 2;

    /// <summary>The bits of the sets that begin a word.</summary>
    public const byte LetterSets = 0b0001_1111;

    private const byte SignSets = 0b1110_0000;

    // A trigger is the first byte of a mark; the other two may be any where a set names none. The last is an
    // assignment: the letters that telling names end in, or what may stand between a name and its sign.
    private static readonly string[][] Marks =
    [
        ["A", "KSI", "IAz"], ["g", "hil", "pousrtadfcil"], ["xh", "oa", "xop"], ["srw", "kh", "_-s"], ["e", "yw", ""],
        [":", "/", "/"], ["-", "B", "E"],
        ["detnylsrDETNYLSR\"' ", ":=", ""],
    ];

    // Fields of their own, and of each width, so that the compiler takes them for constants.
    private static readonly Vector128<byte> Low0Of16 = Vector128.Create(Table(0, true, 16));
    private static readonly Vector128<byte> High0Of16 = Vector128.Create(Table(0, false, 16));
    private static readonly Vector128<byte> Low1Of16 = Vector128.Create(Table(1, true, 16));
    private static readonly Vector128<byte> High1Of16 = Vector128.Create(Table(1, false, 16));
    private static readonly Vector128<byte> Low2Of16 = Vector128.Create(Table(2, true, 16));
    private static readonly Vector128<byte> High2Of16 = Vector128.Create(Table(2, false, 16));
    private static readonly Vector256<byte> Low0Of32 = Vector256.Create(Table(0, true, 32));
    private static readonly Vector256<byte> High0Of32 = Vector256.Create(Table(0, false, 32));
    private static readonly Vector256<byte> Low1Of32 = Vector256.Create(Table(1, true, 32));
    private static readonly Vector256<byte> High1Of32 = Vector256.Create(Table(1, false, 32));
    private static readonly Vector256<byte> Low2Of32 = Vector256.Create(Table(2, true, 32));
    private static readonly Vector256<byte> High2Of32 = Vector256.Create(Table(2, false, 32));
    private static readonly Vector512<byte> Low0Of64 = Vector512.Create(Table(0, true, 64));
    private static readonly Vector512<byte> High0Of64 = Vector512.Create(Table(0, false, 64));
    private static readonly Vector512<byte> Low1Of64 = Vector512.Create(Table(1, true, 64));
    private static readonly Vector512<byte> High1Of64 = Vector512.Create(Table(1, false, 64));
    private static readonly Vector512<byte> Low2Of64 = Vector512.Create(Table(2, true, 64));
    private static readonly Vector512<byte> High2Of64 = Vector512.Create(Table(2, false, 64));

    /// <summary>
    /// Classifies the 64 bytes of <paramref name="block"/>, which has two more. <paramref name="letters"/> are the
    /// beginnings of marks of letters, <paramref name="signs"/> those of other marks, <paramref name="run"/> the bytes
    /// that numbers are written with but for <paramref name="dots"/>, <paramref name="single"/> the at signs, pluses
    /// and opening parentheses.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Classify(
        ReadOnlySpan<byte> block, byte sets, out ulong letters, out ulong signs, out ulong digits, out ulong words,
        out ulong run, out ulong dots, out ulong single)
    {
        if (Avx512BW.IsSupported)
            Wide(block, sets, out letters, out signs, out digits, out words, out run, out dots,
                out single);
        else if (Avx2.IsSupported)
            Halves(block, sets, out letters, out signs, out digits, out words, out run, out dots,
                out single);
        else
            Quarters(block, sets, out letters, out signs, out digits, out words, out run, out dots,
                out single);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Wide(
        ReadOnlySpan<byte> block, byte sets, out ulong letters, out ulong signs, out ulong digits, out ulong words,
        out ulong run, out ulong dots, out ulong single)
    {
        Vector512<byte> bytes = Vector512.Create(block);
        Vector512<byte> found = Set512(bytes, Low0Of64, High0Of64)
            & Set512(Vector512.Create(block[1..]), Low1Of64, High1Of64)
            & Set512(Vector512.Create(block[2..]), Low2Of64, High2Of64) & Vector512.Create(sets);
        letters = ~Vector512.Equals(found & Vector512.Create(LetterSets), default).ExtractMostSignificantBits();
        signs = ~Vector512.Equals(found & Vector512.Create(SignSets), default).ExtractMostSignificantBits();
        digits = Vector512.LessThan(bytes - Vector512.Create((byte)'0'), Vector512.Create((byte)10))
            .ExtractMostSignificantBits();
        Vector512<byte> lower = (bytes | Vector512.Create((byte)0x20)) - Vector512.Create((byte)'a');
        words = digits | Vector512.LessThan(lower, Vector512.Create((byte)26)).ExtractMostSignificantBits();
        // From the parenthesis ( to the slash are also * and +, which do no harm: detectors look again.
        run = digits | Vector512.LessThan(bytes - Vector512.Create((byte)'('), Vector512.Create((byte)8))
            .ExtractMostSignificantBits()
            | Vector512.Equals(bytes, Vector512.Create((byte)' ')).ExtractMostSignificantBits();
        dots = Vector512.Equals(bytes, Vector512.Create((byte)'.')).ExtractMostSignificantBits();
        run &= ~(dots | Vector512.Equals(bytes, Vector512.Create((byte)',')).ExtractMostSignificantBits());
        single = (Vector512.Equals(bytes, Vector512.Create((byte)'@'))
            | Vector512.Equals(bytes, Vector512.Create((byte)'+'))
            | Vector512.Equals(bytes, Vector512.Create((byte)'('))).ExtractMostSignificantBits();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Halves(
        ReadOnlySpan<byte> block, byte sets, out ulong letters, out ulong signs, out ulong digits, out ulong words,
        out ulong run, out ulong dots, out ulong single)
    {
        Half(block, sets, out uint l0, out uint s0, out uint d0, out uint w0, out uint r0,
            out uint p0, out uint o0);
        Half(block[32..], sets, out uint l1, out uint s1, out uint d1, out uint w1, out uint r1,
            out uint p1, out uint o1);
        letters = l0 | ((ulong)l1 << 32);
        signs = s0 | ((ulong)s1 << 32);
        digits = d0 | ((ulong)d1 << 32);
        words = w0 | ((ulong)w1 << 32);
        run = r0 | ((ulong)r1 << 32);
        dots = p0 | ((ulong)p1 << 32);
        single = o0 | ((ulong)o1 << 32);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Half(
        ReadOnlySpan<byte> block, byte sets, out uint letters, out uint signs, out uint digits, out uint words,
        out uint run, out uint dots, out uint single)
    {
        Vector256<byte> bytes = Vector256.Create(block);
        Vector256<byte> found = Set256(bytes, Low0Of32, High0Of32)
            & Set256(Vector256.Create(block[1..]), Low1Of32, High1Of32)
            & Set256(Vector256.Create(block[2..]), Low2Of32, High2Of32) & Vector256.Create(sets);
        letters = ~Vector256.Equals(found & Vector256.Create(LetterSets), default).ExtractMostSignificantBits();
        signs = ~Vector256.Equals(found & Vector256.Create(SignSets), default).ExtractMostSignificantBits();
        Vector256<byte> digit = Vector256.LessThan(bytes - Vector256.Create((byte)'0'), Vector256.Create((byte)10));
        Vector256<byte> lower = (bytes | Vector256.Create((byte)0x20)) - Vector256.Create((byte)'a');
        digits = digit.ExtractMostSignificantBits();
        words = (digit | Vector256.LessThan(lower, Vector256.Create((byte)26))).ExtractMostSignificantBits();
        Vector256<byte> runs = digit | Vector256.Equals(bytes, Vector256.Create((byte)' '))
            | Vector256.LessThan(bytes - Vector256.Create((byte)'('), Vector256.Create((byte)8));
        Vector256<byte> dot = Vector256.Equals(bytes, Vector256.Create((byte)'.'));
        runs = Vector256.AndNot(runs, dot | Vector256.Equals(bytes, Vector256.Create((byte)',')));
        run = runs.ExtractMostSignificantBits();
        dots = dot.ExtractMostSignificantBits();
        single = (Vector256.Equals(bytes, Vector256.Create((byte)'@'))
            | Vector256.Equals(bytes, Vector256.Create((byte)'+'))
            | Vector256.Equals(bytes, Vector256.Create((byte)'('))).ExtractMostSignificantBits();
    }

    /// <summary>As <see cref="Wide"/>, in vectors of 16 bytes, which every machine has or .NET makes up.</summary>
    public static void Quarters(
        ReadOnlySpan<byte> block, byte sets, out ulong letters, out ulong signs, out ulong digits, out ulong words,
        out ulong run, out ulong dots, out ulong single)
    {
        letters = signs = digits = words = run = dots = single = 0;
        for (int at = 0; at < BlockBytes; at += 16)
        {
            Vector128<byte> bytes = Vector128.Create(block[at..]);
            Vector128<byte> found = Set128(bytes, Low0Of16, High0Of16)
                & Set128(Vector128.Create(block[(at + 1)..]), Low1Of16, High1Of16)
                & Set128(Vector128.Create(block[(at + 2)..]), Low2Of16, High2Of16) & Vector128.Create(sets);
            Vector128<byte> digit =
                Vector128.LessThan(bytes - Vector128.Create((byte)'0'), Vector128.Create((byte)10));
            Vector128<byte> lower = (bytes | Vector128.Create((byte)0x20)) - Vector128.Create((byte)'a');
            Vector128<byte> word = digit | Vector128.LessThan(lower, Vector128.Create((byte)26));
            Vector128<byte> runs = digit | Vector128.Equals(bytes, Vector128.Create((byte)' '))
                | Vector128.LessThan(bytes - Vector128.Create((byte)'('), Vector128.Create((byte)8));
            Vector128<byte> dot = Vector128.Equals(bytes, Vector128.Create((byte)'.'));
            runs = Vector128.AndNot(runs, dot | Vector128.Equals(bytes, Vector128.Create((byte)',')));
            Vector128<byte> alone = Vector128.Equals(bytes, Vector128.Create((byte)'@'))
                | Vector128.Equals(bytes, Vector128.Create((byte)'+'))
                | Vector128.Equals(bytes, Vector128.Create((byte)'('));
            letters |= Bits(~Vector128.Equals(found & Vector128.Create(LetterSets), default)) << at;
            signs |= Bits(~Vector128.Equals(found & Vector128.Create(SignSets), default)) << at;
            digits |= Bits(digit) << at;
            words |= Bits(word) << at;
            run |= Bits(runs) << at;
            dots |= Bits(dot) << at;
            single |= Bits(alone) << at;
        }
    }

    private static ulong Bits(Vector128<byte> mask) => mask.ExtractMostSignificantBits();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> Set512(Vector512<byte> bytes, Vector512<byte> low, Vector512<byte> high)
    {
        Vector512<byte> half = Vector512.Create((byte)0x0F);
        return Avx512BW.Shuffle(low, bytes & half)
            & Avx512BW.Shuffle(high, (bytes.AsUInt16() >> 4).AsByte() & half);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Set256(Vector256<byte> bytes, Vector256<byte> low, Vector256<byte> high)
    {
        Vector256<byte> half = Vector256.Create((byte)0x0F);
        return Avx2.Shuffle(low, bytes & half)
            & Avx2.Shuffle(high, (bytes.AsUInt16() >> 4).AsByte() & half);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Set128(Vector128<byte> bytes, Vector128<byte> low, Vector128<byte> high)
    {
        Vector128<byte> half = Vector128.Create((byte)0x0F);
        return Vector128.Shuffle(low, bytes & half)
            & Vector128.Shuffle(high, (bytes.AsUInt16() >> 4).AsByte() & half);
    }

    /// <summary>The sets in which <paramref name="one"/> may be that letter of the mark.</summary>
    public static byte SetsOf(char one, int letter)
    {
        int sets = 0;
        for (int set = 0; set < Marks.Length; set++)
        {
            string mark = Marks[set][letter];
            if (mark.Length == 0 || mark.Contains(one)) sets |= 1 << set;
        }

        return (byte)sets;
    }

    // For one letter of the marks: by the low or the high half of a byte, the sets that the byte may belong to,
    // as often as a vector of so many bytes has lanes.
    private static byte[] Table(int letter, bool isLow, int bytes)
    {
        byte[] table = new byte[bytes];
        for (int set = 0; set < Marks.Length; set++)
        {
            string mark = Marks[set][letter];
            for (int half = 0; half < table.Length; half++)
            {
                bool isIn = mark.Length == 0 || mark.Any(one => (isLow ? one & 15 : one >> 4) == half % 16);
                if (isIn) table[half] |= (byte)(1 << set);
            }
        }

        return table;
    }
}
