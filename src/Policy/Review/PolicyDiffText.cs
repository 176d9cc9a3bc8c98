using System.Text;
using System.Text.Json;

namespace Countersign.Policy.Review;

/// <summary>A difference for people, and for machines.</summary>
public static class PolicyDiffText
{
    private const int FunctionsShown = 8;

    /// <summary>
    /// One line a change: <c>+</c> loosens, <c>-</c> tightens, <c>~</c> is for people to say, and may loosen.
    /// </summary>
    public static string ToText(PolicyDiff diff)
    {
        ArgumentNullException.ThrowIfNull(diff);
        if (diff.IsSame) return "no difference";
        StringBuilder text = new();
        foreach (AccessChange change in diff.Access)
        {
            string subject = SubjectOf(change);
            string functions = string.Join(", ", change.Functions.Take(FunctionsShown));
            int left = change.Functions.Count - FunctionsShown;
            if (left > 0) functions += $" and {left} more";
            Line(text, change.Weight, $"{subject}: {functions}: {change.After} (was: {change.Before})");
        }

        if (!diff.IsWhole)
            text.Append("! the policies are too large to compare everybody's access, or whose calls are whose\n");
        foreach (PolicyChange change in diff.Changes)
        {
            string where = change.Id.Length == 0 ? change.Section : $"{change.Section} {change.Id}";
            Line(text, change.Weight, $"{where}: {change.Text}");
        }

        return text.ToString().TrimEnd('\n');
    }

    /// <summary>Writes one JSON object: <c>same</c>, <c>loosens</c>, <c>access</c> and <c>changes</c>.</summary>
    public static void Write(Utf8JsonWriter json, PolicyDiff diff)
    {
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(diff);
        json.WriteStartObject();
        json.WriteBoolean("same", diff.IsSame);
        json.WriteBoolean("loosens", diff.Loosens);
        json.WriteBoolean("whole", diff.IsWhole);
        json.WriteStartArray("access");
        foreach (AccessChange change in diff.Access)
        {
            json.WriteStartObject();
            if (change.Subject == AccessChange.Anybody) WriteList(json, "anybody", change.Among);
            else json.WriteString(change.IsGroup ? "group" : "caller", change.Subject);
            if (change.With.Length > 0) json.WriteString("with", change.With);
            WriteList(json, "functions", change.Functions);
            json.WriteString("before", change.Before);
            json.WriteString("after", change.After);
            json.WriteString("weight", NameOf(change.Weight));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("changes");
        foreach (PolicyChange change in diff.Changes)
        {
            json.WriteStartObject();
            json.WriteString("section", change.Section);
            json.WriteString("id", change.Id);
            json.WriteString("member", change.Member);
            json.WriteString("weight", NameOf(change.Weight));
            json.WriteString("text", change.Text);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static string SubjectOf(AccessChange change)
    {
        if (change.Subject != AccessChange.Anybody)
        {
            string with = change.With.Length == 0 ? "" : $" with group {change.With}";
            return $"{(change.IsGroup ? "group" : "caller")} {change.Subject}{with}";
        }

        string among = change.Among.Count == 0 ? "" : $", {string.Join(", ", change.Among)} among them";
        return $"anybody who is identified, in any group{among}, or in none";
    }

    private static void WriteList(Utf8JsonWriter json, string name, IReadOnlyList<string> texts)
    {
        json.WriteStartArray(name);
        foreach (string text in texts) json.WriteStringValue(text);
        json.WriteEndArray();
    }

    private static void Line(StringBuilder text, ChangeWeight weight, string line)
    {
        char mark = weight switch { ChangeWeight.Loosens => '+', ChangeWeight.Tightens => '-', _ => '~' };
        text.Append(mark).Append(' ').Append(line).Append('\n');
    }

    private static string NameOf(ChangeWeight weight) => weight switch
    {
        ChangeWeight.Loosens => "loosens",
        ChangeWeight.Tightens => "tightens",
        _ => "unclear",
    };
}
