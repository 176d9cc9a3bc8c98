using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using Countersign.Cli.Policies.OpenApi;
using Countersign.Policy;

namespace Countersign.Cli.Policies;

/// <summary><c>countersign policy import openapi</c>: a policy to begin from.</summary>
internal static class ImportVerb
{
    internal static Command Create(CommandEnvironment environment) =>
        new("import", "Make a policy to begin from")
    {
        OpenApi(environment),
    };

    private static Command OpenApi(CommandEnvironment environment)
    {
        Argument<string> file = new("file") { Description = "OpenAPI 3.0 or 3.1, YAML or JSON; - is standard input" };
        Option<string?> upstream =
            new("--upstream") { Description = "Name of the upstream; the API's title by default" };
        Option<string> under = new("--under")
        {
            Description = "Take only paths that begin with this, such as /v1/invoices: a policy holds 1 MiB",
            DefaultValueFactory = _ => "",
        };
        Option<string?> output = new("--output", "-o") { Description = "Write to this file, which must not exist" };
        Option<bool> json = new("--json") { Description = "Print JSON: the policy as text, counts and notes" };
        Command command = new("openapi", "Take the operations of an OpenAPI document as functions; denies everything")
        {
            file, upstream, under, output, json,
        };
        command.SetAction(parsed => Run(
            environment, parsed.GetValue(file)!, parsed.GetValue(upstream), parsed.GetValue(under)!,
            parsed.GetValue(output), parsed.GetValue(json)));
        return command;
    }

    private static int Run(
        CommandEnvironment environment, string name, string? upstream, string under, string? output, bool json)
    {
        if (PolicyFile.ReadText(environment, name) is not { } text) return ExitCodes.Usage;
        if (OpenApiDocument.Read(text, out string fault) is not { } document)
        {
            return environment.Fail($"{name}: {fault}");
        }

        OpenApiImportResult import = OpenApiImport.Run(document, upstream, under);
        foreach (string note in json ? [] : import.Notes) environment.Error.WriteLine($"not taken or changed: {note}");
        if (import.Functions.Count == 0) return environment.Fail($"{name}: there is no operation that could be taken");
        string policy = PolicySkeleton.Write(import);
        PolicyReading reading = PolicyReader.Read(policy, MaskWords.All);
        if (reading.Errors.Count > 0)
        {
            if (Encoding.UTF8.GetByteCount(policy) > PolicyReader.DocumentBytesMax)
            {
                return environment.Fail($"{name}: its {import.Functions.Count} operations make a policy of more than "
                    + $"{PolicyReader.DocumentBytesMax} bytes: take a part of them with --under");
            }

            // What was taken from a stranger's document and is no policy is our fault, and is not handed on.
            environment.Error.WriteLine(PolicyErrorText.Of("the imported policy", reading.Errors));
            return environment.Fail("the document could not be put into a policy that is valid");
        }

        if (output is not null && !TryWrite(environment, output, policy)) return ExitCodes.Failed;
        if (json) environment.Out.WriteLine(ToJson(import, policy, output));
        else if (output is null) environment.Out.Write(policy);
        if (!json) environment.Error.WriteLine(Summary(import));
        return ExitCodes.Ok;
    }

    private static bool TryWrite(CommandEnvironment environment, string output, string policy)
    {
        try
        {
            using FileStream file = new(output, FileMode.CreateNew, FileAccess.Write);
            file.Write(Encoding.UTF8.GetBytes(policy));
            return true;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            environment.Fail(fault.Message);
            return false;
        }
    }

    private static string ToJson(OpenApiImportResult import, string policy, string? output)
    {
        JsonObject risks = [];
        foreach (var group in import.Functions.GroupBy(function => function.Risk)) risks[group.Key] = group.Count();
        JsonObject result = new()
        {
            ["functions"] = import.Functions.Count,
            ["risks"] = risks,
            ["notes"] = new JsonArray([.. import.Notes.Select(note => (JsonNode)note)]),
            ["output"] = output,
            ["policy"] = policy,
        };
        return result.ToJsonString(Serve.LogOptions.PlainJson);
    }

    private static string Summary(OpenApiImportResult import)
    {
        string risks = string.Join(", ", import.Functions.GroupBy(function => function.Risk)
            .Select(group => $"{group.Count()} {group.Key}"));
        return $"{import.Functions.Count} functions ({risks}), {import.Notes.Count} notes; nobody may call them yet";
    }
}
