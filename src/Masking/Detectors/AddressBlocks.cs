using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Countersign.Masking.Detectors;

/// <summary>As <see cref="EmailAddress"/>, of the 64 bytes on both sides of the sign at once. What is longer, or has a
/// domain beyond ASCII, it leaves.</summary>
internal static class AddressBlocks
{
    private const int BlockBytes = 64;
    private const byte Local = 1;    // may stand in a local part
    private const byte Label = 2;    // may stand in a label
    private const byte Word = 4;
    private const byte Letter = 8;
    private const byte Dot = 16;

    private static readonly Vector512<byte> LowTable = ClassTable(0);
    private static readonly Vector512<byte> HighTable = ClassTable(BlockBytes);

    /// <summary>False if it cannot tell; else <paramref name="found"/> is the address around the <c>@</c> at
    /// <paramref name="sign"/>, or none.</summary>
    public static bool TryFind(in ValueText text, int sign, out Detection found)
    {
        found = Detection.None;
        Vector512<byte> before = text.BlockBefore(sign, out ulong inValue);
        Vector512<byte> classes = Avx512Vbmi.PermuteVar64x8x2(LowTable, before, HighTable);
        ulong beyond = before.ExtractMostSignificantBits();
        ulong local = (Any(classes, Local) | beyond) & inValue;
        int length = BitOperations.LeadingZeroCount(~local);
        if (length == BlockBytes) return false;
        ulong words = (Any(classes, Word) | beyond) & ~(ulong.MaxValue >> length);
        if (words == 0) return true;
        if (!TryEnd(text, sign + 1, out int end)) return false;
        if (end > 0) found = new(sign - length, end - (sign - length), DetectorSet.Email);
        return true;
    }

    // Where the longest domain ends: behind the last label but the first that is a top level, or 0.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryEnd(in ValueText text, int start, out int end)
    {
        end = 0;
        Vector512<byte> after = text.Block(start, out ulong inValue);
        Vector512<byte> classes = Avx512Vbmi.PermuteVar64x8x2(LowTable, after, HighTable);
        ulong beyond = after.ExtractMostSignificantBits();
        ulong dots = Any(classes, Dot) & ~beyond;
        ulong inside = (Any(classes, Label | Dot) | beyond) & inValue & ~(dots & (dots << 1 | 1));
        int stop = BitOperations.TrailingZeroCount(~inside);
        ulong domain = (1UL << stop) - 1;
        if (stop == BlockBytes || (beyond & domain) != 0) return false;
        ulong letters = Any(classes, Letter);
        int labelEnd = stop;
        for (ulong left = dots & domain; left != 0; left &= ~(1UL << labelEnd))
        {
            int dot = BitOperations.Log2(left);
            int length = labelEnd - dot - 1;
            ulong label = (1UL << labelEnd) - (2UL << dot);
            bool isTop = length >= 2 && (label & ~letters) == 0;
            if (isTop)
            {
                end = start + labelEnd;
                return true;
            }

            if (length > 4 && (text.Value[start + dot + 1] | 0x20) == 'x') return false;   // xn-- perhaps
            labelEnd = dot;
        }

        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Any(Vector512<byte> classes, byte which) =>
        ~Vector512.Equals(classes & Vector512.Create(which), Vector512<byte>.Zero).ExtractMostSignificantBits();

    private static Vector512<byte> ClassTable(int from) =>
        Vector512.Create([.. Enumerable.Range(from, BlockBytes).Select(one => ClassesOf((byte)one))]);

    private static byte ClassesOf(byte one) => (byte)(
        (EmailAddress.IsLocal(one) ? Local : 0) | (AsciiClass.IsWord(one) || one == '-' ? Label : 0)
        | (AsciiClass.IsWord(one) ? Word : 0) | (AsciiClass.IsLetter(one) ? Letter : 0) | (one == '.' ? Dot : 0));
}
