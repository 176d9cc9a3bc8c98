using Countersign.Policy.Conditions;

namespace Countersign.Policy;

/// <summary>One segment of a template: text to be met exactly, or a parameter.</summary>
/// <param name="Literal">The text, decoded; null for a parameter.</param>
/// <param name="Parameter">The parameter's name; empty for a literal.</param>
/// <param name="Type">What the parameter takes.</param>
internal readonly record struct PathSegment(string? Literal, string Parameter, ParameterType Type);

/// <summary>
/// A function's path: literal segments and <c>{parameter}</c> or <c>{parameter:type}</c> segments, each a whole one.
/// </summary>
internal sealed class PathTemplate
{
    private PathTemplate(string text, PathSegment[] segments)
    {
        Text = text;
        Segments = segments;
        Parameters = [.. segments.Select((segment, place) => (segment, place)).Where(one => one.segment.Literal is null)
            .Select(one => new PathInput(one.segment.Parameter, one.place, one.segment.Type == ParameterType.Int))];
    }

    /// <summary>As the policy writes it.</summary>
    public string Text { get; }

    /// <summary>In order; none for <c>/</c>.</summary>
    public IReadOnlyList<PathSegment> Segments { get; }

    /// <summary>The parameters, in the order of their segments.</summary>
    public PathInput[] Parameters { get; }

    /// <summary>Equal for two templates that match the same paths, whatever their parameters are called.</summary>
    public string Shape => "/" + string.Join('/', Segments.Select(segment => segment.Literal ?? $"{{{segment.Type}}}"));

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
        PathSegment[] segments = new PathSegment[written.Length];
        for (int index = 0; index < written.Length && error.Length == 0; index++)
        {
            string segment = written[index];
            bool isParameter = segment.Length > 2 && segment[0] == '{' && segment[^1] == '}';
            error = isParameter
                ? ReadParameter(segment[1..^1], parameters, out segments[index])
                : CheckLiteral(segment);
            if (!isParameter) segments[index] = new PathSegment(segment, "", ParameterType.Any);
        }

        return error.Length == 0 ? new PathTemplate(text, segments) : null;
    }

    private static string ReadParameter(string written, HashSet<string> seen, out PathSegment segment)
    {
        int colon = written.IndexOf(':', StringComparison.Ordinal);
        string name = colon < 0 ? written : written[..colon];
        ParameterType type = ParameterType.Any;
        segment = new PathSegment(null, name, type);
        bool isName = name.Length > 0 && char.IsAsciiLetter(name[0])
            && name.All(one => char.IsAsciiLetterOrDigit(one) || one == '_');
        if (!isName) return $"'{{{written}}}' is not a parameter: letters, digits and '_', beginning with a letter";
        if (colon >= 0)
        {
            int place = ParameterTypes.Words.ToList().IndexOf(written[(colon + 1)..]);
            if (place < 0) return $"'{{{written}}}': a type is {string.Join(", ", ParameterTypes.Words)}";
            type = (ParameterType)place;
        }

        segment = new PathSegment(null, name, type);
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
