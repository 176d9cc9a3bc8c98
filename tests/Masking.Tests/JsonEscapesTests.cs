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

    [Fact]
    public void Walks_in_step_with_the_decoded_text()
    {
        // Proves that the place of each decoded byte is found in the content, before or behind an escape that holds
        // it, from the beginning and from any place found before, whatever was noted when the content was decoded:
        // against a walk of one character at a time.
        var random = new Random(12);
        string[] pieces =
            ["\\\"", "\\\\", "\\/", "\\n", "\\u0041", "\\uD834\\uDD1E", "\\u00e9", "é", "name", ": "];
        for (int turn = 0; turn < 600; turn++)
        {
            var text = new StringBuilder();
            int usual = random.Next(2) == 0 ? 4 : pieces.Length;
            for (int left = random.Next(90); left > 0; left--)
                text.Append(random.Next(3) == 0 ? "abcdefgh"[..random.Next(9)] : pieces[random.Next(usual)]);
            byte[] content = Encoding.UTF8.GetBytes(text.ToString());
            int seed = random.Next();
            AssertWalks(content, new EscapeMap(), seed);
            AssertWalks(content, Noted<Block512>(content), seed);
            AssertWalks(content, Noted<Block256>(content), seed);
            AssertWalks(content, Noted<Block128>(content), seed);
            AssertWalks(content, Noted<BlockScalar>(content), seed);
            var usually = new EscapeMap();
            JsonEscapes.Decode(content, new byte[content.Length], usually);
            AssertWalks(content, usually, seed);
        }
    }

    [Fact]
    public void Forgets_the_notes_of_the_string_before()
    {
        // Proves that a map says nothing of a string it was not made of, and takes strings of every length in turn:
        // what is noted of a long one is given back, and a shorter one behind it is walked right.
        var map = new EscapeMap();
        foreach (int pieces in new[] { 3_000, 0, 20, 70_000, 1, 40, 200 })
        {
            byte[] content = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("{\\\"a\\\": [1, 2]}\\n", pieces)));
            int length = JsonEscapes.Decode(content, new byte[content.Length], map);
            (int raw, int decoded) = (0, 0);
            JsonEscapes.Advance(content, map, ref raw, ref decoded, length, past: true);
            Assert.Equal((content.Length, length), (raw, decoded));
            map.Begin(0);
            (raw, decoded) = (0, 0);
            JsonEscapes.Advance("abc"u8, map, ref raw, ref decoded, 2, past: true);
            Assert.Equal((2, 2), (raw, decoded));
        }
    }

    private static EscapeMap Noted<TBlock>(byte[] content)
        where TBlock : struct, IBlockBytes<TBlock>
    {
        var map = new EscapeMap();
        (int raw, int noted) = (0, 0);
        JsonEscapes.DecodeBlocks<TBlock>(
            content, new byte[content.Length], map.Begin(content.Length), ref noted, ref raw);
        map.End(noted);
        return map;
    }

    private static void AssertWalks(byte[] content, EscapeMap map, int seed)
    {
        var random = new Random(seed);
        int length = JsonEscapes.Decode(content, new byte[content.Length]);
        (int raw, int decoded) = (0, 0);
        for (int target = 0; target <= length; target += random.Next(1, 90))
        {
            foreach (bool past in new[] { false, true })
            {
                (int Raw, int Decoded) expected = Walk(content, target, past);
                JsonEscapes.Advance(content, map, ref raw, ref decoded, target, past);
                if (decoded <= expected.Decoded) Assert.Equal(expected, (raw, decoded));
                else Assert.Equal((raw, decoded), Walk(content, decoded, past: false));
            }
        }
    }

    private static (int Raw, int Decoded) Walk(byte[] content, int target, bool past)
    {
        (int raw, int decoded) = (0, 0);
        while (decoded < target)
        {
            int bytes = content[raw] != '\\' ? 1 : content[raw + 1] != 'u' ? 2 : content[raw + 2] == 'D' ? 12 : 6;
            byte[] one = content[raw..(raw + bytes)];
            int length = bytes == 1 ? 1 : JsonEscapes.Decode(one, new byte[bytes]);
            if (decoded + length > target && !past) break;
            raw += bytes;
            decoded += length;
        }

        return (raw, decoded);
    }

    private static void AssertBlocks<TBlock>(byte[] content, byte[] expected)
        where TBlock : struct, IBlockBytes<TBlock>
    {
        byte[] target = new byte[content.Length];
        (int raw, int noted) = (0, 0);
        int decoded = JsonEscapes.DecodeBlocks<TBlock>(content, target, [], ref noted, ref raw);
        Assert.True(content.Length - raw <= BlockWindow.BlockBytes);   // or a backslash more than less
        Assert.Equal(expected[..decoded], target[..decoded]);
        byte[] rest = new byte[content.Length - raw];
        Assert.Equal(expected[decoded..], rest[..JsonEscapes.Decode(content.AsSpan(raw), rest)]);
    }
}
