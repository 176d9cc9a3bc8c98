using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Countersign.Cli.Nodes;

/// <summary>The fleet as a table.</summary>
internal static class NodeTable
{
    private static readonly string[] Heads =
        ["NODE", "STATE", "POLICY", "SHA256", "LAG", "ROLES", "DATA", "CONTROL", "UP SINCE", "SILENT", "ALARMS"];

    /// <summary>The table, with a line above it that says how far the fleet is.</summary>
    internal static string Write(JsonObject fleet)
    {
        List<string[]> rows = [Heads];
        JsonArray items = fleet["items"]!.AsArray();
        foreach (JsonNode? item in items) rows.Add(Row(item!.AsObject()));
        int[] widths = new int[Heads.Length];
        foreach (string[] row in rows)
        {
            for (int column = 0; column < row.Length; column++)
                widths[column] = Math.Max(widths[column], row[column].Length);
        }

        StringBuilder text = new();
        int current = items.Count(item => Runs(item!.AsObject(), fleet));
        string version = fleet["policy_version"]!.ToString();
        text.Append(CultureInfo.InvariantCulture, $"policy {version} runs on {current} of {items.Count}");
        text.Append(fleet["converged"]!.GetValue<bool>() ? "\n" : ", not yet everywhere\n");
        foreach (string[] row in rows)
        {
            StringBuilder line = new();
            for (int column = 0; column < row.Length; column++) line.Append(row[column].PadRight(widths[column] + 2));
            text.Append(line.ToString().TrimEnd()).Append('\n');
        }

        return text.ToString();
    }

    // A gateway of an older build does not tell the document in force: then the number has to do.
    private static bool Runs(JsonObject node, JsonObject fleet) =>
        node["policy_version"]!.ToString() == fleet["policy_version"]!.ToString()
        && (!fleet.ContainsKey("policy_sha256") || Text(node, "policy_sha256") == Text(fleet, "policy_sha256"));

    private static string[] Row(JsonObject node)
    {
        string sha256 = Text(node, "policy_sha256");
        return
        [
            Text(node, "name"), Text(node, "state"), Text(node, "policy_version"),
            sha256.Length > 12 ? sha256[..12] : "-", Span(node, "policy_lag_ms"), List(node, "roles"),
            Text(node, "data"), Text(node, "control"), Text(node, "started_at"), Span(node, "silent_ms"),
            List(node, "alarms"),
        ];
    }

    private static string Text(JsonObject node, string name) =>
        node[name]?.ToString() is { Length: > 0 } text ? text : "-";

    private static string List(JsonObject node, string name) =>
        node[name]!.AsArray() is { Count: > 0 } words ? string.Join(',', words.Select(word => word!.ToString())) : "-";

    private static string Span(JsonObject node, string name)
    {
        long milliseconds = node[name]!.GetValue<long>();
        return milliseconds < 1_000 ? $"{milliseconds}ms" : $"{milliseconds / 1_000}s";
    }
}
