using System.Buffers;
using System.Text;
using System.Text.Json;
using Countersign.Masking;

namespace Countersign.Fuzz;

/// <summary>The JSON masker: no crash, the same output for every split, no masked text in the output.</summary>
public sealed class MaskFuzz
{
    private const string Secret = "S3CRET";
    private static readonly MaskProgram Program = MaskProgram.Compile(
        [new MaskRule("ssn", MaskAction.Redact), new MaskRule("$.card.number", MaskAction.Redact)]);

    [Fact]
    public Task Masked_values_never_leave() => FuzzRun.ForSeedsAsync(6_000, random =>
    {
        // Proves that of sound JSON the masked values are gone, all else is kept, and splits change nothing.
        StringBuilder text = new();
        Value(random, text, 0);
        byte[] body = Encoding.UTF8.GetBytes(text.ToString());
        string whole = SameForSplits(random, body, out bool isRefused);
        Assert.False(isRefused);
        Assert.DoesNotContain(Secret, whole, StringComparison.Ordinal);
        using JsonDocument sound = JsonDocument.Parse(whole);
        Assert.NotEqual(JsonValueKind.Undefined, sound.RootElement.ValueKind);
        return Task.CompletedTask;
    });

    [Fact]
    public Task Broken_bodies_have_one_outcome() => FuzzRun.ForSeedsAsync(6_000, random =>
    {
        // Proves that a mutated body is refused, or not, alike for every split, with the same bytes before it.
        StringBuilder text = new();
        Value(random, text, 0);
        SameForSplits(random, FuzzRun.Mutate(random, Encoding.UTF8.GetBytes(text.ToString())), out _);
        return Task.CompletedTask;
    });

    private static string SameForSplits(Random random, byte[] body, out bool isRefused)
    {
        string whole = Mask(body, body.Length, out isRefused);
        for (int cut = 0; cut < 4; cut++)
        {
            string parts = Mask(body, random.Next(body.Length + 1), out bool partsRefused);
            Assert.Equal(isRefused, partsRefused);
            if (!isRefused) Assert.Equal(whole, parts);
        }

        return whole;
    }

    private static string Mask(byte[] body, int split, out bool isRefused)
    {
        JsonMasker masker = new();
        masker.Reset(Program);
        ArrayBufferWriter<byte> output = new();
        MaskStatus status = masker.Write(body.AsSpan(0, split), output);
        if (status != MaskStatus.Refused) status = masker.Write(body.AsSpan(split), output);
        if (status != MaskStatus.Refused) status = masker.Finish(output);
        isRefused = status == MaskStatus.Refused;
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    private static void Value(Random random, StringBuilder text, int depth)
    {
        int kind = random.Next(depth > 4 ? 4 : 6);
        if (kind < 4) text.Append(FuzzRun.Pick(random, "1", "-0.5e+3", "true", "null", "\"a\"", "\"\\u00e9\\n\"",
            "\"𝄞\""));
        else if (kind == 4) Array(random, text, depth);
        else Object(random, text, depth);
    }

    private static void Array(Random random, StringBuilder text, int depth)
    {
        text.Append('[');
        int count = random.Next(4);
        for (int item = 0; item < count; item++)
        {
            if (item > 0) text.Append(", ");
            Value(random, text, depth + 1);
        }

        text.Append(']');
    }

    private static void Object(Random random, StringBuilder text, int depth)
    {
        text.Append('{');
        int count = random.Next(4);
        for (int member = 0; member < count; member++)
        {
            if (member > 0) text.Append(",\n");
            if (random.Next(3) == 0)
            {
                text.Append(FuzzRun.Pick(random, "\"ssn\"", "\"\\u0073sn\"", "\"s\\u0073\\u006e\"")).Append(" : ");
                text.Append(FuzzRun.Pick(random, $"\"{Secret}\"", $"[\"{Secret}\"]", $"{{\"x\":\"{Secret}\"}}",
                    $"\"\\\"{Secret}\\\\\""));
                continue;
            }

            text.Append('"').Append((char)('a' + member)).Append("\":");
            Value(random, text, depth + 1);
        }

        text.Append('}');
    }
}
