using System.Buffers;
using System.Numerics;
using System.Runtime.Intrinsics;

namespace Countersign.Masking;

/// <summary>Finds the end of a run of plain string bytes.</summary>
internal static class PlainRun
{
    private static readonly SearchValues<byte> Special = SearchValues.Create(SpecialBytes());

    /// <summary>How many bytes at the start of <paramref name="bytes"/> are ASCII and neither quote, backslash nor
    /// control.</summary>
    public static int Length(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < Vector256<byte>.Count) return LengthFrom(bytes, 0);

        // Most keys and values are shorter than 32 bytes: one compare in line saves them the call.
        Vector256<byte> block = Vector256.Create(bytes);
        Vector256<byte> control = Vector256.Equals(Vector256.Min(block, Vector256.Create((byte)0x1F)), block);
        Vector256<byte> mark = Vector256.Equals(block, Vector256.Create((byte)'"'))
            | Vector256.Equals(block, Vector256.Create((byte)'\\'));
        uint special = (control | mark | block).ExtractMostSignificantBits();
        return special != 0 ? BitOperations.TrailingZeroCount(special) : LengthFrom(bytes, Vector256<byte>.Count);
    }

    private static int LengthFrom(ReadOnlySpan<byte> bytes, int from)
    {
        int more = bytes[from..].IndexOfAny(Special);
        return more < 0 ? bytes.Length : from + more;
    }

    private static byte[] SpecialBytes()
    {
        var special = new List<byte> { (byte)'"', (byte)'\\' };
        for (int value = 0; value < 0x20; value++) special.Add((byte)value);
        for (int value = 0x80; value <= 0xFF; value++) special.Add((byte)value);
        return [.. special];
    }
}
