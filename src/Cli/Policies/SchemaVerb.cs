using System.CommandLine;

namespace Countersign.Cli.Policies;

/// <summary><c>countersign policy schema</c>: the JSON Schema of the language, for editors.</summary>
internal static class SchemaVerb
{
    private const string Resource = "policy.schema.json";

    internal static Command Create(CommandEnvironment environment)
    {
        Command command = new("schema", "Print the JSON Schema of the policy language, for editors");
        command.SetAction(_ =>
        {
            environment.Out.Write(Read());
            return ExitCodes.Ok;
        });
        return command;
    }

    private static string Read()
    {
        using Stream schema = typeof(SchemaVerb).Assembly.GetManifestResourceStream(Resource)
            ?? throw new InvalidOperationException(Resource + " is not in the assembly");
        using StreamReader reader = new(schema);
        return reader.ReadToEnd();
    }
}
