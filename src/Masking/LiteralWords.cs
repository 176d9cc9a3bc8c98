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
            uint four = (uint)word;   // without branches: what comes next cannot be foretold
            ulong isFalse = Bit(four == Fals) & Bit((byte)(word >> 32) == 'e');
            found |= (Bit(four == True) | Bit(four == Null) | isFalse) << place;
            fives |= isFalse << place;
        }

        return found;
    }

    private static ulong Bit(bool isSet) => isSet ? 1UL : 0;
}
