using System.CommandLine;
using System.Text.Json.Nodes;

namespace Countersign.Cli.Approvals;

/// <summary><c>approvals review</c> and <c>approvals owed</c>: what is left to do after a glass was broken.</summary>
internal static class ReviewCommands
{
    /// <summary>Closes a review.</summary>
    internal static Command Review(CommandEnvironment environment)
    {
        ControlOptions control = new();
        Argument<string> id = new("id") { Description = "The approval's id" };
        Option<string> note = new("--note") { Description = "What you found", Required = true };
        Option<bool> json = new("--json") { Description = "Print the API's JSON" };
        Command command = new("review", "Close the review that a break-glass owes; not your own") { id, note, json };
        control.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            using ControlClient? client = control.Open(environment, parsed);
            if (client is null) return ExitCodes.Usage;
            JsonObject body = new() { ["note"] = parsed.GetValue(note) };
            ControlAnswer answer = await client.PostAsync(
                ApprovalsCommand.At(parsed.GetValue(id)!) + "/review", body.ToJsonString(), "application/json",
                cancellation);
            return ApprovalsCommand.Report(environment, answer, parsed.GetValue(json));
        });
        return command;
    }

    /// <summary>Lists reviews that are owed.</summary>
    internal static Command Owed(CommandEnvironment environment)
    {
        ControlOptions control = new();
        Option<int> limit = NumberOption.Create("--limit", "The most to list", 50, 1, ApprovalsCommand.ListedMax);
        Option<bool> json = new("--json") { Description = "Print the API's JSON" };
        Command command = new("owed", "List calls whose break-glass nobody has reviewed") { limit, json };
        control.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            using ControlClient? client = control.Open(environment, parsed);
            if (client is null) return ExitCodes.Usage;
            ControlAnswer answer =
                await client.GetAsync($"/api/v1/reviews?limit={parsed.GetValue(limit)}", cancellation);
            if (!answer.IsOk) return environment.Fail(answer);
            if (parsed.GetValue(json)) environment.Out.WriteLine(answer.Text);
            else ApprovalText.PrintList(environment, answer.Body!.AsObject());
            return ExitCodes.Ok;
        });
        return command;
    }
}
