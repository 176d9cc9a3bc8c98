using System.Runtime.CompilerServices;

namespace Countersign.Identity.Tests;

/// <summary>The files under tests/cases/identity.</summary>
internal static class CaseFolder
{
    internal static string Root { get; } = Find();

    internal static string Path(params string[] path) =>
        System.IO.Path.Combine([Root, "tests", "cases", "identity", .. path]);

    private static string Find([CallerFilePath] string file = "")
    {
        foreach (string start in (string[])[AppContext.BaseDirectory, System.IO.Path.GetDirectoryName(file)!])
        {
            for (DirectoryInfo? at = new(start); at is not null; at = at.Parent)
            {
                if (File.Exists(System.IO.Path.Combine(at.FullName, "global.json"))) return at.FullName;
            }
        }

        throw new DirectoryNotFoundException("no folder above holds global.json");
    }
}
