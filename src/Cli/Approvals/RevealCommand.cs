using System.CommandLine;
using System.Text.Json.Nodes;
using Countersign.Policy.Approvals;

namespace Countersign.Cli.Approvals;

/// <summary><c>approvals reveal</c>: one masked argument in clear.</summary>
internal static class RevealCommand
{
    /// <summary>The command.</summary>
    internal static Command Create(CommandEnvironment environment)
    {
        ControlOptions control = new();
        Argument<string> id = new("id") { Description = "The approval's id" };
        Argument<string> pointer =
            new("pointer") { Description = "Where the argument is: /user/ssn; \"\" for the whole body" };
        Option<string> reason =
            new("--reason") { Description = "Why you must see it; kept in the audit", Required = true };
        Option<bool> json = new("--json") { Description = "Print the API's JSON" };
        Command command = new("reveal", "Show one masked argument in clear, if you may; the audit has it before you do")
        {
            id, pointer, reason, json,
        };
        control.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            using ControlClient? client = control.Open(environment, parsed);
            if (client is null) return ExitCodes.Usage;
            JsonObject body = new()
            {
                ["pointer"] = parsed.GetValue(pointer),
                ["reason"] = parsed.GetValue(reason),
            };
            ControlAnswer answer = await client.PostAsync(
                ApprovalsCommand.At(parsed.GetValue(id)!) + "/reveal", body.ToJsonString(), "application/json",
                cancellation);
            if (!answer.IsOk) return environment.Fail(answer);
            if (parsed.GetValue(json)) environment.Out.WriteLine(answer.Text);
            else environment.Out.WriteLine(Text(answer.Body!["value"]));
            return ExitCodes.Ok;
        });
        return command;
    }

    private static string Text(JsonNode? value) => SafeText.Show(value switch
    {
        null => "null",
        JsonValue text when text.TryGetValue(out string? said) => said,
        _ => value.ToJsonString(ApprovalText.OneLine),
    });
}
