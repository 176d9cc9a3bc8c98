using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Countersign.Cli.Policies.OpenApi;

/// <summary>A path of OpenAPI as a path of the policy language.</summary>
internal static partial class PathText
{
    /// <summary>Says what of it the language cannot say; null, and the path, if it can say all.</summary>
    internal static string? Convert(
        string prefix, string path, List<JsonObject> parameters, OpenApiDocument document, out string template)
    {
        template = "";
        string whole = prefix.TrimEnd('/') + path;
        if (!path.StartsWith('/')) return "a path begins with '/'";
        if (whole.Length > 1 && whole.EndsWith('/')) return "a path with '/' at its end is none that the gateway takes";
        List<string> segments = [];
        HashSet<string> names = new(StringComparer.Ordinal);
        foreach (string segment in whole.Length == 1 ? [] : whole[1..].Split('/'))
        {
            bool isParameter = segment.StartsWith('{') && segment.EndsWith('}')
                && segment.IndexOf('}') == segment.Length - 1;
            if (!isParameter && segment.AsSpan().ContainsAny("{}")) return $"'{segment}' is not a whole segment";
            if (!isParameter && !Literal().IsMatch(
                segment)) return $"'{segment}' is a segment that no template may have";
            segments.Add(isParameter ? Parameter(segment[1..^1], parameters, document, names) : segment);
        }

        if (segments.Count > 32) return "a path has at most 32 segments";
        template = "/" + string.Join('/', segments);
        return template.Length > 512 ? "the path is longer than 512 characters" : null;
    }

    private static string Parameter(
        string written, List<JsonObject> parameters, OpenApiDocument document, HashSet<string> names)
    {
        string name = NotName().Replace(written, "_");
        if (name.Length == 0 || !char.IsAsciiLetter(name[0])) name = "p" + name;
        string unique = name;
        for (int n = 2; !names.Add(unique); n++) unique = name + n;
        JsonObject? parameter = parameters.Find(one =>
            OpenApiDocument.TextOf(one["in"]) == "path" && OpenApiDocument.TextOf(one["name"]) == written);
        string type = document.Resolve(parameter?["schema"], out _) is { } schema ? TypeOf(schema) : "";
        return type.Length == 0 ? $"{{{unique}}}" : $"{{{unique}:{type}}}";
    }

    // Only what the schema promises: a segment that does not keep to its type finds no function.
    private static string TypeOf(JsonObject schema)
    {
        string[] types = [.. OpenApiDocument.TextsOf(schema["type"])];
        if (types is ["integer"]) return "int";
        if (types is not ["string"]) return "";
        return OpenApiDocument.TextOf(schema["format"]) switch
        {
            "uuid" => "uuid",
            "date" => "date",
            _ => "",
        };
    }

    [GeneratedRegex(@"^(?!\.{1,2}$)[^\s%?#\\{}]{1,128}$")]
    private static partial Regex Literal();

    [GeneratedRegex("[^A-Za-z0-9_]")]
    private static partial Regex NotName();
}
