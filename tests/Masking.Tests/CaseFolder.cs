using System.Runtime.CompilerServices;

namespace Countersign.Masking.Tests;

/// <summary>Finds the case files by walking up to the repository's root.</summary>
internal static class CaseFolder
{
    private static readonly string Root = RootAbove(AppContext.BaseDirectory)
        ?? RootAbove(SourceFolder())   // the output may be built outside the tree
        ?? throw new DirectoryNotFoundException("no folder above holds global.json");

    public static string Find(params string[] below) => Path.Combine([Root, "tests", "cases", .. below]);

    private static string? RootAbove(string start)
    {
        DirectoryInfo? folder = new(start);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "global.json"))) folder = folder.Parent;
        return folder?.FullName;
    }

    private static string SourceFolder([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}
