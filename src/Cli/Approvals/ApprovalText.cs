using System.Text.Json;
using System.Text.Json.Nodes;

namespace Countersign.Cli.Approvals;

/// <summary>
/// Approvals for people. What callers wrote is shown so that it cannot steer the terminal or be taken for something
/// else.
/// </summary>
internal static class ApprovalText
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>A table.</summary>
    internal static void PrintList(CommandEnvironment environment, JsonArray items)
    {
        if (items.Count == 0)
        {
            environment.Out.WriteLine("Nothing waits.");
            return;
        }

        // No box and no wrapping: an id must survive being copied, and a line being cut by a pipe.
        List<string[]> rows = [["ID", "STATE", "FUNCTION", "RISK", "CALLER", "PEOPLE", "EXPIRES", "REASON"]];
        foreach (JsonNode? item in items) rows.Add(Row(item!.AsObject()));
        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length))];
        foreach (string[] row in rows)
            environment.Out.WriteLine(
                string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
    }

    private static string[] Row(JsonObject approval)
    {
        JsonObject caller = approval["caller"]!.AsObject();
        string people = string.Join(",", caller["chain"]!.AsArray().Select(one => one!.ToString()));
        string[] cells =
        [
            Text(approval, "id"), Text(approval, "state"), Text(approval, "function"), Text(approval, "risk"),
            Text(caller, "subject"), people, Text(approval, "expires_at"), Text(approval, "reason"),
        ];
        return [.. cells.Select(Plain)];
    }

    /// <summary>One approval, whole.</summary>
    internal static void Print(TextWriter output, JsonObject approval)
    {
        JsonObject caller = approval["caller"]!.AsObject();
        string chain = string.Join(", ", caller["chain"]!.AsArray().Select(one => one!.ToString()));
        Line(output, "approval", Text(approval, "id") + "  " + Text(approval, "state"));
        Line(output, "function", Text(approval, "function") + "  risk " + Text(approval, "risk"));
        Line(output, "call", Text(approval, "method") + " " + Text(approval, "target"));
        Line(output, "asked by", $"{Text(caller, "subject")} ({Text(caller, "kind")})  people behind it: {chain}");
        Line(output, "reason", Text(approval, "reason"));
        Line(output, "rule", Text(approval, "rule") + "  policy version " + Text(approval, "policy_version"));
        Line(output, "expires", Text(approval, "expires_at"));
        Line(output, "digest", Text(approval, "digest"));
        foreach (JsonNode? item in approval["stages"]!.AsArray())
        {
            JsonObject stage = item!.AsObject();
            string groups = string.Join(" or ", stage["groups"]!.AsArray().Select(one => one!.ToString()));
            Line(output, "stage", $"{stage["count"]} of {groups}");
            foreach (JsonNode? one in stage["decisions"]!.AsArray())
            {
                string said = $"  {Text(one!.AsObject(), "decision")} by {Text(one.AsObject(), "approver")}";
                Line(output, "", $"{said} at {Text(one.AsObject(), "at")} {Text(one.AsObject(), "reason")}");
            }
        }

        PrintBody(output, approval);
        if (approval["arguments"] is not { } arguments) return;
        output.WriteLine("arguments:");
        foreach (string line in arguments.ToJsonString(Indented).Split('\n')) output.WriteLine("  " + Plain(line));
    }

    // An approver must not take a body that cannot be shown for no body at all.
    private static void PrintBody(TextWriter output, JsonObject approval)
    {
        string bytes = Text(approval, "body_bytes"), type = Text(approval, "content_type");
        if (bytes is "" or "0") return;
        string note = approval["arguments"] is null ? "  CANNOT BE SHOWN: it is not JSON" : "";
        Line(output, "body", $"{bytes} bytes of {(type.Length > 0 ? type : "unknown type")}{note}");
    }

    /// <summary>
    /// Text without anything that moves the cursor, reverses the line or hides: such characters show as their code.
    /// </summary>
    internal static string Plain(string text)
    {
        bool isPlain = !text.Any(IsDeceiving);
        return isPlain
            ? text
            : string.Concat(text.Select(one => IsDeceiving(one) ? $"\\u{(int)one:x4}" : one.ToString()));
    }

    private static bool IsDeceiving(char one) => char.IsControl(one)
        || char.GetUnicodeCategory(one)
            is System.Globalization.UnicodeCategory.Format
            or System.Globalization.UnicodeCategory.LineSeparator
            or System.Globalization.UnicodeCategory.ParagraphSeparator;

    private static void Line(TextWriter output, string name, string value) =>
        output.WriteLine($"{name,-10} {Plain(value)}");

    private static string Text(JsonObject from, string name) => from[name]?.ToString() ?? "";
}
