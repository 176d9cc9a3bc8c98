using System.CommandLine;
using System.Text.Json.Nodes;

namespace Countersign.Cli.Tokens;

/// <summary><c>countersign keys</c>: what the fleet signs with.</summary>
internal static class KeysCommand
{
    private const string Path = "/api/v1/signing-keys";

    /// <summary>The command.</summary>
    internal static Command Create(CommandEnvironment environment) =>
        new("keys", "See the keys that the fleet signs credentials and tokens with, change them, end one that leaked")
        {
            CreateList(environment), CreateRotate(environment), CreateRevoke(environment),
        };

    private static Command CreateList(CommandEnvironment environment)
    {
        ControlOptions control = new();
        Option<bool> json = new("--json") { Description = "Print the API's JSON" };
        Command command = new("list", "List the signing keys; for policy admins and auditors") { json };
        control.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            using ControlClient? client = control.Open(environment, parsed);
            if (client is null) return ExitCodes.Usage;
            return Show(environment, await client.GetAsync(Path, cancellation), parsed.GetValue(json));
        });
        return command;
    }

    private static Command CreateRotate(CommandEnvironment environment)
    {
        ControlOptions control = new();
        Option<string> reason = Reason();
        Option<bool> json = new("--json") { Description = "Print the API's JSON" };
        Command command = new(
            "rotate", "Publish the next keys now; they sign once everybody can have them, and the old ones retire")
        {
            reason, json,
        };
        control.AddTo(command);
        command.SetAction((parsed, cancellation) => ChangeAsync(
            environment, control, parsed, Path + "/rotate", parsed.GetValue(reason)!, parsed.GetValue(json),
            cancellation));
        return command;
    }

    private static Command CreateRevoke(CommandEnvironment environment)
    {
        ControlOptions control = new();
        Argument<string> key = new("kid") { Description = "The key's kid, as list shows it" };
        Option<string> reason = Reason();
        Option<bool> json = new("--json") { Description = "Print the API's JSON" };
        Command command = new(
            "revoke", "End a key at once: all that it signed is void, calls in flight and gateway tokens included")
        {
            key, reason, json,
        };
        control.AddTo(command);
        command.SetAction((parsed, cancellation) => ChangeAsync(
            environment, control, parsed, Path + "/" + Uri.EscapeDataString(parsed.GetValue(key)!) + "/revoke",
            parsed.GetValue(reason)!, parsed.GetValue(json), cancellation));
        return command;
    }

    private static Option<string> Reason() =>
        new("--reason") { Description = "Why; kept in the audit", Required = true };

    private static async Task<int> ChangeAsync(
        CommandEnvironment environment, ControlOptions control, ParseResult parsed, string path, string reason,
        bool isJson, CancellationToken cancellation)
    {
        using ControlClient? client = control.Open(environment, parsed);
        if (client is null) return ExitCodes.Usage;
        string body = new JsonObject { ["reason"] = reason }.ToJsonString();
        return Show(environment, await client.PostAsync(path, body, "application/json", cancellation), isJson);
    }

    private static int Show(CommandEnvironment environment, ControlAnswer answer, bool isJson)
    {
        if (!answer.IsOk) return environment.Fail(answer);
        if (isJson)
        {
            environment.Out.WriteLine(answer.Text);
            return ExitCodes.Ok;
        }

        foreach (JsonNode? item in answer.Body!["items"]!.AsArray())
            environment.Out.WriteLine($"{item!["kid"]}  {item["alg"],-5}  {item["state"],-7}  {item["signs_from"]}");
        return ExitCodes.Ok;
    }
}
