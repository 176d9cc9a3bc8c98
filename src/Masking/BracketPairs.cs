using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Countersign.Masking;

/// <summary>
/// Brackets that close each other within a word of tokens: an opening one that a closing one follows is a pair, and
/// once all such are left out, others are. So it takes as many rounds as brackets lie in each other, not as many as
/// there are.
/// </summary>
internal static class BracketPairs
{
    /// <summary>True if this machine packs bits fast: all that have the other instructions do.</summary>
    public static bool IsSupported => Bmi2.X64.IsSupported && Avx512F.IsSupported;

    /// <summary>The bits up to the bracket that closes the container which is <paramref name="depth"/> deep before the
    /// first, 1 for the innermost that is open there and 0 for the one that opens first; 0 if none does, and then how
    /// deep it is behind the last.</summary>
    public static ulong UpToClose(ulong opens, ulong closes, ref int depth)
    {
        int left = depth;
        for (; closes != 0; closes &= closes - 1)
        {
            ulong upTo = closes ^ (closes - 1);
            left--;
            if (left + BitOperations.PopCount(opens & upTo) > 0) continue;
            depth = 0;
            return upTo;
        }

        depth = left + BitOperations.PopCount(opens);
        return 0;
    }

    /// <summary>Takes the pairs out of <paramref name="left"/>; <paramref name="enclosed"/> is what stands within them,
    /// <paramref name="inArrays"/> that of it which is in an array first of all, both with the opening bracket and
    /// without the closing one. False if a pair is of two kinds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryRemove(
        ref ulong left, ulong opens, ulong squares, out ulong enclosed, out ulong inArrays)
    {
        ulong wrong = 0;
        (enclosed, inArrays) = (0, 0);
        ulong rest = left;
        while (true)
        {
            ulong packed = Bmi2.X64.ParallelBitExtract(opens, rest);
            ulong kinds = Bmi2.X64.ParallelBitExtract(squares, rest);
            ulong firsts = packed & ~(packed >> 1) & Bmi2.X64.ParallelBitExtract(rest, rest) >> 1;
            if (firsts == 0) break;
            wrong |= (kinds ^ kinds >> 1) & firsts;
            ulong pairs = Bmi2.X64.ParallelBitDeposit(firsts | firsts << 1, rest);
            inArrays |= BlockText.PrefixXor(pairs & squares) & ~enclosed;
            enclosed |= BlockText.PrefixXor(pairs);
            rest ^= pairs;
        }

        left = rest;
        return wrong == 0;
    }
}
