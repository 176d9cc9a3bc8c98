using System.Text;
using System.Text.RegularExpressions;
using Countersign.Masking.Detectors;

namespace Countersign.Masking.Tests;

public sealed class WindowGrammarTests
{
    private const int Seeds = 1_000;

    private static readonly string[] Scalars =
    [
        "0", "-0", "7", "-12", "3.25", "0.5", "-0.0", "1e5", "2E+10", "3.1e-7", "0e0", "1234567890", "true", "false",
        "null", "\"\"", "\"a\"", "\"\\\\\"", "\"\\\"x\"", "\"\\u00e9\"", "\"é😀\"", "\"a,b:[c]{d}\"",
    ];

    private static readonly string[] Literals =
    [
        "true", "false", "null", "tru", "fals", "nul", "truee", "falsee", "nulll", "True", "nuLl", "trux", "falsx",
        "nulx", "xtrue", "truetrue", "true1", "1true", "-true", "t", "f", "n", "a", "falstrue", "nulltrue", "12.5e-31x",
        "0x1", "1_0", "123456789012345678901234567890", "-1.25e+00", "NaN", "-Infinity", "é", "'a'",
    ];

    private static readonly Regex Sound =
        new("^(-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][-+]?[0-9]+)?|true|false|null)\\z", RegexOptions.CultureInvariant);

    private static readonly string[] Blanks = ["", "", "", " ", "\n", "\t ", "\r\n    "];

    private static readonly MaskProgram Program = MaskProgram.Compile([new("no such name", MaskAction.Redact)]);

    [Theory]
    [MemberData(nameof(BlockWidths.All), MemberType = typeof(BlockWidths))]
    public void Takes_what_is_sound_and_ends_where_single_bytes_are(byte width)
    {
        // Proves that no sound text is left to the byte-by-byte scanner, and that behind each window stands what that
        // scanner says after the same bytes: the same place, in the same containers. Output cannot show that: what a
        // window does not take is read again and comes out right.
        for (int seed = 1; seed <= Seeds; seed++)
        {
            var random = new RandomBody(seed * 3);
            byte[] body = Body(random);
            AssertTaken(new BlockWindow((BlockWidth)width), body, 1 + random.Next(6), "seed " + seed);
        }
    }

    [Theory]
    [InlineData((byte)BlockWidth.Scalar)]
    [InlineData((byte)BlockWidth.Bits512)]
    [InlineData((byte)BlockWidth.Eights)]
    public void Takes_nothing_that_single_bytes_refuse(byte width)
    {
        // Proves on damaged texts that a window which is taken ends before the first byte that the byte-by-byte scanner
        // refuses, and at the place where that one is then.
        int taken = 0;
        int refused = 0;
        for (int seed = 1; seed <= Seeds; seed++)
        {
            var random = new RandomBody(seed * 5);
            byte[] body = Body(random);
            for (int hits = 1 + random.Next(2); hits > 0; hits--)
                body[1 + random.Next(body.Length - 1)] = "{}[]:,\"\\ 019.-+eEtfnu/\t\u0001\u00e9"u8[random.Next(26)];
            var window = new BlockWindow((BlockWidth)width);
            Assert.True(window.TryBegin(JsonPlace.Top, default));
            bool isTaken = window.Take(body, 0, 1 + random.Next(6), Program);
            _ = isTaken ? taken++ : refused++;
            if (isTaken) AssertSamePlace(window, body, "seed " + seed);
        }

        Assert.True(taken > Seeds / 20 && refused > Seeds / 20, taken + " taken, " + refused + " refused");
    }

