using System.Text;
using Countersign.Masking.Detectors;

namespace Countersign.Masking.Tests.Detectors;

public sealed class DocumentedExampleTests
{
    private const string Fence = "```example ";
    private const string Arrow = " -> ";

    [Theory]
    [MemberData(nameof(Examples))]
    public void The_page_tells_the_truth(string detector, string given, string expected)
    {
        // Proves each example of docs/MASKING.md: what the detector of its section leaves of it.
        Assert.True(DetectorNames.TryParse(detector, out DetectorSet wanted, out _));
        byte[] value = Encoding.UTF8.GetBytes(given);
        var left = new StringBuilder();
        int from = 0;
        while (ValueDetector.TryFind(value, wanted, from, false, out Detection found))
        {
            left.Append(Encoding.UTF8.GetString(value[from..found.Start])).Append("***");
            from = found.End;
        }

        Assert.Equal(expected, left.Append(Encoding.UTF8.GetString(value[from..])).ToString());
    }

    [Fact]
    public void Every_detector_has_an_example_of_both_kinds()
    {
        // Proves that no section of the page is without an example.
        string[][] examples = [.. Read()];
        Assert.Equal(DetectorNames.All, examples.Select(example => example[0]).Distinct());
        foreach (string name in DetectorNames.All)
        {
            Assert.Contains(examples, example => example[0] == name && example[1] != example[2]);
            Assert.Contains(examples, example => example[0] == name && example[1] == example[2]);
        }
    }

    public static TheoryData<string, string, string> Examples()
    {
        var examples = new TheoryData<string, string, string>();
        foreach (string[] example in Read()) examples.Add(example[0], example[1], example[2]);
        return examples;
    }

    private static IEnumerable<string[]> Read()
    {
        string detector = "";
        foreach (string line in File.ReadLines(CaseFolder.Find("..", "..", "docs", "MASKING.md")))
        {
            if (line.StartsWith(Fence, StringComparison.Ordinal)) detector = line[Fence.Length..];
            else if (line == "```") detector = "";
            else if (detector.Length > 0)
            {
                string[] sides = line.Split(Arrow);
                yield return [detector, sides[0], sides[1]];
            }
        }
    }
}
