using System.Net;
using Countersign.Policy;
using Microsoft.AspNetCore.Connections;

namespace Countersign.DataPlane.Upstream;

/// <summary>Opens connections to upstreams; one of the places where the process ends.</summary>
internal interface IUpstreamDialer
{
    /// <summary>
    /// Opens a connection, or returns null where the endpoint cannot be reached in time. No byte of a call has been
    /// sent.
    /// </summary>
    /// <param name="address">Where to; names were resolved before.</param>
    /// <param name="endpoint">Scheme, host and port as the policy has them; the host is what TLS verifies.</param>
    /// <param name="tls">How an https endpoint is spoken to; null is the default.</param>
    /// <param name="within">How long it may take, TLS included.</param>
    ValueTask<ConnectionContext?> DialAsync(IPEndPoint address, Uri endpoint, UpstreamTls? tls, TimeSpan within);
}
