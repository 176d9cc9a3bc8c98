using System.Buffers;
using System.Text;
using Countersign.DataPlane.Calls;
using Countersign.Masking;
using Countersign.Masking.Content;
using Countersign.Masking.Detectors;
using Countersign.Policy;

namespace Countersign.DataPlane.Tests.Calls;

/// <summary>The examples of docs/MASKING.md: a mask as policy writes it, and what leaves under it.</summary>
public sealed class DocumentedMaskTests
{
    private const string Fence = "```mask ";
    private const string Arrow = " -> ";

    private static readonly Dictionary<string, TokenKey> Keys = new()
    {
        ["pii"] = TokenKey.From("0123456789abcdef"u8),
    };

    public static TheoryData<string, string, string, string> Examples()
    {
        TheoryData<string, string, string, string> examples = [];
        string type = "", mask = "";
        foreach (string line in File.ReadLines(Path.Combine(CaseFolder.Root, "docs", "MASKING.md")))
        {
            if (line.StartsWith(Fence, StringComparison.Ordinal)) (type, mask) = (line[Fence.Length..], "");
            else if (line == "```") type = "";
            else if (type.Length > 0 && mask.Length == 0) mask = line;
            else if (type.Length > 0)
            {
                string[] sides = line.Split(Arrow);
                examples.Add(type, mask, sides[0], sides[1]);
            }
        }

        return examples;
    }

    // Proves each example of the page, by a policy of that mask alone, whole and byte by byte.
    [Theory]
    [MemberData(nameof(Examples))]
    public void The_page_tells_the_truth(string type, string mask, string given, string expected)
    {
        string flow = mask.StartsWith('{') ? mask.Trim('{', '}') : mask;
        PolicyReading reading = PolicyReader.Read(
            $$"""
            apiVersion: countersign/v1
            upstreams: { up: { endpoints: ["http://up.test"] } }
            functions: { f.get: { upstream: up, method: GET, path: /f, risk: low } }
            rules: []
            masks: [{ id: m, functions: [f.get], {{flow}} }]
            """,
            new MaskVocabulary(MaskField.Check, DetectorNames.Check));
        Assert.Empty(reading.Errors);
        MaskPlan plan = new([reading.Snapshot!.Masks[0].Terms], Keys);
        byte[] body = Encoding.UTF8.GetBytes(given);
        foreach (int chunk in (int[])[1, 1_000])
        {
            using BodyMasker masker = new();
            ArrayBufferWriter<byte> output = new();
            byte[] contentType = Encoding.ASCII.GetBytes(type);
            Assert.True(masker.TryReset(plan.Program, contentType, default, false, BodyLimits.Usual, null));
            foreach (byte[] piece in body.Chunk(chunk))
                Assert.Equal(MaskStatus.NeedMore, masker.Write(piece, output));
            Assert.Equal(MaskStatus.Done, masker.Finish(output));
            Assert.Equal(expected, Encoding.UTF8.GetString(output.WrittenSpan));
        }
    }

    // Proves that the page leaves out no action and no way to compare names.
    [Fact]
    public void Every_word_has_an_example()
    {
        string masks = string.Concat(Examples().Select(row => row.Data.Item2));
        string[] words =
        [
            "action: redact", "action: keep-last-4", "action: tokenize", "action: null", "action: drop",
            "names: exact", "names: ignore-case", "names: ignore-separators", "detect: ",
        ];
        Assert.All(words, word => Assert.Contains(word, masks, StringComparison.Ordinal));
    }
}
