using System.Text;

namespace Countersign.Masking.Tests;

public sealed class StringBlocksTests
{
    private const int BytesBefore = 8;
    private const int Blocks = 3;
    private const int PieceBytesMax = 12;

    private static readonly byte[][] Pieces =
    [
        .. new[]
        {
            "\"", "\\\"", "\\\\", "\\\\\\", "\\\\\\\\\"", "\\n", "\\/", "\\u00e9", "\\uD83D\\uDE00", "\\u12", "\\x",
            "\\U0041", "\\u000g", "\\u\"", "\\\u0001", "\\u00\\n", "\\",
            "é", "\u07ff", "\u0800", "\uff21", "😀", "\0", "\u001f", "\u007f", "\"\u0001", "\u0001\"",
        }.Select(Encoding.UTF8.GetBytes),
        [0x80], [0xBF], [0xC0, 0x80], [0xC3], [0xC3, (byte)'"'], [0xC3, (byte)'x', (byte)'x', 0x82], [0xE2, 0x82],
        [0xE2, 0x82, (byte)'\\', (byte)'n'], [0xED, 0xA0, 0x80], [0xF0, 0x9F, 0x98], [0xF5, 0x80, 0x80, 0x80], [0xFF],
        [(byte)'"', (byte)'x', 0xC3, (byte)'"'], [(byte)'\\', 0xC3, 0xA9],
    ];

    [Theory]
    [InlineData((byte)BlockWidth.Scalar)]
    [InlineData((byte)BlockWidth.Bits128)]
    [InlineData((byte)BlockWidth.Bits256)]
    [InlineData((byte)BlockWidth.Bits512)]
    [InlineData((byte)BlockWidth.Eights)]
    public void Pass_what_single_bytes_pass_with_each_piece_at_each_place(byte width)
    {
        // Proves that blocks stop at the closing quote or between two characters, before anything wrong, and not
        // before the block that holds it: with each character, escape and fault at each place of three blocks.
        foreach (byte[] piece in Pieces)
        {
            for (int place = BytesBefore; place < BytesBefore + Blocks * BlockWindow.BlockBytes; place++)
            {
                byte[] body = Plain(BytesBefore + Blocks * BlockWindow.BlockBytes + PieceBytesMax);
                piece.CopyTo(body, place);
                AssertSkips((BlockWidth)width, body, BytesBefore);
            }
        }
    }

    [Theory]
    [InlineData((byte)BlockWidth.Scalar)]
    [InlineData((byte)BlockWidth.Bits128)]
    [InlineData((byte)BlockWidth.Bits256)]
    [InlineData((byte)BlockWidth.Bits512)]
    [InlineData((byte)BlockWidth.Eights)]
    public void Pass_what_single_bytes_pass_with_many_pieces(byte width)
    {
        // Proves the same with several pieces, of any number of bytes and from any place on.
        for (int seed = 1; seed <= 1_000; seed++)
        {
            var random = new Random(seed);
            int start = random.Next(BytesBefore, 100);
            byte[] body = Plain(start + random.Next(4 * BlockWindow.BlockBytes));
            for (int left = random.Next(6); left > 0 && body.Length - start > PieceBytesMax; left--)
                Pieces[random.Next(Pieces.Length)].CopyTo(body, random.Next(start, body.Length - PieceBytesMax));
            AssertSkips((BlockWidth)width, body, start);
        }
    }

    [Fact]
    public void Need_eight_bytes_before_them_and_behind()
    {
        // Proves both edges: nothing is passed where too little stands before the string, or behind a block.
        byte[] body = Plain(BytesBefore + BlockWindow.BlockBytes + BytesBefore);
        int end = BytesBefore + BlockWindow.BlockBytes;
        Assert.Equal(end, StringBlocks.Skip(BlockWindow.WidthBest, body, BytesBefore));
        Assert.Equal(BytesBefore, StringBlocks.Skip(BlockWindow.WidthBest, body.AsSpan(..^1), BytesBefore));
        byte[] more = Plain(body.Length + 1);
        Assert.Equal(BytesBefore - 1, StringBlocks.Skip(BlockWindow.WidthBest, more, BytesBefore - 1));
    }

    [Fact]
    public void Characters_that_are_cut_are_not_whole()
    {
        // Proves for random content, cut at every place, that all that is whole is passed and nothing that is cut.
        for (int seed = 1; seed <= 300; seed++)
        {
            var random = new Random(seed);
            string[] sound =
                ["a", "\\\\", "\\\"", "\\n", "\\u00e9", "\\\\u", "é", "\u07ff", "\u0800", "\uff21", "😀"];
            string content = string.Concat(Enumerable.Range(0, 12).Select(_ => sound[random.Next(sound.Length)]));
            byte[] text = Encoding.UTF8.GetBytes(content);
            List<int> between = Walk(text, 0, out _, out _);
            for (int cut = 0; cut <= text.Length; cut++)
            {
                int whole = BlockText.WholeCharacters(text.AsSpan(0, cut));
                Assert.True(between.Last(place => place <= cut) == whole, cut + " of " + content + ": " + whole);
            }
        }
    }

    private static void AssertSkips(BlockWidth width, byte[] body, int start)
    {
        List<int> between = Walk(body, start, out int quote, out int wrong);
        int blocks = Math.Max(0, (body.Length - start - BytesBefore) / BlockWindow.BlockBytes);
        int limit = start + blocks * BlockWindow.BlockBytes;
        int skipped = StringBlocks.Skip(width, body, start);
        string how = skipped + " from " + start + ": " + Encoding.Latin1.GetString(body);
        Assert.True(between.Contains(skipped), how);
        if (quote < limit && wrong > quote)
        {
            Assert.True(skipped == quote, how);
            return;
        }

        int block = start + (Math.Min(wrong, limit) - start) / BlockWindow.BlockBytes * BlockWindow.BlockBytes;
        Assert.True(skipped >= between.Last(place => place <= block), how);
    }

    // Every place between two characters, up to the closing quote or the first byte that is wrong.
    private static List<int> Walk(byte[] body, int start, out int quote, out int wrong)
    {
        var text = default(JsonText);
        var between = new List<int> { start };
        quote = wrong = int.MaxValue;
        for (int position = start; position < body.Length;)
        {
            ReadOnlySpan<byte> upTo = body.AsSpan(0, position + 1);
            TextStop stop = text.IsInEscape
                ? text.ReadEscape(upTo, ref position)
                : text.ReadPlain(upTo, ref position);
            if (stop == TextStop.Quote) quote = position;
            if (stop < TextStop.NeedMore) wrong = position;
            if (stop is TextStop.Quote or < TextStop.NeedMore) break;
            if (stop == TextStop.Backslash) text.BeginEscape();
            if (stop == TextStop.Backslash) position++;
            if (text.IsBetween) between.Add(position);
        }

        return between;
    }

    // Every byte that stands for itself, in turn.
    private static byte[] Plain(int length)
    {
        byte[] all = [.. Enumerable.Range(0x20, 0x60).Select(value => (byte)value).Except([(byte)'"', (byte)'\\'])];
        return [.. Enumerable.Range(0, length).Select(place => all[place % all.Length])];
    }
}
