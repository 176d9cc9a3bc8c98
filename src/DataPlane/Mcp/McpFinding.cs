using Countersign.Policy;

namespace Countersign.DataPlane.Mcp;

/// <summary>What a message to an MCP endpoint is for, among the tools that policy knows.</summary>
internal ref struct McpFinding
{
    /// <summary>The tool that it calls; null for the protocol's own, and for what is refused.</summary>
    internal Function? Tool;

    /// <summary>The name of the tool that it asks for, decoded; empty where it asks for none.</summary>
    internal ReadOnlySpan<byte> Name;

    /// <summary>Where the exact bytes of <c>arguments</c> are in the message; empty where there are none.</summary>
    internal Range Arguments;

    /// <summary>
    /// Why it is refused, for the caller, without any of its content; empty where no more is to be said.
    /// </summary>
    internal string Why;
}
