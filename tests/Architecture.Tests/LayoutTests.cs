using System.Text.RegularExpressions;

namespace Countersign.Architecture.Tests;

public sealed partial class LayoutTests
{
    private const int FileLinesMax = 400;
    private const int MethodLinesMax = 70;
    private const int LineCharsMax = 120;

    private static readonly string[] Folders = ["src", "samples", "tests", "bench", "loadtests"];

    [Fact]
    public void Files_end_by_line_400()
    {
        // Proves by counting that no file is longer.
        Found.Nothing(Exemptions.Apply("file-lines", Repository.Sources(Folders).SelectMany(LongFiles)));
    }

    [Fact]
    public void Methods_end_by_line_70()
    {
        // Proves by counting from a method's name to its closing brace that none is longer.
        Found.Nothing(Exemptions.Apply("method-lines", Repository.Sources(Folders).SelectMany(LongMethods)));
    }

    [Fact]
    public void Lines_end_by_column_120()
    {
        // Proves by counting that no line is longer, comments included.
        Found.Nothing(Exemptions.Apply("line-chars", Repository.Sources(Folders).SelectMany(LongLines)));
    }

    [Fact]
    public void Sees_what_is_one_too_long()
    {
        // Proves that each of the three counts takes the last length that fits and refuses the next.
        Assert.Empty(LongFiles(Of(Repeat("// a\n", FileLinesMax))));
        Assert.Single(LongFiles(Of(Repeat("// a\n", FileLinesMax + 1))));
        Assert.Empty(LongLines(Of(Repeat("/", LineCharsMax) + "\n")));
        Assert.Single(LongLines(Of(Repeat("/", LineCharsMax + 1) + "\n")));
        const string Head = "class A\n{\n    [Hot]\n    int B()\n    {\n";
        Assert.Empty(LongMethods(Of(Head + Repeat("        C();\n", MethodLinesMax - 3) + "    }\n}\n")));
        Assert.Single(LongMethods(Of(Head + Repeat("        C();\n", MethodLinesMax - 2) + "    }\n}\n")));
    }

    [Fact]
    public void Namespaces_are_folders()
    {
        // Proves that each file declares Countersign.<Project> and its folders below, in file scope, behind what it
        // uses.
        ProjectFile[] projects = [.. Repository.Projects(Folders)];
        Found.Nothing(
            from file in Repository.Sources(Folders)
            let project = projects.FirstOrDefault(
                one => file.Path.StartsWith(one.Folder + "/", StringComparison.Ordinal))
            let declares = file.Members.Any(member => member.Kind == MemberKind.Type)
            where (declares || file.Namespace.Length > 0) && file.Namespace != NamespaceOf(file.Path, project)
            select file.Path + " declares namespace " + file.Namespace);
        Found.Nothing(Repository.Sources(Folders).SelectMany(file => file.Find(BlockNamespace())));
        Found.Nothing(Repository.Sources(Folders).SelectMany(file => file.Find(LateUsing())));
    }

    [Fact]
    public void Unfinished_work_has_an_issue()
    {
        // Proves that no comment marks work to do without the number of an issue beside it.
        Found.Nothing(Repository.Sources(Folders).SelectMany(Unfinished));
    }

    [Theory]
    [InlineData("// TO" + "DO: later", false)]
    [InlineData("/* FIX" + "ME */", false)]
    [InlineData("// HA" + "CK around it", false)]
    [InlineData("// TO" + "DO(#12): later", true)]
    [InlineData("string a = \"TO" + "DO\";", true)]
    public void Sees_unfinished_work(string text, bool passes)
    {
        // Proves that each mark is found in comments alone, and passes with a number.
        Assert.Equal(passes, !Unfinished(Of(text)).Any());
    }

    [Fact]
    public void A_test_opens_with_what_it_proves()
    {
        // Proves that every test has its comment, as the first line of its body or as the line above its attributes.
        Found.Nothing(Repository.Sources("tests").SelectMany(Unexplained));
    }

