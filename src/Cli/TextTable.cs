using System.Text.Json.Nodes;
using Countersign.Policy.Approvals;

namespace Countersign.Cli;

/// <summary>
/// Tables for people. No box and no wrapping: an id must survive being copied, and a line being cut by a pipe. What
/// others wrote cannot steer the terminal or be taken for something else.
/// </summary>
internal static class TextTable
{
    /// <summary>Members of objects, under their names.</summary>
    internal static void Print(TextWriter output, string[] members, JsonArray items) => Print(
        output,
        [.. members.Select(name => name.ToUpperInvariant().Replace('_', ' '))],
        items.Select(item => members.Select(name => item![name]?.ToString() ?? "").ToArray()));

    /// <summary>Rows under their heads.</summary>
    internal static void Print(TextWriter output, string[] heads, IEnumerable<string[]> rows)
    {
        List<string[]> all = [heads];
        foreach (string[] row in rows) all.Add([.. row.Select(cell => SafeText.Show(cell))]);
        int[] widths = [.. Enumerable.Range(0, heads.Length).Select(column => all.Max(row => row[column].Length))];
        foreach (string[] row in all)
            output.WriteLine(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
    }
}
