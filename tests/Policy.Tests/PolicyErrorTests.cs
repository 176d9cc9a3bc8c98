using System.Globalization;

namespace Countersign.Policy.Tests;

public sealed class PolicyErrorTests
{
    private static readonly Dictionary<string, ErrorCase> Cases = ReadCases();

    public static TheoryData<string> Names() => [.. Cases.Keys];

    // Proves that a document's errors are exactly those expected, all of them, each at its line and column, by the
    // cases of errors.txt; and that nothing compiles beside an error.
    [Theory]
    [MemberData(nameof(Names))]
    public void Every_error_has_its_place(string name)
    {
        PolicyReading reading = PolicyTexts.Read(Cases[name].Text);
        string[] said = [.. reading.Errors.Select(error => $"{error.Line}:{error.Column} {error.Message}")];
        Assert.True(Cases[name].Errors.SequenceEqual(said), string.Join('\n', said));
        Assert.Null(reading.Snapshot);
        Assert.Empty(reading.Json);
    }

    // Proves the bound on the document by one byte, counted in UTF-8: padded with a comment it is read at the limit and
    // refused beyond it.
    [Theory]
    [InlineData("x", 1)]
    [InlineData("é", 2)]
    public void A_document_is_at_most_one_MiB(string unit, int unitBytes)
    {
        string text = PolicyTexts.TwoFunctions + "rules: []\n#";
        int room = PolicyLimits.DocumentBytesMax - text.Length;
        text += new string('-', room % unitBytes) + string.Concat(Enumerable.Repeat(unit, room / unitBytes));
        Assert.Empty(PolicyTexts.Read(text).Errors);
        PolicyError error = Assert.Single(PolicyTexts.Read(text + "-").Errors);
        Assert.Equal(new PolicyError(1, 1, "the document is larger than 1048576 bytes"), error);
    }

    // Proves that no document makes the reader throw, and that what it does accept reads back the same, by damaging a
    // good policy at random; a failure prints its seed.
    [Fact]
    public void Damaged_documents_never_throw()
    {
        int seed = Environment.TickCount;
        Random random = new(seed);
        string good = PolicyTexts.ReadFile("samples/policies/demo.yaml");
        string spice = "{}[]:,-#&*!|>'\"%@`?\\ \n\t\0\u0085\uFEFF\uD800\uDC0007a~=<";
        for (int round = 0; round < 3_000; round++)
        {
            char[] text = good.ToCharArray();
            for (int n = random.Next(1, 6); n > 0; n--)
            {
                text[random.Next(text.Length)] = spice[random.Next(spice.Length)];
            }

            string damaged = new(text, 0, random.Next(4) == 0 ? random.Next(text.Length) : text.Length);
            try
            {
                PolicyReading reading = PolicyTexts.Read(damaged);
                Assert.Equal(reading.Snapshot is null, reading.Errors.Count > 0);
                Assert.All(reading.Errors, error => Assert.True(error.Line >= 1 && error.Column >= 1));
                if (reading.Snapshot is not null) Assert.Equal(reading.Json, PolicyTexts.Read(reading.Json).Json);
            }
            catch (Exception fault)
            {
                Assert.Fail($"seed {seed}, round {round}: {fault}\n{damaged}");
            }
        }
    }

    private static Dictionary<string, ErrorCase> ReadCases()
    {
        Dictionary<string, ErrorCase> cases = [];
        List<string> document = [];
        List<string> errors = [];
        string? name = null;
        string[] lines = PolicyTexts.ReadFile("tests/cases/policy/errors.txt").Split('\n');
        foreach (string line in lines.Append("=== "))
        {
            if (line.StartsWith("=== ", StringComparison.Ordinal))
            {
                if (name is not null) cases.Add(name, new ErrorCase(string.Join('\n', document), [.. errors]));
                name = line[4..];
                document.Clear();
                errors.Clear();
            }
            else if (line.StartsWith("#^ ", StringComparison.Ordinal))
            {
                errors.Add(string.Create(CultureInfo.InvariantCulture, $"{Math.Max(1, document.Count)}:{line[3..]}"));
            }
            else
            {
                document.Add(line);
            }
        }

        return cases;
    }

    private sealed record ErrorCase(string Text, string[] Errors);
}
