using System.Text;

namespace Countersign.Policy;

/// <summary>
/// Finds the function of a call by host, method and path. The functions of an exact host are asked first, then those
/// of wildcards from the longest, then those of no host; within each, those of a port before those of any. The first
/// that has the method and path wins.
/// </summary>
internal sealed class HostTable
{
    private const int PortHttp = 80;
    private const int PortHttps = 443;

    /// <summary>The methods of an MCP endpoint.</summary>
    public static readonly string[] EndpointMethods = ["POST", "GET", "DELETE"];

    private readonly FunctionTrie _anyHost = new();
    private readonly Dictionary<string, Entry> _exact = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Entry> _below = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Entry>.AlternateLookup<ReadOnlySpan<char>> _exactBySpan;
    private readonly Dictionary<string, Entry>.AlternateLookup<ReadOnlySpan<char>> _belowBySpan;

    public HostTable()
    {
        _exactBySpan = _exact.GetAlternateLookup<ReadOnlySpan<char>>();
        _belowBySpan = _below.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>Adds a function; the reader has refused two of one host, method and shape.</summary>
    public void Add(Function function, PathTemplate path)
    {
        if (function.HostPatterns.Count == 0) _anyHost.Add(function, function.Method, path);
        foreach (HostPattern host in function.HostPatterns) TrieOf(host).Add(function, function.Method, path);
    }

    /// <summary>Adds what an MCP endpoint takes: messages, the stream of the server's own, and the end of a session
    /// (MCP 2025-11-25, Transports, Streamable HTTP).</summary>
    public void AddEndpoint(HostPattern host, Function protocol, PathTemplate path)
    {
        FunctionTrie trie = host == default ? _anyHost : TrieOf(host);
        foreach (string method in EndpointMethods) trie.Add(protocol, method, path);
    }

    private FunctionTrie TrieOf(HostPattern host)
    {
        Dictionary<string, Entry> entries = host.IsWildcard ? _below : _exact;
        if (!entries.TryGetValue(host.Name, out Entry? entry)) entries.Add(host.Name, entry = new Entry());
        return entry.GetOrAdd(host.Port);
    }

    /// <param name="host">The Host field as sent; empty where there is none.</param>
    /// <param name="isTls">Whether the port of a host that names none is 443 or 80.</param>
    /// <param name="method">As sent.</param>
    /// <param name="path">As sent.</param>
    [HotPath]
    public Function? Find(ReadOnlySpan<byte> host, bool isTls, ReadOnlySpan<byte> method, ReadOnlySpan<byte> path)
    {
        Function? found = null;
        bool mayHaveHost = _exact.Count + _below.Count > 0 && !host.IsEmpty;
        if (mayHaveHost) found = FindByHost(host, isTls ? PortHttps : PortHttp, method, path);
        return found ?? _anyHost.Find(method, path);
    }

    [HotPath]
    private Function? FindByHost(
        ReadOnlySpan<byte> host, int port, ReadOnlySpan<byte> method, ReadOnlySpan<byte> path)
    {
        int colon = host.LastIndexOf((byte)':');
        if (colon > host.LastIndexOf((byte)']'))
        {
            if (colon + 1 < host.Length) port = PortOf(host[(colon + 1)..]);
            host = host[..colon];
        }

        Span<char> lowered = stackalloc char[PolicyLimits.SegmentBytesMax];
        if (host.Length > lowered.Length) return null;
        if (Ascii.ToLower(host, lowered, out int length) != System.Buffers.OperationStatus.Done) return null;
        ReadOnlySpan<char> name = lowered[..length];

        // The fully qualified form names the same host.
        if (name is [.., '.']) name = name[..^1];
        _exactBySpan.TryGetValue(name, out Entry? entry);
        Function? found = entry?.Find(port, method, path);
        for (int dot = name.IndexOf('.'); dot >= 0 && found is null && _below.Count > 0; dot = name.IndexOf('.'))
        {
            name = name[(dot + 1)..];
            _belowBySpan.TryGetValue(name, out Entry? below);
            found = below?.Find(port, method, path);
        }

        return found;
    }

    [HotPath]
    private static int PortOf(ReadOnlySpan<byte> digits)
    {
        int port = 0;
        foreach (byte one in digits)
        {
            if (one is < (byte)'0' or > (byte)'9' || port > 65_535) return -1;
            port = (port * 10) + one - '0';
        }

        return port;
    }

    /// <summary>The functions of one host: of one port each, or of any.</summary>
    private sealed class Entry
    {
        private readonly Dictionary<int, FunctionTrie> _byPort = [];

        public FunctionTrie GetOrAdd(int port)
        {
            if (!_byPort.TryGetValue(port, out FunctionTrie? trie)) _byPort.Add(port, trie = new FunctionTrie());
            return trie;
        }

        [HotPath]
        public Function? Find(int port, ReadOnlySpan<byte> method, ReadOnlySpan<byte> path)
        {
            Function? found = null;
            if (_byPort.TryGetValue(port, out FunctionTrie? one)) found = one.Find(method, path);
            if (found is null && _byPort.TryGetValue(0, out FunctionTrie? any)) found = any.Find(method, path);
            return found;
        }
    }
}
