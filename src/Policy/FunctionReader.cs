using Countersign.Policy.Arguments;

namespace Countersign.Policy;

/// <summary>Reads the upstreams and the functions, and knows their names for the rest of the document.</summary>
internal sealed class FunctionReader(PolicyContent content, PolicyErrors errors)
{
    private static readonly SectionKeys FunctionKeys = new(
        ["upstream", "method", "path", "risk"], ["hosts", "tags", "headers", "maskable", "args", "keep"], [], []);

    private static readonly SectionKeys ToolKeys = new(
        ["upstream", "mcp", "tool", "risk"], ["hosts", "tags", "headers", "maskable", "args", "keep"], [], []);

    private readonly UpstreamReader _reader = new(errors);
    private readonly ArgumentReader _arguments = new(errors);
    private readonly Dictionary<string, Upstream> _upstreams = new(StringComparer.Ordinal);
    private readonly HashSet<string> _ids = new(StringComparer.Ordinal);
    private readonly HashSet<string> _tags = new(StringComparer.Ordinal);
    private int _patterns;

    public void ReadUpstreams(DocumentNode? section)
    {
        foreach (NodeEntry entry in Named(section, "upstreams"))
        {
            Upstream upstream = _reader.Read(entry.Key.Text, entry.Value);
            _upstreams.Add(upstream.Name, upstream);
            content.Upstreams.Add(upstream);
        }
    }

    public void ReadFunctions(DocumentNode? section)
    {
        FunctionPlaces places = new(errors);
        List<NodeEntry> entries = Named(section, "functions");
        if (entries.Count > PolicyLimits.FunctionsMax)
        {
            errors.Add(section!, $"functions must have at most {PolicyLimits.FunctionsMax} entries");
            return;
        }

        foreach (NodeEntry entry in entries)
        {
            _ids.Add(entry.Key.Text);
            if (ReadFunction(entry.Key, entry.Value) is not { } read) continue;
            places.Take(entry.Key, read.Function, read.Path.Shape);
            content.Functions.Add(read);
        }
    }

    /// <summary>
    /// What is wrong with a reference to functions, or null: it must name one, or as a pattern match one.
    /// </summary>
    public string? ReferenceFault(string written)
    {
        if (FunctionReference.IsTag(written)) return TagFault(FunctionReference.TagOf(written));
        if (!Glob.IsPattern(written))
        {
            return _ids.Contains(written) ? null : $"there is no function '{written}'{errors.Suggest(written, _ids)}";
        }

        return PatternFault(written, _ids, $"'{written}' matches no function");
    }

    private string? TagFault(string tag)
    {
        if (Glob.IsPattern(tag)) return PatternFault(tag, _tags, $"no function has a tag like '{tag}'");
        return _tags.Contains(tag) ? null : $"no function has the tag '{tag}'{errors.Suggest(tag, _tags)}";
    }

    private string? PatternFault(string pattern, HashSet<string> names, string fault)
    {
        // Each pattern meets each function: two short lists would otherwise take minutes.
        if (++_patterns > PolicyLimits.PatternsMax) return $"more than {PolicyLimits.PatternsMax} patterns";
        foreach (string name in names)
        {
            if (Glob.Matches(pattern, name)) return null;
        }

        return fault;
    }

    /// <summary>A mapping from names to things, put into ordinal order; a bad name is reported and left out.</summary>
    private List<NodeEntry> Named(DocumentNode? section, string what)
    {
        if (section is null || !Section.Expect(section, NodeKind.Mapping, what, "a mapping", errors)) return [];
        if (section.Entries.Count == 0) errors.Add(section, $"{what} must have 1 or more entries");
        section.Entries.Sort((left, right) => string.CompareOrdinal(left.Key.Text, right.Key.Text));
        List<NodeEntry> named = [];
        foreach (NodeEntry entry in section.Entries)
        {
            string? fault = Section.IdFault(entry.Key.Text) ?? OwnFault(entry.Key.Text);
            if (fault is not null) errors.Add(entry.Key, fault);
            else named.Add(entry);
        }

        return named;
    }

    private (Function Function, PathTemplate Path)? ReadFunction(DocumentNode key, DocumentNode node)
    {
        string id = key.Text;
        bool isTool = node.Kind == NodeKind.Mapping && node.Entries.Exists(one => one.Key.Text is "mcp" or "tool");
        string what = isTool ? $"function '{id}', an MCP tool," : $"function '{id}'";
        if (Section.Open(node, what, isTool ? ToolKeys : FunctionKeys, errors) is not { } section) return null;
        Upstream upstream = FindUpstream(section);
        string? method = isTool ? "POST" : ReadChecked(section, "method", MethodFault);
        string? tool = isTool ? ReadChecked(section, "tool", ToolPattern.FaultOf) : "";
        PathTemplate? path = ReadPath(section, isTool);
        Risk risk = section.Word("risk", ["low", "medium", "high", "critical"], []) switch
        {
            "low" => Risk.Low,
            "medium" => Risk.Medium,
            "high" => Risk.High,
            "critical" => Risk.Critical,
            _ => Risk.Unset,
        };
        if (risk >= Risk.High && upstream.Credential.Reuse > TimeSpan.Zero)
        {
            DocumentNode stated = section.Find("risk")!;
            errors.Add(stated, $"'{id}' is of {stated.Text} risk, which needs a credential for each call: "
                + $"its upstream '{upstream.Name}' cannot reuse them");
        }

        List<string> kept = section.TextList("keep", 1, KeepFault);
        string[] headers = ReadHeaders(section);
        bool isMaskable = section.Flag("maskable", true);
        List<HostPattern> patterns = [];
        List<string> hosts = ReadHosts(section, patterns);
        List<string> tags = ReadTags(section);
        ArgumentSchema? arguments = section.Find("args") is { } args ? _arguments.Read(args) : null;
        if (method is null || path is null || tool is null) return null;

        int index = content.Functions.Count;
        Function function = new(index, id, upstream, method, path.Text, risk, headers)
        {
            IsMaskable = isMaskable,
            KeepsCookie = kept.Contains("cookie"),
            KeepsProof = kept.Contains("dpop"),
            Hosts = hosts,
            HostPatterns = patterns,
            Tags = tags,
            Arguments = arguments,
            Tool = tool,
            Line = key.Line,
            Column = key.Column,
        };
        return (function, path);
    }

