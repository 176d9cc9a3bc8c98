using System.CommandLine;
using System.Text.Json.Nodes;

namespace Countersign.Cli.Nodes;

/// <summary><c>countersign nodes</c>: the fleet, and how far each node is with the policy in force.</summary>
internal static class NodesCommand
{
    private const string Path = "/api/v1/nodes";

    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    /// <summary>The command.</summary>
    internal static Command Create(CommandEnvironment environment)
    {
        ControlOptions control = new();
        Option<bool> watch = new("--watch", "-w") { Description = "Print the fleet again whenever it changes" };
        Option<bool> wait = new("--wait")
        {
            Description = "End when every live node runs the policy in force; exit code 1 after --timeout",
        };
        Option<int> timeout =
            NumberOption.Create("--timeout", "Seconds that --wait waits", 30, 0, int.MaxValue);
        Option<bool> json = new("--json") { Description = "Print the API's JSON, with --watch a line per change" };
        Command command =
            new("nodes", "Show the fleet: who runs which policy version") { watch, wait, timeout, json };
        control.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            using ControlClient? client = control.Open(environment, parsed);
            if (client is null) return ExitCodes.Usage;
            Look look = new(parsed.GetValue(watch), parsed.GetValue(wait), parsed.GetValue(json));
            TimeSpan within = TimeSpan.FromSeconds(parsed.GetValue(timeout));
            return await RunAsync(environment, client, look, within, cancellation);
        });
        return command;
    }

    private static async Task<int> RunAsync(
        CommandEnvironment environment, ControlClient client, Look look, TimeSpan within,
        CancellationToken cancellation)
    {
        long startedAt = environment.Clock.GetTimestamp();
        string before = "";
        while (true)
        {
            ControlAnswer answer = await client.GetAsync(Path, cancellation);

            // A control listener that restarts is no end of a watch; one that refuses is.
            bool isGone = answer.Status is 0 or 503 && (look.Watches || look.Waits);
            if (!answer.IsOk && !isGone) return environment.Fail(answer);
            bool isConverged = answer.IsOk && answer.Body!["converged"]!.GetValue<bool>();
            string shown = answer.IsOk ? Shown(answer, look.Json) : answer.Problem() + "\n";
            bool isLast = !look.Watches && (!look.Waits || isConverged);
            if ((look.Watches && Stable(answer, shown) != before) || isLast) environment.Out.Write(shown);
            environment.Out.Flush();
            before = Stable(answer, shown);
            if (isLast || (look.Waits && isConverged)) return ExitCodes.Ok;
            if (look.Waits && environment.Clock.GetElapsedTime(startedAt) >= within)
            {
                if (!look.Watches) environment.Out.Write(shown);
                return environment.Fail("the fleet has not converged");
            }

            try
            {
                await Task.Delay(LookEvery, environment.Clock, cancellation);
            }
            catch (OperationCanceledException)
            {
                return ExitCodes.Ok;
            }
        }
    }

    // What changes with every look, the times of the last contacts, is no change.
    private static string Stable(ControlAnswer answer, string shown)
    {
        if (!answer.IsOk) return shown;
        JsonNode copy = answer.Body!.DeepClone();
        foreach (JsonNode? node in copy["items"]!.AsArray())
        {
            foreach (string moving in new[] { "last_contact", "silent_ms", "policy_lag_ms" })
                node!.AsObject().Remove(moving);
        }

        return copy.ToJsonString();
    }

    private static string Shown(ControlAnswer answer, bool json) =>
        json ? answer.Text + "\n" : NodeTable.Write(answer.Body!.AsObject());

    private readonly record struct Look(bool Watches, bool Waits, bool Json);
}