    [Theory]
    [MemberData(nameof(BlockWidths.All), MemberType = typeof(BlockWidths))]
    public void Takes_every_number_and_literal_and_nothing_like_one(byte width)
    {
        // Proves numbers and literals against a regular expression: every text of up to five of the bytes that numbers
        // are made of, and near literals, behind and across the end of a block.
        var window = new BlockWindow((BlockWidth)width);
        var random = new Random(7);
        foreach (string text in Numbers().Concat(Literals))
        {
            byte[] body = new byte[3 * BlockWindow.BlockBytes];
            body.AsSpan().Fill((byte)' ');
            (body[0], body[^1]) = ((byte)'[', (byte)']');
            int start = BlockWindow.BlockBytes - random.Next(text.Length + 3);
            Encoding.UTF8.GetBytes(text, body.AsSpan(start));
            if (random.Next(2) == 0) ",7"u8.CopyTo(body.AsSpan(start + text.Length));
            Assert.True(window.TryBegin(JsonPlace.Top, default));
            bool isTaken = window.Take(body, 0, BlockWindow.BlocksMax, Program);
            Assert.True(isTaken == Sound.IsMatch(text), "'" + text + "' at " + start + " taken: " + isTaken);
        }
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(12, 30)]   // so that the containers are open before the 64 tokens that are looked at
    public void Takes_every_order_of_tokens_that_single_bytes_take(int depth, int elements)
    {
        // Proves brackets and separators in every order of up to six, just inside a text and deep in one: a window that
        // is taken ends at the byte-by-byte scanner's place, and none is left but those in which a text ends early.
        string[] tokens = ["[", "]", "{\"k\":", "}", "0", ","];
        var window = new BlockWindow(BlockWindow.WidthBest);
        for (int number = 0; number < 46_656; number++)
        {
            string text = new string('[', depth) + string.Concat(Enumerable.Repeat("0,", elements));
            for (int left = number + 46_656; left > 1; left /= 6) text += tokens[left % 6];
            byte[] body = Encoding.UTF8.GetBytes(text.PadRight(2 * BlockWindow.BlockBytes));
            Assert.True(window.TryBegin(JsonPlace.Top, default));
            if (window.Take(body, 0, BlockWindow.BlocksMax, Program)) AssertSamePlace(window, body, text);
            else Assert.True(IsRefusedOrEndsEarly(body), text);
        }
    }

    [Theory]
    [InlineData("7")]
    [InlineData("true")]
    [InlineData("\"a\"")]
    [InlineData("[] 7")]
    [InlineData("{}\"a\"")]
    public void Leaves_what_is_in_no_container(string text)
    {
        // Proves that a number, string or literal outside of every container is left to the byte-by-byte scanner, which
        // alone knows what may follow it.
        var window = new BlockWindow(BlockWindow.WidthBest);
        byte[] body = Encoding.UTF8.GetBytes(text.PadRight(2 * BlockWindow.BlockBytes));
        Assert.True(window.TryBegin(JsonPlace.Top, default));
        Assert.False(window.Take(body, 0, BlockWindow.BlocksMax, Program));
    }

    [Fact]
    public void Takes_sixty_containers_and_no_more()
    {
        // Proves the depth of a window, in whatever containers: sixty are told apart, more are left.
        var window = new BlockWindow(BlockWindow.WidthBest);
        for (int seed = 1; seed <= 200; seed++)
        {
            var random = new Random(seed);
            int depth = 50 + random.Next(40);
            var opens = Enumerable.Range(0, depth).Select(_ => random.Next(2) == 0 ? "[" : "{\"k\":");
            byte[] body = Encoding.UTF8.GetBytes(string.Concat(opens) + "[" + new string(' ', 16));
            Assert.True(window.TryBegin(JsonPlace.Top, default));
            bool isTaken = window.Take(body, 0, BlockWindow.BlocksMax, Program);
            Assert.True(isTaken == depth + 1 <= TokenGrammar.DepthMax, "seed " + seed + ", depth " + (depth + 1));
            if (isTaken) AssertSamePlace(window, body, "seed " + seed);
        }
    }

