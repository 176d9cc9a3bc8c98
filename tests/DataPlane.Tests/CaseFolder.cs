using System.Text.Json;

namespace Countersign.DataPlane.Tests;

/// <summary>The files under tests/cases.</summary>
internal static class CaseFolder
{
    internal static string Root { get; } = Find();

    internal static JsonElement Read(params string[] path) =>
        JsonDocument.Parse(File.ReadAllText(Path.Combine([Root, "tests", "cases", .. path]))).RootElement;

    private static string Find()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "global.json"))) folder = folder.Parent;
        if (folder is not null) return folder.FullName;
        folder = new DirectoryInfo(SourceFolder());
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "global.json"))) folder = folder.Parent;
        return folder?.FullName ?? throw new DirectoryNotFoundException("no folder above holds global.json");
    }

    private static string SourceFolder([System.Runtime.CompilerServices.CallerFilePath] string file = "") =>
        Path.GetDirectoryName(file) ?? "";
}
