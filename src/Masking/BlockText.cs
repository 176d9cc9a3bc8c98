using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using System.Text.Unicode;

namespace Countersign.Masking;

/// <summary>Strings in a block: which quotes are escaped, which escapes are sound, where strings are.</summary>
internal static class BlockText
{
    private const ulong OddBits = 0xAAAA_AAAA_AAAA_AAAA;
    private const int HexDigits = 4;

    /// <summary>For each bit whether an odd number of bits is set up to it: from quotes to what they enclose, with the
    /// opening quote and without the closing one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong PrefixXor(ulong quotes)
    {
        if (Pclmulqdq.IsSupported)
        {
            Vector128<ulong> ones = Vector128<ulong>.AllBitsSet;
            return Pclmulqdq.CarrylessMultiply(Vector128.CreateScalar(quotes), ones, 0).ToScalar();
        }

        return PrefixXorByShifts(quotes);
    }

    /// <summary>The same without the instruction for it.</summary>
    public static ulong PrefixXorByShifts(ulong quotes)
    {
        for (int shift = 1; shift < 64; shift <<= 1) quotes ^= quotes << shift;
        return quotes;
    }

    /// <summary>
    /// Takes escaped quotes out of <paramref name="quotes"/> and shortens <paramref name="taken"/> to before an escape
    /// that is cut; returns the places of wrong ones. The block does not begin inside an escape.
    /// </summary>
    public static ulong Escapes<TBlock>(
        TBlock bytes, ReadOnlySpan<byte> block, ulong slashes, ref ulong quotes, ref int taken)
        where TBlock : struct, IBlockBytes<TBlock>
    {
        // A run of backslashes escapes every second byte from its second on: add to the runs that begin at odd
        // places, and parity shows which places those are.
        ulong maybe = slashes << 1;
        ulong escapedAndLast = ((maybe | OddBits) - slashes) ^ OddBits;
        ulong escaped = escapedAndLast ^ slashes;
        ulong begins = escapedAndLast & slashes;
        quotes &= ~escaped;
        ulong plain = bytes.Equal((byte)'"') | slashes | bytes.Equal((byte)'/') | bytes.Equal((byte)'b')
            | bytes.Equal((byte)'f') | bytes.Equal((byte)'n') | bytes.Equal((byte)'r') | bytes.Equal((byte)'t');
        ulong hexadecimal = escaped & bytes.Equal((byte)'u');
        ulong wrong = escaped & ~(plain | hexadecimal);
        for (; hexadecimal != 0; hexadecimal &= hexadecimal - 1)
        {
            int place = BitOperations.TrailingZeroCount(hexadecimal);
            if (place + HexDigits >= taken)
            {
                taken = Math.Min(taken, place - 1);
                break;
            }

            for (int digit = 1; digit <= HexDigits; digit++)
            {
                if (!char.IsAsciiHexDigit((char)block[place + digit])) wrong |= 1UL << place;
            }
        }

        if (taken > 0 && (begins >> (taken - 1) & 1) != 0) taken--;
        return wrong;
    }

    /// <summary>How many of the first <paramref name="limit"/> bytes are UTF-8, without a character that is cut
    /// there; -1 if they are not.</summary>
    public static int Utf8Bytes(ReadOnlySpan<byte> block, int limit)
    {
        int taken = limit;
        for (int back = 1; back <= 3 && back <= limit; back++)
        {
            byte last = block[limit - back];
            if ((last & 0xC0) == 0x80) continue;
            int length = last < 0xC0 ? 1 : last < 0xE0 ? 2 : last < 0xF0 ? 3 : 4;
            if (length > back) taken -= back;
            break;
        }

        return Utf8.IsValid(block[..taken]) ? taken : -1;
    }
}
