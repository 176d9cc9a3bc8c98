using System.Net;
using Countersign.Policy;
using Microsoft.AspNetCore.Connections;

namespace Countersign.DataPlane.Upstream;

/// <summary>How dialling ended.</summary>
/// <param name="Connection">Open and, for https, verified; or null.</param>
/// <param name="Refusal">Why not, where more is known than that nobody answered: a constant sentence; else
/// empty.</param>
internal readonly record struct Dialled(ConnectionContext? Connection, string Refusal = "");

/// <summary>Opens connections to upstreams; one of the places where the process ends.</summary>
internal interface IUpstreamDialer
{
    /// <summary>
    /// Opens a connection, or says why the endpoint cannot be reached in time. No byte of a call has been sent.
    /// </summary>
    /// <param name="address">Where to; names were resolved before.</param>
    /// <param name="endpoint">Scheme, host and port as the policy has them; the host is what TLS verifies.</param>
    /// <param name="tls">How an https endpoint is met; null for the system's roots.</param>
    /// <param name="within">How long connecting may take, and the handshake after it.</param>
    ValueTask<Dialled> DialAsync(IPEndPoint address, Uri endpoint, UpstreamTls? tls, TimeSpan within);
}
