using System.Text;
using System.Text.Json;

namespace Countersign.Masking.Tests;

public sealed class JsonEscapesTests
{
    [Fact]
    public void Decodes_what_the_library_decodes_in_blocks_of_every_width()
    {
        // Proves decoding on random string content, mostly of escapes as JSON inside a string has them, against the
        // library's; in each width, which may stop only where less than a block is left.
        var random = new Random(11);
        string[] pieces =
            ["\\\"", "\\\\", "\\/", "\\n", "\\t", "\\u0041", "\\uD834\\uDD1E", "\\u00e9", "é", "漢", "name", ": ", "{"];
        for (int turn = 0; turn < 4_000; turn++)
        {
            var text = new StringBuilder();
            int usual = random.Next(2) == 0 ? 3 : pieces.Length;
            for (int left = random.Next(60); left > 0; left--)
                text.Append(random.Next(3) == 0 ? "abcdefgh"[..random.Next(9)] : pieces[random.Next(usual)]);
            byte[] content = Encoding.UTF8.GetBytes(text.ToString());
            byte[] expected = Encoding.UTF8.GetBytes(JsonSerializer.Deserialize<string>("\"" + text + "\"")!);
            byte[] target = new byte[content.Length];
            Assert.Equal(expected, target[..JsonEscapes.Decode(content, target)]);
            AssertBlocks<Block512>(content, expected);
            AssertBlocks<Block256>(content, expected);
            AssertBlocks<Block128>(content, expected);
            AssertBlocks<BlockScalar>(content, expected);
        }
    }

    private static void AssertBlocks<TBlock>(byte[] content, byte[] expected)
        where TBlock : struct, IBlockBytes<TBlock>
    {
        byte[] target = new byte[content.Length];
        int raw = 0;
        int decoded = JsonEscapes.DecodeBlocks<TBlock>(content, target, ref raw);
        Assert.True(content.Length - raw < BlockWindow.BlockBytes);
        Assert.Equal(expected[..decoded], target[..decoded]);
        byte[] rest = new byte[content.Length - raw];
        Assert.Equal(expected[decoded..], rest[..JsonEscapes.Decode(content.AsSpan(raw), rest)]);
    }
}
