using Microsoft.AspNetCore.Connections;

namespace Countersign.DataPlane.Upstream;

/// <summary>Opens connections to upstreams; one of the places where the process ends.</summary>
internal interface IUpstreamDialer
{
    /// <summary>
    /// Opens a connection, or returns null where the endpoint cannot be reached in time. No byte of a call has been
    /// sent.
    /// </summary>
    ValueTask<ConnectionContext?> DialAsync(Uri endpoint, TimeSpan within);
}