    [Fact]
    public void Goes_back_to_any_token_and_knows_what_is_open_there()
    {
        // Proves place and containers behind every number of tokens of a window, a multiple of 64 among them, against
        // the byte-by-byte scanner after the same bytes.
        string[] parts = ["\"a\"", "[]", "{\"k\":[\"a\",{}]}", "[[\"a\"],[{\"k\":\"b\"}]]", "{\"k\":{\"k\":\"a\"}}"];
        var window = new BlockWindow(BlockWindow.WidthBest);
        for (int seed = 1; seed <= 20; seed++)
        {
            string text = "[" + string.Join(", ", new Random(seed).GetItems(parts, 40)) + "]";
            byte[] body = Encoding.UTF8.GetBytes(text + new string(' ', 2 * BlockWindow.BlockBytes));
            for (int place = 1; place < text.Length; place++)
            {
                Assert.True(window.TryBegin(JsonPlace.Top, default));
                Assert.True(window.Take(body, 0, BlockWindow.BlocksMax, Program));
                place = window.NextToken(place);
                if (place >= text.Length || body[place] == ':') continue;   // behind a name it is told so
                window.GoBack(place);
                AssertSamePlace(window, body, "seed " + seed + ", back to " + place + ": " + text);
            }
        }
    }

    private static bool IsRefusedOrEndsEarly(byte[] body)
    {
        var scanner = default(JsonScanner);
        scanner.Reset();
        int position = 0;
        while (true)
        {
            JsonEvent met = scanner.Next(body, ref position);
            if (met == JsonEvent.Refused || (met == JsonEvent.ValueEnds && scanner.Depth == 0)) return true;
            if (met <= JsonEvent.NeedMore) return false;
        }
    }

    [Theory]
    [InlineData((byte)BlockWidth.Bits512)]
    [InlineData((byte)BlockWidth.Eights)]
    public void Long_windows_make_the_masks_that_single_bytes_make(byte width)
    {
        // Proves on windows of up to 64 blocks, begun anywhere, of strings, numbers, literals and brackets, sound and
        // damaged, that a window is taken where single bytes' window is, ends where that ends, and knows the same.
        var wide = new BlockWindow((BlockWidth)width);
        var single = new BlockWindow(BlockWidth.Scalar);
        MaskProgram[] programs =
        [
            Program, MaskProgram.Compile([new("$..a", MaskAction.Redact), new("b c", MaskAction.Null)]),
            MaskProgram.Compile([new("", MaskAction.Redact) { Detect = (DetectorSet)1023 }]),
        ];
        int taken = 0;
        for (int seed = 1; seed <= Seeds; seed++)
        {
            var random = new RandomBody(seed * 11);
            byte[] body = LongBody(random, seed % 3);
            if (seed % 4 == 0)
                body[random.Next(body.Length)] = "{}[]:,\"\\ 019.-+eEtfnu/\t\u0001\u00e9"u8[random.Next(26)];
            int before = random.Next(3) * random.Next(12);
            byte[] input = [.. Enumerable.Repeat((byte)' ', before), .. body];
            Assert.True(wide.TryBegin(JsonPlace.Top, default));
            Assert.True(single.TryBegin(JsonPlace.Top, default));
            MaskProgram program = programs[random.Next(programs.Length)];
            bool isTaken = single.Take(input, before, 1 + random.Next(BlockWindow.BlocksMax), program);
            Assert.Equal(isTaken, wide.Take(input, before, single.Blocks, program));
            if (!isTaken) continue;
            taken++;
            AssertSameMasks(single, wide, "seed " + seed);
        }

        Assert.True(taken > Seeds / 2, taken + " taken");
    }

    private static void AssertSameMasks(BlockWindow single, BlockWindow wide, string how)
    {
        Assert.True(single.End == wide.End && single.Count == wide.Count, how);
        Assert.True(single.Place == wide.Place && single.Kinds == wide.Kinds, how);
        for (int block = 0; block < single.Blocks; block++)
        {
            Assert.True(single.Masks.Tokens[block] == wide.Masks.Tokens[block], "tokens of " + block + ", " + how);
            Assert.True(single.Masks.Scalars[block] == wide.Masks.Scalars[block], "scalars of " + block + ", " + how);
            Assert.True(single.Masks.Escaped[block] == wide.Masks.Escaped[block], "escapes of " + block + ", " + how);
            Assert.True(single.Masks.Before[block] == wide.Masks.Before[block], "count of " + block + ", " + how);
            Assert.True(single.Masks.Quotes[block + 1] == wide.Masks.Quotes[block + 1], "quotes, " + how);
        }

        for (int group = 0; group < single.Groups; group++)
        {
            Assert.True(single.TokenMasks.Keys[group] == wide.TokenMasks.Keys[group], "keys of " + group + ", " + how);
            Assert.True(single.TokenMasks.Elements[group] == wide.TokenMasks.Elements[group], "elements, " + how);
        }
    }

