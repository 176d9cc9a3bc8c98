using System.Text.RegularExpressions;

namespace Countersign.Architecture.Tests;

public sealed partial class VerdictTests
{
    private const string Source = "src/DataPlane/Calls/Verdict.cs";
    private const string Table = "docs/VERDICTS.md";
    private const string Cases = "tests/cases/verdicts";

    [Fact]
    public void Every_verdict_is_explained()
    {
        // Proves that docs/VERDICTS.md has one row for each verdict, and none for what is no verdict.
        Assert.True(Repository.Has(Table), "there is no " + Table);
        Found.Same(
            Verdicts(), Row().Matches(Repository.Read(Table)).Select(match => match.Groups["name"].Value), Table);
    }

    [Fact]
    public void Every_verdict_has_a_case()
    {
        // Proves that some file among the verdict cases is of each verdict, by its name or by what it says.
        string folder = Path.Combine(Repository.Root, Cases);
        string[] files = Directory.Exists(folder) ? Directory.GetFiles(folder, "*", SearchOption.AllDirectories) : [];
        string all = string.Join('\n', files.Select(file => Path.GetFileName(file) + "\n" + File.ReadAllText(file)));
        Found.Nothing(Verdicts()
            .Where(verdict => !Regex.IsMatch(all, "\\b" + verdict + "\\b"))
            .Select(verdict => Cases + " has no case of " + verdict));
    }

    [Fact]
    public void The_first_verdict_refuses()
    {
        // Proves that default(Verdict) is Undecided, whatever is added later, and that the reading finds them all.
        Assert.Equal("Undecided", Verdicts().First());
        Assert.Contains("Fault", Verdicts());
    }

    private static IEnumerable<string> Verdicts()
    {
        var file = new SourceFile(Source, Repository.Read(Source));
        Member verdict = file.Members.Single(member => member.Name == "Verdict");
        return EnumMember().Matches(file.Code[verdict.Body..verdict.End]).Select(match => match.Groups["name"].Value);
    }

    [GeneratedRegex(@"^\|\s*`(?<name>\w+)`\s*\|", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"\b(?<name>[A-Z]\w*)\s*(=\s*\d+\s*)?(,|$)", RegexOptions.Multiline)]
    private static partial Regex EnumMember();
}
