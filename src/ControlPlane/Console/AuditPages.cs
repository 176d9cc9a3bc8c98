using System.Globalization;
using System.Text;
using System.Text.Json;
using Countersign.Audit;
using Countersign.ControlPlane.AuditTrail;
using Countersign.ControlPlane.Console.Pages;
using Countersign.ControlPlane.Console.Sessions;
using Countersign.ControlPlane.Console.Views;
using Microsoft.AspNetCore.Http;

namespace Countersign.ControlPlane.Console;

/// <summary>The audit, for auditors: search, the story of a call, the chain of trust, export. Every read is logged.
/// </summary>
internal sealed class AuditPages(ConsoleGate gate, AuditDesk desk)
{
    private const int RowsOnPage = 50;

    // As many as are proven again whenever somebody looks at the chain: some milliseconds.
    private const long VerifiedAtOnce = 8_192;

    public void Map()
    {
        gate.Page(ConsolePaths.Audit, SearchAsync);
        gate.Page(ConsolePaths.AuditExport, ExportAsync);
        gate.Page(ConsolePaths.AuditChain, (_, session) => ChainAsync(session));
        gate.Page(ConsolePaths.AuditCalls + "/{call}", StoryAsync);
        gate.Page(ConsolePaths.AuditCalls + "/{call}/proof", ProofAsync);
    }

    private async ValueTask<Reply> SearchAsync(HttpContext context, ConsoleSession session)
    {
        if (await RefusalAsync(session, "calls", QueryOf(context)) is { } refused) return refused;
        AuditQuery? query = AuditQueryReading.Read(context, out string fault);
        bool isFirst = !RequestReading.TryNumber(context, "cursor", 1, long.MaxValue, long.MaxValue, out long before)
            || before == long.MaxValue;
        RecordPage page = query is null
            ? new RecordPage([], 0, IsWhole: true)
            : await desk.FindAsync(query, before, RowsOnPage, context.RequestAborted);
        return await gate.RenderAsync<AuditPage>(new AuditModel(
            gate.HeadFor(session, "Audit", "audit"), FilterOf(context), fault, page.IsWhole,
            [.. page.Items.Select(Read)],
            page.Next > 0 ? page.Next.ToString(CultureInfo.InvariantCulture) : null, isFirst));
    }

    private async ValueTask<Reply> ExportAsync(HttpContext context, ConsoleSession session)
    {
        if (await RefusalAsync(session, "export", QueryOf(context)) is { } refused) return refused;
        if (AuditQueryReading.Read(context, out string fault) is not { } query)
            return await gate.MessageAsync(400, gate.HeadFor(session, "Not a search", "audit"), fault);
        return Reply.Stream(
            "application/x-ndjson", (output, cancellation) => desk.ExportAsync(query, output, cancellation));
    }

    private async ValueTask<Reply> StoryAsync(HttpContext context, ConsoleSession session)
    {
        string id = RequestReading.Segment(context, "call");
        if (await RefusalAsync(session, id, "story") is { } refused) return refused;
        CallStory? story = Guid.TryParseExact(id, "D", out Guid call)
            ? await desk.StoryOfAsync(call, context.RequestAborted)
            : null;
        if (story is null) return await NoSuchCallAsync(session);
        AuditEntry told = story.Record("outcome") ?? story.Records[0];
        using JsonDocument record = JsonDocument.Parse(told.Payload);
        return await gate.RenderAsync<AuditCallPage>(new AuditCallModel(
            gate.HeadFor(session, "A call", "audit"), id, [.. story.Steps().Select(StepOf)],
            [.. Copies(record.RootElement)],
            [.. story.Records.Concat(story.Acts).Select(entry => entry.Index)]));
    }

    private async ValueTask<Reply> ProofAsync(HttpContext context, ConsoleSession session)
    {
        string id = RequestReading.Segment(context, "call");
        if (await RefusalAsync(session, id, "proof") is { } refused) return refused;
        CallStory? story = Guid.TryParseExact(id, "D", out Guid call)
            ? await desk.StoryOfAsync(call, context.RequestAborted)
            : null;
        if ((story?.Record("outcome") ?? story?.Record("intent")) is not { } record)
            return await NoSuchCallAsync(session);
        return await desk.ProveAsync(record, context.RequestAborted) is { } proof
            ? Reply.Text(proof.ToString(), "application/octet-stream")
            : await gate.MessageAsync(
                503, gate.HeadFor(session, "Not signed yet", "audit"), "No signed head covers this record yet.");
    }

