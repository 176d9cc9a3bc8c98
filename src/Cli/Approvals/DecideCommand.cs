using System.CommandLine;
using System.Text.Json.Nodes;

namespace Countersign.Cli.Approvals;

/// <summary>
/// <c>approve</c>, <c>deny</c> and <c>break-glass</c>: what is signed is shown first, and nothing is signed that nobody
/// was asked about unless the command line says so.
/// </summary>
internal static class DecideCommand
{
    private static readonly string NoDigest = "sha256:" + new string('0', 64);

    /// <summary>One of the two decisions.</summary>
    internal static Command Create(CommandEnvironment environment, string decision)
    {
        Parts parts = new(isReasonRequired: false);
        string what = decision == "approve"
            ? "Approve a call; it must not be your own"
            : "Deny a call; one denial ends it";
        return parts.Make(environment, decision, what, "/decisions", (digest, reason) => new JsonObject
        {
            ["decision"] = decision,
            ["digest"] = digest,
            ["reason"] = reason,
        });
    }

    /// <summary>Letting a call happen without its approvers.</summary>
    internal static Command CreateBreakGlass(CommandEnvironment environment) =>
        new Parts(isReasonRequired: true).Make(
            environment, "break-glass",
            "Let a call happen without its approvers: loud in the audit, and somebody else must review it",
            "/break-glass",
            (digest, reason) => new JsonObject { ["digest"] = digest, ["reason"] = reason });

    private static bool Confirms(CommandEnvironment environment, string verb, JsonObject approval)
    {
        ApprovalText.Print(environment, approval);
        environment.Out.Write($"{verb} this call? [y/N] ");
        environment.Out.Flush();
        return environment.In.ReadLine()?.Trim() is "y" or "Y" or "yes";
    }

    /// <summary>The arguments and options that the three share.</summary>
    private sealed class Parts
    {
        private readonly ControlOptions _control = new();
        private readonly Argument<string> _id = new("id") { Description = "The approval's id" };
        private readonly Option<string> _reason;

        private readonly Option<string?> _digest = new("--digest")
        {
            Description = "The digest you saw; anything else is refused [default: the one shown now]",
        };

        private readonly Option<bool> _yes =
            new("--yes", "-y") { Description = "Do not ask; needed where there is no terminal to ask on" };

        private readonly Option<bool> _json = new("--json") { Description = "Print the API's JSON; needs --yes" };

        internal Parts(bool isReasonRequired)
        {
            _reason = new("--reason") { Description = "Why; kept with the approval", Required = isReasonRequired };
            if (!isReasonRequired) _reason.DefaultValueFactory = _ => "";
        }

        internal Command Make(
            CommandEnvironment environment, string verb, string what, string path,
            Func<string, string, JsonObject> bodyOf)
        {
            Command command = new(verb, what) { _id, _reason, _digest, _yes, _json };
            _control.AddTo(command);
            command.SetAction(async (parsed, cancellation) =>
            {
                bool asks = !parsed.GetValue(_yes);
                bool canAsk = environment.IsInteractive && !parsed.GetValue(_json);
                if (asks && !canAsk)
                {
                    return environment.Fail(
                        $"there is nobody to ask: give --yes to {verb} without being asked", ExitCodes.Usage);
                }

                using ControlClient? client = _control.Open(environment, parsed);
                if (client is null) return ExitCodes.Usage;
                string at = ApprovalsCommand.At(parsed.GetValue(_id)!);
                ControlAnswer shown = await client.GetAsync(at, cancellation);
                string? seen = parsed.GetValue(_digest)
                    ?? (shown.IsOk ? shown.Body!["digest"]!.GetValue<string>() : null);
                if (asks && shown.IsOk && !Confirms(environment, verb, shown.Body!.AsObject()))
                    return environment.Fail("nothing was decided");

                // Somebody who may not see it is refused by the act in the same words, and then the audit has that they
                // tried.
                if (seen is null && shown.Status is not (403 or 404)) return environment.Fail(shown);
                JsonObject body = bodyOf(seen ?? NoDigest, parsed.GetValue(_reason)!);
                ControlAnswer answer =
                    await client.PostAsync(at + path, body.ToJsonString(), "application/json", cancellation);
                return ApprovalsCommand.Report(environment, answer, parsed.GetValue(_json));
            });
            return command;
        }
    }
}
