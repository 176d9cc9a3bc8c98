using Countersign.Policy.Conditions;

namespace Countersign.Policy;

/// <summary>A function's path: literal segments and <c>{parameter}</c> segments, each a whole segment.</summary>
internal sealed class PathTemplate
{
    private PathTemplate(string text, string?[] segments, PathInput[] parameters)
    {
        Text = text;
        Segments = segments;
        Parameters = parameters;
    }

    /// <summary>As the policy writes it.</summary>
    public string Text { get; }

    /// <summary>Literals, decoded; null for a parameter.</summary>
    public IReadOnlyList<string?> Segments { get; }

    /// <summary>The parameters, in the order of their segments.</summary>
    public PathInput[] Parameters { get; }

    /// <summary>Equal for two templates that match the same paths, whatever their parameters are called.</summary>
    public string Shape => "/" + string.Join('/', Segments.Select(segment => segment ?? "{}"));

    /// <summary>Reads a template, or says in <paramref name="error"/> what is wrong with it.</summary>
    public static PathTemplate? Parse(string text, out string error)
    {
        if (!text.StartsWith('/'))
        {
            error = "a path must begin with '/'";
            return null;
        }

        string[] written = text.Length == 1 ? [] : text[1..].Split('/');
        HashSet<string> parameters = new(StringComparer.Ordinal);
        error = written.Length > PolicyLimits.PathSegmentsMax
            ? $"a path has at most {PolicyLimits.PathSegmentsMax} segments" : "";
        string?[] segments = new string?[written.Length];
        List<PathInput> inputs = [];
        for (int index = 0; index < written.Length && error.Length == 0; index++)
        {
            string segment = written[index];
            bool isParameter = segment.Length > 2 && segment[0] == '{' && segment[^1] == '}';
            error = isParameter ? CheckParameter(segment[1..^1], parameters) : CheckLiteral(segment);
            segments[index] = isParameter ? null : segment;
            if (isParameter) inputs.Add(new PathInput(segment[1..^1], index, IsInt: false));
        }

        return error.Length == 0 ? new PathTemplate(text, segments, [.. inputs]) : null;
    }

    private static string CheckParameter(string name, HashSet<string> seen)
    {
        bool isName = char.IsAsciiLetter(name[0]) && name.All(one => char.IsAsciiLetterOrDigit(one) || one == '_');
        if (!isName) return $"'{{{name}}}' is not a parameter: letters, digits and '_', beginning with a letter";
        return seen.Add(name) ? "" : $"the parameter '{{{name}}}' is given twice";
    }

    private static string CheckLiteral(string segment)
    {
        if (segment.Length == 0) return "a path has no empty segments and no '/' at its end";
        if (segment is "." or "..") return "a path has no '.' or '..' segments";
        foreach (char one in segment)
        {
            if (one is '{' or '}') return "a parameter is a whole segment, '/{name}/'";
            if (one == '%') return "write the character itself, not its percent-encoding; '%' cannot be matched";
            if (one is '?' or '#') return "a path has no query and no fragment";
            if (one is '\\' || char.IsWhiteSpace(one)) return $"a path has no '{one}'";
        }

        return System.Text.Encoding.UTF8.GetByteCount(segment) <= PolicyLimits.SegmentBytesMax
            ? "" : $"a segment has at most {PolicyLimits.SegmentBytesMax} bytes";
    }
}
