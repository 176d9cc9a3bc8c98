namespace Countersign.DataPlane.Mcp;

/// <summary>What a message asks for. Zero is what nobody may ask.</summary>
internal enum McpKind : byte
{
    /// <summary>A method, or an answer, that is not passed on.</summary>
    Unlisted = 0,

    /// <summary>The protocol's own: it does nothing that a tool does.</summary>
    Protocol,

    /// <summary><c>tools/call</c>.</summary>
    ToolCall,
}

/// <summary>One JSON-RPC message of MCP: what policy must know of it, as slices of its bytes.</summary>
internal struct McpMessage
{
    /// <summary>What it asks for.</summary>
    internal McpKind Kind;

    /// <summary>The method, decoded; null for an answer.</summary>
    internal string? Method;

    /// <summary>The tool's name within its quotation marks, of a <see cref="McpKind.ToolCall"/>.</summary>
    internal Range Name;

    /// <summary>True if the name is written with escapes.</summary>
    internal bool IsNameEscaped;

    /// <summary>The exact bytes of <c>arguments</c>; empty where there are none.</summary>
    internal Range Arguments;
}
