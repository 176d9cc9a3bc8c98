using System.CommandLine;
using Countersign.Policy;
using Countersign.Policy.Review;

namespace Countersign.Cli.Policies;

/// <summary>A directory of people, where a command was given one.</summary>
internal static class DirectoryFile
{
    /// <summary>The option that names it.</summary>
    internal static Option<string?> Named() => new("--directory")
    {
        Description = "People, their groups and what acts for them: finds who could do alone what takes two",
    };

    /// <summary>False, and said so, if one was named and cannot be read.</summary>
    internal static bool TryRead(CommandEnvironment environment, string? name, out PeopleDirectory? directory)
    {
        directory = null;
        if (name is null) return true;
        if (PolicyFile.ReadText(environment, name) is not { } text) return false;
        directory = PeopleDirectory.Read(text, out IReadOnlyList<PolicyError> errors);
        if (directory is null) environment.Error.WriteLine(PolicyErrorText.Of(name, errors));
        return directory is not null;
    }
}
