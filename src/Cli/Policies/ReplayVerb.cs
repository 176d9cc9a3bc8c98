using System.CommandLine;
using Countersign.Policy;

namespace Countersign.Cli.Policies;

/// <summary><c>countersign policy replay</c>: recorded calls under a new policy.</summary>
internal static class ReplayVerb
{
    internal static Command Create(CommandEnvironment environment)
    {
        Argument<string> policy = new("policy") { Description = "The new policy" };
        Option<string> from = new("--from")
        {
            Description = "An audit folder, or a file of records, one JSON object a line; - is standard input",
            Required = true,
        };
        Option<bool> outside = PolicyFile.IncludeOutside();
        Option<bool> differs = new("--exit-code") { Description = "End with 1 if a call would come out otherwise" };
        Option<bool> json = new("--json") { Description = "Print JSON" };
        Command command = new(
            "replay", "Show which recorded calls a new policy would decide otherwise, and what that costs in approvals")
        {
            policy, from, outside, differs, json,
        };
        command.SetAction(parsed =>
        {
            string log = parsed.GetValue(from)!;
            if (log != "-" && !Directory.Exists(log) && !File.Exists(log))
            {
                return environment.Fail($"there is no folder or file {log}", ExitCodes.Usage);
            }

            PolicyFile? file = PolicyFile.Read(environment, parsed.GetValue(policy)!, parsed.GetValue(outside));
            if (file is null) return ExitCodes.Usage;
            if (file.Reading.Snapshot is not { } snapshot)
            {
                environment.Error.WriteLine(PolicyErrorText.Of(file, file.Reading.Errors));
                return ExitCodes.Failed;
            }

            Replay replay = new(snapshot, environment.Clock);
            foreach (RecordedCall call in RecordedCall.ReadAll(environment, log)) replay.Add(call);
            environment.Out.WriteLine(parsed.GetValue(json) ? replay.ToJson() : replay.ToText());
            return parsed.GetValue(differs) && replay.HasChanges ? ExitCodes.Failed : ExitCodes.Ok;
        });
        return command;
    }
}