    private string? ReadChecked(Section section, string key, Func<string, string?> faultOf)
    {
        if (section.Text(key) is not { } written) return null;
        if (faultOf(written) is not { } fault) return written;
        errors.Add(section.Find(key)!, fault);
        return null;
    }

    // What approvers approve of a tool holds no path, so an endpoint is one path and no other.
    private PathTemplate? ReadPath(Section section, bool isTool)
    {
        string key = isTool ? "mcp" : "path";
        if (section.Text(key) is not { } written) return null;
        PathTemplate? path = PathTemplate.Parse(written, out string fault);
        if (isTool && path is { Parameters.Length: > 0 }) fault = "the path of an MCP endpoint has no parameters";
        if (fault.Length == 0) return path;
        errors.Add(section.Find(key)!, fault);
        return null;
    }

    /// <summary>As written, and as they are compared; two that are compared alike are one too many.</summary>
    private static List<string> ReadHosts(Section section, List<HostPattern> patterns) =>
        section.TextList("hosts", 1, text =>
        {
            if (!HostPattern.TryParse(text, out HostPattern pattern, out string fault)) return fault;
            if (patterns.Contains(pattern)) return $"'{text}' is listed twice";
            patterns.Add(pattern);
            return null;
        });

    private List<string> ReadTags(Section section)
    {
        List<string> tags = section.TextList("tags", 1, Section.IdFault);
        tags.Sort(StringComparer.Ordinal);
        _tags.UnionWith(tags);
        return tags;
    }

    private Upstream FindUpstream(Section section)
    {
        if (section.Text("upstream") is not { } name) return UpstreamReader.None;
        if (_upstreams.TryGetValue(name, out Upstream? upstream)) return upstream;
        errors.Add(section.Find("upstream")!, $"there is no upstream '{name}'{errors.Suggest(name, _upstreams.Keys)}");
        return UpstreamReader.None;
    }

    private static string[] ReadHeaders(Section section)
    {
        HashSet<string> seen = new(StringComparer.OrdinalIgnoreCase);
        section.TextList("headers", 0, header =>
            HeaderFault(header) ?? (seen.Add(header) ? null : $"'{header}' is listed twice"));
        string[] headers = [.. seen.Select(header => header.ToLowerInvariant())];
        Array.Sort(headers, StringComparer.Ordinal);
        return headers;
    }

    private static string? KeepFault(string name) => name switch
    {
        "authorization" or "Authorization" => "the caller's Authorization never reaches an upstream; "
            + "broker 'exchange' gets it a token",
        "cookie" or "dpop" => null,
        _ => $"'{name}' cannot be kept: only 'cookie' and 'dpop' are removed otherwise",
    };

    // Approvals of changes of policy carry such names.
    private static string? OwnFault(string id) => id.StartsWith("countersign.", StringComparison.Ordinal)
        ? $"'{id}': names that begin with 'countersign.' are the gateway's own" : null;

    private static string? MethodFault(string method)
    {
        bool isToken = method.Length <= 32 && !method.AsSpan().ContainsAnyExceptInRange('A', 'Z');
        if (!isToken) return $"'{method}' is not a method: upper-case letters only";
        return method is "CONNECT" or "TRACE"
            ? $"{method} cannot be a function: the gateway does not forward it" : null;
    }

    /// <summary>True for a token of RFC 9110 section 5.6.2.</summary>
    internal static bool IsHeaderName(string header) =>
        header.All(one => char.IsAsciiLetterOrDigit(one) || "!#$%&'*+-.^_`|~".Contains(one));

    /// <summary>RFC 9110 section 5.1 names; not those that the gateway takes away, which would bind nothing.</summary>
    private static string? HeaderFault(string header)
    {
        if (!IsHeaderName(header)) return $"'{header}' is not a header name";
        string name = header.ToLowerInvariant();
        bool isTaken = name.StartsWith("countersign-", StringComparison.Ordinal)
            || name is "authorization" or "connection" or "keep-alive" or "proxy-authorization" or "te" or "trailer"
                or "transfer-encoding" or "upgrade" or "content-length";
        return isTaken ? $"'{header}' does not reach the upstream as sent, so a call cannot be bound to it" : null;
    }
}
