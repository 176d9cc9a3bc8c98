using System.Globalization;
using System.Text;
using System.Text.Json;
using Countersign.Identity.Inbound;
using Countersign.Policy;
using Countersign.Policy.Approvals;

namespace Countersign.Cli.Tokens;

/// <summary>An inspection, for people and for machines.</summary>
internal static class InspectionText
{
    private static readonly JsonWriterOptions Indented = new() { Indented = true };

    internal static string ToText(TokenInspection inspection, TimeProvider clock)
    {
        StringBuilder text = new();
        bool isRefused = inspection.Findings.Any(finding => finding.Holds == false);
        text.AppendLine(isRefused ? "would be refused" : inspection.IsTaken ? "would be taken" : "nothing refuses it");
        foreach (TokenFinding finding in inspection.Findings)
        {
            string mark = finding.Holds switch { true => "ok", false => "NO", _ => "?" };
            text.AppendLine($"  {mark,-3} {finding.What,-10} {finding.Because}".TrimEnd());
        }

        (string algorithm, string keyId, string type) = inspection.Header;
        if (algorithm.Length > 0) Line(text, "header", Safe($"alg {algorithm}, kid {keyId}, typ {type}"));
        if (inspection.Issuer.Length > 0) Line(text, "issuer", Safe(inspection.Issuer));
        if (inspection.ExpiresAt is { } ends)
        {
            TimeSpan left = ends - clock.GetUtcNow();
            string when = left > TimeSpan.Zero ? $"in {(long)left.TotalSeconds} s" : "past";
            Line(text, "expires", $"{Timestamps.Format(ends)} ({when})");
        }

        if (inspection.Caller is not { } caller) return text.ToString().TrimEnd();
        Line(text, "subject", Safe(caller.Subject));
        Line(text, "kind", ApprovalJson.NameOf(caller.Kind) + (caller.IsDelegated ? ", acting for the subject" : ""));
        Line(text, "groups", Safe(string.Join(", ", caller.Groups)));
        Line(text, "chain", Safe(string.Join(", ", caller.Chain)));
        if (caller.Tenant.Length > 0) Line(text, "tenant", Safe(caller.Tenant));
        if (caller.ResourcePaths.Count > 0) Line(text, "only for", Safe(string.Join(", ", caller.ResourcePaths)));
        Line(
            text, "approves",
            caller.ResourcePaths.Count > 0 ? "never: the token is for a resource of the data listener alone"
            : caller.IsPerson ? "where a stage names a group of theirs" : "never: this is no person acting directly");
        return text.ToString().TrimEnd();
    }

    internal static string ToJson(TokenInspection inspection)
    {
        using MemoryStream bytes = new();
        using (Utf8JsonWriter json = new(bytes, Indented)) Write(json, inspection);
        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    private static void Write(Utf8JsonWriter json, TokenInspection inspection)
    {
        json.WriteStartObject();
        json.WriteBoolean("refused", inspection.Findings.Any(finding => finding.Holds == false));
        json.WriteBoolean("taken", inspection.IsTaken);
        json.WriteStartArray("findings");
        foreach (TokenFinding finding in inspection.Findings)
        {
            json.WriteStartObject();
            json.WriteString("what", finding.What);
            if (finding.Holds is { } holds) json.WriteBoolean("holds", holds);
            else json.WriteNull("holds");
            json.WriteString("because", finding.Because);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartObject("header");
        json.WriteString("alg", inspection.Header.Algorithm);
        json.WriteString("kid", inspection.Header.KeyId);
        json.WriteString("typ", inspection.Header.Type);
        json.WriteEndObject();
        json.WriteString("issuer", inspection.Issuer);
        if (inspection.ExpiresAt is { } ends) json.WriteString("expires_at", Timestamps.Format(ends));
        if (inspection.Caller is { } caller) WriteCaller(json, caller);
        json.WriteEndObject();
    }

    private static void WriteCaller(Utf8JsonWriter json, Caller caller)
    {
        json.WriteStartObject("caller");
        json.WriteString("issuer", caller.Issuer);
        json.WriteString("subject", caller.Subject);
        json.WriteString("kind", ApprovalJson.NameOf(caller.Kind));
        json.WriteBoolean("delegated", caller.IsDelegated);
        WriteList(json, "groups", caller.Groups);
        WriteList(json, "chain", caller.Chain);
        json.WriteString("tenant", caller.Tenant);
        WriteList(json, "only_for", caller.ResourcePaths);
        json.WriteEndObject();
    }

    private static void WriteList(Utf8JsonWriter json, string name, IReadOnlyList<string> items)
    {
        json.WriteStartArray(name);
        foreach (string item in items) json.WriteStringValue(item);
        json.WriteEndArray();
    }

    private static void Line(StringBuilder text, string name, string value) =>
        text.AppendLine($"{name,-10} {value}".TrimEnd());

    // What a stranger wrote must not move the reader's terminal.
    private static string Safe(string text) => string.Concat(text.Select(
        letter => char.IsControl(letter) || CharUnicodeInfo.GetUnicodeCategory(letter) == UnicodeCategory.Format
            ? '\uFFFD'
            : letter));
}
