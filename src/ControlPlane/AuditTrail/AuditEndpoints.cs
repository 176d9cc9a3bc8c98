using System.Globalization;
using System.Text.Json;
using Countersign.Audit;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Microsoft.AspNetCore.Http;

namespace Countersign.ControlPlane.AuditTrail;

/// <summary>
/// The audit log of this gateway, for auditors. Every read but that of the signed head is itself logged.
/// </summary>
internal static class AuditEndpoints
{
    public static void Map(Routes routes, AuditDesk desk)
    {
        routes.Known(HttpMethods.Get, "/api/v1/audit/checkpoint", (_, _) => new(Checkpoint(desk.Head)));
        routes.Known(HttpMethods.Get, "/api/v1/audit/chain", (_, caller) => ChainAsync(caller, desk));
        routes.Known(HttpMethods.Get, "/api/v1/audit/calls", (context, caller) => CallsAsync(context, caller, desk));
        routes.Known(
            HttpMethods.Get, "/api/v1/audit/calls/{call}", (context, caller) => StoryAsync(context, caller, desk));
        routes.Known(
            HttpMethods.Get, "/api/v1/audit/calls/{call}/proof",
            (context, caller) => ProofAsync(context, caller, desk));
    }

    /// <summary>The newest signed head, byte for byte (C2SP tlog-checkpoint).</summary>
    internal static Reply Checkpoint(AuditCheckpoint? head) => head is null
        ? Reply.Refuse(Refusal.AuditUnavailable, "The log has signed nothing yet.")
        : new Reply(200, "text/plain; charset=utf-8", head.Note);

    private static async ValueTask<Reply> ChainAsync(Caller caller, AuditDesk desk)
    {
        if (!desk.MayRead(caller)) return await DeniedAsync(caller, desk, "chain", "");
        return await desk.NoteReadAsync(caller, "chain", "") ? Chain(desk) : Unnoted();
    }

