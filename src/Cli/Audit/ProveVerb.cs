using System.CommandLine;
using Countersign.Audit;

namespace Countersign.Cli.Audit;

/// <summary><c>audit prove</c>: a proof for one call that verifies offline.</summary>
internal static class ProveVerb
{
    internal static Command Create(CommandEnvironment environment)
    {
        FolderOptions folder = new();
        ControlOptions control = new();
        Argument<string> call = new("call") { Description = "The call's id, as in Countersign-Call" };
        Option<bool> intent = new("--intent") { Description = "Prove the intent rather than the outcome" };
        Command command = new(
            "prove", "Print an inclusion proof of a call (C2SP tlog-proof), from a folder or the control listener")
        {
            call, intent,
        };
        folder.AddTo(command, hasArgument: false);
        control.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            if (!Guid.TryParseExact(parsed.GetValue(call), "D", out Guid id))
                return environment.Fail("name a call's id, as in Countersign-Call", ExitCodes.Usage);
            string record = parsed.GetValue(intent) ? "intent" : "outcome";
            if (folder.IsGiven(parsed) || !control.IsGiven(parsed))
            {
                return folder.Find(environment, parsed) is { } path
                    ? Prove(environment, path, id, record)
                    : ExitCodes.Usage;
            }

            using ControlClient? client = control.Open(environment, parsed);
            if (client is null) return ExitCodes.Usage;
            ControlAnswer answer = await client.GetAsync(
                $"/api/v1/audit/calls/{id}/proof?record={record}", cancellation);
            if (!answer.IsOk) return environment.Fail(answer.Problem());
            environment.Out.Write(answer.Text);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static int Prove(CommandEnvironment environment, string folder, Guid call, string record)
    {
        if (!AuditVerifier.TryReadCheckpoint(folder, out AuditCheckpoint? checkpoint))
            return environment.Fail("the log's checkpoint is not there, or not signed by its key", ExitCodes.Damaged);
        if (CallStory.Find(folder, call)?.Record(record) is not { } entry)
            return environment.Fail($"the log holds no {record} of {call}");
        if (TlogProof.Of(folder, entry, checkpoint!) is not { } proof)
        {
            return entry.Index >= checkpoint!.Size
                ? environment.Fail("the record is not under a signed checkpoint yet; try again in a second")
                : environment.Fail("the log cannot prove it; verify the log", ExitCodes.Damaged);
        }

        environment.Out.Write(proof.ToString());
        return ExitCodes.Ok;
    }
}
