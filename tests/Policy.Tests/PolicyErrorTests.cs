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

    // Proves that what ends a line for one reader and not for another, and what a terminal does not show, is refused in
    // a comment, in a text and between entries, at its place, and that nothing else is read then.
    [Theory]
    [InlineData('\u2028', "U+2028")]
    [InlineData('\u2029', "U+2029")]
    [InlineData('\u0085', "U+0085")]
    [InlineData('\0', "U+0000")]
    [InlineData('\u001B', "U+001B")]
    [InlineData('\u007F', "U+007F")]
    [InlineData('\u200E', "U+200E")]
    [InlineData('\u200F', "U+200F")]
    [InlineData('\u202A', "U+202A")]
    [InlineData('\u202E', "U+202E")]
    [InlineData('\u2066', "U+2066")]
    [InlineData('\u2069', "U+2069")]
    [InlineData('\r', "U+000D")]
    public void What_readers_see_differently_is_refused_anywhere(char one, string name)
    {
        string rule = "- { id: r, subjects: { groups: [g] }, functions: [f.a], effect: allow }";
        string[] documents =
        [
            PolicyTexts.TwoFunctions + $"rules:\n# note{one}  {rule}\n",
            PolicyTexts.TwoFunctions + $"rules:\n  {one} \n  {rule}\n",
            PolicyTexts.TwoFunctions + $"rules:\n  {rule.Replace("[g]", $"['g{one}h']", StringComparison.Ordinal)}\n",
        ];
        foreach (string document in documents)
        {
            PolicyError error = Assert.Single(PolicyTexts.Read(document).Errors);
            int at = document.IndexOf(one, StringComparison.Ordinal);
            Assert.Equal(document.AsSpan(0, at).Count('\n') + 1, error.Line);
            Assert.Equal(at - document.LastIndexOf('\n', at), error.Column);
            Assert.StartsWith(name + " is not allowed, ", error.Message, StringComparison.Ordinal);
        }
    }

    // Proves that tabs, both usual line ends and letters of any script are no such thing.
    [Fact]
    public void What_readers_see_alike_is_read()
    {
        string text = PolicyTexts.TwoFunctions + "rules: []\t# a tab, \u00FC \u05D0 \u4E2D \U0001F600\n";
        Assert.Empty(PolicyTexts.Read(text).Errors);
        Assert.Empty(PolicyTexts.Read(text.Replace("\n", "\r\n", StringComparison.Ordinal)).Errors);
    }

    // Proves that a document full of such characters is answered with a bounded list.
    [Fact]
    public void Errors_of_characters_are_bounded() =>
        Assert.Equal(100, PolicyTexts.Read(new string('\u2028', 10_000)).Errors.Count);

    // Proves that a number that YAML 1.1 and 1.2 read differently is refused with what to write, that its plain and its
    // quoted spelling are not, and neither is a number that all read alike.
    [Theory]
    [InlineData("010", "write 10,")]
    [InlineData("-010", "write -10,")]
    [InlineData("0o17", "write 15,")]
    [InlineData("0x1f", "write 31,")]
    [InlineData("0b101", "write 5,")]
    [InlineData("1_000", "write 1000,")]
    [InlineData("1:30", "write 90,")]
    [InlineData("09.5", "write it in decimal,")]
    [InlineData("'010'", null)]
    [InlineData("0", null)]
    [InlineData("-10", null)]
    [InlineData("0.5", null)]
    [InlineData("1.50", null)]
    [InlineData("1e-05", null)]
    [InlineData("1:30:x", null)]
    public void Numbers_have_one_spelling(string written, string? advice)
    {
        string text = $$"""
            apiVersion: countersign/v1
            upstreams: { up: { endpoints: ["http://h"] } }
            functions:
              f.a:
                upstream: up
                method: POST
                path: /a
                risk: low
                args: { type: object, properties: { n: { enum: [{{written}}] } } }
            rules: []
            """;
        PolicyReading reading = PolicyTexts.Read(text);
        if (advice is null)
        {
            Assert.Empty(reading.Errors);
            return;
        }

        PolicyError error = Assert.Single(reading.Errors);
        Assert.Equal((9, text.Split('\n')[8].IndexOf("[" + written, StringComparison.Ordinal) + 2),
            (error.Line, error.Column));
        Assert.Contains(advice, error.Message, StringComparison.Ordinal);
    }

    // Proves that a tab as indentation is reported where it stands, in the first file and in an included one.
    [Theory]
    [InlineData("rules:\n\t- { id: r }\n", 2, 1)]
    [InlineData("rules:\n  - id: r\n\t  effect: deny\n", 3, 1)]
    [InlineData("masks: [] # fine\n\n\t# and\nrules:\n\t- { id: r }\n", 5, 1)]
    [InlineData("rules:\n  - when: |\n      a &&\n      b\n\tid: r\n", 5, 1)]
    public void A_tab_is_reported_where_it_stands(string part, int line, int column)
    {
        PolicyError error = PolicyTexts.Read(part).Errors[0];
        Assert.Equal((line, column), (error.Line, error.Column));
        Assert.Equal("a tab may not indent: use spaces", error.Message);
        PolicyReading files = PolicyReader.ReadFiles(
            "a.yaml", PolicyTexts.TwoFunctions + "include: [b.yaml]\n", _ => part, false, PolicyTexts.Vocabulary);
        PolicyError included = files.Errors.First(one => one.File == "b.yaml");
        Assert.Equal((line, column, error.Message), (included.Line, included.Column, included.Message));
    }

    // Proves that every error of a condition is reported, by type and by what can never convert.
    [Theory]
    [InlineData("1 && args.a == 2 && path.nope == 'x' && caller.nope == 'y'", 2, 25, 47)]
    [InlineData("[1].all(x, x + 'a' == 1) || unknown(2) || 'a' < 1", 13, 28, 46)]
    [InlineData("duration('30d') > duration('x') || args.a in [timestamp('2026-12-31')]", 9, 27, 56)]
    [InlineData("now < timestamp('2026-02-30T12:00:00Z')", 16)]
    [InlineData("args.a == int('1x') || args.a == uint(-1) || args.a == double('z')", 14, 38, 62)]
    [InlineData("now < timestamp('2026-02-28T12:00:00Z') && duration('720h') > duration('1h30m') && int('7') == 7")]
    [InlineData("args.a == duration(args.b) || int(args.a) == 1")]
    public void Every_error_of_a_condition_is_reported(string condition, params int[] offsets)
    {
        string text = PolicyTexts.TwoFunctions
            + "rules:\n  - id: r\n    subjects: { groups: [g] }\n    functions: [f.a]\n"
            + $"    effect: allow\n    when: \"{condition}\"\n";
        PolicyReading reading = PolicyTexts.Read(text);
        Assert.Equal([.. offsets.Select(offset => 12 + offset)], reading.Errors.Select(error => error.Column));
        Assert.All(reading.Errors, error => Assert.Equal(11, error.Line));
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
