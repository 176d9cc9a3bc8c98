using System.Globalization;
using System.Text;
using System.Text.Json;
using Countersign.Audit;
using Countersign.Policy;

namespace Countersign.Cli.Policies;

/// <summary>A call as the audit holds it, as far as it says how it would be decided anew.</summary>
/// <param name="Id">The call's id.</param>
/// <param name="At">When it ended.</param>
/// <param name="Caller">Who called; null if nobody was identified.</param>
/// <param name="Function">The function found; empty for none.</param>
/// <param name="Method">As sent.</param>
/// <param name="Target">As sent.</param>
/// <param name="Decision">allow, approve or deny; empty if it was not decided.</param>
/// <param name="Rule">What decided.</param>
/// <param name="Approval">The approval it waited for or claimed; empty for none.</param>
/// <param name="IsCut">The record was shortened.</param>
internal sealed record RecordedCall(
    string Id, DateTimeOffset At, Caller? Caller, string Function, string Method, string Target, string Decision,
    string Rule, string Approval, bool IsCut)
{
    private static readonly UTF8Encoding Lenient = new(false, throwOnInvalidBytes: false);

    /// <summary>The outcomes in a log's folder, in a file of one JSON object a line, or in standard input.</summary>
    internal static IEnumerable<RecordedCall> ReadAll(CommandEnvironment environment, string from)
    {
        if (Directory.Exists(from))
        {
            using AuditReader reader = new(from);
            while (reader.Read(out AuditEntry entry) == AuditReadStatus.Entry)
            {
                if (Parse(Lenient.GetString(entry.Payload.Span)) is { } call) yield return call;
            }

            if (reader.Damage is { } damage) environment.Error.WriteLine("countersign: " + damage.Message);
            yield break;
        }

        using StreamReader? file = from == "-" ? null : new StreamReader(from);
        TextReader lines = file ?? environment.In;
        while (lines.ReadLine() is { } line)
        {
            if (Parse(line) is { } call) yield return call;
        }
    }

    /// <summary>Null for what is no outcome of a call.</summary>
    private static RecordedCall? Parse(string line)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            JsonElement record = document.RootElement;
            if (record.ValueKind != JsonValueKind.Object || Text(record, "type") != "outcome") return null;
            bool isTimed = DateTimeOffset.TryParse(
                Text(record, "at"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal,
                    out DateTimeOffset at);
            return !isTimed ? null : new RecordedCall(
                Text(record, "call"), at, CallerOf(record), Text(record, "function"), Text(record, "method"),
                Text(record, "target"), Text(record, "decision"), Text(record, "rule"), Text(record, "approval"),
                record.TryGetProperty("cut", out _));
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static Caller? CallerOf(JsonElement record)
    {
        if (!record.TryGetProperty("caller", out JsonElement caller)) return null;
        (string issuer, string subject) = (Text(caller, "iss"), Text(caller, "sub"));
        if (issuer.Length == 0 || subject.Length == 0) return null;
        CallerKind kind = Text(caller, "kind") switch
        {
            "human" => CallerKind.Human,
            "agent" => CallerKind.Agent,
            "ci" => CallerKind.Ci,
            "service" => CallerKind.Service,
            _ => CallerKind.Unstated,
        };
        return new Caller(issuer, subject, kind, List(caller, "groups"), List(caller, "chain"));
    }

    private static string Text(JsonElement record, string name) =>
        record.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()! : "";

    private static string[] List(JsonElement record, string name) =>
        record.TryGetProperty(name, out JsonElement list) && list.ValueKind == JsonValueKind.Array
            ? [.. list.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.String)
                .Select(item => item.GetString()!)]
            : [];
}