    // Several containers of up to some thousand bytes, without white space or with much, of few or of many strings.
    private static byte[] LongBody(RandomBody random, int kind)
    {
        var text = new StringBuilder("[");
        string[] strings =
            ["\"\"", "\"a\\n\\\"b\"", "\"\u00e9 k\"", "\"4111 1111 1111 1111\"", "\"" + new string('x', 90) + "\""];
        int length = random.Next(6_000);
        while (text.Length < length)
        {
            if (kind == 0) AppendContainer(text, random, 0);
            else if (random.Next(3) < kind) text.Append(Scalars[random.Next(Scalars.Length)]);
            else text.Append(strings[random.Next(strings.Length)]);
            text.Append(',');
            if (kind == 0 && random.Next(9) == 0) text.Append("0]\n[");
        }

        return Encoding.UTF8.GetBytes(text.Append("0]").ToString());
    }

    private static IEnumerable<string> Numbers()
    {
        const string Bytes = "019-+.eE";
        for (int length = 1; length <= 5; length++)
        {
            for (int number = 0; number < 1 << (3 * length); number++)
            {
                IEnumerable<int> places = Enumerable.Range(0, length);
                yield return string.Concat(places.Select(place => Bytes[number >> (3 * place) & 7]));
            }
        }
    }

    private static void AssertTaken(BlockWindow window, byte[] body, int blocks, string how)
    {
        how += ": " + Encoding.UTF8.GetString(body);
        Assert.True(window.TryBegin(JsonPlace.Top, default));
        for (int position = 0; body.Length - position >= BlockWindow.BlockBytes; position = window.End)
        {
            Assert.True(window.Take(body, position, blocks, Program), "from " + position + ", " + how);
            Assert.True(window.End > position, how);
            AssertSamePlace(window, body, "from " + position + ", " + how);
        }
    }

    private static void AssertSamePlace(BlockWindow window, byte[] body, string how)
    {
        var scanner = default(JsonScanner);
        scanner.Reset();
        int position = 0;
        JsonEvent met;
        do met = scanner.Next(body.AsSpan(0, window.End), ref position);
        while (met > JsonEvent.NeedMore);
        Assert.True(met == JsonEvent.NeedMore, scanner.Refusal + " at " + position + ", " + how);
        var other = new BlockWindow(BlockWidth.Scalar);
        Assert.True(scanner.TryLend(other), scanner.Place + ", " + how);
        Assert.True(other.Place == window.Place, other.Place + " is not " + window.Place + ", " + how);
        Assert.True(other.Kinds == window.Kinds, "other containers, " + how);
    }

    // Containers, numbers and literals of every kind, side by side and in each other.
    private static byte[] Body(RandomBody random)
    {
        var text = new StringBuilder();
        for (int texts = random.Next(3); texts >= 0; texts--) AppendContainer(text, random, 0);
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static void AppendContainer(StringBuilder text, RandomBody random, int depth)
    {
        bool isArray = random.Next(2) == 0;
        text.Append(isArray ? '[' : '{');
        for (int left = random.Next(depth == 0 ? 16 : 5); left > 0; left--)
        {
            text.Append(Blank(random));
            if (!isArray) text.Append("\"k").Append(left).Append('"').Append(Blank(random)).Append(':');
            text.Append(Blank(random));
            if (depth < 7 && random.Next(5) < 2) AppendContainer(text, random, depth + 1);
            else text.Append(Scalars[random.Next(Scalars.Length)]);
            text.Append(Blank(random));
            if (left > 1) text.Append(',');
        }

        text.Append(Blank(random)).Append(isArray ? ']' : '}').Append(Blank(random));
    }

    private static string Blank(RandomBody random) => Blanks[random.Next(Blanks.Length)];
}
