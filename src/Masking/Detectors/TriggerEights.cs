using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Countersign.Masking.Detectors;

/// <summary>
/// As <see cref="Triggers"/>, of eight blocks at once. It knows what stands in the next block, and so marks less: a
/// number's first groups must be those of a card, a social security number or a telephone's.
/// </summary>
internal readonly struct TriggerEights
{
    private const byte UrlSet = 0b0010_0000;
    private const byte OtherSets = 0b1100_0000;
    private const int UrlBlocks = DetectorLimits.AuthorityMax / TriggerMasks.BlockBytes + 2;

    private static readonly Vector512<byte> LowTable = BlockEights.TableOf(0, ClassesOf);
    private static readonly Vector512<byte> HighTable = BlockEights.TableOf(64, ClassesOf);
    private static readonly Vector512<byte> Low0 = MarkTable(0, 0);
    private static readonly Vector512<byte> High0 = MarkTable(0, 64);
    private static readonly Vector512<byte> Low1 = MarkTable(1, 0);
    private static readonly Vector512<byte> High1 = MarkTable(1, 64);
    private static readonly Vector512<byte> Low2 = MarkTable(2, 0);
    private static readonly Vector512<byte> High2 = MarkTable(2, 64);

    private readonly byte _sets;
    private readonly ulong _numbers;    // all ones if numbers are wanted; as the others
    private readonly ulong _accounts;
    private readonly ulong _addresses;
    private readonly ulong _phones;

    public TriggerEights(DetectorSet wanted) =>
        (_sets, _numbers, _accounts, _addresses, _phones) = Triggers.Wanted(wanted);

    /// <summary>Writes to <paramref name="marks"/> where marks of letters begin in each block of
    /// <paramref name="bytes"/>, to its second part where signs do and to its third part those of URLs; and eight words
    /// for each block to <paramref name="classes"/>, in the order of <see cref="TriggerClass"/>.</summary>
    public void Classify(ReadOnlySpan<byte> bytes, Span<ulong> classes, Span<ulong> letters, Span<ulong> signs,
        Span<ulong> urls)
    {
        Vector512<byte> sets = Vector512.Create(_sets);
        Vector512<byte> high = Vector512.Create(0x8080_8080_8080_8080).AsByte();
        BlockEights.Classify(bytes, classes, LowTable, HighTable, default);
        for (int block = 0; block < letters.Length; block++)
        {
            ReadOnlySpan<byte> from = bytes.Slice(block * TriggerMasks.BlockBytes, TriggerMasks.BlockBytes + 2);
            Vector512<byte> first = Vector512.Create(from);
            Vector512<byte> found = Avx512Vbmi.PermuteVar64x8x2(Low0, first, High0)
                & Avx512Vbmi.PermuteVar64x8x2(Low1, Vector512.Create(from[1..]), High1)
                & Avx512Vbmi.PermuteVar64x8x2(Low2, Vector512.Create(from[2..]), High2) & sets;
            found = Vector512.AndNot(found, Gfni.V512.GaloisFieldAffineTransform(first, high, 0));
            letters[block] = Any(found, TriggerMasks.LetterSets);
            signs[block] = Any(found, OtherSets);
            urls[block] = Any(found, UrlSet);
        }
    }

    /// <summary>Of which blocks, a bit each, a URL may have an at sign behind it, in one of the same or the next
    /// ones.</summary>
    public static ulong BeforeAddresses(ReadOnlySpan<ulong> classes)
    {
        int blocks = classes.Length / BlockEights.Classes;
        ulong some = 0;
        for (int block = 0; block < blocks; block++)
            some |= (classes[block * BlockEights.Classes + (int)TriggerClass.Ats] != 0 ? 1UL : 0) << block;
        if (blocks < 64) some |= ulong.MaxValue << blocks;   // what lies beyond may be anything
        ulong before = some;
        for (int next = 1; next <= UrlBlocks; next++) before |= some >> next | ~(ulong.MaxValue >> next);
        return before;
    }

    /// <summary>The bytes of eight blocks that a detector must look at; <paramref name="next"/> is of
    /// <see cref="BlockEights.Behind"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<ulong> In(
        in TriggerWords of, Vector512<ulong> digits, Vector512<ulong> zeros, Vector512<ulong> digitsBefore,
        Vector512<ulong> wordsBefore, Vector512<ulong> next)
    {
        Vector512<ulong> behindWord = Up(of.Words, wordsBefore);
        Vector512<ulong> behindDigit = Up(digits, digitsBefore);
        Vector512<ulong> beforeDigit = BlockEights.Down(digits, 1, next);
        Vector512<ulong> starts = digits & ~(behindDigit | (of.Dots & behindDigit) << 1);
        Vector512<ulong> free = ~behindWord;
        Vector512<ulong> found = of.Signs | (of.Letters & free) | (of.Urls & behindWord);
        found |= of.Ats & ~((of.Ahead | of.Quotes) << 1) & Vector512.Create(_addresses);
        found |= of.Begins & beforeDigit & free & Vector512.Create(_phones);
        found |= starts & free & Long(of, digits, zeros, next) & Vector512.Create(_numbers);
        found |= starts & free & Dotted(of.Dots & beforeDigit, next) & Vector512.Create(_phones);
        found |= starts & free & of.Ones & Coded(of, digits, next) & Vector512.Create(_phones);
        Vector512<ulong> letter = of.Words & ~digits;
        Vector512<ulong> two = (letter << 1 | Vector512.Create(1UL)) & (letter << 2 | Vector512.Create(3UL));
        Vector512<ulong> three = of.Words << 3 & Vector512.Create(~7UL);
        return found | (starts & two & ~three & beforeDigit & Vector512.Create(_accounts));
    }

    // As of single blocks, eleven bytes of a number or more; and either it begins with a zero, or with three digits
    // before a sign and two more, or with a one before a sign, or twelve digits are in a row, or of up to eight digits
    // a sign parts three more.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Long(
        in TriggerWords of, Vector512<ulong> digits, Vector512<ulong> zeros, Vector512<ulong> next)
    {
        Vector512<ulong> run2 = of.Run & BlockEights.Down(of.Run, 1, next);
        Vector512<ulong> run4 = run2 & BlockEights.Down(run2, 2, next);
        Vector512<ulong> run8 = run4 & BlockEights.Down(run4, 4, next);
        Vector512<ulong> run11 = run8 & BlockEights.Down(run8, 3, next);
        Vector512<ulong> others = ~digits;
        Vector512<ulong> digits2 = digits & BlockEights.Down(digits, 1, next);
        Vector512<ulong> digits3 = digits2 & BlockEights.Down(digits, 2, next);
        Vector512<ulong> digits4 = digits2 & BlockEights.Down(digits2, 2, next);
        Vector512<ulong> digits8 = digits4 & BlockEights.Down(digits4, 4, next);
        Vector512<ulong> digits12 = digits8 & BlockEights.Down(digits4, 8, next);
        Vector512<ulong> parts = others & BlockEights.Down(digits3, 1, next);
        Vector512<ulong> behind4 = BlockEights.Down(parts, 4, next);
        Vector512<ulong> behind5 = behind4 | BlockEights.Down(behind4, 1, next);
        Vector512<ulong> behind8 = behind5 | BlockEights.Down(behind5, 2, next) | BlockEights.Down(parts, 8, next);
        Vector512<ulong> three = digits3 & BlockEights.Down(others, 3, next) & BlockEights.Down(digits2, 4, next);
        Vector512<ulong> one = of.Ones & BlockEights.Down(others, 1, next);
        return run11 & (zeros | three | one | (digits4 & behind8) | digits12);
    }

    // As of single blocks: two dots as telephone numbers have them.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Dotted(Vector512<ulong> dots, Vector512<ulong> next)
    {
        if (dots == Vector512<ulong>.Zero) return dots;   // though some may be behind the last block
        Vector512<ulong> pairs = dots & (BlockEights.Down(dots, 3, next) | BlockEights.Down(dots, 4, next)
            | BlockEights.Down(dots, 5, next));
        return BlockEights.Down(pairs, 2, next) | BlockEights.Down(pairs, 3, next) | BlockEights.Down(pairs, 4, next)
            | BlockEights.Down(pairs, 5, next);
    }

    // As of single blocks: a dot as behind a country code.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Coded(in TriggerWords of, Vector512<ulong> digits, Vector512<ulong> next)
    {
        Vector512<ulong> dots = BlockEights.Down(of.Dots, 1, next);
        if ((dots & of.Ones) == Vector512<ulong>.Zero) return Vector512<ulong>.Zero;
        Vector512<ulong> three = digits & BlockEights.Down(digits, 1, next) & BlockEights.Down(digits, 2, next);
        Vector512<ulong> parted = of.Run & ~digits & BlockEights.Down(three, 1, next);
        return dots & (BlockEights.Down(of.Begins, 2, next)
            | (BlockEights.Down(three, 2, next) & BlockEights.Down(parted, 5, next)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Up(Vector512<ulong> words, Vector512<ulong> earlier) =>
        words << 1 | BlockEights.Before(words, earlier) >>> 63;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Any(Vector512<byte> found, byte sets) =>
        ~Vector512.Equals(found & Vector512.Create(sets), default).ExtractMostSignificantBits();

    private static Vector512<byte> MarkTable(int letter, int from) =>
        BlockEights.TableOf(from, one => TriggerMasks.SetsOf(one, letter));

    private static byte ClassesOf(char one) => (byte)(Bit(TriggerClass.Words, char.IsAsciiLetterOrDigit(one))
        | Bit(TriggerClass.Run, char.IsAsciiDigit(one) || " ()*+-/".Contains(one))
        | Bit(TriggerClass.Dots, one == '.') | Bit(TriggerClass.Ats, one == '@')
        | Bit(TriggerClass.Begins, one is '+' or '(') | Bit(TriggerClass.Ones, one == '1')
        | Bit(TriggerClass.Ahead, one is ':' or <= ' ') | Bit(TriggerClass.Colons, one == ':'));

    private static int Bit(TriggerClass which, bool isSet) => isSet ? 1 << (int)which : 0;
}

/// <summary>Classes of bytes, by the order of their words.</summary>
internal enum TriggerClass
{
    /// <summary>Letters and digits.</summary>
    Words,

    /// <summary>What numbers are written with but for dots.</summary>
    Run,

    /// <summary>Dots.</summary>
    Dots,

    /// <summary>At signs.</summary>
    Ats,

    /// <summary>Pluses and opening parentheses.</summary>
    Begins,

    /// <summary>The digit 1.</summary>
    Ones,

    /// <summary>What may stand behind a name: colons, spaces and control characters.</summary>
    Ahead,

    /// <summary>Colons.</summary>
    Colons,
}

/// <summary>Eight blocks' words of each class, and of the marks that begin in them.</summary>
internal ref struct TriggerWords
{
    public Vector512<ulong> Words;
    public Vector512<ulong> Run;
    public Vector512<ulong> Dots;
    public Vector512<ulong> Ats;
    public Vector512<ulong> Begins;
    public Vector512<ulong> Ones;
    public Vector512<ulong> Ahead;
    public Vector512<ulong> Colons;
    public Vector512<ulong> Quotes;
    public Vector512<ulong> Letters;
    public Vector512<ulong> Signs;
    public Vector512<ulong> Urls;
}
