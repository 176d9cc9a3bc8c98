using System.Numerics;

namespace Countersign.Masking;

/// <summary>String content that is known to be sound, decoded and walked in step with its decoded form. Half a
/// surrogate pair decodes to U+FFFD.</summary>
internal static class JsonEscapes
{
    private const int Replacement = 0xFFFD;
    private const int UnitBytes = 6;   // of \uXXXX

    /// <summary>Decodes <paramref name="content"/> to <paramref name="target"/>, which is as long; returns how many
    /// bytes.</summary>
    public static int Decode(ReadOnlySpan<byte> content, Span<byte> target)
    {
        int raw = 0;
        int decoded = BlockWindow.WidthBest switch
        {
            BlockWidth.Bits512 => DecodeBlocks<Block512>(content, target, ref raw),
            BlockWidth.Bits256 => DecodeBlocks<Block256>(content, target, ref raw),
            _ => 0,
        };
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
    /// As <see cref="Decode"/>, as far as whole blocks go: where escapes stand for what is behind their backslash, as
    /// in JSON inside a string most do, the backslashes are left out of 64 bytes at once. Returns how many bytes came
    /// of the first <paramref name="raw"/>.
    /// </summary>
    internal static int DecodeBlocks<TBlock>(ReadOnlySpan<byte> content, Span<byte> target, ref int raw)
        where TBlock : struct, IBlockBytes<TBlock>
    {
        const ulong OddBits = 0xAAAA_AAAA_AAAA_AAAA;
        int decoded = 0;
        while (content.Length - raw >= BlockWindow.BlockBytes)
        {
            TBlock block = TBlock.Load(content[raw..]);
            ulong slashes = block.Equal((byte)'\\');
            ulong escaped = ((slashes << 1 | OddBits) - slashes ^ OddBits) ^ slashes;
            ulong begins = slashes & ~escaped;
            ulong others = escaped & ~(slashes | block.Equal((byte)'"') | block.Equal((byte)'/'));

            // Up to what stands for something else, or is cut.
            ulong stop = others >> 1 | (begins & 1UL << 63);
            int taken = BitOperations.TrailingZeroCount(stop);
            ulong kept = ~begins & (taken == BlockWindow.BlockBytes ? ulong.MaxValue : (1UL << taken) - 1);
            block.Compress(kept, target[decoded..]);
            decoded += BitOperations.PopCount(kept);
            raw += taken;
            if (others != 0) decoded += Utf8Bytes.Encode(ReadEscape(content, ref raw), target[decoded..]);
        }

        return decoded;
    }

    /// <summary>
    /// Moves <paramref name="raw"/> and <paramref name="decoded"/> together to the character that holds the decoded
    /// byte <paramref name="target"/>, or behind it if <paramref name="past"/> and it begins before.
    /// </summary>
    public static void Advance(ReadOnlySpan<byte> content, ref int raw, ref int decoded, int target, bool past)
    {
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
            return kind switch
            {
                (byte)'b' => '\b',
                (byte)'f' => '\f',
                (byte)'n' => '\n',
                (byte)'r' => '\r',
                (byte)'t' => '\t',
                _ => kind,
            };
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
