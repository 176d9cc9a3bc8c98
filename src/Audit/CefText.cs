using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.Json.Nodes;

namespace Countersign.Audit;

/// <summary>A record in the Common Event Format, version 0: one line, with the keys of its dictionary.</summary>
public static class CefText
{
    private const int Usual = 2;
    private const int Notable = 5;
    private const int Grave = 8;

    private static readonly string Build =
        typeof(CefText).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion
        ?? "";

    /// <summary>The line, without its end. The entry must hold a record.</summary>
    public static string Of(in AuditEntry entry)
    {
        JsonObject record = JsonNode.Parse(entry.Payload.Span)!.AsObject();
        bool isEvent = Text(record, "type") == "event";
        string id = isEvent ? Text(record, "event") : Text(record, "type");
        string name = isEvent ? id : (Text(record, "function") + " " + Text(record, "verdict")).Trim();
        StringBuilder line = new("CEF:0|Countersign|gateway|");
        line.Append(Head(Build)).Append('|').Append(Head(id)).Append('|');
        line.Append(Head(name.Length > 0 ? name : id)).Append('|').Append(Severity(record, isEvent)).Append('|');
        Add(line, "rt", Milliseconds(Text(record, "at")));
        Add(line, "dvchost", Text(record, "gateway"));
        Add(line, "externalId", isEvent ? Text(record, "subject") : Text(record, "call"));
        JsonNode? who = record["caller"] ?? record["actor"];
        Add(line, "suser", who?["sub"]?.ToString());
        Add(line, "suid", who?["iss"]?.ToString());
        Add(line, "requestMethod", Text(record, "method"));
        Add(line, "request", Text(record, "target"));
        string enforced = Text(record, "enforced");
        Add(line, "act", enforced.Length > 0 ? enforced : Text(record, "decision"));
        Add(line, "outcome", Text(record, "verdict"));
        Add(line, "reason", Text(record, "rule"));
        Add(line, "in", Text(record, "request_bytes"));
        Add(line, "out", Text(record, "response_bytes"));
        Add(line, "msg", Text(record, "detail"));
        Labelled(line, "cs1", "function", Text(record, "function"));
        Labelled(line, "cs2", "approval", Text(record, "approval"));
        Labelled(line, "cs3", "chain", Names(record["caller"]?["chain"]));
        Labelled(line, "cs4", "approvers", Names(record["approvers"]));
        Labelled(line, "cs5", "digest", Text(record, "digest"));
        Labelled(line, "cs6", "actor", record["caller"]?["act"]?["sub"]?.ToString() ?? "");
        if (enforced.Length > 0) Labelled(line, "flexString1", "observed", Text(record, "decision"));
        Labelled(line, "cn1", "status", Text(record, "status"));
        Labelled(line, "cn2", "policyVersion", Text(record, "policy_version"));
        Labelled(line, "cn3", "index", entry.Index.ToString(CultureInfo.InvariantCulture));
        return line.ToString().TrimEnd();
    }

    private static int Severity(JsonObject record, bool isEvent)
    {
        string name = Text(record, isEvent ? "event" : "verdict");
        if (isEvent) return SeverityOf(name);
        if (name is "unknown" or "internal-error") return Grave;
        if (name is not ("ok" or "")) return Notable;
        return Text(record, "risk") is "high" or "critical" ? Notable : Usual;
    }

    // What somebody must look at now, and what changes who may do what or was refused.
    private static int SeverityOf(string name) => name switch
    {
        "break-glass" or "glass-broken" or "policy-regressed" or "policy-replaced" or "audit-rolled-back"
            or "audit-forked" or "audit-conflict" or "audit-unwitnessed" or "ship-contradicted" => Grave,
        "policy-published" or "policy-activated" or "policy-bootstrapped" or "policy-resumed" or "policy-restored"
            or "approval-revealed" or "keys-rotated" or "key-revoked" or "token-revoked" or "audit-key-rotated"
            => Notable,
        _ => name.EndsWith("-refused", StringComparison.Ordinal) ? Notable : Usual,
    };

    private static void Labelled(StringBuilder line, string key, string label, string value)
    {
        if (value.Length == 0) return;
        Add(line, key + "Label", label);
        Add(line, key, value);
    }

    private static void Add(StringBuilder line, string key, string? value)
    {
        if (string.IsNullOrEmpty(value)) return;
        line.Append(key).Append('=');
        foreach (char one in value)
        {
            if (one is '\\' or '=') line.Append('\\').Append(one);
            else if (one == '\n') line.Append("\\n");
            else if (one == '\r') line.Append("\\r");
            else line.Append(one);
        }

        line.Append(' ');
    }

    private static string Head(string text) => text
        .Replace("\\", "\\\\", StringComparison.Ordinal).Replace("|", "\\|", StringComparison.Ordinal)
        .Replace('\n', ' ').Replace('\r', ' ');

    private static string Names(JsonNode? list) =>
        list is JsonArray names ? string.Join(",", names.Select(one => one!.ToString())) : "";

    private static string Milliseconds(string at) =>
        DateTimeOffset.TryParse(at, CultureInfo.InvariantCulture, out DateTimeOffset time)
            ? time.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture)
            : "";

    private static string Text(JsonObject record, string name) => record[name]?.ToString() ?? "";
}
