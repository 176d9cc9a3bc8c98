using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Countersign.Masking.Tests;

public sealed class DifferentialTests
{
    private const int Seeds = 2_000;

    [Fact]
    public void Says_what_the_slow_reference_says()
    {
        // Proves output and count against a reference built on System.Text.Json, over random texts, rules and chunks;
        // and that at no moment the output holds the mark of a masked value, nor ends in its first six bytes.
        int masked = 0;
        for (int seed = 1; seed <= Seeds; seed++)
        {
            var random = new RandomBody(seed);
            byte[] body = random.Texts();
            List<SlowRule> rules = random.Rules();
            MaskProgram program = SlowMask.Compile(rules);
            SlowResult expected = SlowMask.Mask(body, rules);
            string context = "seed " + seed + ", rules "
                + string.Join(' ', rules.Select(rule => rule.Field + ":" + rule.Action))
                + ", body " + Encoding.UTF8.GetString(body);
            byte[][] marks = [.. Enumerable.Range(0, random.Marks)
                .Select(RandomBody.Mark)
                .Where(mark => expected.Hidden.Any(text => text.Contains(mark, StringComparison.Ordinal)))
                .Select(Encoding.UTF8.GetBytes)];
            for (int turn = 0; turn < 3; turn++)
            {
                int[] sizes = turn == 0 ? [body.Length] : random.Sizes();
                MaskResult result = MaskRun.Chunks(
                    new JsonMasker(), program, body, output => AssertHidden(output, marks, context), sizes);
                Assert.True(result.Status == MaskStatus.Done, result.Because + ": " + context);
                Assert.True(expected.Text == result.Text, result.Text + " is not " + expected.Text + ": " + context);
                Assert.True(expected.Masked == result.Masked, result.Masked + " masked: " + context);
            }

            masked += expected.Masked;
        }

        Assert.True(masked > Seeds, "too few values were masked to prove anything: " + masked);
    }

    [Fact]
    public void Takes_and_refuses_what_the_library_does_after_damage()
    {
        // Proves the grammar on random texts with bytes changed, dropped or doubled: one that the library reads is
        // taken and one that it does not is refused, in any chunks the same; and what is taken is JSON when it leaves.
        int taken = 0;
        int refused = 0;
        for (int seed = 1; seed <= Seeds; seed++)
        {
            var random = new RandomBody(seed);
            byte[] body = Damage([(byte)'[', .. random.Texts(), (byte)']'], random);
            List<SlowRule> rules = random.Rules();
            MaskProgram program = SlowMask.Compile(rules);
            MaskResult result = MaskRun.Whole(program, body);
            MaskRun.AssertSame(result, MaskRun.Chunks(program, body, random.Sizes()), "seed " + seed);
            MaskRun.AssertSame(result, MaskRun.Chunks(program, body, 1), "seed " + seed);
            bool isJson = Reads(body);
            string context = "seed " + seed + ", body " + Encoding.UTF8.GetString(body);
            bool isTaken = result.Status == MaskStatus.Done;
            Assert.True(isJson == isTaken, result.Status + " " + result.Because + ": " + context);
            if (isJson) Assert.True(Reads(result.Output), result.Text + ": " + context);
            _ = isJson ? taken++ : refused++;
        }

        Assert.True(taken > Seeds / 20 && refused > Seeds / 20, taken + " taken, " + refused + " refused");
    }

    private static void AssertHidden(ReadOnlySpan<byte> output, byte[][] marks, string context)
    {
        foreach (byte[] mark in marks)
        {
            string text = Encoding.UTF8.GetString(mark);
            Assert.True(output.IndexOf(mark) < 0, text + " left: " + context);
            Assert.False(output.EndsWith(mark.AsSpan(0, 6)), text + " begins to leave: " + context);
        }
    }

    private static byte[] Damage(byte[] body, RandomBody random)
    {
        var bytes = new List<byte>(body);
        for (int hits = 1 + random.Next(2); hits > 0 && bytes.Count > 1; hits--)
        {
            int place = 1 + random.Next(bytes.Count - 1);   // the first bracket stays, so that it is one text
            switch (random.Next(4))
            {
                case 0:
                    bytes.RemoveAt(place);
                    break;
                case 1:
                    bytes.Insert(place, bytes[place]);
                    break;
                case 2:
                    bytes[place] = (byte)random.Next(256);
                    break;
                default:
                    bytes[place] = "{}[]:,\"\\ 019.-+eEtfnu/"u8[random.Next(22)];
                    break;
            }
        }

        return [.. bytes];
    }

    private static bool Reads(byte[] body)
    {
        if (!Utf8.IsValid(body)) return false;   // the library looks at UTF-8 only when a string is asked for
        var options = new JsonReaderOptions { MaxDepth = MaskLimits.DepthMax, AllowMultipleValues = true };
        var reader = new Utf8JsonReader(body, options);
        try
        {
            while (reader.Read())
            {
            }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
