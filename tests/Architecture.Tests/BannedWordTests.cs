using System.Text.RegularExpressions;

namespace Countersign.Architecture.Tests;

public sealed partial class BannedWordTests
{
    private static readonly string[] Shipped = ["src", "samples"];

    private static readonly string[] All = ["src", "samples", "tests", "bench", "loadtests"];

    private static readonly string[] TextEndings =
    [
        ".cs", ".csproj", ".razor", ".css", ".js", ".mjs", ".md", ".txt", ".json", ".jsonl", ".yml", ".yaml", ".sh",
    ];

    [Fact]
    public void Http_clients_live_in_Identity()
    {
        // Proves by source text that no other code of src holds one, but where STYLE 4 is broken in the open.
        Found.Nothing(Repository.Sources("src")
            .Where(file => !file.Path.StartsWith("src/Identity/", StringComparison.Ordinal))
            .SelectMany(HttpClients));
    }

    [Fact]
    public void The_terminal_belongs_to_Cli()
    {
        // Proves by source text and IL that only Cli speaks to System.Console.
        Found.Nothing(Repository.Sources(Shipped)
            .Where(file => !file.Path.StartsWith("src/Cli/", StringComparison.Ordinal))
            .SelectMany(file => file.Find(Terminal())));
        Found.Nothing(AssemblyImage.Ours
            .Where(image => image.Name != "countersign" && image.References.Contains("System.Console"))
            .Select(image => image.Name + " uses System.Console"));
    }

    [Fact]
    public void The_environment_is_read_in_Program()
    {
        // Proves by source text that nothing of src and samples but src/Cli/Program.cs reads environment variables.
        Found.Nothing(Repository.Sources(Shipped)
            .Where(file => file.Path != "src/Cli/Program.cs")
            .SelectMany(file => file.Find(EnvironmentRead())));
    }

    [Fact]
    public void Time_and_chance_are_passed_in()
    {
        // Proves by source text that nothing anywhere asks for the time, sleeps, or rolls shared dice.
        Found.Nothing(Repository.Sources(All).SelectMany(file => file.Find(TimeOrChance())));
    }

    [Fact]
    public void Memory_is_safe_and_code_is_managed()
    {
        // Proves by source text and project files that nothing is unsafe, and no foreign code is called unlisted.
        Found.Nothing(Repository.Sources(All).SelectMany(file => file.Find(UnsafeCode())));
        Found.Nothing(Exemptions.Apply(
            "foreign-code", Repository.Sources(All).SelectMany(file => file.Find(ForeignCode()))));
        Found.Nothing(Repository.Projects(All)
            .Where(project => Repository.Read(project.Path).Contains("AllowUnsafeBlocks", StringComparison.Ordinal))
            .Select(project => project.Path + " sets AllowUnsafeBlocks"));
        Assert.Contains(
            "<AllowUnsafeBlocks>false<", Repository.Read("Directory.Build.props"), StringComparison.Ordinal);
    }

    [Fact]
    public void No_path_names_somebodys_machine()
    {
        // Proves that no text of ours names a folder that only one machine has.
        IEnumerable<string> files = Repository.Files([.. All, "docs"], TextEndings);
        Found.Nothing(
            from path in files.Append("README.md").Append("check.sh").Where(Repository.Has)
            from line in Repository.Read(path).Split('\n')
            where MachinePath().IsMatch(line)
            select path + ": " + line.Trim());
    }

    [Theory]
    [InlineData("TimeOrChance", "x = DateTime.UtcNow;", "x = DateTime.UnixEpoch;")]
    [InlineData("TimeOrChance", "x = DateTimeOffset . Now;", "x = clock.GetUtcNow();")]
    [InlineData("TimeOrChance", "Thread.Sleep(1);", "x = \"Thread.Sleep(1)\"; // Thread.Sleep(1)")]
    [InlineData("TimeOrChance", "x = Random.Shared;", "x = new Random(seed);")]
    [InlineData("EnvironmentRead", "x = Environment.GetEnvironmentVariable(y);", "x = Environment.MachineName;")]
    [InlineData("Terminal", "System.Console.WriteLine(x);", "using Countersign.ControlPlane.Console;")]
    [InlineData("UnsafeCode", "unsafe { }", "int unsafely;")]
    [InlineData("ForeignCode", "[DllImport(x)] static extern int A();", "// DllImport")]
    [InlineData("HttpClient", "HttpClient x;", "// STYLE 4: because\nHttpClient x;")]
    [InlineData("HttpClient", "var x = new HttpClientHandler();", "string x = \"HttpClient\";")]
    public void Sees_each_word(string rule, string bad, string good)
    {
        // Proves that each rule finds its word in code, and takes a look-alike, a string or a comment.
        Assert.NotEmpty(Apply(rule, bad));
        Assert.Empty(Apply(rule, good));
    }

    [Theory]
    [InlineData("open(\"/" + "home/me/x\")", true)]
    [InlineData("cd /" + "work/x", true)]
    [InlineData("C:\\" + "Users\\me", true)]
    [InlineData("/api/work/x and ./tmp/x", false)]
    [InlineData("https://host.test/home/x", false)]
    public void Sees_a_machine_path(string line, bool isOne)
    {
        // Proves that a path from a machine's root is told from a path of a URL and from a relative one.
        Assert.Equal(isOne, MachinePath().IsMatch(line));
    }

    private static IEnumerable<string> Apply(string rule, string code)
    {
        var file = new SourceFile("src/A.cs", code);
        return rule switch
        {
            "TimeOrChance" => file.Find(TimeOrChance()),
            "EnvironmentRead" => file.Find(EnvironmentRead()),
            "Terminal" => file.Find(Terminal()),
            "UnsafeCode" => file.Find(UnsafeCode()),
            "ForeignCode" => file.Find(ForeignCode()),
            "HttpClient" => HttpClients(file),
            _ => throw new ArgumentOutOfRangeException(nameof(rule)),
        };
    }

    private static IEnumerable<string> HttpClients(SourceFile file) =>
        from Match match in HttpClientWord().Matches(file.Code)
        let line = file.LineOf(match.Index)
        where !file.IsExcused(line, "// STYLE 4:")
        select file.Cite(line);

    [GeneratedRegex(@"\bI?HttpClient\w*")]
    private static partial Regex HttpClientWord();

    [GeneratedRegex(
        @"\bConsole\s*\.\s*(Write|WriteLine|Read\w*|Out|Error|In|Set\w+|Open\w+|Is\w+Redirected|CancelKeyPress)\b")]
    private static partial Regex Terminal();

    [GeneratedRegex(@"\bEnvironment\s*\.\s*(Get|Set|Expand)EnvironmentVariables?\b")]
    private static partial Regex EnvironmentRead();

    [GeneratedRegex(
        @"\bDateTime(Offset)?\s*\.\s*(Now|UtcNow|Today)\b|\bRandom\s*\.\s*Shared\b|\bThread\s*\.\s*Sleep\b")]
    private static partial Regex TimeOrChance();

    [GeneratedRegex(@"\bunsafe\b|\bMemoryMarshal\s*\.\s*GetReference\b|\bUnsafe\s*\.\s*[A-Z]")]
    private static partial Regex UnsafeCode();

    [GeneratedRegex(@"\b(DllImport|LibraryImport)\b")]
    private static partial Regex ForeignCode();

    [GeneratedRegex(@"(?<![\w.\-/*}>)])/(work|tmp|home|root|Users)/|[A-Z]:\\Users\\")]
    private static partial Regex MachinePath();
}
