using System.Text;
using System.Text.RegularExpressions;

namespace Countersign.Masking.Tests;

public sealed class BlockNumbersTests
{
    private const int Seeds = 1_500;
    private const int Blocks = 4;
    private const int Bytes = Blocks * BlockWindow.BlockBytes;

    private static readonly Regex Sound =
        new("^(-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][-+]?[0-9]+)?|true|false|null)\\z", RegexOptions.CultureInvariant);

    private static readonly string[] Whole = ["0", "7", "10", "-0", "-3", "0.5", "12.25", "1e5", "0E-0", "3.1e+7"];

    private static readonly string[] Pieces =
        ["0", "7", "12", "00", "-", "+", ".", ".5", "e", "E", "e5", "true", "false", "null", "tru", "x", "/", ":"];

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Finds_in_each_width_what_is_no_number_or_literal_and_nothing_else(int kind)
    {
        // Proves against a regular expression which numbers and literals are sound, at every place of four blocks, of
        // whatever bytes the strings between them have; and that a block of digits alone may be checked as such, or
        // passed if it is sound, to the same end.
        int unsound = 0;
        for (int seed = 1; seed <= Seeds; seed++)
        {
            var random = new Random(seed * 3 + kind);
            byte[] body = Body(random, kind, out ulong[] scalars, out List<(int Place, string Text)> texts);
            string how = "seed " + seed + ": " + Encoding.ASCII.GetString(body);
            ulong[] wrong = Check<BlockScalar>(body, scalars, texts, how);
            Assert.Equal(wrong, Check<Block128>(body, scalars, texts, how));
            Assert.Equal(wrong, Check<Block256>(body, scalars, texts, how));
            Assert.Equal(wrong, Check<Block512>(body, scalars, texts, how));
            foreach ((int place, string text) in texts)
            {
                bool isWrong = false;
                for (int at = place; at <= place + text.Length; at++) isWrong |= IsSet(wrong, at);
                Assert.True(isWrong != Sound.IsMatch(text), text + " at " + place + ", " + how);
                if (isWrong) unsound++;
            }

            for (int at = 0; at < Bytes; at++)
            {
                bool isOfText = texts.Any(text => text.Place <= at && at <= text.Place + text.Text.Length);
                Assert.False(IsSet(wrong, at) && !isOfText, at + ", " + how);
            }
        }

        Assert.True(kind == 0 ? unsound == 0 : unsound > Seeds, unsound + " were unsound");
    }

    [Fact]
    public void Finds_what_is_no_number_or_literal_wherever_a_block_ends_in_it()
    {
        // Proves the same for every three of the pieces that numbers and literals are made of, at every place across
        // the end of a block; a block behind them begins with a digit, which must not mend what was wrong.
        string[] pieces = ["0", "7", "-", "+", ".", "e", "true", "x", "1e", "1e-", "-1.", "null", ""];
        var longer = new List<string>();
        foreach (string first in pieces)
        {
            foreach (string second in pieces)
                longer.AddRange(pieces.Select(third => first + second + third).Where(text => text.Length > 1));
        }

        foreach (string text in longer.Distinct(StringComparer.Ordinal))
        {
            for (int place = BlockWindow.BlockBytes - text.Length; place < BlockWindow.BlockBytes; place++)
            {
                byte[] body = Encoding.ASCII.GetBytes(text.PadLeft(place + text.Length).PadRight(Bytes + 8));
                (body[2 * BlockWindow.BlockBytes - 1], body[2 * BlockWindow.BlockBytes]) = ((byte)',', (byte)'5');
                ulong[] scalars = new ulong[Blocks];
                for (int at = place; at < place + text.Length; at++) scalars[at / 64] |= 1UL << at % 64;
                scalars[2] = 1;
                List<(int, string)> texts = [(place, text), (2 * BlockWindow.BlockBytes, "5")];
                ulong[] wrong = Check<Block128>(body, scalars, texts, text + " at " + place);
                bool isWrong = (wrong[0] | wrong[1]) != 0;
                Assert.True(isWrong != Sound.IsMatch(text), text + " at " + place + ": " + isWrong);
            }
        }
    }

