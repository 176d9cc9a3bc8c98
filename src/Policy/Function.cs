using Countersign.Policy.Arguments;

namespace Countersign.Policy;

/// <summary>How much harm a function can do. Zero is not a risk: a function without one does not compile.</summary>
public enum Risk : byte
{
    /// <summary>Not set; refused by the compiler.</summary>
    Unset = 0,

    /// <summary>Reads, mostly.</summary>
    Low,

    /// <summary>Writes that are easily undone.</summary>
    Medium,

    /// <summary>Writes that cost money or trust. The intent is on disk before the call leaves.</summary>
    High,

    /// <summary>Writes that cannot be undone. As high, and never retried.</summary>
    Critical,
}

/// <summary>A named operation behind the gateway.</summary>
public sealed class Function
{
    /// <summary>Makes a function; only the compiler does.</summary>
    internal Function(
        int index, string id, Upstream upstream, string method, string path, Risk risk,
        IReadOnlyList<string> bindingHeaders)
    {
        Index = index;
        Id = id;
        Upstream = upstream;
        Method = method;
        Path = path;
        Risk = risk;
        BindingHeaders = bindingHeaders;
    }

    /// <summary>Its place in the snapshot, 0 to <see cref="PolicySnapshot.Functions"/>.Count - 1.</summary>
    public int Index { get; }

    /// <summary>Its name, <c>billing.reset</c>.</summary>
    public string Id { get; }

    /// <summary>Where it is served.</summary>
    public Upstream Upstream { get; }

    /// <summary>The HTTP method, upper case as sent.</summary>
    public string Method { get; }

    /// <summary>The path template, <c>/billing/{account}/reset</c>.</summary>
    public string Path { get; }

    /// <summary>How much harm it can do.</summary>
    public Risk Risk { get; }

    /// <summary>
    /// True for high and critical risk: the intent must be on disk before the call leaves, and it is never retried.
    /// </summary>
    public bool IsStrict => Risk >= Risk.High;

    /// <summary>Names of the headers, lower case and sorted, whose values are part of the digest.</summary>
    public IReadOnlyList<string> BindingHeaders { get; }

    /// <summary>True if the caller's cookies reach the upstream.</summary>
    public bool KeepsCookie { get; init; }

    /// <summary>True if the caller's DPoP proof reaches the upstream.</summary>
    public bool KeepsProof { get; init; }

    /// <summary>The hosts that it is served under, as written; empty for all of them.</summary>
    public IReadOnlyList<string> Hosts { get; init; } = [];

    /// <summary>Tags that rules, masks and limits may name it by, in ordinal order.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>The line of the document that it stands on, from 1; 0 for one that was not read.</summary>
    public int Line { get; init; }

    /// <summary>The column of that line, from 1.</summary>
    public int Column { get; init; }

    /// <summary>The snapshot that has it at <see cref="Index"/>.</summary>
    internal PolicySnapshot? Owner { get; set; }

    /// <summary><see cref="Hosts"/> as they are compared.</summary>
    internal IReadOnlyList<HostPattern> HostPatterns { get; init; } = [];

    /// <summary>What its arguments must be; null for anything.</summary>
    internal ArgumentSchema? Arguments { get; init; }

    /// <summary>
    /// The tool, or the pattern of tools, that it is at an MCP endpoint, whose path is <see cref="Path"/>; empty for
    /// one that is named by method and path alone.
    /// </summary>
    public string Tool { get; init; } = "";

    /// <summary>
    /// The endpoint whose protocol this stands for, in no document: calls of it are named by their message. Null for
    /// all others.
    /// </summary>
    public McpEndpoint? Endpoint { get; init; }

    /// <summary>Where it is, for people: its path, and after <c>#</c> its tool.</summary>
    public string Place => Tool.Length == 0 ? Path : Path + "#" + Tool;

    /// <summary>
    /// False if what it returns may be of a type that no mask can read, and passes unmasked then. What can be read is
    /// masked all the same.
    /// </summary>
    public bool IsMaskable { get; init; } = true;
}
