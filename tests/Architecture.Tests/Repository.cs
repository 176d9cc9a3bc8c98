using System.Runtime.CompilerServices;

namespace Countersign.Architecture.Tests;

/// <summary>The files of this repository, named by their path from its root with forward slashes.</summary>
internal static class Repository
{
    private static readonly string[] NotOurs =
        ["bin", "obj", "node_modules", "TestResults", "artifacts", "cases", "state"];

    /// <summary>The folder that holds global.json.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Every C# file of ours under these folders.</summary>
    public static IReadOnlyList<SourceFile> Sources(params string[] folders) =>
        [.. Files(folders, ".cs").Select(path => new SourceFile(path, Read(path)))];

    /// <summary>Every project under these folders.</summary>
    public static IReadOnlyList<ProjectFile> Projects(params string[] folders) =>
        [.. Files(folders, ".csproj").Select(path => new ProjectFile(path, Read(path)))];

    /// <summary>Every file of ours under these folders whose name ends so, in the order of their paths.</summary>
    public static IReadOnlyList<string> Files(string[] folders, params string[] endings) =>
    [
        .. folders.SelectMany(Walk)
            .Where(path => endings.Any(ending => path.EndsWith(ending, StringComparison.Ordinal)))
            .Order(StringComparer.Ordinal),
    ];

    public static bool Has(string path) => File.Exists(Path.Combine(Root, path));

    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    /// <summary>The lines of a data file beside these tests, without comments and blanks.</summary>
    public static IReadOnlyList<string> List(string name) =>
    [
        .. Read("tests/Architecture.Tests/" + name).Split('\n')
            .Select(line => line.Trim())
            .Where(line => line.Length > 0 && line[0] != '#'),
    ];

    private static IEnumerable<string> Walk(string folder)
    {
        string whole = Path.Combine(Root, folder);
        if (!Directory.Exists(whole)) return [];
        IEnumerable<string> files = Directory.EnumerateFiles(whole)
            .Select(file => Path.GetRelativePath(Root, file).Replace('\\', '/'));
        IEnumerable<string> deeper = Directory.EnumerateDirectories(whole)
            .Where(inner => !NotOurs.Contains(Path.GetFileName(inner)))
            .SelectMany(inner => Walk(Path.GetRelativePath(Root, inner)));
        return files.Concat(deeper);
    }

    private static string FindRoot() =>
        RootAbove(AppContext.BaseDirectory)
        ?? RootAbove(SourceFolder()) // the output may be built outside the tree
        ?? throw new DirectoryNotFoundException("no folder above holds global.json");

    private static string? RootAbove(string start)
    {
        DirectoryInfo? folder = new(start);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "global.json"))) folder = folder.Parent;
        return folder?.FullName;
    }

    private static string SourceFolder([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}
