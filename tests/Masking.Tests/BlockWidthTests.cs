using System.Numerics;
using System.Runtime.Intrinsics;
using System.Text;

namespace Countersign.Masking.Tests;

public sealed class BlockWidthTests
{
    private const int Seeds = 400;

    [Theory]
    [MemberData(nameof(BlockWidths.All), MemberType = typeof(BlockWidths))]
    public void Every_width_says_what_single_bytes_say(byte width)
    {
        // Proves that blocks of each width, whole and in random chunks, give the output and the refusal that the
        // byte-by-byte scanner gives, on sound and on damaged bodies of many texts.
        for (int seed = 1; seed <= Seeds; seed++)
        {
            var random = new RandomBody(seed * 7);
            byte[] body = [(byte)'[', .. random.Texts(), (byte)']', .. random.Texts(), (byte)' ', .. random.Texts()];
            for (int hits = random.Next(3); hits > 0; hits--)
                body[random.Next(body.Length)] = "{}[]:,\"\\ 019.-+eEtfnu/\t\u0001\u00e9"u8[random.Next(26)];
            MaskProgram program = SlowMask.Compile(random.Rules());
            MaskResult expected = MaskRun.Chunks(program, body, 1);
            var masker = new JsonMasker((BlockWidth)width);
            string how = "seed " + seed + ": " + Encoding.UTF8.GetString(body);
            MaskRun.AssertSame(expected, MaskRun.Chunks(masker, program, body, null, body.Length), how);
            MaskRun.AssertSame(expected, MaskRun.Chunks(masker, program, body, null, [.. random.Sizes(), 77]), how);
        }
    }

    [Theory]
    [MemberData(nameof(BlockWidths.All), MemberType = typeof(BlockWidths))]
    public void A_character_that_is_cut_where_a_block_ends_is_refused(byte width)
    {
        // Proves that what begins a character or an escape at the end of a block full of a string, and is not gone on
        // with in the next one, is refused, wherever the block ends.
        MaskProgram program = MaskProgram.Compile([new("email", MaskAction.Redact)]);
        for (int place = 10; place < 210; place++)
        {
            foreach (byte cut in new byte[] { 0xC3, 0xE2, 0xF0, 0x80, (byte)'\\' })
            {
                byte[] body = Encoding.UTF8.GetBytes("{\"a\":\"" + new string('x', 300) + "\"}" + new string(' ', 99));
                body[place] = cut;
                var masker = new JsonMasker((BlockWidth)width);
                MaskResult result = MaskRun.Chunks(masker, program, body, null, body.Length);
                MaskRun.AssertSame(MaskRun.Chunks(program, body, 1), result, cut + " at " + place);
            }
        }
    }

    [Fact]
    public void Every_width_makes_the_same_masks()
    {
        // Proves each question of each width against a byte-by-byte answer, on random blocks of all byte values.
        var random = new Random(5);
        byte[] block = new byte[BlockWindow.BlockBytes];
        for (int turn = 0; turn < 2_000; turn++)
        {
            random.NextBytes(block);
            byte value = block[random.Next(block.Length)];
            byte count = (byte)(1 + random.Next(64));
            ulong[] expected = [.. Masks(BlockScalar.Load(block), value, count)];
            Assert.Equal(expected, Masks(Block128.Load(block), value, count));
            Assert.Equal(expected, Masks(Block256.Load(block), value, count));
            Assert.Equal(expected, Masks(Block512.Load(block), value, count));
            ulong byBytes = 0;
            for (int place = 0; place < block.Length; place++)
                byBytes |= block[place] == value ? 1UL << place : 0;
            Assert.Equal(expected[0], byBytes);
        }
    }

    [Fact]
    public void Eight_blocks_at_once_are_of_the_classes_that_single_bytes_are()
    {
        // Proves each class of each byte, in each of sixteen blocks, against what single bytes say of one block.
        if (!BlockEights.IsSupported) return;
        var random = new Random(11);
        byte[] bytes = new byte[16 * BlockWindow.BlockBytes];
        ulong[] classes = new ulong[16 * BlockEights.Classes];
        for (int turn = 0; turn < 500; turn++)
        {
            random.NextBytes(bytes);
            BlockEights.Classify(bytes, classes);
            for (int group = 0; group < 16; group += BlockEights.Blocks)
            {
                BlockEights.Turn(
                    classes.AsSpan(group * BlockEights.Classes), out var quotes, out var special, out var between,
                    out var marks, out var ahead, out var controls, out var digits, out var zeros);
                for (int place = 0; place < BlockEights.Blocks; place++)
                {
                    BlockScalar one = BlockScalar.Load(bytes.AsSpan((group + place) * BlockWindow.BlockBytes));
                    ulong[] expected =
                    [
                        one.Equal((byte)'"'), one.Special(), one.Between(), one.Between() & ~one.InRange(0, 0x21),
                        one.Equal((byte)':') | one.InRange(0, 0x21), one.InRange(0, 0x20), one.InRange((byte)'0', 10),
                        one.Equal((byte)'0'),
                    ];
                    Assert.Equal<ulong[]>(expected, classes.AsSpan((group + place) * 8, 8).ToArray());
                    Assert.Equal<ulong[]>(
                        expected,
                        [
                            quotes[place], special[place], between[place], marks[place], ahead[place], controls[place],
                            digits[place], zeros[place],
                        ]);
                }
            }
        }
    }

