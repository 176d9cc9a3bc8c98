using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Countersign.Masking.Content;
using Countersign.Masking.Detectors;

namespace Countersign.Masking.Tests.Detectors;

/// <summary>Values under all detectors, read in every way in which bytes may come.</summary>
internal static class EveryWay
{
    /// <summary>Every detector.</summary>
    public const DetectorSet Every = (DetectorSet)1023;

    private const int Places = 70;   // more than a block has

    private static readonly MaskProgram Program =
        MaskProgram.Compile([new("", MaskAction.Redact) { Detect = Every }]);

    private static readonly JsonSerializerOptions Spelling =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Asserts what is left of the string <paramref name="given"/> under <paramref name="name"/>: at every
    /// split, escaped and not, at every width of block and place in a block; and of the same text, where the name does
    /// not tell of a secret.</summary>
    public static void AssertMasks(string name, string given, string expected)
    {
        string spelled = JsonSerializer.Serialize(given, Spelling);
        AssertLeaves($"{{\"{name}\":{spelled}}}", name, expected);
        AssertLeaves($"{{\"{name}\":{spelled.Replace("a", "\\u0061", StringComparison.Ordinal)}}}", name, expected);
        if (TellingNames.IsTelling(Encoding.UTF8.GetBytes(name))) return;
        byte[] text = Encoding.UTF8.GetBytes(given);
        for (int split = 1; split < text.Length; split++) Assert.Equal(expected, Text(text, split, text.Length).Output);
        Assert.Equal(expected, Text(text, 1, 1).Output);
    }

    /// <summary>The same of a number, which goes whole or stays.</summary>
    public static void AssertNumber(string given, bool isMasked) =>
        AssertLeaves($"{{\"n\":{given}}}", "n", isMasked ? "***" : given);

    /// <summary>What leaves of a text whose first bytes come by themselves, and how many things were found.</summary>
    public static (string Output, int Count) Text(byte[] body, int first, int next)
    {
        var masker = new TextMasker();
        var output = new ArrayBufferWriter<byte>();
        masker.Reset(Every, new StarredText(MaskAction.Redact));
        int size = first;
        for (int place = 0; place < body.Length; place += size, size = next)
        {
            size = Math.Min(size, body.Length - place);
            Assert.Equal(MaskStatus.NeedMore, masker.Write(body.AsSpan(place, size), output));
        }

        Assert.Equal(MaskStatus.Done, masker.Finish(output));
        return (Encoding.UTF8.GetString(output.WrittenSpan), masker.MaskedCount);
    }

    private static void AssertLeaves(string member, string name, string expected)
    {
        using JsonDocument masked = JsonDocument.Parse(MaskRun.EverySplit(Program, Body(0, member)).Output);
        JsonElement value = masked.RootElement[1].GetProperty(name);
        Assert.Equal(expected, value.ValueKind == JsonValueKind.Number ? value.GetRawText() : value.GetString());
        for (int before = 0; before < Places; before++)
        {
            byte[] body = Body(before, member);
            MaskResult single = MaskRun.Chunks(Program, body, 1);
            Assert.EndsWith(MaskRun.Whole(Program, Body(0, member)).Text[4..], single.Text, StringComparison.Ordinal);
            foreach (BlockWidth width in Enum.GetValues<BlockWidth>())
            {
                MaskResult whole = MaskRun.Chunks(new JsonMasker(width), Program, body, null, body.Length);
                MaskRun.AssertSame(single, whole, $"{width} behind {before}: {member}");
            }
        }
    }

    private static byte[] Body(int before, string member) =>
        Encoding.UTF8.GetBytes($"[\"{new string('.', before)}\",{member}]");
}
