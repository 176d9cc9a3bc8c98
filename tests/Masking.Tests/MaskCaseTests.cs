using System.Text;
using System.Text.Json;

namespace Countersign.Masking.Tests;

public sealed class MaskCaseTests
{
    public static TheoryData<string, string> Cases()
    {
        var cases = new TheoryData<string, string>();
        foreach (string file in Directory.GetFiles(CaseFolder.Find("masking"), "*.jsonl").Order(StringComparer.Ordinal))
        {
            foreach (string line in File.ReadLines(file))
            {
                using var parsed = JsonDocument.Parse(line);
                cases.Add(Path.GetFileName(file) + ": " + parsed.RootElement.GetProperty("name").GetString(), line);
            }
        }

        return cases;
    }

    public static TheoryData<string, string> Examples()
    {
        var cases = new TheoryData<string, string>();
        foreach (string line in File.ReadLines(CaseFolder.Find("masking", "examples", "redaction-examples.jsonl")))
        {
            using var parsed = JsonDocument.Parse(line);
            cases.Add(parsed.RootElement.GetProperty("name").GetString()!, line);
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Case_gives_what_it_expects_at_every_split(string name, string line)
    {
        // Proves every case of tests/cases/masking, whole, at every split in two and byte by byte.
        using var parsed = JsonDocument.Parse(line, new JsonDocumentOptions { MaxDepth = 256 });
        JsonElement given = parsed.RootElement;
        MaskResult result = MaskRun.EverySplit(ProgramOf(given), Input(given));
        Assert.Equal((name, given.GetProperty("output").GetString()), (name, result.Text));
        if (given.TryGetProperty("refused", out JsonElement because))
        {
            Assert.Equal((MaskStatus.Refused, because.GetString()), (result.Status, result.Because));
            return;
        }

        Assert.Equal((MaskStatus.Done, ""), (result.Status, result.Because));
        if (given.TryGetProperty("masked", out JsonElement masked)) Assert.Equal(masked.GetInt32(), result.Masked);
    }

    [Theory]
    [MemberData(nameof(Examples))]
    public void Example_keeps_its_secrets(string name, string line)
    {
        // Proves the shared examples that are of field and path rules, in their own form: verdict and forbidden text.
        using var parsed = JsonDocument.Parse(line);
        JsonElement given = parsed.RootElement;
        byte[] body = given.GetProperty("input_base64").GetBytesFromBase64();
        MaskResult result = MaskRun.EverySplit(ProgramOf(given), body);
        string verdict = given.GetProperty("verdict").GetString()!;
        Assert.Equal((name, verdict == "mask_or_block"), (name, result.Status == MaskStatus.Refused));
        if (verdict == "pass") Assert.Equal(body, result.Output);
        if (verdict == "mask") Assert.True(result.Masked > 0);
        foreach (string text in Texts(given, "must_not_contain"))
        {
            Assert.DoesNotContain(text, result.Text, StringComparison.Ordinal);
            for (int head = 6; head < text.Length; head++)
            {
                Assert.False(result.Text.EndsWith(text[..head], StringComparison.Ordinal));
            }
        }

        foreach (string text in Texts(given, "must_contain"))
        {
            Assert.Contains(text, result.Text, StringComparison.Ordinal);
        }
    }

    private static IEnumerable<string> Texts(JsonElement given, string member) =>
        given.TryGetProperty(member, out JsonElement texts)
            ? texts.EnumerateArray().Select(text => text.GetString()!)
            : [];

    private static byte[] Input(JsonElement given) => given.TryGetProperty("input_base64", out JsonElement raw)
        ? raw.GetBytesFromBase64()
        : Encoding.UTF8.GetBytes(given.GetProperty("input").GetString()!);

    private static MaskProgram ProgramOf(JsonElement given)
    {
        var rules = new List<MaskRule>();
        foreach (JsonElement rule in given.GetProperty("rules").EnumerateArray())
        {
            string field = rule.GetProperty(rule.TryGetProperty("path", out _) ? "path" : "field").GetString()!;
            rules.Add(new MaskRule(field, rule.GetProperty("action").GetString() switch
            {
                "redact" => MaskAction.Redact,
                "keep-last-4" or "keep_last4" => MaskAction.KeepLast4,
                string action => throw new InvalidDataException(action),
                null => throw new InvalidDataException("no action"),
            }));
        }

        return MaskProgram.Compile(rules);
    }
}
