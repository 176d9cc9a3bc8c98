using System.Text;

namespace Countersign.Masking.Tests;

public sealed class BlockTextTests
{
    private static readonly string[] Bytes =
        ["\\u", "\\\"u0", "\\\\\\\"/bfnrtuU0123456789abcdefABCDEFgG:@`\u0001x"];

    [Fact]
    public void Escapes_are_what_single_bytes_say_in_blocks_of_every_width()
    {
        // Proves quotes and faults of escapes over blocks that follow each other, of bytes that escapes are made of,
        // against a walk of one byte at a time; and that what is open behind a block is known.
        for (int seed = 1; seed <= 400; seed++)
        {
            var random = new Random(seed);
            string bytes = Bytes[seed % 3];
            string content = string.Concat(Enumerable.Range(0, 400).Select(_ => bytes[random.Next(bytes.Length)]));
            if (seed == 1) content = string.Concat(Enumerable.Repeat("\\u", 200));   // all must be digits, none is
            if (seed % 2 == 0) content = content.Replace("\\u", "\\u00aF", StringComparison.Ordinal);
            byte[] body = Encoding.Latin1.GetBytes(content)[..(5 * 64)];
            AssertEscapes<BlockScalar>(body, seed);
            AssertEscapes<Block128>(body, seed);
            AssertEscapes<Block256>(body, seed);
            AssertEscapes<Block512>(body, seed);
        }
    }

    private static void AssertEscapes<TBlock>(byte[] body, int seed)
        where TBlock : struct, IBlockBytes<TBlock>
    {
        var text = default(BlockText);
        bool isEscaped = false;
        int digitsTo = -1;   // the last place that must hold a hexadecimal digit
        for (int start = 0; start < body.Length; start += BlockWindow.BlockBytes)
        {
            ulong expected = 0;
            ulong expectedWrong = 0;
            for (int place = start; place < start + BlockWindow.BlockBytes; place++)
            {
                ulong bit = 1UL << place - start;
                byte next = body[place];
                bool isWrong = isEscaped && !"\"\\/bfnrtu"u8.Contains(next);
                if (isWrong || (place <= digitsTo && !char.IsAsciiHexDigit((char)next))) expectedWrong |= bit;
                if (isEscaped && next == 'u') digitsTo = place + 4;
                if (!isEscaped && next == '"') expected |= bit;
                isEscaped = !isEscaped && next == '\\';
            }

            ReadOnlySpan<byte> bytes = body.AsSpan(start, BlockWindow.BlockBytes);
            TBlock block = TBlock.Load(bytes);
            ulong quotes = block.Equal((byte)'"');
            ulong found = text.Unescaped<TBlock>(bytes, quotes, block.Equal((byte)'\\'), out ulong wrong);
            string how = "seed " + seed + ", from " + start;
            Assert.Equal((how, expected, expectedWrong), (how, found, wrong));
            bool isOpen = isEscaped || digitsTo >= start + BlockWindow.BlockBytes;
            Assert.Equal((how, isOpen), (how, text.Open != 0));
        }
    }
}
