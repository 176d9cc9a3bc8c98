using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Countersign.Architecture.Tests;

public sealed partial class ProjectTests
{
    private static readonly string[] Folders = ["src", "samples", "tests", "bench", "loadtests"];

    private static readonly Dictionary<string, string[]> References = new()
    {
        ["Policy"] = [],
        ["Masking"] = [],
        ["Audit"] = [],
        ["Identity"] = ["Policy"],
        ["DataPlane"] = ["Audit", "Identity", "Masking", "Policy"],
        ["ControlPlane"] = ["Audit", "Identity", "Masking", "Policy"],
    };

    [Fact]
    public void Every_wall_is_where_the_house_has_it()
    {
        // Proves that src holds the projects of STYLE section 1 and no other, each in the folder of its name.
        Assert.Equal(
            References.Keys.Append("Cli").Order(StringComparer.Ordinal).Select(PathOf),
            Repository.Projects("src").Select(project => project.Path).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Nothing_points_back()
    {
        // Proves by the project files that each project below Cli references exactly what section 1 lets it.
        foreach ((string name, string[] allowed) in References)
        {
            ProjectFile project = Repository.Projects("src").Single(project => project.Name == name);
            Found.Same(allowed.Select(PathOf), project.References, project.Path);
        }
    }

    [Fact]
    public void Only_Cli_composes()
    {
        // Proves by the project files that Cli references both planes and otherwise what is below them or a sample,
        // that no project outside tests references Cli, and that only Cli references samples.
        ProjectFile cli = Repository.Projects("src").Single(project => project.Name == "Cli");
        Assert.Contains(PathOf("DataPlane"), cli.References);
        Assert.Contains(PathOf("ControlPlane"), cli.References);
        Found.Nothing(cli.References
            .Where(path => !References.Keys.Select(PathOf).Contains(path) && !IsSample(path))
            .Select(path => cli.Path + " references " + path));
        Found.Nothing(
            from project in Repository.Projects(Folders)
            from path in project.References
            where (path == cli.Path && !project.Path.StartsWith("tests/", StringComparison.Ordinal))
                || (IsSample(path) && project.Path != cli.Path)
            select project.Path + " references " + path);
    }

    [Fact]
    public void The_compiled_references_are_those_of_the_projects()
    {
        // Proves by IL that no assembly reaches further than its project file says, not even through another project.
        foreach ((string name, string[] allowed) in References)
        {
            Found.Nothing(AssemblyImage.Of(name).References
                .Where(reference => reference.StartsWith("Countersign.", StringComparison.OrdinalIgnoreCase))
                .Except(allowed.Select(AssemblyImage.NameOf))
                .Select(reference => name + " uses " + reference));
        }

        Found.Nothing(Repository.Projects("samples").SelectMany(project => AssemblyImage.Of(project.Name).References
            .Where(reference => reference.StartsWith("Countersign", StringComparison.OrdinalIgnoreCase))
            .Select(reference => project.Name + " uses " + reference)));
    }

    [Fact]
    public void Internals_are_opened_to_tests_alone()
    {
        // Proves that no project of src lets another one of src or a sample see its internals.
        Found.Nothing(
            from project in Repository.Projects("src", "samples")
            from friend in project.Friends
            where !TestAssembly().IsMatch(friend)
            select project.Path + " opens its internals to " + friend);
    }

    [Fact]
    public void Redis_stays_in_its_folder()
    {
        // Proves by source text, project files and IL that only src/Policy/Redis speaks to Redis.
        Found.Nothing(Repository.Sources("src", "samples")
            .Where(file => !file.Path.StartsWith("src/Policy/Redis/", StringComparison.Ordinal))
            .SelectMany(file => file.Find(RedisClient())));
        Assert.Equal(
            [PathOf("Policy")],
            Repository.Projects("src", "samples").Where(project => project.Packages.Contains("StackExchange.Redis"))
                .Select(project => project.Path));
        Assert.Equal(
            ["Countersign.Policy"],
            AssemblyImage.Ours.Where(image => image.References.Contains("StackExchange.Redis")).Select(
                image => image.Name));
    }

    [Fact]
    public void Every_project_is_in_the_solution()
    {
        // Proves that DataPlane.sln names every project and none that is not there.
        Assert.True(Repository.Has("DataPlane.sln"), "there is no DataPlane.sln");
        IEnumerable<string> named = SolutionProject().Matches(Repository.Read("DataPlane.sln"))
            .Select(match => match.Groups["path"].Value.Replace('\\', '/'));
        Found.Same(Repository.Projects(Folders).Select(project => project.Path), named, "DataPlane.sln");
    }

    [Fact]
    public void Every_restore_is_locked()
    {
        // Proves that every project has its lock file.
        Found.Nothing(Repository.Projects(Folders)
            .Where(project => !Repository.Has(project.Folder + "/packages.lock.json"))
            .Select(project => project.Path + " has no packages.lock.json"));
    }

    [Fact]
    public void Every_version_is_exact_and_central()
    {
        // Proves that each central version names one version, no range or pattern, and that no project sets its own.
        Found.Nothing(XElement.Parse(Repository.Read("Directory.Packages.props")).Descendants("PackageVersion")
            .Where(item => !ExactVersion().IsMatch(item.Attribute("Version")?.Value ?? ""))
            .Select(item => "not one version: " + item));
        Found.Nothing(
            from project in Repository.Projects(Folders)
            from package in project.OwnVersions
            select project.Path + " sets a version for " + package);
    }

    private static string PathOf(string project) => "src/" + project + "/" + project + ".csproj";

    private static bool IsSample(string path) => path.StartsWith("samples/", StringComparison.Ordinal);

    [GeneratedRegex(@"^Countersign\.(\w+\.Tests|Kit|Fuzz|Bench)$")]
    private static partial Regex TestAssembly();

    [GeneratedRegex(@"\bStackExchange\b")]
    private static partial Regex RedisClient();

    [GeneratedRegex("\"(?<path>[^\"]+\\.csproj)\"")]
    private static partial Regex SolutionProject();

    [GeneratedRegex(@"^\d+(\.\d+){1,3}(-[\w.]+)?$")]
    private static partial Regex ExactVersion();
}
