using System.CommandLine;
using Countersign.Cli.Configuration;

namespace Countersign.Cli.Audit;

/// <summary>How the commands find the log: an argument, a flag, or the configuration.</summary>
internal sealed class FolderOptions
{
    private const string DefaultFile = "countersign.json";

    private readonly Argument<string?> _folder =
        new("folder") { Description = "The log's folder", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<string?> _flag = new("--folder", "--audit") { Description = "The log's folder" };
    private readonly Option<string?> _config =
        new("--config") { Description = "Configuration file that names the folder" };
    private bool _hasArgument;

    /// <summary>The configuration, once it was read to find the folder.</summary>
    internal GatewayOptions? Options { get; private set; }

    /// <summary>Adds them to a command; the argument too, unless the command has one of its own.</summary>
    internal void AddTo(Command command, bool hasArgument = true)
    {
        _hasArgument = hasArgument;
        if (hasArgument) command.Arguments.Add(_folder);
        command.Options.Add(_flag);
        command.Options.Add(_config);
    }

    /// <summary>True if the command line names a folder.</summary>
    internal bool IsGiven(ParseResult parsed) =>
        parsed.GetResult(_flag) is not null || parsed.GetResult(_config) is not null
        || (_hasArgument && parsed.GetValue(_folder) is not null);

    /// <summary>
    /// True if a command that may ask a control listener instead reads a folder: the one that is named, or, where no
    /// listener is, that of the configuration in the folder where it runs.
    /// </summary>
    internal bool IsMeant(ParseResult parsed, ControlOptions control) =>
        IsGiven(parsed) || (!control.IsGiven(parsed) && File.Exists(DefaultFile));

    /// <summary>The folder, or null after an error was printed.</summary>
    internal string? Find(CommandEnvironment environment, ParseResult parsed)
    {
        string? folder = (_hasArgument ? parsed.GetValue(_folder) : null) ?? parsed.GetValue(_flag);
        if (folder is null)
        {
            string file = parsed.GetValue(_config) ?? DefaultFile;
            if (!File.Exists(file))
            {
                environment.Fail("name the log's folder, or a configuration file with --config");
                return null;
            }

            ConfigurationReading reading = ConfigurationReader.Read(
                file, environment.Variables, new ConfigurationFlags(), environment.MachineName);
            foreach (string error in reading.Errors) environment.Fail(error);
            Options = reading.Options;
            folder = Options?.AuditFolder;
        }

        if (folder is null || Directory.Exists(folder)) return folder;
        environment.Fail($"there is no folder {folder}");
        return null;
    }
}
