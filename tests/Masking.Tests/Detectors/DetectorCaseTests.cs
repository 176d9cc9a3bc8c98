using System.Text;
using System.Text.Json;
using Countersign.Masking.Detectors;

namespace Countersign.Masking.Tests.Detectors;

public sealed class DetectorCaseTests
{
    [Theory]
    [MemberData(nameof(Names))]
    public void Finds_what_its_cases_say(string name)
    {
        // Proves on the cases of tests/cases/detectors that what should be found is found with its exact span, that
        // nothing else is, that the known errors are still as they are told, and so precision and recall as stated.
        Assert.True(DetectorNames.TryParse(name, out DetectorSet detector, out _));
        using JsonDocument cases = JsonDocument.Parse(File.ReadAllBytes(CaseFolder.Find("detectors", name + ".json")));
        int right = 0;
        int missed = 0;
        int wrong = 0;
        foreach (JsonElement positive in cases.RootElement.GetProperty("positives").EnumerateArray())
        {
            string text = Text(positive, "text");
            string[] found = Find(text, detector);
            bool isMissed = positive.TryGetProperty("missed", out _);
            bool isRight = found.Length == 1 && found[0] == Text(positive, "found");
            Assert.True(isRight != isMissed, text + " gives " + string.Join(" | ", found));
            _ = isRight ? right++ : missed++;
        }

        foreach (JsonElement negative in cases.RootElement.GetProperty("negatives").EnumerateArray())
        {
            string text = Text(negative, "text");
            string[] found = Find(text, detector);
            bool isWrong = negative.TryGetProperty("found", out _);
            Assert.True(found.Length > 0 == isWrong, text + " gives " + string.Join(" | ", found));
            if (isWrong) wrong++;
        }

        Assert.Equal(Stated(cases, "precision"), Math.Round((double)right / (right + wrong), 3));
        Assert.Equal(Stated(cases, "recall"), Math.Round((double)right / (right + missed), 3));
    }

    [Fact]
    public void Every_detector_has_cases()
    {
        // Proves by the files' names that no detector is without cases and no cases are without a detector.
        Assert.Equal(
            DetectorNames.All.Order(StringComparer.Ordinal),
            Directory.GetFiles(CaseFolder.Find("detectors"), "*.json").Select(Path.GetFileNameWithoutExtension)
                .Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("payment_card", "payment-card")]
    [InlineData("e-mail", "email")]
    [InlineData("Email", "email")]
    [InlineData("vendor-keys", "vendor-key")]
    [InlineData("high-entrophy", "high-entropy")]
    [InlineData("passport", null)]
    [InlineData("", null)]
    public void Suggests_the_name_that_was_meant(string written, string? meant)
    {
        // Proves that a misspelt name is refused with the one nearest to it, and a strange one without any.
        Assert.False(DetectorNames.TryParse(written, out DetectorSet detector, out string? suggestion));
        Assert.Equal((DetectorSet.None, meant), (detector, suggestion));
    }

    [Fact]
    public void Names_and_detectors_are_one_to_one()
    {
        // Proves that each name parses to its own bit and back, and that sets of none or several have no name.
        DetectorSet all = DetectorSet.None;
        foreach (string name in DetectorNames.All)
        {
            Assert.True(DetectorNames.TryParse(name, out DetectorSet detector, out _));
            Assert.Equal(name, DetectorNames.NameOf(detector));
            Assert.Equal(DetectorSet.None, all & detector);
            all |= detector;
        }

        Assert.Equal(Enum.GetValues<DetectorSet>().Aggregate((one, other) => one | other), all);
        Assert.Throws<ArgumentOutOfRangeException>(() => DetectorNames.NameOf(DetectorSet.None));
        Assert.Throws<ArgumentOutOfRangeException>(() => DetectorNames.NameOf(DetectorSet.Email | DetectorSet.Phone));
    }

    [Theory]
    [InlineData("password", true)]
    [InlineData("db_password", true)]
    [InlineData("API-KEY", true)]
    [InlineData("clientSecret", true)]
    [InlineData("x.api.key", true)]
    [InlineData("Set-Cookie", true)]
    [InlineData("authorization", true)]
    [InlineData("a very long name that ends in what tells of it all: session_id", true)]
    [InlineData("passwordPolicy", false)]
    [InlineData("token_type", false)]
    [InlineData("key", false)]
    [InlineData("id", false)]
    [InlineData("", false)]
    [InlineData("名", false)]
    public void Knows_telling_names(string name, bool tells)
    {
        // Proves that case and separators do not hide a telling name, and that it must end the whole name.
        Assert.Equal(tells, TellingNames.IsTelling(Encoding.UTF8.GetBytes(name)));
    }

    public static TheoryData<string> Names() => [.. DetectorNames.All];

    private static double Stated(JsonDocument cases, string name) => cases.RootElement.GetProperty(name).GetDouble();

    private static string Text(JsonElement element, string name) =>
        element.GetProperty(name).GetString()!.Replace("~", "", StringComparison.Ordinal);

    private static string[] Find(string text, DetectorSet detector)
    {
        byte[] value = Encoding.UTF8.GetBytes(text);
        var found = new List<string>();
        int from = 0;
        while (ValueDetector.TryFind(value, detector, from, false, out Detection detection))
        {
            found.Add(Encoding.UTF8.GetString(value, detection.Start, detection.Length));
            from = detection.End;
        }

        return [.. found];
    }
}
