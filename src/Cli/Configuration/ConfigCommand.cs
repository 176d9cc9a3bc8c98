using System.CommandLine;
using Countersign.Cli.Policies;

namespace Countersign.Cli.Configuration;

/// <summary><c>countersign config</c>: what a configuration may say.</summary>
internal static class ConfigCommand
{
    /// <summary>The command.</summary>
    internal static Command Create(CommandEnvironment environment) => new("config", "What countersign.json may say")
    {
        SchemaVerb.CreateForConfiguration(environment),
    };
}
