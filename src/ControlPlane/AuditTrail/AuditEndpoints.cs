using System.Globalization;
using System.Text.Json;
using Countersign.Audit;
using Countersign.Policy;
using Microsoft.AspNetCore.Http;

namespace Countersign.ControlPlane.AuditTrail;

/// <summary>The audit log of this gateway, for auditors.</summary>
internal static class AuditEndpoints
{
    private static readonly SemaphoreSlim Searches = new(ControlPlaneLimits.CallSearchesMax);

    public static void Map(Routes routes, AuditLog log, IReadOnlyList<string> auditors)
    {
        routes.Known(HttpMethods.Get, "/api/v1/audit/checkpoint", (_, _) => new(Checkpoint(log.LastCheckpoint)));
        routes.Known(
            HttpMethods.Get, "/api/v1/audit/calls", (context, caller) => CallsAsync(context, caller, log, auditors));
    }

    /// <summary>The newest signed head, byte for byte (C2SP tlog-checkpoint).</summary>
    internal static Reply Checkpoint(AuditCheckpoint? head) => head is null
        ? Reply.Refuse(Refusal.AuditUnavailable, "The log has signed nothing yet.")
        : new Reply(200, "text/plain; charset=utf-8", head.Note);

    internal static Reply Calls(CallPage page)
    {
        if (!page.IsWhole) return Reply.Refuse(Refusal.AuditUnavailable, "The log is damaged; verify it.");
        return Reply.Json(200, json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("items");
            foreach (AuditEntry entry in page.Items) WriteRecord(json, entry);
            json.WriteEndArray();
            if (page.Next > 0) json.WriteString("next", page.Next.ToString(CultureInfo.InvariantCulture));
            else json.WriteNull("next");
            json.WriteEndObject();
        });
    }

    private static async ValueTask<Reply> CallsAsync(
        HttpContext context, Caller caller, AuditLog log, IReadOnlyList<string> auditors)
    {
        if (!auditors.Any(caller.IsIn)) return Reply.Refuse(Refusal.Denied, "Only auditors may read the audit.");
        const int Most = ControlPlaneLimits.CallsOnPageMax;
        if (!RequestReading.TryNumber(context, "limit", 1, Most, ControlPlaneLimits.CallsOnPage, out long limit))
        {
            return Reply.Refuse(Refusal.MalformedRequest, "limit must be a number from 1 to 1000.");
        }

        if (!RequestReading.TryNumber(context, "cursor", 1, long.MaxValue, long.MaxValue, out long before))
        {
            return Reply.Refuse(Refusal.MalformedRequest, "cursor must be what next said.");
        }

        if (!TryCall(context, out Guid? call))
        {
            return Reply.Refuse(Refusal.MalformedRequest, "call must be one call's id.");
        }

        await Searches.WaitAsync(context.RequestAborted);
        try
        {
            return Calls(CallSearch.Newest(log.Folder, Math.Min(before, log.Size), (int)limit, call));
        }
        finally
        {
            Searches.Release();
        }
    }

    private static bool TryCall(HttpContext context, out Guid? call)
    {
        call = null;
        if (!RequestReading.TryQuery(context, "call", out string? text)) return false;
        if (text is null) return true;
        if (!Guid.TryParseExact(text, "D", out Guid id)) return false;
        call = id;
        return true;
    }

    // The record as it was written, behind its number in the log: what an inclusion proof is asked for by.
    private static void WriteRecord(Utf8JsonWriter json, in AuditEntry entry)
    {
        using JsonDocument record = JsonDocument.Parse(entry.Payload);
        json.WriteStartObject();
        json.WriteNumber("index", entry.Index);
        foreach (JsonProperty member in record.RootElement.EnumerateObject()) member.WriteTo(json);
        json.WriteEndObject();
    }
}
