using System.Buffers;
using System.Text;
using System.Text.Json;
using Countersign.Masking;
using Countersign.Masking.Detectors;

namespace Countersign.Fuzz;

/// <summary>The JSON masker: no crash, the same output for every split, no masked text in the output.</summary>
public sealed class MaskFuzz
{
    private const string Secret = "S3CRET";
    private static readonly MaskProgram[] Programs =
    [
        MaskProgram.Compile([new("ssn", MaskAction.Redact), new("$.card.number", MaskAction.Redact)]),
        MaskProgram.Compile([new("ssn", MaskAction.Drop), new("$..b[1:]", MaskAction.Null)]),
        MaskProgram.Compile(
        [
            new("S_sn", MaskAction.Tokenize) { Key = TokenKey.From(new byte[16]), Names = MaskNames.FoldSeparators },
            new("", MaskAction.Redact) { Detect = DetectorSet.Email | DetectorSet.PaymentCard },
        ]),
    ];

    [Fact]
    public Task Masked_values_never_leave() => FuzzRun.ForSeedsAsync(6_000, random =>
    {
        // Proves that of sound JSON the masked values are gone, all else is kept, and splits change nothing.
        StringBuilder text = new();
        Value(random, text, 0);
        byte[] body = Encoding.UTF8.GetBytes(text.ToString());
        foreach (MaskProgram program in Programs)
        {
            string whole = SameForSplits(random, program, body, out bool isRefused);
            Assert.False(isRefused);
            if (program != Programs[2]) Assert.DoesNotContain(Secret, whole, StringComparison.Ordinal);
            using JsonDocument sound = JsonDocument.Parse(whole);
            Assert.NotEqual(JsonValueKind.Undefined, sound.RootElement.ValueKind);
        }

        return Task.CompletedTask;
    });

    [Fact]
    public Task Broken_bodies_have_one_outcome() => FuzzRun.ForSeedsAsync(6_000, random =>
    {
        // Proves that a mutated body is refused, or not, alike for every split, with the same bytes before it.
        StringBuilder text = new();
        Value(random, text, 0);
        byte[] body = FuzzRun.Mutate(random, Encoding.UTF8.GetBytes(text.ToString()));
        foreach (MaskProgram program in Programs) SameForSplits(random, program, body, out _);
        return Task.CompletedTask;
    });

    private static string SameForSplits(Random random, MaskProgram program, byte[] body, out bool isRefused)
    {
        string whole = Mask(program, body, body.Length, out isRefused);
        for (int cut = 0; cut < 4; cut++)
        {
            string parts = Mask(program, body, random.Next(body.Length + 1), out bool partsRefused);
            Assert.Equal(isRefused, partsRefused);
            Assert.Equal(whole, parts);
        }

        return whole;
    }

    private static string Mask(MaskProgram program, byte[] body, int split, out bool isRefused)
    {
        JsonMasker masker = new();
        masker.Reset(program);
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
