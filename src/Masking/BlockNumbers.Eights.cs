using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Countersign.Masking;

/// <content>Eight blocks at once.</content>
internal partial struct BlockNumbers
{
    private const int Eight = BlockEights.Blocks;
    private const int LastWord = Eight - 1;

    /// <summary>
    /// As <see cref="Check"/>, of <paramref name="blocks"/> blocks before which no number is under way: those of
    /// <paramref name="others"/> and what goes on behind them; the rest is digits alone, and was checked. Adds to the
    /// words of what is wrong and tells the blocks that have some. False where there may be an exponent.
    /// </summary>
    public static bool TryCheck(
        NumberMasks masks, ReadOnlySpan<ulong> allScalars, int blocks, ulong others, out ulong unsound)
    {
        unsound = 0;
        Vector512<ulong> zero = Vector512<ulong>.Zero;
        Vector512<ulong> scalarsBefore = zero, digitsBefore = zero, dotsBefore = zero, beginsBefore = zero;
        Vector512<ulong> firstBefore = zero, lettersBefore = zero;
        Vector512<ulong> goOnBefore = zero;   // bytes of literals that are in the next block
        ulong open = 0;
        ulong fractions = 0;
        for (int group = 0; group < blocks; group += Eight)
        {
            Vector512<ulong> scalars = Vector512.Create(allScalars[group..]);
            Vector512<ulong> digits = scalars;
            Vector512<ulong> letters = zero, goOn = zero, begins = zero, dots = zero;
            Vector512<ulong> starts = scalars & ~BlockEights.Up(scalars, scalarsBefore);
            Vector512<ulong> first = starts & Vector512.Create<ulong>(masks.Zeros[group..]);
            fractions >>= Eight;
            ulong some = others >> group & 0xFF;
            if ((some | open) != 0)
            {
                Vector512<ulong> known = Vector512.Create(some == 0 ? 0 : ulong.MaxValue);   // else of an earlier run
                digits &= Vector512.Create<ulong>(masks.Digits[group..]);
                Vector512<ulong> literals = Vector512.Create<ulong>(masks.Literals[group..]) & starts & known;
                Vector512<ulong> fives = Vector512.Create<ulong>(masks.Fives[group..]) & starts & known;
                goOn = literals >>> 63 | literals >>> 62 | literals >>> 61 | fives >>> 60;
                letters = literals | literals << 1 | literals << 2 | literals << 3 | fives << 4;
                letters = (letters | BlockEights.Before(goOn, goOnBefore)) & scalars;
                Vector512<ulong> left = scalars & ~letters;
                begins = Vector512.Create<ulong>(masks.Minus[group..]) & starts & known;
                dots = Vector512.Create<ulong>(masks.Dots[group..]) & left & known;
                Vector512<ulong> rest = left & ~(digits | dots | begins);
                ulong valid = ulong.MaxValue >> Math.Max(0, BlockWindow.BlocksMax - blocks + group);
                if ((~Vector512.Equals(rest, zero).ExtractMostSignificantBits() & valid & 0xFF) != 0) return false;
                Vector512<ulong> afterMinus = BlockEights.Up(begins, beginsBefore);
                Vector512<ulong> afterDot = BlockEights.Up(dots, dotsBefore);
                first |= afterMinus & digits & Vector512.Create<ulong>(masks.Zeros[group..]);
                Vector512<ulong> wrong = (BlockEights.Up(letters, lettersBefore) & left)
                    | (BlockEights.Up(first, firstBefore) & digits)
                    | (dots & ~BlockEights.Up(digits, digitsBefore)) | ((afterDot | afterMinus) & ~digits)
                    | (Behind(afterDot, digits, ref fractions) & dots)
                    | Vector512.Equals(scalars, Vector512<ulong>.AllBitsSet)
                    | Vector512.Create<ulong>(masks.Wrong[group..]);
                wrong.CopyTo(masks.Wrong[group..]);
                unsound |= (ulong)(byte)~Vector512.Equals(wrong, zero).ExtractMostSignificantBits() << group;
            }

            (scalarsBefore, digitsBefore, dotsBefore, beginsBefore) = (scalars, digits, dots, begins);
            (firstBefore, lettersBefore, goOnBefore) = (first, letters, goOn);
            open = (dots | begins | letters | first)[LastWord] >> 63 | fractions >> Eight;
        }

        return true;
    }

    // The sum of what may be one number of eight words: bit k of open is what is carried into word k.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Behind(Vector512<ulong> starts, Vector512<ulong> digits, ref ulong open)
    {
        Vector512<ulong> sums = starts + digits;
        ulong overflows = Vector512.LessThan(sums, digits).ExtractMostSignificantBits();
        ulong full = Vector512.Equals(sums, Vector512<ulong>.AllBitsSet).ExtractMostSignificantBits();
        open = (overflows << 1 | (open & 1)) + full ^ full;
        return (sums - BlockEights.Spread(open)) & ~digits;
    }
}

/// <summary>What is known of the numbers in a run of blocks, a word for each.</summary>
internal sealed class NumberMasks
{
    /// <summary>Digits.</summary>
    public BlockWords Digits;

    /// <summary>The digit 0.</summary>
    public BlockWords Zeros;

    /// <summary>The signs of numbers, and other dashes.</summary>
    public BlockWords Minus;

    /// <summary>Dots.</summary>
    public BlockWords Dots;

    /// <summary>Where a literal may begin: all of its letters are there.</summary>
    public BlockWords Literals;

    /// <summary>Those of <c>false</c>.</summary>
    public BlockWords Fives;

    /// <summary>What is wrong.</summary>
    public BlockWords Wrong;
}
