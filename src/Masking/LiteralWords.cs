using System.Buffers.Binary;
using System.Numerics;

namespace Countersign.Masking;

/// <summary>The literals of JSON, looked for one by one.</summary>
internal static class LiteralWords
{
    private const uint True = 0x6575_7274;    // in the order of the bytes
    private const uint Null = 0x6C6C_756E;
    private const uint Fals = 0x736C_6166;
    private const int WordBytes = 8;

    /// <summary>As <see cref="IBlockBytes{TSelf}.Literals"/>.</summary>
    public static ulong Find(ReadOnlySpan<byte> bytes, ulong starts, out ulong fives)
    {
        ulong found = 0;
        fives = 0;
        for (; starts != 0; starts &= starts - 1)
        {
            int place = BitOperations.TrailingZeroCount(starts);
            ulong word = BinaryPrimitives.ReadUInt64LittleEndian(bytes.Slice(place, WordBytes));
            bool isFalse = (uint)word == Fals && (byte)(word >> 32) == 'e';
            if (isFalse || (uint)word is True or Null) found |= 1UL << place;
            if (isFalse) fives |= 1UL << place;
        }

        return found;
    }
}
