namespace Countersign.Policy;

/// <summary>
/// One path at which an upstream speaks MCP: the functions that are its tools, and the one that stands for the protocol
/// itself, which is in no document.
/// </summary>
public sealed class McpEndpoint
{
    private readonly Dictionary<string, Function> _exact = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Function>.AlternateLookup<ReadOnlySpan<char>> _exactBySpan;
    private readonly Function[] _patterns;

    internal McpEndpoint(IReadOnlyList<Function> tools)
    {
        Tools = tools;
        _exactBySpan = _exact.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach (Function tool in tools)
        {
            if (!Glob.IsPattern(tool.Tool)) _exact.Add(tool.Tool, tool);
        }

        // Of two that overlap one covers the other, and has fewer characters of its own.
        _patterns = [.. tools.Where(tool => Glob.IsPattern(tool.Tool))
            .OrderByDescending(tool => tool.Tool.Count(one => one != '*'))];
    }

    /// <summary>The functions that are tools here, by id.</summary>
    public IReadOnlyList<Function> Tools { get; }

    /// <summary>The function of this tool: one of its very name, else the narrowest pattern; null if there is none, and
    /// for what is no name of a tool.</summary>
    /// <param name="name">The name, as bytes of the call.</param>
    public Function? Find(ReadOnlySpan<byte> name)
    {
        if (name.IsEmpty || name.Length > PolicyLimits.ToolCharactersMax) return null;
        Span<char> characters = stackalloc char[PolicyLimits.ToolCharactersMax];
        for (int index = 0; index < name.Length; index++)
        {
            characters[index] = (char)name[index];
            if (!ToolPattern.IsNameCharacter(characters[index])) return null;
        }

        ReadOnlySpan<char> text = characters[..name.Length];
        if (_exactBySpan.TryGetValue(text, out Function? exact)) return exact;
        foreach (Function pattern in _patterns)
        {
            if (Glob.Matches(pattern.Tool, text)) return pattern;
        }

        return null;
    }

    /// <summary>The endpoints of a policy, each with the host that it is found by.</summary>
    /// <param name="functions">All functions, by id; the protocols' come behind them.</param>
    internal static List<(HostPattern Host, PathTemplate Path, Function Protocol)> Of(
        IReadOnlyList<(Function Function, PathTemplate Path)> functions)
    {
        List<(HostPattern Host, PathTemplate Path, Function Protocol)> endpoints = [];
        var tools = functions.Where(one => one.Function.Tool.Length > 0).SelectMany(one => HostsOf(one.Function)
            .Select(host => (Host: host, one.Path, one.Function)));
        foreach (var group in tools.GroupBy(one => (one.Host, one.Path.Shape)))
        {
            McpEndpoint endpoint = new([.. group.Select(one => one.Function)]);
            Function first = endpoint.Tools[0];

            // No id of a document holds a colon.
            string id = $"{first.Upstream.Name}:{first.Path}";
            int index = functions.Count + endpoints.Count;
            Function protocol = new(index, id, first.Upstream, first.Method, first.Path, Risk.Low, [])
            {
                Endpoint = endpoint,
            };
            endpoints.Add((group.Key.Host, group.First().Path, protocol));
        }

        return endpoints;
    }

    private static IReadOnlyList<HostPattern> HostsOf(Function function) =>
        function.HostPatterns.Count == 0 ? [default] : function.HostPatterns;
}
