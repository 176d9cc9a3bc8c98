using System.Globalization;
using System.Text;
using System.Text.Json;
using Countersign.Audit;
using Countersign.Policy;
using Countersign.Policy.Review;

namespace Countersign.Cli.Policies;

/// <summary>A call as the audit holds it, as far as it says how it would be decided anew.</summary>
/// <param name="Id">The call's id.</param>
/// <param name="At">When it ended.</param>
/// <param name="Caller">Who called; null if nobody was identified.</param>
/// <param name="Function">The function found; empty for none.</param>
/// <param name="Method">As sent.</param>
/// <param name="Target">As sent.</param>
/// <param name="Decision">allow, approve or deny; empty if it was not decided. Where something was in observe, what
/// was done.</param>
/// <param name="Rule">What decided.</param>
/// <param name="Approval">The approval it waited for or claimed; empty for none.</param>
/// <param name="Approvers">Who approved it.</param>
/// <param name="Verdict">How it ended; empty in a record that does not say.</param>
/// <param name="IsCut">The record was shortened.</param>
internal sealed record RecordedCall(
    string Id, DateTimeOffset At, Caller? Caller, string Function, string Method, string Target, string Decision,
    string Rule, string Approval, IReadOnlyList<string> Approvers, string Verdict, bool IsCut)
{
    /// <summary>How calls end that reached what they called, or may have.</summary>
    private static readonly string[] Made =
        ["ok", "upstream-failed", "upstream-timeout", "response-not-maskable", "client-gone"];

    /// <summary>How calls end that asked for an approval, or brought one that was theirs.</summary>
    private static readonly string[] Asked =
    [
        .. Made, "", "outcome-replayed", "approval-required", "approval-accepted", "approval-used", "approval-expired",
        "approval-denied", "draining",
    ];

    /// <summary>How calls end that no policy could have let through: by their own bytes.</summary>
    private static readonly string[] Unsound =
        ["malformed-request", "ambiguous-path", "approval-mismatch", "body-too-large", "request-timeout"];

    private static readonly UTF8Encoding Lenient = new(false, throwOnInvalidBytes: false);

    /// <summary>True if it was let through to what it called.</summary>
    internal bool IsMade => Made.Contains(Verdict);

    /// <summary>True if it was refused as it was read, before any policy could be asked.</summary>
    internal bool IsUnread => Decision.Length == 0 && (Verdict is "malformed-request" or "ambiguous-path");

    /// <summary>True if it cost an approval, or shared one.</summary>
    internal bool HasAsked => Decision == "approve" && Asked.Contains(Verdict);

    /// <summary>True if it would cost an approval where it must be paused: it was not refused for what it is.</summary>
    internal bool WouldAsk => Decision == "approve" ? HasAsked : !Unsound.Contains(Verdict);

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

    /// <summary>As policies are asked of it; without a caller it cannot be.</summary>
    internal CallSample ToSample() => new()
    {
        Caller = Caller!,
        Method = Method,
        Target = Target,
        At = At,
        Approvers = Approvers,
    };

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
            if (!isTimed) return null;
            string enforced = Text(record, "enforced");
            return new RecordedCall(
                Text(record, "call"), at, AuditedCaller.Read(record), Text(record, "function"), Text(record, "method"),
                Text(record, "target"), enforced.Length > 0 ? enforced : Text(record, "decision"),
                Text(record, "rule"), Text(record, "approval"), List(record, "approvers"), Text(record, "verdict"),
                record.TryGetProperty("cut", out _));
        }
        catch (JsonException)
        {
            return null;
        }
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