    [Theory]
    [InlineData("class A { [Fact] void B()\n{\n// Proves it.\nC(); } }", true)]
    [InlineData("class A { [Fact] void B()\n{\nC(); // Proves it.\n} }", false)]
    [InlineData("class A { [Fact] void B() => C(); }", false)]
    [InlineData("class A { [Fact] void B() => C(x =>\n{\n// Proves it.\nD(); }); }", true)]
    [InlineData("class A {\n// Proves it.\n[Fact] void B() => C(); }", true)]
    [InlineData("class A {\n/// <summary>Proves it.</summary>\n[Fact] void B() => C(); }", false)]
    [InlineData("class A { void B()\n{\nC(); } }", true)]
    public void Sees_a_test_without_words(string text, bool passes)
    {
        // Proves that a test needs its comment first, and that other methods need none.
        Assert.Equal(passes, !Unexplained(Of(text)).Any());
    }

    private static SourceFile Of(string text) => new("src/A.cs", text);

    private static string Repeat(string text, int count) => string.Concat(Enumerable.Repeat(text, count));

    private static IEnumerable<string> LongFiles(SourceFile file) =>
        file.Lines.Length > FileLinesMax ? [file.Path + ": " + file.Lines.Length + " lines"] : [];

    private static IEnumerable<string> LongLines(SourceFile file) =>
        from line in Enumerable.Range(1, file.Lines.Length)
        where file.Lines[line - 1].TrimEnd('\r').Length > LineCharsMax
        select file.Path + ":" + line + ": " + file.Lines[line - 1].Length + " characters";

    private static IEnumerable<string> LongMethods(SourceFile file) =>
        from member in file.Members
        where member.Kind != MemberKind.Type
        let lines = file.LineOf(member.End) - file.LineOf(member.Start) + 1
        where lines > MethodLinesMax
        select file.Path + ":" + file.LineOf(member.Start) + ": " + member.Name + " has " + lines + " lines";

    private static string NamespaceOf(string path, ProjectFile? project)
    {
        if (project is null) return "Countersign"; // HotPath.cs, compiled into every project
        string[] folders = path[(project.Folder.Length + 1)..].Split('/')[..^1];
        return string.Join('.', ["Countersign", project.Name, .. folders]);
    }

    private static IEnumerable<string> Unfinished(SourceFile file) =>
        from line in Enumerable.Range(1, file.Lines.Length)
        let comment = file.CommentLines[line - 1]
        where UnfinishedMark().IsMatch(comment) && !Issue().IsMatch(comment)
        select file.Cite(line);

    private static IEnumerable<string> Unexplained(SourceFile file) =>
        from member in file.Members
        where member.Kind == MemberKind.Method && TestAttribute().IsMatch(member.Attributes)
        let opensBody = IsComment(FirstOfBody(file, member))
        let line = file.LineOf(member.Top)
        where !opensBody && !(line > 1 && IsComment(file.CommentLines[line - 2]))
        select file.Cite(file.LineOf(member.Start));

    // A body that is one call with a lambda opens where the lambda's braces do.
    private static string FirstOfBody(SourceFile file, Member member)
    {
        int brace = file.Code.IndexOf('{', member.Body);
        return brace < 0 || brace > member.End ? "" : file.Text[(brace + 1)..];
    }

    private static bool IsComment(string text) =>
        text.TrimStart().StartsWith("//", StringComparison.Ordinal)
        && !text.TrimStart().StartsWith("///", StringComparison.Ordinal);

    [GeneratedRegex(@"^\s*namespace\s+[\w.]+\s*\{", RegexOptions.Multiline)]
    private static partial Regex BlockNamespace();

    [GeneratedRegex(@"^namespace\s+[\w.]+;\s*using\s", RegexOptions.Multiline)]
    private static partial Regex LateUsing();

    [GeneratedRegex(@"\b(TODO|FIXME|HACK|XXX)\b", RegexOptions.IgnoreCase)]
    private static partial Regex UnfinishedMark();

    [GeneratedRegex(@"#\d+")]
    private static partial Regex Issue();

    [GeneratedRegex(@"\[\s*(Fact|Theory|Test)\b")]
    private static partial Regex TestAttribute();
}
