using System.CommandLine;
using System.Text.Json.Nodes;

namespace Countersign.Cli.Policies;

/// <summary>
/// What a command says of a change of policy that another person must approve, and how it waits for it.
/// </summary>
internal sealed class ProposalWait
{
    private const string Approvals = "/api/v1/approvals/";

    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    private readonly Option<bool> _wait = new("--wait")
    {
        Description = "Where another person must approve it, wait until that is decided",
    };

    private readonly Option<string> _reason = new("--reason")
    {
        Description = "Why, for who must approve it", DefaultValueFactory = _ => "",
    };

    /// <summary>Adds the options to a command.</summary>
    internal void AddTo(Command command)
    {
        command.Options.Add(_wait);
        command.Options.Add(_reason);
    }

    /// <summary>Why, as the command line says it.</summary>
    internal string Reason(ParseResult parsed) => parsed.GetValue(_reason)!;

    /// <summary>True if the answer is a change that waits.</summary>
    internal static bool IsAwaited(ControlAnswer answer) => answer.Status == 202;

    /// <summary>Says what is waited for, and waits if that is wanted; the exit code.</summary>
    internal async Task<int> FinishAsync(
        CommandEnvironment environment, ControlClient client, ParseResult parsed, ControlAnswer answer, bool json,
        CancellationToken cancellation)
    {
        JsonObject asked = answer.Body!.AsObject();
        string id = asked["approval"]!.ToString();
        if (!json)
        {
            string groups = string.Join(", ", asked["approvers"]!.AsArray().Select(group => group!.ToString()));
            environment.Out.WriteLine(
                $"version {asked["version"]} is stored, and in force once another person of {groups} approves it");
            environment.Out.WriteLine($"approval {id}, until {asked["expires_at"]}");
            environment.Out.Flush();
        }

        if (!parsed.GetValue(_wait)) return ExitCodes.Waiting;
        while (true)
        {
            ControlAnswer seen = await client.GetAsync(Approvals + id, cancellation);
            string state = seen.IsOk ? seen.Body!["state"]!.ToString() : "";
            if (state == "executed")
            {
                if (!json) environment.Out.WriteLine($"version {asked["version"]} is in force");
                return ExitCodes.Ok;
            }

            // A control listener that restarts has not decided anything.
            if (!seen.IsOk && seen.Status is not (0 or 503)) return environment.Fail(seen);
            if (seen.IsOk && state is not ("pending" or "approved"))
                return environment.Fail($"the approval is {state}; version {asked["version"]} is not in force");
            await Task.Delay(LookEvery, environment.Clock, cancellation);
        }
    }
}
