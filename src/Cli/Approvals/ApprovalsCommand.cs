using System.CommandLine;
using System.Text.Json.Nodes;

namespace Countersign.Cli.Approvals;

/// <summary><c>countersign approvals</c>: see calls that wait and act on them, as the person whose token is
/// given.</summary>
internal static class ApprovalsCommand
{
    internal const string Path = "/api/v1/approvals";

    /// <summary>The most that the API gives at once.</summary>
    internal const int ListedMax = 200;

    /// <summary>The command with its verbs.</summary>
    internal static Command Create(CommandEnvironment environment) =>
        new("approvals", "See, approve and deny calls that wait")
        {
            List(environment), Show(environment), WatchCommand.Create(environment),
            DecideCommand.Create(environment, "approve"), DecideCommand.Create(environment, "deny"),
            Act(environment, "cancel", "Withdraw what you asked for"),
            Act(environment, "revoke", "Take back your approval before it is used"),
            Act(environment, "withdraw", "Take back your approval while others are still needed"),
            DecideCommand.CreateBreakGlass(environment), RevealCommand.Create(environment),
            ReviewCommands.Review(environment), ReviewCommands.Owed(environment),
        };

    /// <summary>Where one approval is.</summary>
    internal static string At(string id) => Path + "/" + Uri.EscapeDataString(id);

    /// <summary>Says what came of an act.</summary>
    internal static int Report(CommandEnvironment environment, ControlAnswer answer, bool json)
    {
        if (json && answer.Text.Length > 0 && answer.Status != 0) environment.Out.WriteLine(answer.Text);
        if (!answer.IsOk) return environment.Fail(answer);
        if (!json) environment.Out.WriteLine($"{answer.Body!["id"]} is {answer.Body["state"]}");
        return ExitCodes.Ok;
    }

    private static Command List(CommandEnvironment environment)
    {
        ControlOptions control = new();
        Option<string> status =
            new("--status") { Description = "State to list, or all", DefaultValueFactory = _ => "pending" };
        Option<string?> function =
            new("--function") { Description = "Only of this function, or of a pattern such as billing.*" };
        Option<string?> caller = new("--caller")
        {
            Description = "Only what this caller asked for: a person, a job, or an agent that acts for somebody",
        };
        Option<int> limit = NumberOption.Create("--limit", "The most to list", 50, 1, ListedMax);
        Option<string?> cursor = new("--cursor") { Description = "Go on from here: what next said" };
        Option<bool> json = new("--json") { Description = "Print the API's JSON" };
        Command command =
            new("list", "List approvals that you may see") { status, function, caller, limit, cursor, json };
        control.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            using ControlClient? client = control.Open(environment, parsed);
            if (client is null) return ExitCodes.Usage;
            string state = parsed.GetValue(status)!;
            string query = $"?limit={parsed.GetValue(limit)}" + Parameter("status", state == "all" ? null : state)
                + Parameter("function", parsed.GetValue(function)) + Parameter("caller", parsed.GetValue(caller))
                + Parameter("cursor", parsed.GetValue(cursor));
            ControlAnswer answer = await client.GetAsync(Path + query, cancellation);
            if (!answer.IsOk) return environment.Fail(answer);
            if (parsed.GetValue(json)) environment.Out.WriteLine(answer.Text);
            else ApprovalText.PrintList(environment, answer.Body!.AsObject());
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command Show(CommandEnvironment environment)
    {
        ControlOptions control = new();
        Argument<string> id = new("id") { Description = "The approval's id" };
        Option<bool> json = new("--json") { Description = "Print the API's JSON" };
        Command command = new("show", "Show one approval with its arguments, masked for you") { id, json };
        control.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            using ControlClient? client = control.Open(environment, parsed);
            if (client is null) return ExitCodes.Usage;
            string at = At(parsed.GetValue(id)!);
            ControlAnswer answer = await client.GetAsync(at, cancellation);
            if (!answer.IsOk) return environment.Fail(answer);
            if (parsed.GetValue(json))
            {
                environment.Out.WriteLine(answer.Text);
                return ExitCodes.Ok;
            }

            ApprovalText.Print(environment, answer.Body!.AsObject());
            ControlAnswer earlier = await client.GetAsync(at + "/earlier?limit=5", cancellation);
            if (earlier.IsOk) ApprovalText.PrintEarlier(environment.Out, earlier.Body!["items"]!.AsArray());
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command Act(CommandEnvironment environment, string verb, string what)
    {
        ControlOptions control = new();
        Argument<string> id = new("id") { Description = "The approval's id" };
        Option<bool> json = new("--json") { Description = "Print the API's JSON" };
        Command command = new(verb, what) { id, json };
        control.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            using ControlClient? client = control.Open(environment, parsed);
            if (client is null) return ExitCodes.Usage;
            ControlAnswer answer = await client.PostAsync(
                At(parsed.GetValue(id)!) + "/" + verb, "", "application/json", cancellation);
            return Report(environment, answer, parsed.GetValue(json));
        });
        return command;
    }

    private static string Parameter(string name, string? value) =>
        value is null ? "" : $"&{name}={Uri.EscapeDataString(value)}";
}