    private async ValueTask<Reply> ChainAsync(ConsoleSession session)
    {
        if (await RefusalAsync(session, "chain", "") is { } refused) return refused;
        ChainOfTrust chain = desk.Chain;
        long signed = desk.Head?.Size ?? 0;
        AuditVerification? found = signed == 0
            ? null
            : AuditVerifier.VerifyRange(desk.Folder, Math.Max(0, signed - VerifiedAtOnce), signed);
        return await gate.RenderAsync<AuditChainPage>(new AuditChainModel(
            gate.HeadFor(session, "Chain of trust", "audit"), desk.Key.Name, desk.Key.ToString(), desk.Size, signed,
            desk.Head is { } head ? Encoding.UTF8.GetString(head.Note.Span) : "",
            found?.IsOk ?? true, found is null ? "Nothing is signed yet." : found.Message,
            chain.Doubt, chain.Unwitnessed,
            [.. chain.Witnesses.Select(one => new WitnessRow(
                one.Key.Split('+')[0], one.Key, one.Through, one.Size, one.CosignedAt, one.Trouble))],
            [.. chain.Conflicts.Select(pair => new ConflictRow(pair.Key, pair.Value))]));
    }

    // Who may not read is told so, and what cannot be logged is not read.
    private async ValueTask<Reply?> RefusalAsync(ConsoleSession session, string subject, string detail)
    {
        if (!desk.MayRead(session.Caller))
        {
            return await gate.MessageAsync(
                403, gate.HeadFor(session, "Not for you to read", "audit"), "Auditors read the audit.");
        }

        if (await desk.NoteReadAsync(session.Caller, subject, detail)) return null;
        return await gate.MessageAsync(
            503, gate.HeadFor(session, "The audit cannot be written", "audit"),
            "What is read must be logged, and the log takes nothing.");
    }

    private ValueTask<Reply> NoSuchCallAsync(ConsoleSession session) => gate.MessageAsync(
        404, gate.HeadFor(session, "There is no such call", "audit"), "This gateway's log holds no record of it.");

    private static string QueryOf(HttpContext context) => context.Request.QueryString.Value ?? "";

    private static AuditFilter FilterOf(HttpContext context)
    {
        string Field(string name) => RequestReading.TryQuery(context, name, out string? value) ? value ?? "" : "";
        return new AuditFilter(
            Field("type"), Field("caller"), Field("person"), Field("function"), Field("decision"), Field("verdict"),
            Field("approval"), Field("from"), Field("to"), Field("text"));
    }

    private static AuditRow Read(AuditEntry entry)
    {
        using JsonDocument document = JsonDocument.Parse(entry.Payload);
        JsonElement record = document.RootElement;
        bool hasWho = record.TryGetProperty("caller", out JsonElement who) || record.TryGetProperty("actor", out who);
        return new AuditRow(
            entry.Index, Text(record, "at"), Text(record, "type"), Text(record, "call"),
            Text(record, "function") is { Length: > 0 } function ? function : Text(record, "event"),
            hasWho ? Text(who, "sub") : "", hasWho ? ActorOf(who) : "",
            Text(record, "decision"), Text(record, "verdict"),
            Text(record, "target") is { Length: > 0 } target ? target : Text(record, "detail"));
    }

    private static string ActorOf(JsonElement caller) =>
        caller.TryGetProperty("act", out JsonElement act) && act.ValueKind == JsonValueKind.Object
            ? Text(act, "sub")
            : "";

    private static AuditStep StepOf(StoryStep step) => new(
        DateTimeOffset.TryParse(step.At, CultureInfo.InvariantCulture, out DateTimeOffset at) ? at : default,
        step.Step, step.Text, step.Index);

    private static IEnumerable<AuditCopy> Copies(JsonElement record)
    {
        foreach ((string name, string title) in ((string, string)[])[("request", "Payload"), ("response", "Answer")])
        {
            string digest = Text(record, name + "_digest"), withheld = Text(record, name + "_copy_withheld");
            string copy = Text(record, name + "_copy");
            if (digest.Length + copy.Length + withheld.Length > 0) yield return new(title, copy, withheld, digest);
        }
    }

    private static string Text(JsonElement record, string name) =>
        record.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : "";
}
