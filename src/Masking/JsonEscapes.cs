using System.Numerics;
using System.Runtime.CompilerServices;

namespace Countersign.Masking;

/// <summary>String content that is known to be sound, decoded and walked in step with its decoded form. Half a
/// surrogate pair decodes to U+FFFD.</summary>
internal static class JsonEscapes
{
    private const int Replacement = 0xFFFD;
    private const int UnitBytes = 6;   // of \uXXXX
    private const int AdvancedMin = 16;   // fewer decoded bytes are sooner walked one by one

    /// <summary>Decodes <paramref name="content"/> to <paramref name="target"/>, which is as long; returns how many
    /// bytes.</summary>
    public static int Decode(ReadOnlySpan<byte> content, Span<byte> target)
    {
        int raw = 0;
        int decoded = BlockWindow.WidthBest switch
        {
            BlockWidth.Eights or BlockWidth.Bits512 => DecodeBlocks<Block512>(content, target, ref raw),
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
        int decoded = 0;
        while (content.Length - raw >= BlockWindow.BlockBytes)
        {
            TBlock block = TBlock.Load(content[raw..]);
            ulong kept = Kept(block, out _, out int taken, out bool isCut);
            block.Compress(kept, target[decoded..]);
            decoded += BitOperations.PopCount(kept);
            raw += taken;
            if (isCut) decoded += Utf8Bytes.Encode(ReadEscape(content, ref raw), target[decoded..]);
        }

        return decoded;
    }

    // The bytes of a block that decoded text has, up to an escape that stands for something else than what is behind
    // its backslash, or that is cut.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Kept<TBlock>(TBlock block, out ulong escaped, out int taken, out bool isCut)
        where TBlock : struct, IBlockBytes<TBlock>
    {
        const ulong OddBits = 0xAAAA_AAAA_AAAA_AAAA;
        ulong slashes = block.Equal((byte)'\\');
        escaped = ((slashes << 1 | OddBits) - slashes ^ OddBits) ^ slashes;
        ulong begins = slashes & ~escaped;
        ulong others = escaped & ~(slashes | block.Equal((byte)'"') | block.Equal((byte)'/'));
        taken = BitOperations.TrailingZeroCount(others >> 1 | (begins & 1UL << 63));
        isCut = others != 0;
        return ~begins & (taken == BlockWindow.BlockBytes ? ulong.MaxValue : (1UL << taken) - 1);
    }

    /// <summary>
    /// Moves <paramref name="raw"/> and <paramref name="decoded"/> together to the character that holds the decoded
    /// byte <paramref name="target"/>, or behind it if <paramref name="past"/> and it begins before.
    /// </summary>
    public static void Advance(ReadOnlySpan<byte> content, ref int raw, ref int decoded, int target, bool past)
    {
        if (target - decoded >= AdvancedMin)
        {
            if (BlockWindow.WidthBest >= BlockWidth.Bits512)
                AdvanceBlocks<Block512>(content, ref raw, ref decoded, target);
            else if (BlockWindow.WidthBest == BlockWidth.Bits256)
                AdvanceBlocks<Block256>(content, ref raw, ref decoded, target);
        }

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

    /// <summary>As <see cref="Advance"/>, as far as whole blocks go, and to before an escape in which the target
    /// is.</summary>
    internal static void AdvanceBlocks<TBlock>(ReadOnlySpan<byte> content, ref int raw, ref int decoded, int target)
        where TBlock : struct, IBlockBytes<TBlock>
    {
        Span<byte> encoded = stackalloc byte[Utf8Bytes.Max];
        while (decoded < target && content.Length - raw >= BlockWindow.BlockBytes)
        {
            ulong kept = Kept(TBlock.Load(content[raw..]), out ulong escaped, out int taken, out bool isCut);
            int count = BitOperations.PopCount(kept);
            if (count > target - decoded)
            {
                int last = BlockWindow.Select(kept, target - decoded);
                raw += last - (int)(escaped >> last & 1);
                decoded = target;
                return;
            }

            raw += taken;
            decoded += count;
            if (!isCut || decoded == target) continue;
            int next = raw;
            int length = Utf8Bytes.Encode(ReadEscape(content, ref next), encoded);
            if (decoded + length > target) return;
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
