using System.CommandLine;
using Countersign.Cli.Configuration;
using Countersign.Identity.Inbound;
using Countersign.Policy;
using Countersign.Policy.Review;

namespace Countersign.Cli.Policies;

/// <summary>A directory of people, where a command was given one: a file, or callers that an audit saw.</summary>
internal sealed class DirectoryOptions
{
    private readonly Option<string?> _file = new("--directory")
    {
        Description = "People, their groups and what acts for them: finds who could do alone what takes two",
    };

    private readonly Option<string?> _learned = new("--learn-from")
    {
        Description = "Instead: callers seen by an audit, its folder or a file of its records; - is standard input",
    };

    private readonly Option<string?> _identity = new("--identity")
    {
        Description = "With --directory: the configuration whose identity.aliases say whose accounts are whose",
    };

    /// <summary>Adds the options to a command.</summary>
    internal void AddTo(Command command)
    {
        command.Options.Add(_file);
        command.Options.Add(_learned);
        command.Options.Add(_identity);
    }

    /// <summary>False, and said so, if one was named and cannot be read.</summary>
    internal bool TryRead(CommandEnvironment environment, ParseResult parsed, out PeopleDirectory? directory)
    {
        directory = null;
        string? file = parsed.GetValue(_file);
        string? log = parsed.GetValue(_learned);
        if (file is not null && log is not null)
        {
            environment.Fail("give --directory or --learn-from, and not both");
            return false;
        }

        if (log is not null) return TryLearn(environment, log, out directory);
        if (file is null) return true;
        if (!TryReadAliases(environment, parsed.GetValue(_identity), out Func<string, string?>? personOf)) return false;
        if (PolicyFile.ReadText(environment, file) is not { } text) return false;
        directory = PeopleDirectory.Read(text, out IReadOnlyList<PolicyError> errors, personOf);
        if (directory is null) environment.Error.WriteLine(PolicyErrorText.Of(file, errors));
        return directory is not null;
    }

    private static bool TryLearn(CommandEnvironment environment, string log, out PeopleDirectory? directory)
    {
        directory = null;
        if (log != "-" && !Directory.Exists(log) && !File.Exists(log))
        {
            environment.Fail($"there is no folder or file {log}");
            return false;
        }

        directory = PeopleDirectory.Learn(RecordedCall.ReadAll(environment, log)
            .Select(call => call.Caller).OfType<Caller>());
        if (directory.Accounts.Count > 0) return true;
        environment.Fail($"{log} has no record of an identified caller");
        return false;
    }

    private static bool TryReadAliases(
        CommandEnvironment environment, string? config, out Func<string, string?>? personOf)
    {
        personOf = null;
        if (config is null) return true;
        ConfigurationReading configuration = ConfigurationReader.Read(
            config, environment.Variables, new ConfigurationFlags(), environment.MachineName);
        foreach (string error in configuration.Errors) environment.Fail(error);
        if (configuration.Options is not { } options) return false;
        PersonAliases aliases = options.Issuers.Count == 0 ? PersonAliases.None : options.Issuers[0].Aliases;
        personOf = aliases.PersonOf;
        return true;
    }
}
