using System.Text;
using System.Text.Json;
using Countersign.Kit;

namespace Countersign.DataPlane.Tests.Http;

/// <summary>The vectors of llhttp (tests/cases/http/llhttp), at every split: never laxer, and stricter only where
/// listed.</summary>
public sealed class LlhttpTests
{
    // Outcomes of llhttp that are no judgement on the bytes: pauses, upgrades, and a connection that was to close.
    private static readonly int[] NoJudgement = [5, 21, 22, 23, 31];

    [Theory]
    [InlineData("request")]
    [InlineData("response")]
    public async Task What_llhttp_refuses_is_refused(string side)
    {
        // Proves that no message which strict llhttp refuses is taken for whole, however its bytes are split.
        List<string> laxer = [];
        foreach (JsonElement vector in Vectors(side))
        {
            if (vector.GetProperty("llhttp_error").ValueKind == JsonValueKind.Null || IsNoJudgement(vector)) continue;
            string outcome = await MessageRun.AtEverySplitAsync(BytesOf(vector), side == "request");
            if (outcome.EndsWith("end", StringComparison.Ordinal)) laxer.Add(NameOf(vector) + " -> " + outcome);
        }

        Assert.Empty(laxer);
    }

    [Theory]
    [InlineData("request")]
    [InlineData("response")]
    public async Task What_llhttp_accepts_is_accepted_or_listed(string side)
    {
        // Proves that every stricter refusal is one that stricter.json lists with its reason, and that nothing listed
        // there
        // is accepted after all. What llhttp accepts only by a leniency is refused, or listed in lenient.json.
        JsonElement stricter = CaseFolder.Read("http", "llhttp", "stricter.json");
        JsonElement lenient = CaseFolder.Read("http", "llhttp", "lenient.json");
        List<string> unlisted = [];
        foreach (JsonElement vector in Vectors(side))
        {
            if (vector.GetProperty("llhttp_error").ValueKind != JsonValueKind.Null) continue;
            string outcome = await MessageRun.AtEverySplitAsync(BytesOf(vector), side == "request");
            bool isStrict = vector.GetProperty("kind").GetString() == side;
            bool isAccepted = outcome.EndsWith("end", StringComparison.Ordinal)
                || (isStrict && outcome.EndsWith("incomplete", StringComparison.Ordinal));
            bool isListed = (isStrict ? stricter : lenient).TryGetProperty(NameOf(vector), out _);
            if ((isStrict ? !isAccepted : isAccepted) != isListed) unlisted.Add($"{NameOf(vector)} -> {outcome}");
        }

        Assert.True(unlisted.Count == 0, string.Join('\n', unlisted));
    }

    private static IEnumerable<JsonElement> Vectors(string prefix) =>
        CaseFolder.Read("http", "llhttp", "vectors.json").EnumerateArray()
            .Where(one => one.GetProperty("kind").GetString()!.StartsWith(prefix, StringComparison.Ordinal));

    private static string NameOf(JsonElement vector) =>
        string.Join(
            " / ", ((string[])["file", "name", "kind"]).Select(part => vector.GetProperty(part).GetString()));

    private static bool IsNoJudgement(JsonElement vector) =>
        NoJudgement.Contains(vector.GetProperty("llhttp_error").GetInt32());

    // llhttp asks for no Host, without which every request is refused here: one is added, so that the rest is judged.
    private static byte[] BytesOf(JsonElement vector)
    {
        byte[] bytes = WithLastLine(vector);
        string text = Encoding.Latin1.GetString(bytes);
        bool lacksHost = !text.Contains("host:", StringComparison.OrdinalIgnoreCase);
        return lacksHost ? Encoding.Latin1.GetBytes(text.Replace(" HTTP/1.1\r\n", " HTTP/1.1\r\nHost: h\r\n",
            StringComparison.Ordinal)) : bytes;
    }

    // The files lost the last line break of each vector; the offsets in its log tell where it was.
    private static byte[] WithLastLine(JsonElement vector)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(vector.GetProperty("bytes_latin1").GetString()!);
        string last = vector.GetProperty("log").EnumerateArray().LastOrDefault().ToString();
        bool hasOffset = last.StartsWith("off=", StringComparison.Ordinal) && last.Contains(' ',
            StringComparison.Ordinal);
        bool isNumber = int.TryParse(hasOffset ? last[4..last.IndexOf(' ', StringComparison.Ordinal)] : "",
            out int off);
        return isNumber && off == bytes.Length + 2 ? [.. bytes, .. "\r\n"u8] : bytes;
    }
}
