namespace Countersign.DataPlane.Upstream;

/// <summary>Why there is no connection. Zero is one that could not be opened.</summary>
internal enum ConnectFault : byte
{
    /// <summary>Every connection that was tried failed.</summary>
    Unreachable = 0,

    /// <summary>There is one.</summary>
    None,

    /// <summary>No name of the upstream has an address.</summary>
    Unresolved,

    /// <summary>Every endpoint fails its health check.</summary>
    Unhealthy,

    /// <summary>Every endpoint has as many connections as it may.</summary>
    AtLimit,
}

/// <summary>What came of connecting.</summary>
internal readonly record struct Connected(UpstreamConnection? Connection, ConnectFault Fault, string Refusal = "");
