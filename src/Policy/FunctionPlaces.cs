namespace Countersign.Policy;

/// <summary>Sees to it that no two functions stand in one place: nobody could say which is called.</summary>
internal sealed class FunctionPlaces(PolicyErrors errors)
{
    private readonly Dictionary<(HostPattern Host, string Method, string Shape), Holder> _taken = [];
    private readonly Dictionary<(HostPattern Host, string Shape), Endpoint> _tools = [];

    /// <summary>Takes a function's places, or reports who has one of them.</summary>
    public void Take(DocumentNode key, Function function, string shape)
    {
        Holder holder = new(key, function);
        IReadOnlyList<HostPattern> hosts = function.HostPatterns.Count == 0 ? [default] : function.HostPatterns;
        foreach (HostPattern host in hosts)
        {
            bool isFree = function.Tool.Length == 0
                ? TryTake(host, function.Method, shape, holder)
                : HostTable.EndpointMethods.All(method => TryTake(host, method, shape, holder))
                    && TryTakeTool(host, shape, holder);
            if (!isFree) return;
        }
    }

    private bool TryTake(HostPattern host, string method, string shape, Holder holder)
    {
        if (_taken.TryAdd((host, method, shape), holder)) return true;
        Holder other = _taken[(host, method, shape)];
        bool isTool = holder.Function.Tool.Length > 0;
        if (isTool && other.Function.Tool.Length > 0) return true;
        string what = host == default ? "method and path" : "method, path and host";
        if (isTool || other.Function.Tool.Length > 0) what += $" ({method} of an MCP endpoint)";
        return Report(holder, other, $"has the {what} of");
    }

    private bool TryTakeTool(HostPattern host, string shape, Holder holder)
    {
        string tool = holder.Function.Tool;
        if (!_tools.TryGetValue((host, shape), out Endpoint? endpoint))
            _tools.Add((host, shape), endpoint = new Endpoint(holder, [], []));
        if (endpoint.First.Function.Upstream != holder.Function.Upstream)
            return Report(holder, endpoint.First, "is at another upstream than, and at the endpoint of,");
        if (!endpoint.ByTool.TryAdd(tool, holder))
            return Report(holder, endpoint.ByTool[tool], "has the endpoint and tool of");
        if (!Glob.IsPattern(tool)) return true;
        foreach (Holder other in endpoint.Patterns)
        {
            string pattern = other.Function.Tool;
            bool isTold = !ToolPattern.Overlap(tool, pattern)
                || ToolPattern.Covers(tool, pattern) || ToolPattern.Covers(pattern, tool);
            if (!isTold) return Report(holder, other, "overlaps, and is neither wider nor narrower than,");
        }

        endpoint.Patterns.Add(holder);
        if (endpoint.Patterns.Count <= PolicyLimits.ToolPatternsMax) return true;
        errors.Add(holder.Key, $"an MCP endpoint has at most {PolicyLimits.ToolPatternsMax} patterns of tools");
        return false;
    }

    private bool Report(Holder holder, Holder other, string what)
    {
        errors.Add(holder.Key, $"'{holder.Key.Text}' {what} '{other.Key.Text}' at {other.Key.Place}");
        return false;
    }

    private sealed record Holder(DocumentNode Key, Function Function);

    private sealed record Endpoint(Holder First, Dictionary<string, Holder> ByTool, List<Holder> Patterns);
}
