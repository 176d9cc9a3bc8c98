using System.CommandLine;
using Countersign.Policy;

namespace Countersign.Cli.Policies;

/// <summary>A policy as it is written in files: read, merged and compiled.</summary>
/// <param name="Name">As it was given.</param>
/// <param name="Text">What the first file holds.</param>
/// <param name="Reading">What it means.</param>
internal sealed record PolicyFile(string Name, string Text, PolicyReading Reading)
{
    /// <summary>No file of these commands is larger; a policy is refused long before.</summary>
    private const long BytesMax = 64 * 1_048_576;

    /// <summary>The option that lets <c>include</c> name files anywhere.</summary>
    internal static Option<bool> IncludeOutside() => new("--include-outside")
    {
        Description = "Let 'include' name files outside the folder of the policy",
    };

    /// <summary>What is published: the file as it is, or the merged document where there are several.</summary>
    internal string Source => IsMerged ? Reading.Json : Text;

    /// <summary>True if other files were merged into it.</summary>
    internal bool IsMerged { get; private init; }

    /// <summary>Reads a file, or standard input for <c>-</c>; null, and said so, if it cannot be read.</summary>
    internal static PolicyFile? Read(CommandEnvironment environment, string name, bool mayLeaveFolder)
    {
        return ReadText(environment, name) is { } text ? Parse(name, text, mayLeaveFolder) : null;
    }

    /// <summary>Reads what a file holds, and what it includes.</summary>
    internal static PolicyFile Parse(string name, string text, bool mayLeaveFolder)
    {
        string folder = name == "-" ? "." : Path.GetDirectoryName(Path.GetFullPath(name)) ?? ".";
        int included = 0;
        PolicyReading reading = PolicyReader.ReadFiles(
            name == "-" ? "-" : Path.GetFileName(name), text, path =>
            {
                included++;
                return ReadIncluded(folder, path, mayLeaveFolder);
            }, mayLeaveFolder, MaskWords.All);
        return new PolicyFile(name, text, reading) { IsMerged = included > 0 };
    }

    /// <summary>
    /// The text of a file, or of standard input for <c>-</c>; null, and said so, if it cannot be read.
    /// </summary>
    internal static string? ReadText(CommandEnvironment environment, string name)
    {
        try
        {
            if (name == "-") return environment.In.ReadToEnd();
            if (Directory.Exists(name))
            {
                environment.Fail(
                    $"{name} is a folder, and a policy is one file with what it includes: name that file"
                    + ExampleIn(name));
                return null;
            }

            if (new FileInfo(name) is not { Exists: true, Length: > BytesMax }) return File.ReadAllText(name);
            environment.Fail($"{name} is larger than {BytesMax / 1_048_576} MiB");
            return null;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            environment.Fail(fault.Message);
            return null;
        }
    }

    private static string ExampleIn(string folder)
    {
        string? first = Directory.EnumerateFiles(folder, "*.yaml")
            .Where(file => File.ReadLines(file).Any(line => line.StartsWith("apiVersion:", StringComparison.Ordinal)))
            .Order(StringComparer.Ordinal).FirstOrDefault();
        return first is null ? "" : ", such as " + first;
    }

    /// <summary>Where an error is: by the name that was given, or by the included file's.</summary>
    internal string PlaceOf(string file)
    {
        bool isFirst = file.Length == 0 || file == Path.GetFileName(Name) || Name == "-";
        return isFirst ? Name : Path.Combine(Path.GetDirectoryName(Name) ?? "", file);
    }

    // A link could lead out of the folder where the path does not.
    private static string? ReadIncluded(string folder, string path, bool mayLeaveFolder)
    {
        string full = Path.GetFullPath(Path.Combine(folder, path));
        try
        {
            if (!mayLeaveFolder && GoesThroughLink(folder, path)) return null;
            return File.ReadAllText(full);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static bool GoesThroughLink(string folder, string path)
    {
        string at = folder;
        foreach (string part in path.Split('/'))
        {
            at = Path.Combine(at, part);
            FileSystemInfo step = Directory.Exists(at) ? new DirectoryInfo(at) : new FileInfo(at);
            if (step.LinkTarget is not null) return true;
        }

        return false;
    }
}