    private static Reply Chain(AuditDesk desk)
    {
        ChainOfTrust chain = desk.Chain;
        return Reply.Json(200, json =>
        {
            json.WriteStartObject();
            json.WriteString("log", desk.Key.Name);
            json.WriteString("key", desk.Key.ToString());
            json.WriteStartArray("handovers");
            foreach (KeyHandover handover in desk.Keys.Handovers)
            {
                json.WriteStartObject();
                json.WriteString("from", handover.From.ToString());
                json.WriteString("to", handover.To.ToString());
                json.WriteNumber("size", handover.Head.Size);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteNumber("entries", desk.Size);
            json.WriteNumber("signed", desk.Head?.Size ?? 0);
            json.WriteString("doubt", chain.Doubt);
            json.WriteString("witness_key", chain.WitnessKey);
            json.WriteString("unwitnessed", chain.Unwitnessed);
            json.WriteStartArray("witnesses");
            foreach (ChainWitness witness in chain.Witnesses)
            {
                json.WriteStartObject();
                json.WriteString("key", witness.Key);
                json.WriteString("through", witness.Through);
                json.WriteNumber("size", witness.Size);
                if (witness.Size == 0) json.WriteNull("cosigned_at");
                else json.WriteString("cosigned_at", Timestamps.Format(witness.CosignedAt));
                json.WriteString("trouble", witness.Trouble);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteStartObject("conflicts");
            foreach ((string log, string how) in chain.Conflicts) json.WriteString(log, how);
            json.WriteEndObject();
            json.WriteEndObject();
        });
    }

    internal static Reply Calls(RecordPage page)
    {
        if (!page.IsWhole) return Reply.Refuse(Refusal.AuditUnavailable, "The log is damaged; verify it.");
        return Reply.List(json =>
        {
            json.WriteStartObject();
            WriteRecords(json, "items", page.Items);
            if (page.Next > 0) json.WriteString("next", page.Next.ToString(CultureInfo.InvariantCulture));
            else json.WriteNull("next");
            json.WriteEndObject();
        });
    }

    private static async ValueTask<Reply> CallsAsync(HttpContext context, Caller caller, AuditDesk desk)
    {
        string asked = context.Request.QueryString.Value ?? "";
        if (!desk.MayRead(caller)) return await DeniedAsync(caller, desk, "calls", asked);
        const int Most = ControlPlaneLimits.CallsOnPageMax;
        if (!RequestReading.TryNumber(context, "limit", 1, Most, ControlPlaneLimits.CallsOnPage, out long limit))
        {
            return Reply.Refuse(Refusal.MalformedRequest, "limit must be a number from 1 to 1000.");
        }

        if (!RequestReading.TryNumber(context, "cursor", 1, long.MaxValue, long.MaxValue, out long before))
        {
            return Reply.Refuse(Refusal.MalformedRequest, "cursor must be what next said.");
        }

        if (AuditQueryReading.Read(context, out string fault) is not { } query)
            return Reply.Refuse(Refusal.MalformedRequest, fault);
        if (!await desk.NoteReadAsync(caller, "calls", asked)) return Unnoted();
        return Calls(await desk.FindAsync(query, before, (int)limit, context.RequestAborted));
    }

    private static async ValueTask<Reply> StoryAsync(HttpContext context, Caller caller, AuditDesk desk)
    {
        if (!desk.MayRead(caller))
            return await DeniedAsync(caller, desk, RequestReading.Segment(context, "call"), "story");
        if (!TryCall(context, out Guid call)) return NoSuchCall();
        if (!await desk.NoteReadAsync(caller, call.ToString("D"), "story")) return Unnoted();
        return await desk.StoryOfAsync(call, context.RequestAborted) is { } story ? Story(story) : NoSuchCall();
    }

    private static async ValueTask<Reply> ProofAsync(HttpContext context, Caller caller, AuditDesk desk)
    {
        if (!desk.MayRead(caller))
            return await DeniedAsync(caller, desk, RequestReading.Segment(context, "call"), "proof");
        if (!TryCall(context, out Guid call)) return NoSuchCall();
        bool isOnce = RequestReading.TryQuery(context, "record", out string? type);
        if (!isOnce || type is not (null or "intent" or "outcome"))
            return Reply.Refuse(Refusal.MalformedRequest, "record must be intent or outcome.");
        if (!await desk.NoteReadAsync(caller, call.ToString("D"), "proof")) return Unnoted();
        if (await desk.StoryOfAsync(call, context.RequestAborted) is not { } story) return NoSuchCall();
        if (story.Record(type ?? "outcome") is not { } record) return NoSuchCall();
        return await desk.ProveAsync(record, context.RequestAborted) is { } proof
            ? Reply.Text(proof.ToString())
            : Reply.Refuse(Refusal.AuditUnavailable, "The record is not under a signed head; ask again, or verify.");
    }

    private static Reply Story(CallStory story) => Reply.Json(200, json =>
    {
        json.WriteStartObject();
        json.WriteString("call", story.Call);
        json.WriteStartArray("steps");
        foreach (StoryStep step in story.Steps())
        {
            json.WriteStartObject();
            json.WriteNumber("index", step.Index);
            json.WriteString("at", step.At);
            json.WriteString("step", step.Step);
            json.WriteString("text", step.Text);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        WriteRecords(json, "items", story.Records);
        WriteRecords(json, "acts", story.Acts);
        json.WriteEndObject();
    });

    private static async ValueTask<Reply> DeniedAsync(Caller caller, AuditDesk desk, string subject, string detail)
    {
        await desk.NoteRefusalAsync(caller, subject, detail);
        return Reply.Refuse(Refusal.Denied, "Only auditors may read the audit.");
    }

    private static Reply NoSuchCall() => Reply.Refuse(Refusal.NotFound, "This gateway's log holds no such call.");

    private static Reply Unnoted() =>
        Reply.Refuse(Refusal.AuditUnavailable, "What is read must be logged, and the log takes nothing.");

    private static bool TryCall(HttpContext context, out Guid call) =>
        Guid.TryParseExact(RequestReading.Segment(context, "call"), "D", out call);

    // The record as it was written, behind its number in the log: what an inclusion proof is asked for by.
    private static void WriteRecords(Utf8JsonWriter json, string name, IReadOnlyList<AuditEntry> entries)
    {
        json.WriteStartArray(name);
        foreach (AuditEntry entry in entries)
        {
            using JsonDocument record = JsonDocument.Parse(entry.Payload);
            json.WriteStartObject();
            json.WriteNumber("index", entry.Index);
            foreach (JsonProperty member in record.RootElement.EnumerateObject()) member.WriteTo(json);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
