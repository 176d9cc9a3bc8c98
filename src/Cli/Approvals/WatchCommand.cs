using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Countersign.Policy.Approvals;

namespace Countersign.Cli.Approvals;

/// <summary><c>approvals watch</c>: what waits, and what happens to it, as it happens, over every lost
/// connection.</summary>
internal static class WatchCommand
{
    private static readonly TimeSpan WaitMin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(30);

    // More than the gateway's heartbeats are apart, twice over: a connection that is this quiet is dead.
    private static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(40);

    /// <summary>The command.</summary>
    internal static Command Create(CommandEnvironment environment)
    {
        ControlOptions control = new();
        Option<int?> count = NumberOption.CreateOptional(
            "--count", "Stop after so many lines; 0 for never [default: never]", 0, int.MaxValue);
        Option<bool> json = new("--json") { Description = "Print one JSON object a line: event and approval" };
        Command command = new("watch", "Follow approvals that you may see, live") { count, json };
        control.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            using ControlClient? client = control.Open(environment, parsed);
            if (client is null) return ExitCodes.Usage;
            Watch watch = new(environment, parsed.GetValue(json), parsed.GetValue(count) ?? 0);
            try
            {
                return await watch.RunAsync(client, cancellation);
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return ExitCodes.Ok;
            }
        });
        return command;
    }

    /// <summary>What was printed so far, so that a new connection tells only what is new.</summary>
    private sealed class Watch(CommandEnvironment environment, bool json, int linesMax)
    {
        private readonly Dictionary<string, string> _pending = new(StringComparer.Ordinal);
        private readonly HashSet<string> _snapshot = new(StringComparer.Ordinal);
        private int _lines;

        internal async Task<int> RunAsync(ControlClient client, CancellationToken cancellation)
        {
            TimeSpan wait = WaitMin;
            while (!cancellation.IsCancellationRequested)
            {
                _snapshot.Clear();
                bool wasHeard = false;
                ControlAnswer end = await client.EventsAsync(
                    ApprovalsCommand.Path + "/events", SilenceMax, async (name, data) =>
                    {
                        wasHeard = true;
                        return await HearAsync(client, name, data, cancellation);
                    }, cancellation);
                if (IsDone) return ExitCodes.Ok;

                // A refusal is final; a gateway that is away, drains or has no store comes back.
                if (end.Status is >= 400 and < 500) return environment.Fail(end);
                if (wasHeard) wait = WaitMin;
                else environment.Error.WriteLine($"countersign: {end.Problem()}; again in {wait.TotalSeconds:0} s");
                await Task.Delay(wait, environment.Clock, cancellation);
                wait = wait + wait < WaitMax ? wait + wait : WaitMax;
            }

            return ExitCodes.Ok;
        }

        private bool IsDone => linesMax > 0 && _lines >= linesMax;

        // False ends the stream.
        private async ValueTask<bool> HearAsync(
            ControlClient client, string name, string data, CancellationToken cancellation)
        {
            if (JsonNode.Parse(data) is not JsonObject said) return true;
            if (name == "ready")
            {
                await CatchUpAsync(client, cancellation);
                return !IsDone;
            }

            string id = said["id"]!.ToString();
            string form = said.ToJsonString();
            if (name == "pending") _snapshot.Add(id);
            if (_pending.GetValueOrDefault(id) == form) return true;
            if (said["state"]!.ToString() == "pending") _pending[id] = form;
            else _pending.Remove(id);
            Print(name, said);
            return !IsDone;
        }

        // What was pending when the connection was lost and is no more: nobody else tells what became of it.
        private async ValueTask CatchUpAsync(ControlClient client, CancellationToken cancellation)
        {
            foreach (string id in _pending.Keys.Where(id => !_snapshot.Contains(id)).ToArray())
            {
                _pending.Remove(id);
                ControlAnswer answer = await client.GetAsync(ApprovalsCommand.At(id), cancellation);
                if (answer.IsOk && !IsDone) Print("moved", answer.Body!.AsObject());
            }

            _snapshot.Clear();
        }

        private void Print(string name, JsonObject approval)
        {
            if (json)
            {
                JsonObject line = new() { ["event"] = name, ["approval"] = approval.DeepClone() };
                environment.Out.WriteLine(line.ToJsonString(ApprovalText.OneLine));
            }
            else
            {
                string at = Timestamps.Format(environment.Clock.GetUtcNow());
                environment.Out.WriteLine(at + "  " + ApprovalText.Line(name, approval));
            }

            environment.Out.Flush();
            _lines++;
        }
    }
}