    [Theory]
    [InlineData("e-mail", "ssn", "a")]
    [InlineData("", "PAN")]
    [InlineData("r\u00e9f", "cvv", "1", "b2", "c3", "d4", "e5", "f6", "g7", "h8")]
    public void Every_width_finds_the_ends_of_names(params string[] names)
    {
        // Proves that each width sees the last three bytes of each name, in either case, before a closing quote, and
        // that all but the widest, which has a table of its own, see the same in random bytes.
        byte[][] folded = [.. names.Select(name => Encoding.UTF8.GetBytes(name.ToLowerInvariant()))];
        KeyTrails trails = KeyTrails.Of(folded, foldsSeparators: false);
        byte[] block = new byte[BlockWindow.BlockBytes + 8];
        var random = new Random(8);
        foreach (string name in names)
        {
            foreach (string spelling in new[] { name, name.ToUpperInvariant(), name.ToLowerInvariant() })
            {
                random.NextBytes(block);
                byte[] key = Encoding.UTF8.GetBytes("{\"" + spelling + "\"");
                key.CopyTo(block, 20);
                int close = 20 + key.Length - 1 - 8;
                ulong expected = BlockScalar.NameEnds(block, trails);
                Assert.Equal(expected, Block128.NameEnds(block, trails));
                Assert.Equal(expected, Block256.NameEnds(block, trails));
                Assert.Equal(1UL, expected >> close & 1);
                Assert.Equal(1UL, Block512.NameEnds(block, trails) >> close & 1);
                if (!BlockEights.IsSupported) continue;
                ulong[] ends = new ulong[1];
                BlockEights.FindNameEnds(block, trails, ends);
                Assert.Equal(Block512.NameEnds(block, trails), ends[0]);
            }
        }
    }

    [Fact]
    public void Every_width_says_whether_bytes_are_UTF_8()
    {
        // Proves, on random runs of characters of all lengths with one byte changed, that each width finds a fault
        // exactly where the library does, and the same places.
        var random = new Random(9);
        byte[] around = new byte[8 + BlockWindow.BlockBytes];
        for (int turn = 0; turn < 20_000; turn++)
        {
            Array.Clear(around);
            int length = 8;
            while (length < around.Length - 4)
            {
                int bits = random.Next(1, 21);
                int point = Math.Min(random.Next(1 << bits) | (1 << bits - 1), 0x10FFFF);
                if (point is < 0xD800 or > 0xDFFF) length += Utf8Bytes.Encode(point, around.AsSpan(length));
            }

            around[random.Next(8, length)] = (byte)random.Next(256);
            ulong expected = BlockScalar.NotUtf8(around);
            Assert.Equal(System.Text.Unicode.Utf8.IsValid(around), expected == 0);
            Assert.Equal(expected, Block128.NotUtf8(around));
            Assert.Equal(expected, Block256.NotUtf8(around));
            Assert.Equal(expected, Block512.NotUtf8(around));
        }
    }

    [Fact]
    public void In_string_mask_is_the_same_without_carryless_multiply()
    {
        // Proves both ways to the mask against counting the bits up to each place.
        var random = new Random(6);
        for (int turn = 0; turn < 2_000; turn++)
        {
            ulong quotes = (ulong)random.NextInt64() & (ulong)random.NextInt64();
            ulong expected = 0;
            for (int bit = 0; bit < 64; bit++)
                expected |= (ulong)(BitOperations.PopCount(quotes & (ulong.MaxValue >> (63 - bit))) & 1) << bit;
            Assert.Equal(expected, BlockText.PrefixXor(quotes));
            Assert.Equal(expected, BlockText.PrefixXorByShifts(quotes));
            if (!BlockEights.IsSupported) continue;
            var words = Vector512.Create(~quotes, quotes, 0, quotes, 1, ~0UL, quotes, quotes);
            Vector512<ulong> all = BlockEights.PrefixXor(words);
            for (int word = 0; word < BlockEights.Blocks; word++)
                Assert.Equal(BlockText.PrefixXorByShifts(words[word]), all[word]);
        }
    }

    private static ulong[] Masks<TBlock>(TBlock block, byte value, byte count)
        where TBlock : struct, IBlockBytes<TBlock> =>
        [
            block.Equal(value), block.EqualFolded((byte)(value | 0x20)), block.InRange(value, count), block.High(),
            block.Between(), block.Special(), block.EscapeLetters(),
        ];
}
