using System.Numerics;

namespace Countersign.Masking;

/// <summary>Moves over the content of a long string in blocks of 64 bytes, where nobody wants its text.</summary>
internal static class StringBlocks
{
    /// <summary>Fewer bytes than this are sooner read one by one.</summary>
    public const int BytesMin = 2 * BlockWindow.BlockBytes;

    private const int BytesBefore = 8;   // of what a character at the block's beginning may have begun with

    /// <summary>The place in <paramref name="input"/>, from <paramref name="position"/> on, up to which the content is
    /// sound: at the closing quote, or between two characters. Both begin between two characters; what is wrong, or
    /// cut, is not passed.</summary>
    public static int Skip(BlockWidth width, ReadOnlySpan<byte> input, int position) => width switch
    {
        BlockWidth.Eights or BlockWidth.Bits512 => Skip<Block512>(input, position),
        BlockWidth.Bits256 => Skip<Block256>(input, position),
        BlockWidth.Bits128 => Skip<Block128>(input, position),
        _ => Skip<BlockScalar>(input, position),
    };

    private static int Skip<TBlock>(ReadOnlySpan<byte> input, int position)
        where TBlock : struct, IBlockBytes<TBlock>
    {
        if (position < BytesBefore) return position;
        BlockText text = default;
        ulong wasHigh = 0;
        int at = position;
        for (; input.Length - at >= BlockWindow.BlockBytes + BytesBefore; at += BlockWindow.BlockBytes)
        {
            ReadOnlySpan<byte> around = input.Slice(at - BytesBefore, BlockWindow.BlockBytes + 2 * BytesBefore);
            TBlock block = TBlock.Load(around[BytesBefore..]);
            ulong quotes = block.Equal((byte)'"');
            ulong slashes = block.Equal((byte)'\\');
            ulong high = block.High();
            ulong wrong = block.InRange(0, 0x20);
            if ((slashes | text.Open) != 0)
            {
                quotes = text.Unescaped<TBlock>(around[BytesBefore..], quotes, slashes, out ulong unsound);
                wrong |= unsound;
            }

            if ((high | wasHigh) != 0) wrong |= TBlock.NotUtf8(around);
            wasHigh = high >> 61;
            if ((quotes | wrong) == 0) continue;
            ulong upTo = quotes ^ (quotes - 1);
            if (quotes == 0 || (wrong & upTo) != 0) break;
            return at + BitOperations.TrailingZeroCount(quotes);
        }

        return at == position ? at : position + BlockText.WholeCharacters(input[position..at]);
    }
}
