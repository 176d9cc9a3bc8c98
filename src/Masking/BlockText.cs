using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Countersign.Masking;

/// <summary>Strings in blocks that follow each other: which quotes are escaped, which escapes are sound, where strings
/// are. Carried from block to block is what the last one left open.</summary>
internal struct BlockText
{
    private const ulong OddBits = 0xAAAA_AAAA_AAAA_AAAA;
    private const int EscapeBytesMax = 6;

    private ulong _escaped;   // the next block's first byte is escaped
    private ulong _digits;    // and which of its first bytes must be hexadecimal digits

    /// <summary>Not 0 between a backslash and the end of its escape.</summary>
    public readonly ulong Open => _escaped | _digits;

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

    /// <summary>The bytes that a block's <paramref name="slashes"/> escape; <paramref name="begun"/>, 0 or 1, says
    /// whether the one before it escapes the first, and then of the next block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong EscapedBy(ulong slashes, ref ulong begun)
    {
        // A run of backslashes escapes every second byte from its second on: add to the runs that begin at odd
        // places, and parity shows which places those are.
        ulong runs = slashes & ~begun;
        ulong escapedAndLast = ((runs << 1 | OddBits) - runs) ^ OddBits;
        ulong escaped = escapedAndLast ^ (slashes | begun);
        begun = (escapedAndLast & slashes) >> 63;
        return escaped;
    }

    /// <summary>Returns those of a block's <paramref name="quotes"/> that are not escaped;
    /// <paramref name="wrong"/> gets the places of escapes that are none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Unescaped<TBlock>(ReadOnlySpan<byte> block, ulong quotes, ulong slashes, out ulong wrong)
        where TBlock : struct, IBlockBytes<TBlock>
    {
        ulong escaped = EscapedBy(slashes, ref _escaped);
        ulong letters = escaped & ~(quotes | slashes);   // what JSON in a string has seldom
        wrong = (letters | _digits) == 0 ? 0 : WrongLetters<TBlock>(block, letters);
        return quotes & ~escaped;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private ulong WrongLetters<TBlock>(ReadOnlySpan<byte> block, ulong letters)
        where TBlock : struct, IBlockBytes<TBlock>
    {
        TBlock bytes = TBlock.Load(block);
        ulong units = letters & bytes.Equal((byte)'u');
        ulong wrong = letters & ~(units | bytes.EscapeLetters());
        ulong digits = units << 1 | units << 2 | units << 3 | units << 4 | _digits;
        if (digits != 0) wrong |= digits & ~HexDigits(bytes);
        _digits = units >> 63 | units >> 62 | units >> 61 | units >> 60;
        return wrong;
    }

    /// <summary>Where the characters that are whole in <paramref name="text"/> end, which begins between two
    /// characters and is inside a string: before an escape or a character that is cut there.</summary>
    public static int WholeCharacters(ReadOnlySpan<byte> text)
    {
        int slash = text[^Math.Min(text.Length, EscapeBytesMax - 1)..].LastIndexOf((byte)'\\');
        if (slash >= 0)
        {
            slash += text.Length - Math.Min(text.Length, EscapeBytesMax - 1);
            int first = slash;
            while (first > 0 && text[first - 1] == '\\') first--;
            if ((slash - first & 1) == 0)
            {
                bool isUnit = slash + 1 < text.Length && text[slash + 1] == 'u';
                bool isCut = slash + (isUnit ? EscapeBytesMax : 2) > text.Length;
                if (isCut) return WholeCharacters(text[..slash]);   // what is before it may be cut by it
            }
        }

        for (int back = 1; back <= 3 && back <= text.Length; back++)
        {
            byte last = text[^back];
            if ((last & 0xC0) == 0x80) continue;
            int length = last < 0xC0 ? 1 : last < 0xE0 ? 2 : last < 0xF0 ? 3 : 4;
            if (length <= back) return text.Length;
            return WholeCharacters(text[..^back]);
        }

        return text.Length;
    }

    private static ulong HexDigits<TBlock>(TBlock bytes)
        where TBlock : struct, IBlockBytes<TBlock>
    {
        // 0x20 set maps a letter's capital to it, and no other byte to one of the six.
        ulong letters = bytes.EqualFolded((byte)'a') | bytes.EqualFolded((byte)'b') | bytes.EqualFolded((byte)'c')
            | bytes.EqualFolded((byte)'d') | bytes.EqualFolded((byte)'e') | bytes.EqualFolded((byte)'f');
        return letters | bytes.InRange((byte)'0', 10);
    }
}
