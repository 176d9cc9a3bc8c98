using System.Buffers;
using System.Globalization;
using System.Text;

namespace Countersign.Masking.Tests;

public sealed class NestedSpellingTests
{
    private const int Seeds = 1_200;

    private static readonly MaskProgram Program = MaskProgram.Compile(
        [new("email", MaskAction.Redact), new("pan", MaskAction.KeepLast4), new("ssn", MaskAction.Null)]);

    // Members of an inner text, and what is left of each value; null for a value that stays.
    private static readonly (string Name, string Value, string? Left)[] Members =
    [
        ("id", "17", null), ("note", "\"said \\\"ok\\\", in Malmö\\n\"", null), ("on", "true", null),
        ("list", "[1, {\"a\": null}]", null), ("long", "\"" + new string('x', 150) + "\"", null),
        ("email", "\"ann@example.com\"", "\"***\""), ("email", "null", null), ("email", "{\"at\": [1]}", "\"***\""),
        ("pan", "\"4242424242424242\"", "\"************4242\""), ("pan", "4242424242424242", "\"************4242\""),
        ("pan", "null", null), ("ssn", "\"160-70-4912\"", "null"), ("ssn", "null", null),
    ];

    [Theory]
    [MemberData(nameof(BlockWidths.All), MemberType = typeof(BlockWidths))]
    public void What_stays_in_a_string_stays_as_it_is_written(byte width)
    {
        // Proves that of JSON in a string, whose characters are written in any way a string allows, all but masked
        // values leaves byte for byte, at each width of block, however the body is cut.
        var masker = new JsonMasker((BlockWidth)width);
        for (int seed = 1; seed <= Seeds; seed++)
        {
            var random = new Random(seed);
            (byte[] body, string expected) = Body(random);
            string how = "seed " + seed + ": " + Encoding.UTF8.GetString(body);
            AssertLeaves(expected, MaskRun.Chunks(masker, Program, body, null, body.Length), how);
            int[] sizes = [.. Enumerable.Range(0, 9).Select(_ => 1 + random.Next(200))];
            AssertLeaves(expected, MaskRun.Chunks(masker, Program, body, null, sizes), how);
        }
    }

    [Fact]
    public void Nothing_is_written_behind_a_refusal()
    {
        // Proves that a masker that has refused goes on refusing, whatever it is given, until it is reset.
        byte[] body = "{\"a\": 1, bad}"u8.ToArray();
        MaskResult refused = MaskRun.Chunks(Program, body, body.Length);
        Assert.Equal(MaskStatus.Refused, refused.Status);
        var masker = new JsonMasker();
        masker.Reset(Program);
        var output = new ArrayBufferWriter<byte>();
        Assert.Equal(MaskStatus.Refused, masker.Write(body, output));
        int written = output.WrittenCount;
        Assert.Equal(MaskStatus.Refused, masker.Write("x\"y"u8, output));
        Assert.Equal(MaskStatus.Refused, masker.Finish(output));
        Assert.Equal(written, output.WrittenCount);
        Assert.NotEqual(MaskRefusal.None, masker.Refusal);
    }

    private static void AssertLeaves(string expected, MaskResult result, string how)
    {
        Assert.True(result.Status == MaskStatus.Done, how);
        Assert.True(expected == result.Text, how + "\n" + result.Text);
    }

    // As many members as a string of a block, or of a window, needs.
    private static (byte[] Body, string Expected) Body(Random random)
    {
        var given = new StringBuilder("{\"text\":\"");
        var left = new StringBuilder("{\"text\":\"");
        double odd = random.Next(4) switch { 0 => 0, 1 => 0.01, 2 => 0.1, _ => 0.6 };
        void Add(string text, string? other)
        {
            string spelled = Spell(text, odd, random);
            given.Append(spelled);
            left.Append(other is null ? spelled : other.Replace("\"", "\\\"", StringComparison.Ordinal));
        }

        int count = random.Next(8) == 0 ? 200 : 1 + random.Next(12);
        Add("{", null);
        for (int index = 0; index < count; index++)
        {
            (string name, string value, string? leaves) = Members[random.Next(Members.Length)];
            string lead = index == 0 ? "" : random.Next(2) == 0 ? "," : ",\n  ";
            Add(lead + "\"" + name + "\":" + (random.Next(2) == 0 ? " " : ""), null);
            Add(value, leaves);
        }

        Add("}", null);
        given.Append("\",\"email\":\"x\"}");
        left.Append("\",\"email\":\"***\"}");
        return (Encoding.UTF8.GetBytes(given.ToString()), left.ToString());
    }

    private static string Spell(string text, double odd, Random random)
    {
        var spelled = new StringBuilder();
        foreach (char next in text)
        {
            string digits = ((int)next).ToString(random.Next(2) == 0 ? "x4" : "X4", CultureInfo.InvariantCulture);
            if (random.NextDouble() < odd) spelled.Append("\\u").Append(digits);
            else if (next is '"' or '\\') spelled.Append('\\').Append(next);
            else if (next == '\n') spelled.Append("\\n");
            else spelled.Append(next);
        }

        return spelled.ToString();
    }
}
