using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Countersign.Cli.Shipping;

/// <summary>
/// A batch as OTLP/HTTP JSON (an <c>ExportLogsServiceRequest</c>). A record's identity is <c>log.record.uid</c>, by
/// which receivers know a repeat, as the semantic conventions have it.
/// </summary>
internal static class OtlpText
{
    private const int Information = 9;
    private const int Warning = 13;

    /// <summary>The request's body, of the entries from <paramref name="from"/> on.</summary>
    internal static byte[] Write(ShipBatch batch, int from, int count, DateTimeOffset now)
    {
        using MemoryStream text = new();
        using (Utf8JsonWriter json = new(text))
        {
            json.WriteStartObject();
            json.WriteStartArray("resourceLogs");
            json.WriteStartObject();
            json.WriteStartObject("resource");
            json.WriteStartArray("attributes");
            Attribute(json, "service.name", "countersign");
            Attribute(json, "service.instance.id", batch.Log.Origin);
            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteStartArray("scopeLogs");
            json.WriteStartObject();
            json.WriteStartObject("scope");
            json.WriteString("name", "countersign.audit");
            json.WriteString("version", "1");
            json.WriteEndObject();
            json.WriteStartArray("logRecords");
            for (int at = from; at < from + count; at++) Record(json, batch.Log, batch.Entries[at], now);
            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteEndArray();
            json.WriteEndObject();
        }

        return text.ToArray();
    }

    /// <summary>How many records a collector says that it threw away, and why.</summary>
    internal static (long Rejected, string Message) Rejected(ReadOnlyMemory<byte> answer)
    {
        try
        {
            using JsonDocument told = JsonDocument.Parse(answer);
            if (told.RootElement.ValueKind != JsonValueKind.Object
                || !told.RootElement.TryGetProperty("partialSuccess", out JsonElement partial)
                || partial.ValueKind != JsonValueKind.Object) return (0, "");
            string message = partial.TryGetProperty("errorMessage", out JsonElement why) ? why.ToString() : "";

            // 64-bit numbers are texts in this mapping; some write numbers.
            return partial.TryGetProperty("rejectedLogRecords", out JsonElement count)
                && long.TryParse(count.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out long rejected)
                    ? (rejected, message)
                    : (0, message);
        }
        catch (JsonException)
        {
            return (0, "");
        }
    }

    private static void Record(Utf8JsonWriter json, LogIdentity log, ShippedEntry entry, DateTimeOffset now)
    {
        RecordFields fields = RecordFields.Read(entry.Record);
        bool isWell = fields.Verdict is null or "ok" && fields.Decision is null or "allow" or "approve";
        json.WriteStartObject();
        json.WriteString("timeUnixNano", Nanoseconds(fields.At));
        json.WriteString("observedTimeUnixNano", Nanoseconds(now));
        json.WriteNumber("severityNumber", isWell ? Information : Warning);
        json.WriteString("severityText", isWell ? "INFO" : "WARN");
        json.WriteString("eventName", "countersign.audit." + (fields.Type.Length > 0 ? fields.Type : "unknown"));
        json.WriteStartObject("body");
        json.WriteString("stringValue", Encoding.UTF8.GetString(entry.Record.Span));
        json.WriteEndObject();
        json.WriteStartArray("attributes");
        string uid = log.Name + "/" + entry.Index.ToString(CultureInfo.InvariantCulture);
        Attribute(json, "log.record.uid", uid);
        Number(json, "countersign.index", entry.Index);
        Attribute(json, "countersign.leaf", Convert.ToBase64String(entry.Leaf));
        Attribute(json, "countersign.call", fields.Call?.ToString());
        Attribute(json, "countersign.gateway", fields.Gateway);
        Attribute(json, "countersign.caller", fields.Subject);
        Attribute(json, "countersign.function", fields.Function);
        Attribute(json, "countersign.decision", fields.Decision);
        Attribute(json, "countersign.verdict", fields.Verdict);
        Attribute(json, "countersign.approval", fields.Approval);
        Attribute(json, "countersign.event", fields.Event);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static string Nanoseconds(DateTimeOffset at) =>
        ((at - DateTimeOffset.UnixEpoch).Ticks * 100).ToString(CultureInfo.InvariantCulture);

    private static void Attribute(Utf8JsonWriter json, string key, string? value)
    {
        if (value is null) return;
        json.WriteStartObject();
        json.WriteString("key", key);
        json.WriteStartObject("value");
        json.WriteString("stringValue", value);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void Number(Utf8JsonWriter json, string key, long value)
    {
        json.WriteStartObject();
        json.WriteString("key", key);
        json.WriteStartObject("value");
        json.WriteString("intValue", value.ToString(CultureInfo.InvariantCulture));
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
