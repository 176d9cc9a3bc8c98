using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Countersign.Masking;

/// <summary>Numbers (RFC 8259 section 6) and literals in a block, all at once: from each first byte a run of digits is
/// walked by one addition, whose carry stops behind it.</summary>
internal static class BlockNumbers
{
    private const uint True = 0x6575_7274;    // in the order of the bytes
    private const uint Null = 0x6C6C_756E;
    private const uint Fals = 0x736C_6166;

    /// <summary>Places of bytes that are wrong in <paramref name="scalars"/>, each of which ends in the
    /// block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Check<TBlock>(TBlock bytes, ReadOnlySpan<byte> block, ulong scalars)
        where TBlock : struct, IBlockBytes<TBlock>
    {
        ulong digits = bytes.InRange((byte)'0', 10) & scalars;
        ulong starts = scalars & ~(scalars << 1);
        ulong minus = bytes.Equal((byte)'-') & scalars;
        ulong literals = starts & ~(digits | minus);
        ulong wrong = 0;
        if (literals != 0)
        {
            wrong = Literals(block, literals, scalars, out ulong taken);
            scalars &= ~taken;
            digits &= scalars;
            starts &= scalars;
            bytes = TBlock.Load(block);
        }

        if (scalars == 0) return wrong;
        ulong first = (starts & ~minus) | (starts & minus) << 1;
        wrong |= first & ~digits;
        wrong |= ((first & bytes.Equal((byte)'0')) << 1) & digits;
        ulong ends = After(first, digits);
        if ((scalars & ~digits & ~(starts & minus)) == 0) return wrong;
        ulong dots = ends & bytes.Equal((byte)'.');
        ulong fraction = dots << 1;
        wrong |= fraction & ~digits;
        ulong fractionEnds = After(fraction, digits);
        ulong exponents = (ends | fractionEnds) & bytes.EqualFolded((byte)'e');
        ulong signs = (exponents << 1) & (minus | bytes.Equal((byte)'+'));
        ulong exponent = ((exponents << 1) & ~signs) | signs << 1;
        wrong |= exponent & ~digits;
        ulong stops = (ends & ~dots & ~exponents) | (fractionEnds & ~exponents) | After(exponent, digits);
        return wrong | (stops & scalars);
    }

    // Where the runs of digits that begin at starts stop.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong After(ulong starts, ulong digits) => (starts + digits) & ~digits;

    private static ulong Literals(ReadOnlySpan<byte> block, ulong literals, ulong scalars, out ulong taken)
    {
        ulong wrong = 0;
        taken = 0;
        for (; literals != 0; literals &= literals - 1)
        {
            int place = BitOperations.TrailingZeroCount(literals);
            int length = BitOperations.TrailingZeroCount(~(scalars >> place));
            ulong one = ((1UL << length) - 1) << place;
            taken |= one;
            uint word = length >= 4 ? BinaryPrimitives.ReadUInt32LittleEndian(block.Slice(place, 4)) : 0;
            bool isRight = length == 4 ? word is True or Null : length == 5 && word == Fals && block[place + 4] == 'e';
            if (!isRight) wrong |= one;
        }

        return wrong;
    }
}
