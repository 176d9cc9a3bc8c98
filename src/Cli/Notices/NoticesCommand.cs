using System.CommandLine;
using System.Text.Json.Nodes;

namespace Countersign.Cli.Notices;

/// <summary><c>countersign notices</c>: what became of what webhooks were to be told.</summary>
internal static class NoticesCommand
{
    private const string Path = "/api/v1/notices";

    // The most that the API gives at once.
    private const int ListedMax = 200;

    /// <summary>The command with its verbs.</summary>
    internal static Command Create(CommandEnvironment environment) =>
        new("notices", "See notices that were given up, and send them again") { List(environment), Retry(environment) };

    private static Command List(CommandEnvironment environment)
    {
        ControlOptions control = new();
        Option<string> status =
            new("--status") { Description = "dead or waiting", DefaultValueFactory = _ => "dead" };
        status.AcceptOnlyFromAmong("dead", "waiting");
        Option<int> limit = NumberOption.Create("--limit", "The most to list", 50, 1, ListedMax);
        Option<bool> json = new("--json") { Description = "Print the API's JSON" };
        Command command = new("list", "List notices, the latest first") { status, limit, json };
        control.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            using ControlClient? client = control.Open(environment, parsed);
            if (client is null) return ExitCodes.Usage;
            string query = $"?status={parsed.GetValue(status)}&limit={parsed.GetValue(limit)}";
            ControlAnswer answer = await client.GetAsync(Path + query, cancellation);
            if (!answer.IsOk) return environment.Fail(answer);
            if (parsed.GetValue(json)) environment.Out.WriteLine(answer.Text);
            else Print(environment, answer.Body!["items"]!.AsArray(), parsed.GetValue(status)!);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command Retry(CommandEnvironment environment)
    {
        ControlOptions control = new();
        Argument<string> id = new("id") { Description = "The notice's id, msg_…" };
        Option<bool> json = new("--json") { Description = "Print the API's JSON" };
        Command command = new("retry", "Send a dead notice again, with another round of attempts") { id, json };
        control.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            using ControlClient? client = control.Open(environment, parsed);
            if (client is null) return ExitCodes.Usage;
            string at = Path + "/" + Uri.EscapeDataString(parsed.GetValue(id)!) + "/retry";
            ControlAnswer answer = await client.PostAsync(at, "", "application/json", cancellation);
            if (!answer.IsOk) return environment.Fail(answer);
            if (parsed.GetValue(json)) environment.Out.WriteLine(answer.Text);
            else environment.Out.WriteLine(parsed.GetValue(id) + " is waiting");
            return ExitCodes.Ok;
        });
        return command;
    }

    private static void Print(CommandEnvironment environment, JsonArray items, string status)
    {
        string time = status == "dead" ? "dead_at" : "due_at";
        string[] names = ["id", "webhook", "event", "approval", "attempts", time, "error"];
        if (items.Count == 0) environment.Out.WriteLine(status == "dead" ? "None were given up." : "None wait.");
        else TextTable.Print(environment.Out, names, items);
    }
}
