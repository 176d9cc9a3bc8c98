using System.Numerics;
using System.Runtime.CompilerServices;

namespace Countersign.Masking;

/// <summary>A block byte by byte: what the vectors must agree with.</summary>
internal readonly struct BlockScalar : IBlockBytes<BlockScalar>
{
    private readonly Bytes64 _bytes;

    private BlockScalar(ReadOnlySpan<byte> bytes) => bytes[..BlockWindow.BlockBytes].CopyTo(_bytes);

    public static BlockScalar Load(ReadOnlySpan<byte> bytes) => new(bytes);

    public static ulong NameEnds(ReadOnlySpan<byte> around, KeyTrails names)
    {
        ulong mask = 0;
        for (int place = 0; place < BlockWindow.BlockBytes; place++)
        {
            int groups = names.Last.GroupsOf(around[place + 7]) & names.SecondLast.GroupsOf(around[place + 6])
                & names.ThirdLast.GroupsOf(around[place + 5]);
            if (groups != 0) mask |= 1UL << place;
        }

        return mask;
    }

    public static ulong NotUtf8(ReadOnlySpan<byte> around)
    {
        ulong mask = 0;
        for (int place = 0; place < BlockWindow.BlockBytes; place++)
        {
            int first = around[place + 7];
            int second = around[place + 8];
            int pair = Utf8Tables.FirstHigh[first >> 4] & Utf8Tables.FirstLow[first & 15]
                & Utf8Tables.SecondHigh[second >> 4];
            bool goesOn = around[place + 6] >= 0xE0 || around[place + 5] >= 0xF0;
            if (pair != (goesOn ? Utf8Tables.TwoGoOn : 0)) mask |= 1UL << place;
        }

        return mask;
    }

    public static ulong Literals(ReadOnlySpan<byte> bytes, ulong starts, out ulong fives) =>
        LiteralWords.Find(bytes, starts, out fives);

    public ulong Equal(byte value) => InRange(value, 1);

    public ulong EqualFolded(byte value)
    {
        ulong mask = 0;
        for (int place = 63; place >= 0; place--) mask = mask << 1 | ((_bytes[place] | 0x20) == value ? 1UL : 0);
        return mask;
    }

    public ulong InRange(byte first, byte count)
    {
        ulong mask = 0;
        for (int place = 63; place >= 0; place--)
            mask = mask << 1 | ((byte)(_bytes[place] - first) < count ? 1UL : 0);
        return mask;
    }

    public ulong Between() => Among("{}[]:, \t\n\r"u8);

    public ulong Special() => Equal((byte)'\\') | High();

    public ulong High() => InRange(0x80, 0x80);

    public ulong EscapeLetters() => Among("/bfnrt"u8);

    public void Compress(ulong mask, Span<byte> target)
    {
        for (int count = 0; mask != 0; mask &= mask - 1)
            target[count++] = _bytes[BitOperations.TrailingZeroCount(mask)];
    }

    private ulong Among(ReadOnlySpan<byte> values)
    {
        ulong mask = 0;
        foreach (byte value in values) mask |= Equal(value);
        return mask;
    }

    [InlineArray(BlockWindow.BlockBytes)]
    private struct Bytes64
    {
        private byte _first;
    }
}