    [Fact]
    public void Leaves_a_block_that_is_one_number()
    {
        // Proves that a block without an end of a number is left, whatever it goes on: numbers have a limit, and the
        // byte-by-byte scanner alone counts their bytes.
        byte[] digits = Encoding.ASCII.GetBytes(new string('7', 80));
        foreach (string begun in new[] { "7", "1.", "1e", "-" })
        {
            var numbers = default(BlockNumbers);
            byte[] before = Encoding.ASCII.GetBytes(new string(' ', 64 - begun.Length) + begun + new string('7', 8));
            ulong scalars = ulong.MaxValue << (64 - begun.Length);
            Assert.Equal(0UL, numbers.Check<BlockScalar>(before, scalars, 1UL << (64 - begun.Length)));
            BlockNumbers same = numbers;
            Assert.Equal(ulong.MaxValue, same.Check<BlockScalar>(digits, ulong.MaxValue, 0));
            if (numbers.Open == 0) Assert.Equal(ulong.MaxValue, numbers.CheckDigits(0, ulong.MaxValue, 0));
        }
    }

    private static ulong[] Check<TBlock>(
        byte[] body, ulong[] scalars, List<(int Place, string Text)> texts, string how)
        where TBlock : struct, IBlockBytes<TBlock>
    {
        var numbers = default(BlockNumbers);
        var other = default(BlockNumbers);
        ulong[] wrong = new ulong[Blocks];
        bool isSound = true;
        for (int block = 0; block < Blocks; block++)
        {
            ReadOnlySpan<byte> bytes = body.AsSpan(block * BlockWindow.BlockBytes);
            ulong before = block > 0 ? scalars[block - 1] >> 63 : 0;
            ulong starts = scalars[block] & ~(scalars[block] << 1 | before);
            TBlock now = TBlock.Load(bytes);
            ulong digits = now.InRange((byte)'0', 10) & scalars[block];
            ulong zeros = now.Equal((byte)'0');
            bool isDigits = digits == scalars[block];
            bool mayPass = isDigits && !other.GoesOn;
            ulong left = isDigits && other.Open == 0
                ? other.CheckDigits(starts, digits, zeros)
                : other.Check<TBlock>(bytes, scalars[block], starts);
            BlockNumbers passing = numbers;
            wrong[block] = numbers.Check<TBlock>(bytes, scalars[block], starts);
            Assert.True(wrong[block] == left, how);
            isSound &= wrong[block] == 0;
            if (!isSound) continue;
            if (mayPass) passing.PassDigits(digits, starts & zeros);
            if (mayPass) other = passing;
            int end = (block + 1) * BlockWindow.BlockBytes;
            (int place, string text) = texts.LastOrDefault(text => text.Place < end);
            bool reachesEnd = text is not null && place + text.Length >= end;
            bool goesOn = reachesEnd && !Regex.IsMatch(text![..(end - place)], "^-?[1-9][0-9]*\\z");
            Assert.True(numbers.GoesOn == goesOn && other.GoesOn == goesOn, "behind block " + block + ", " + how);
        }

        return wrong;
    }

    // Of kind 0 all is sound; of kind 2 most blocks are of digits.
    private static byte[] Body(
        Random random, int kind, out ulong[] scalars, out List<(int Place, string Text)> texts)
    {
        byte[] body = new byte[Bytes + 8];
        for (int at = 0; at < body.Length; at++) body[at] = "0123.-+eEtrufalsn"u8[random.Next(17)];
        scalars = new ulong[Blocks];
        texts = [];
        int place = random.Next(70);
        while (true)
        {
            string text = random.Next(4) == 0 ? new[] { "true", "false", "null" }[random.Next(3)]
                : Whole[random.Next(Whole.Length)];
            if (kind == 2 && random.Next(20) > 0) text = Whole[random.Next(3)] + (random.Next(12) == 0 ? "1" : "");
            else if (kind != 0 && random.Next(3) > 0)
                text = string.Concat(random.GetItems(Pieces, 1 + random.Next(4)));
            if (place + text.Length >= Bytes) return body;
            Encoding.ASCII.GetBytes(text, body.AsSpan(place));
            body[place + text.Length] = ", ]\""u8[random.Next(4)];
            for (int at = place; at < place + text.Length; at++) scalars[at / 64] |= 1UL << at % 64;
            texts.Add((place, text));
            place += text.Length + 1 + random.Next(random.Next(3) == 0 ? 20 : 2);
        }
    }

    private static bool IsSet(ulong[] masks, int place) =>
        place < Bytes && (masks[place / 64] >> place % 64 & 1) != 0;
}
