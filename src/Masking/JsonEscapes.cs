using System.Numerics;

namespace Countersign.Masking;

/// <summary>String content that is known to be sound, decoded and walked in step with its decoded form. Half a
/// surrogate pair decodes to U+FFFD.</summary>
internal static class JsonEscapes
{
    private const int Replacement = 0xFFFD;
    private const int UnitBytes = 6;   // of \uXXXX

    /// <summary>Decodes <paramref name="content"/> to <paramref name="target"/>, which is as long; returns how many
    /// bytes. <paramref name="map"/>, if any, gets the way back.</summary>
    public static int Decode(ReadOnlySpan<byte> content, Span<byte> target, EscapeMap? map = null)
    {
        Span<EscapeMap.Block> notes = map is null ? [] : map.Begin(content.Length);
        int noted = 0;
        int raw = 0;
        int decoded = BlockWindow.WidthBest switch
        {
            BlockWidth.Eights or BlockWidth.Bits512 =>
                DecodeBlocks<Block512>(content, target, notes, ref noted, ref raw),
            BlockWidth.Bits256 => DecodeBlocks<Block256>(content, target, notes, ref noted, ref raw),
            _ => 0,
        };
        map?.End(noted);
        while (raw < content.Length)
        {
            int plain = content[raw..].IndexOf((byte)'\\');
            if (plain < 0) plain = content.Length - raw;
            content.Slice(raw, plain).CopyTo(target[decoded..]);
            raw += plain;
            decoded += plain;
            if (raw < content.Length) decoded += Utf8Bytes.Encode(ReadEscape(content, ref raw), target[decoded..]);
        }

        return decoded;
    }

    /// <summary>
    /// As <see cref="Decode"/>, as far as whole blocks go: where escapes stand for what is behind their backslash, or
    /// for another ASCII character, as in JSON inside a string most do, the backslashes are left out of 64 bytes at
    /// once, and the block is noted, if there is room in <paramref name="notes"/>. Returns how many bytes came of the
    /// first <paramref name="raw"/>.
    /// </summary>
    internal static int DecodeBlocks<TBlock>(
        ReadOnlySpan<byte> content, Span<byte> target, Span<EscapeMap.Block> notes, ref int noted, ref int raw)
        where TBlock : struct, IBlockBytes<TBlock>
    {
        int decoded = 0;
        ulong isBegun = 0;   // 1 if the last backslash of the block before, left out, escapes this one's first byte
        while (content.Length - raw >= BlockWindow.BlockBytes)
        {
            TBlock block = TBlock.Load(content[raw..]);
            ulong slashes = block.Equal((byte)'\\');
            ulong wasBegun = isBegun;
            ulong escaped = BlockText.EscapedBy(slashes, ref isBegun);
            ulong letters = escaped & ~(slashes | block.Equal((byte)'"'));
            ulong units = letters == 0 ? 0 : letters & block.Equal((byte)'u');
            ulong kept = ~(slashes & ~escaped);
            if (units != 0) kept &= ((units & (0 - units)) - 1) >> 1;   // up to its backslash
            block.Compress(kept, target[decoded..]);
            if (letters != 0) PutLetters(content[raw..], letters & kept, kept, target[decoded..]);
            int start = decoded;
            decoded += BitOperations.PopCount(kept);
            if (units == 0)
            {
                // Foretold, so that the next block need not wait for this one.
                if (noted < notes.Length) notes[noted++] = new(raw, start, kept, wasBegun);
                raw += BlockWindow.BlockBytes;
                continue;
            }

            raw += BitOperations.TrailingZeroCount(units) - 1;
            decoded += Utf8Bytes.Encode(ReadEscape(content, ref raw), target[decoded..]);
            isBegun = 0;
        }

        raw -= (int)isBegun;
        return decoded;
    }

    // What the letters stand for, in place of them.
    private static void PutLetters(ReadOnlySpan<byte> block, ulong letters, ulong kept, Span<byte> target)
    {
        for (; letters != 0; letters &= letters - 1)
        {
            int place = BitOperations.TrailingZeroCount(letters);
            target[BitOperations.PopCount(kept & ((1UL << place) - 1))] = (byte)Meaning(block[place]);
        }
    }

    /// <summary>
    /// Moves <paramref name="raw"/> and <paramref name="decoded"/> together to the character that holds the decoded
    /// byte <paramref name="target"/>, or behind it if <paramref name="past"/> and it begins before.
    /// <paramref name="map"/> is the content's, and targets only grow.
    /// </summary>
    public static void Advance(
        ReadOnlySpan<byte> content, EscapeMap map, ref int raw, ref int decoded, int target, bool past)
    {
        map.MoveTo(target, ref raw, ref decoded);
        Span<byte> encoded = stackalloc byte[Utf8Bytes.Max];
        while (decoded < target)
        {
            int next = raw;
            int length = 1;
            if (content[raw] != '\\')
            {
                int plain = content.Slice(raw, Math.Min(content.Length - raw, target - decoded)).IndexOf((byte)'\\');
                length = plain < 0 ? target - decoded : plain;
                next += length;
            }
            else length = Utf8Bytes.Encode(ReadEscape(content, ref next), encoded);
            if (decoded + length > target && !past) return;
            raw = next;
            decoded += length;
        }
    }

    /// <summary>Writes <paramref name="text"/>, replacements as this project makes them, as string content.</summary>
    public static int Escape(ReadOnlySpan<byte> text, Span<byte> target)
    {
        int length = 0;
        foreach (byte next in text)
        {
            if (next is (byte)'"' or (byte)'\\') target[length++] = (byte)'\\';
            target[length++] = next;
        }

        return length;
    }

    private static int ReadEscape(ReadOnlySpan<byte> content, ref int raw)
    {
        byte kind = content[raw + 1];
        if (kind != 'u')
        {
            raw += 2;
            return Meaning(kind);
        }

        int unit = UnitAt(content, raw);
        raw += UnitBytes;
        if ((unit & 0xF800) != 0xD800) return unit;
        bool hasSecond = unit < 0xDC00 && raw + UnitBytes <= content.Length
            && content[raw] == '\\' && content[raw + 1] == 'u';
        int second = hasSecond ? UnitAt(content, raw) : 0;
        if ((second & 0xFC00) != 0xDC00) return Replacement;
        raw += UnitBytes;
        return 0x10000 + ((unit - 0xD800) << 10) + (second - 0xDC00);
    }

    private static int Meaning(byte kind) => kind switch
    {
        (byte)'b' => '\b',
        (byte)'f' => '\f',
        (byte)'n' => '\n',
        (byte)'r' => '\r',
        (byte)'t' => '\t',
        _ => kind,
    };

    private static int UnitAt(ReadOnlySpan<byte> content, int raw)
    {
        int unit = 0;
        for (int place = raw + 2; place < raw + UnitBytes; place++)
        {
            byte digit = content[place];
            unit = (unit << 4) | (digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
        }

        return unit;
    }
}
