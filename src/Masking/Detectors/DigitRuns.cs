using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Countersign.Masking.Detectors;

/// <summary>The digits among the 64 bytes from a place of a value, as bits, so that a run of them is counted without a
/// branch for each.</summary>
internal readonly struct DigitRuns
{
    private readonly ulong _digits;
    private readonly int _start;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public DigitRuns(in ValueText text, int start)
    {
        Vector512<byte> digit = text.Block(start, out ulong inValue) - Vector512.Create((byte)'0');
        _digits = Vector512.LessThan(digit, Vector512.Create((byte)10)).ExtractMostSignificantBits() & inValue;
        _start = start;
    }

    /// <summary>How many digits stand at <paramref name="place"/>, which is not before the first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Length(ReadOnlySpan<byte> value, int place)
    {
        int from = place - _start;
        if (from >= TriggerMasks.BlockBytes) return LengthBehind(value, place);
        int length = BitOperations.TrailingZeroCount(~(_digits >> from));
        return from + length < TriggerMasks.BlockBytes ? length : length + LengthBehind(value, place + length);
    }

    private static int LengthBehind(ReadOnlySpan<byte> value, int place)
    {
        int end = place;
        while (AsciiClass.DigitAt(value, end)) end++;
        return end - place;
    }
}
