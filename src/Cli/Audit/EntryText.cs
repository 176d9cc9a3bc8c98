using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Countersign.Audit;
using Countersign.Policy.Approvals;

namespace Countersign.Cli.Audit;

/// <summary>An entry as one line for people.</summary>
internal static class EntryText
{
    /// <summary>Index, time, what, who, and how it ended.</summary>
    internal static string Of(in AuditEntry entry)
    {
        JsonObject? record = Parse(entry.Payload.Span);
        if (record is null) return $"{entry.Index,6}  (not a record)";
        string who = Text(record["caller"] ?? record["actor"], "sub");
        if (record["caller"]?["act"] is { } act) who = Text(act, "sub") + " for " + who;
        string chain = record["caller"]?["chain"] is JsonArray people && people.Count > 0
            ? " [" + string.Join(", ", people.Select(one => one!.ToString())) + "]"
            : "";
        string what = Text(record, "function") is { Length: > 0 } function ? function : Text(record, "event");
        string line = $"{entry.Index,6}  {Text(record, "at")}  {Text(record, "type"),-7}  {what}  {who}{chain}";
        string[] names =
        [
            "call", "method", "target", "decision", "rule", "enforced", "approval", "verdict", "status", "masked",
            "subject", "detail",
        ];
        foreach (string name in names)
        {
            if (Text(record, name) is { Length: > 0 } value) line += $"  {name}={value}";
        }

        return SafeText.Show(line);
    }

    private static JsonObject? Parse(ReadOnlySpan<byte> payload)
    {
        try
        {
            return JsonNode.Parse(Encoding.UTF8.GetString(payload)) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Text(JsonNode? from, string name) =>
        from is JsonObject record ? record[name]?.ToString() ?? "" : "";
}
