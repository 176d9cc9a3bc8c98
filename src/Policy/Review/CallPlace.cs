using System.Text;

namespace Countersign.Policy.Review;

/// <summary>
/// One of the places that a function takes calls at: a host, a method, a path, and at an MCP endpoint a tool.
/// </summary>
/// <param name="Host">The default stands for every host.</param>
/// <param name="Method">As sent.</param>
/// <param name="Shape">Equal for paths that take the same.</param>
/// <param name="Tool">A tool, or a pattern of tools; empty for none.</param>
internal sealed record CallPlace(HostPattern Host, string Method, string Shape, string Tool)
{
    /// <summary>One segment for each type, or pair of types, that takes it.</summary>
    private static readonly byte[][] Samples =
    [
        "7"u8.ToArray(), "a"u8.ToArray(), "2026-02-28"u8.ToArray(),
        "0f8fad5b-d9cb-469f-a165-70867728950e"u8.ToArray(),
    ];

    private IReadOnlyList<PathSegment> _segments = [];

    /// <summary>How many segments the path has.</summary>
    public int Length => _segments.Count;

    public bool Equals(CallPlace? other) => other is not null && Host == other.Host && Method == other.Method
        && Shape == other.Shape && Tool == other.Tool;

    public override int GetHashCode() => HashCode.Combine(Host, Method, Shape, Tool);

    /// <summary>An MCP endpoint takes the other methods of the protocol too.</summary>
    public static IEnumerable<CallPlace> Of(Function function)
    {
        PathTemplate path = PathTemplate.Parse(function.Path, out _)!;
        IReadOnlyList<HostPattern> hosts = function.HostPatterns.Count == 0 ? [default] : function.HostPatterns;
        string[] methods = function.Tool.Length == 0 ? [function.Method] : HostTable.EndpointMethods;
        foreach (HostPattern host in hosts)
        {
            foreach (string method in methods)
            {
                yield return new CallPlace(host, method, path.Shape, function.Tool) { _segments = path.Segments };
            }
        }
    }

    /// <summary>True if there is a call that both take. They are of one method and as many segments.</summary>
    public bool Overlaps(CallPlace other)
    {
        for (int index = 0; index < _segments.Count; index++)
        {
            if (!SegmentsMeet(_segments[index], other._segments[index])) return false;
        }

        return HostsMeet(Host, other.Host) && ToolsMeet(Tool, other.Tool);
    }

    /// <summary>
    /// True if what both take is this one's where one policy has both, in the order in which <see cref="HostTable"/>,
    /// <see cref="FunctionTrie"/> and <see cref="McpEndpoint"/> look: the host, its port, then segment by segment a
    /// literal, a type and anything, then the tool.
    /// </summary>
    public bool Precedes(CallPlace other)
    {
        int order = Rank(Host).CompareTo(Rank(other.Host));
        if (order == 0) order = (Host.Port != 0).CompareTo(other.Host.Port != 0);
        for (int index = 0; index < _segments.Count && order == 0; index++)
        {
            order = Rank(other._segments[index]).CompareTo(Rank(_segments[index]));
        }

        return order != 0 ? order > 0 : Rank(Tool) > Rank(other.Tool);
    }

    private static int Rank(HostPattern host) =>
        host.Name is not { Length: > 0 } name ? 0 : host.IsWildcard ? name.Length : int.MaxValue;

    private static int Rank(PathSegment segment) => segment.Literal is not null ? -1 : (int)segment.Type;

    private static int Rank(string tool) =>
        Glob.IsPattern(tool) ? tool.Count(one => one != '*') : int.MaxValue;

    private static bool SegmentsMeet(PathSegment left, PathSegment right)
    {
        if (left.Literal is not null && right.Literal is not null) return left.Literal == right.Literal;
        if (left.Literal is not null) return Takes(right, Encoding.UTF8.GetBytes(left.Literal));
        if (right.Literal is not null) return Takes(left, Encoding.UTF8.GetBytes(right.Literal));
        return Array.Exists(Samples, sample => Takes(left, sample) && Takes(right, sample));
    }

    private static bool Takes(PathSegment parameter, byte[] text) => parameter.Type == ParameterType.Any
        || (ParameterTypes.Fitting(text) & (1 << (int)parameter.Type)) != 0;

    private static bool HostsMeet(HostPattern left, HostPattern right)
    {
        if (left == default || right == default) return true;
        if (left.Port != right.Port && left.Port != 0 && right.Port != 0) return false;
        return IsBelow(left, right) || IsBelow(right, left)
            || (left.Name == right.Name && left.IsWildcard == right.IsWildcard);
    }

    private static bool IsBelow(HostPattern name, HostPattern wildcard) =>
        wildcard.IsWildcard && name.Name.EndsWith("." + wildcard.Name, StringComparison.Ordinal);

    private static bool ToolsMeet(string left, string right)
    {
        if (left.Length == 0 || right.Length == 0 || left == right) return true;
        (bool isLeftOpen, bool isRightOpen) = (Glob.IsPattern(left), Glob.IsPattern(right));
        if (isLeftOpen && isRightOpen) return ToolPattern.Overlap(left, right);
        return isLeftOpen ? Glob.Matches(left, right) : isRightOpen && Glob.Matches(right, left);
    }
}
