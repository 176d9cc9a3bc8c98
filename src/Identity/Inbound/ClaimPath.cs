using System.Globalization;
using System.Text.Json;

namespace Countersign.Identity.Inbound;

/// <summary>
/// How configuration names a claim: by its name, exactly, or, beginning with a slash, by a JSON pointer (RFC 6901) into
/// nested claims, such as <c>/realm_access/roles</c>. A dot is a letter like any other: names such as
/// <c>https://example.com/roles</c> hold some.
/// </summary>
internal static class ClaimPath
{
    private const int StepsMax = 16;

    /// <summary>Finds the claim; false where there is none.</summary>
    public static bool TryFind(JsonElement claims, string path, out JsonElement found)
    {
        found = claims;
        if (!path.StartsWith('/')) return claims.TryGetProperty(path, out found);
        foreach (string step in path[1..].Split('/'))
        {
            bool isThere = found.ValueKind == JsonValueKind.Array
                ? TryFindItem(found, step, out found)
                : found.ValueKind == JsonValueKind.Object && found.TryGetProperty(Unescape(step), out found);
            if (!isThere) return false;
        }

        return true;
    }

    /// <summary>What is wrong with a path; empty when it can be used.</summary>
    public static string Check(string path)
    {
        if (path.Length == 0) return "is empty";
        if (!path.StartsWith('/')) return "";
        string[] steps = path[1..].Split('/');
        if (steps.Length > StepsMax || steps.Any(step => step.Length == 0)) return "is no JSON pointer to a claim";
        return steps.All(IsEscaped) ? "" : "holds a ~ that is neither ~0 nor ~1";
    }

    // RFC 6901 section 4: digits without a leading zero; the place after the last, a hyphen, holds nothing.
    private static bool TryFindItem(JsonElement list, string step, out JsonElement found)
    {
        found = default;
        bool isIndex = step.All(char.IsAsciiDigit) && (step.Length == 1 || !step.StartsWith('0'));
        if (!isIndex || !int.TryParse(step, NumberStyles.None, CultureInfo.InvariantCulture, out int index)
            || index >= list.GetArrayLength()) return false;
        found = list[index];
        return true;
    }

    private static bool IsEscaped(string step)
    {
        for (int at = step.IndexOf('~'); at >= 0; at = step.IndexOf('~', at + 1))
        {
            if (at + 1 == step.Length || step[at + 1] is not ('0' or '1')) return false;
        }

        return true;
    }

    private static string Unescape(string step) => step
        .Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
}

/// <summary>
/// Where groups come from: a claim whose texts are groups as they are, or a claim in braces with text around it, such
/// as <c>repo:{repository}</c>, so that the values of one claim are never taken for those of another.
/// </summary>
internal static class GroupSource
{
    /// <summary>Adds the groups of one source; false when the claim is neither text nor a list of texts, or, with text
    /// around it, neither those nor true, false or a whole number.</summary>
    public static bool TryRead(JsonElement claims, string source, List<string> groups)
    {
        (string before, string path, string after) = Parts(source);
        if (!ClaimPath.TryFind(claims, path, out JsonElement held)) return true;
        if (before.Length == 0 && after.Length == 0) return ClaimText.TryReadList(held, groups);
        List<string> values = [];
        if (!TryReadValues(held, values)) return false;
        foreach (string value in values)
        {
            string group = before + value + after;
            if (!ClaimText.IsName(group)) return false;
            groups.Add(group);
        }

        return true;
    }

    private static bool TryReadValues(JsonElement held, List<string> values)
    {
        if (held.ValueKind == JsonValueKind.Array) return held.EnumerateArray().All(item => TryAdd(item, values));
        return TryAdd(held, values);
    }

    // As required claims are compared. A number has many spellings, so only those that have one are taken.
    private static bool TryAdd(JsonElement item, List<string> values)
    {
        string? value = item.ValueKind switch
        {
            JsonValueKind.True => "true",
            JsonValueKind.False => "false",
            JsonValueKind.Number when item.GetRawText() is var text && text != "-0"
                && text.TrimStart('-').All(char.IsAsciiDigit) => text,
            _ => ClaimText.TryReadName(item, out string name) ? name : null,
        };
        if (value is not null) values.Add(value);
        return value is not null;
    }

    /// <summary>What is wrong with a source; empty when it can be used.</summary>
    public static string Check(string source)
    {
        bool isPlain = !source.Contains('{') && !source.Contains('}');
        bool isTemplate = source.Count(letter => letter == '{') == 1 && source.Count(letter => letter == '}') == 1
            && source.IndexOf('{') < source.IndexOf('}');
        if (!isPlain && !isTemplate) return "must hold one claim in braces, or none";
        return ClaimPath.Check(Parts(source).Path);
    }

    private static (string Before, string Path, string After) Parts(string source)
    {
        int open = source.IndexOf('{');
        if (open < 0) return ("", source, "");
        int close = source.IndexOf('}', open);
        return (source[..open], source[(open + 1)..close], source[(close + 1)..]);
    }
}
