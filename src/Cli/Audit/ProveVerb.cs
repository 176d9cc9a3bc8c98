using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
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
        Option<bool> json = new("--json") { Description = "Print JSON: the proof, taken apart, and as text" };
        Option<bool> intent = new("--intent") { Description = "Prove the intent rather than the outcome" };
        Command command = new(
            "prove", "Print an inclusion proof of a call (C2SP tlog-proof), from a folder or the control listener")
        {
            call, intent, json,
        };
        folder.AddTo(command, hasArgument: false);
        control.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            if (!Guid.TryParseExact(parsed.GetValue(call), "D", out Guid id))
                return environment.Fail("name a call's id, as in Countersign-Call", ExitCodes.Usage);
            string record = parsed.GetValue(intent) ? "intent" : "outcome";
            if (folder.IsMeant(parsed, control))
            {
                return folder.Find(environment, parsed) is { } path
                    ? Prove(environment, path, id, record, parsed.GetValue(json))
                    : ExitCodes.Usage;
            }

            using ControlClient? client = control.Open(environment, parsed);
            if (client is null) return ExitCodes.Usage;
            ControlAnswer answer = await client.GetAsync(
                $"/api/v1/audit/calls/{id}/proof?record={record}", cancellation);
            if (!answer.IsOk) return environment.Fail(answer);
            return Print(environment, answer.Text, id, record, parsed.GetValue(json));
        });
        return command;
    }

    private static int Prove(CommandEnvironment environment, string folder, Guid call, string record, bool json)
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

        return Print(environment, proof.ToString(), call, record, json);
    }

    private static int Print(CommandEnvironment environment, string text, Guid call, string record, bool json)
    {
        if (!json)
        {
            environment.Out.Write(text);
            return ExitCodes.Ok;
        }

        // What a listener answered is proven to nobody here: it is read, and whoever holds the key verifies it.
        if (!TlogProof.TryRead(Encoding.UTF8.GetBytes(text), out TlogProof? proof))
            return environment.Fail("the answer is no proof of the form c2sp.org/tlog-proof@v1", ExitCodes.Damaged);
        environment.Out.WriteLine(new JsonObject
        {
            ["call"] = call.ToString("D"),
            ["record"] = record,
            ["index"] = proof!.Index,
            ["path"] = new JsonArray([.. proof.Path.Select(
                hash => (JsonNode)Convert.ToBase64String(hash.Span))]),
            ["checkpoint"] = Encoding.UTF8.GetString(proof.Note.Span),
            ["entry"] = proof.Entry.IsEmpty ? null : JsonNode.Parse(proof.Entry.Span),
            ["proof"] = text,
        }.ToJsonString(Serve.LogOptions.PlainJson));
        return ExitCodes.Ok;
    }
}
