using System.CommandLine;

namespace Countersign.Cli.Policies;

/// <summary>
/// <c>policy schema</c>, <c>audit schema</c> and <c>config schema</c>: what is published as JSON Schema.
/// </summary>
internal static class SchemaVerb
{
    /// <summary>The language of policies, for editors.</summary>
    internal static Command Create(CommandEnvironment environment) =>
        Create(environment, "policy.schema.json", "Print the JSON Schema of the policy language, for editors");

    /// <summary>The records of the audit, for whoever reads exports.</summary>
    internal static Command CreateForAudit(CommandEnvironment environment) =>
        Create(environment, "audit-record.schema.json", "Print the JSON Schema of the log's records");

    /// <summary>The configuration of a gateway, for editors.</summary>
    internal static Command CreateForConfiguration(CommandEnvironment environment) =>
        Create(environment, "countersign.schema.json", "Print the JSON Schema of countersign.json, for editors");

    private static Command Create(CommandEnvironment environment, string resource, string description)
    {
        Command command = new("schema", description);
        command.SetAction(_ =>
        {
            environment.Out.Write(Read(resource));
            return ExitCodes.Ok;
        });
        return command;
    }

    private static string Read(string resource)
    {
        using Stream schema = typeof(SchemaVerb).Assembly.GetManifestResourceStream(resource)
            ?? throw new InvalidOperationException(resource + " is not in the assembly");
        using StreamReader reader = new(schema);
        return reader.ReadToEnd();
    }
}
