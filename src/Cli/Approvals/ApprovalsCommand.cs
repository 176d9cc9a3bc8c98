using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Countersign.Cli.Approvals;

/// <summary><c>countersign approvals</c>: see, approve and deny, as the person whose token is given.</summary>
internal static class ApprovalsCommand
{
    private const string Path = "/api/v1/approvals";

    /// <summary>The command with its verbs.</summary>
    internal static Command Create(CommandEnvironment environment) =>
        new("approvals", "See, approve and deny calls that wait")
    {
        List(environment), Show(environment), Decide(environment, "approve"), Decide(environment, "deny"),
        Withdraw(environment, "cancel", "Withdraw what you asked for"),
        Withdraw(environment, "revoke", "Take back your approval before it is used"),
    };

    private static Command List(CommandEnvironment environment)
    {
        ControlOptions control = new();
        Option<string> status =
            new("--status") { Description = "State to list, or all", DefaultValueFactory = _ => "pending" };
        Option<int> limit = new("--limit") { Description = "The most to list", DefaultValueFactory = _ => 50 };
        Option<bool> json = new("--json") { Description = "Print the API's JSON" };
        Command command = new("list", "List approvals that you may see") { status, limit, json };
        control.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            using ControlClient? client = control.Open(environment, parsed);
            if (client is null) return ExitCodes.Usage;
            string state = parsed.GetValue(status)!;
            string query = $"?limit={parsed.GetValue(limit)}"
                + (state == "all" ? "" : "&status=" + Uri.EscapeDataString(state));
            ControlAnswer answer = await client.GetAsync(Path + query, cancellation);
            if (!answer.IsOk) return environment.Fail(answer.Problem());
            if (parsed.GetValue(json)) environment.Out.WriteLine(answer.Text);
            else ApprovalText.PrintList(environment, answer.Body!["items"]!.AsArray());
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
            ControlAnswer answer = await client.GetAsync(At(parsed.GetValue(id)!), cancellation);
            if (!answer.IsOk) return environment.Fail(answer.Problem());
            if (parsed.GetValue(json)) environment.Out.WriteLine(answer.Text);
            else ApprovalText.Print(environment.Out, answer.Body!.AsObject());
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command Decide(CommandEnvironment environment, string decision)
    {
        ControlOptions control = new();
        Argument<string> id = new("id") { Description = "The approval's id" };
        Option<string> reason =
            new("--reason") { Description = "Why; kept with the approval", DefaultValueFactory = _ => "" };
        Option<string?> digest = new("--digest")
        {
            Description = "The digest you saw; anything else is refused [default: the one shown now]",
        };
        Option<bool> yes = new("--yes", "-y") { Description = "Do not ask; without a terminal nothing is asked" };
        Option<bool> json = new("--json") { Description = "Print the API's JSON" };
        string what = decision == "approve"
            ? "Approve a call; it must not be your own"
            : "Deny a call; one denial ends it";
        Command command = new(decision, what) { id, reason, digest, yes, json };
        control.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            using ControlClient? client = control.Open(environment, parsed);
            if (client is null) return ExitCodes.Usage;
            ControlAnswer shown = await client.GetAsync(At(parsed.GetValue(id)!), cancellation);
            string? seen = parsed.GetValue(digest) ?? (shown.IsOk ? shown.Body!["digest"]!.GetValue<string>() : null);
            bool asks = shown.IsOk && environment.IsInteractive && !parsed.GetValue(yes) && !parsed.GetValue(json);
            if (asks && !Confirms(environment, decision, shown.Body!.AsObject()))
            {
                return environment.Fail("nothing was decided");
            }

            // Somebody who may not even see it gets the decision's own refusal, which says why.
            if (seen is null && shown.Status != 404) return environment.Fail(shown.Problem());
            JsonObject body =
                new() { ["decision"] = decision, ["digest"] = seen ?? NoDigest, ["reason"] = parsed.GetValue(reason) };
            ControlAnswer answer = await client.PostAsync(
                At(parsed.GetValue(id)!) + "/decisions", body.ToJsonString(), "application/json", cancellation);
            return Report(environment, answer, parsed.GetValue(json));
        });
        return command;
    }

    private static Command Withdraw(CommandEnvironment environment, string verb, string what)
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

    private static readonly string NoDigest = "sha256:" + new string('0', 64);

    private static string At(string id) => Path + "/" + Uri.EscapeDataString(id);

    private static bool Confirms(CommandEnvironment environment, string decision, JsonObject approval)
    {
        ApprovalText.Print(environment.Out, approval);
        environment.Out.Write($"{decision} this call? [y/N] ");
        environment.Out.Flush();
        return environment.In.ReadLine()?.Trim() is "y" or "Y" or "yes";
    }

    private static int Report(CommandEnvironment environment, ControlAnswer answer, bool json)
    {
        if (json && answer.Text.Length > 0 && answer.Status != 0) environment.Out.WriteLine(answer.Text);
        if (!answer.IsOk) return environment.Fail(answer.Problem());
        if (!json) environment.Out.WriteLine($"{answer.Body!["id"]} is {answer.Body["state"]}");
        return ExitCodes.Ok;
    }
}
