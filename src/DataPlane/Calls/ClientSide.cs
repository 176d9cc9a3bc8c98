using System.IO.Pipelines;
using Countersign.Identity.Inbound.Certificates;
using Microsoft.AspNetCore.Connections;

namespace Countersign.DataPlane.Calls;

/// <summary>What a connection lends to its calls: pipes, addresses, the end of it.</summary>
/// <param name="Input">What the client sends.</param>
/// <param name="Output">What the client gets.</param>
/// <param name="RemoteAddress">The client's address as ASCII, for Forwarded.</param>
/// <param name="IsTls">The client came over TLS.</param>
/// <param name="PublicUrl">Scheme and authority that clients reach this listener under.</param>
/// <param name="Connection">What the pipes belong to.</param>
internal sealed record ClientSide(
    PipeReader Input, PipeWriter Output, ReadOnlyMemory<byte> RemoteAddress, bool IsTls, string PublicUrl,
    BaseConnectionContext Connection)
{
    /// <summary>
    /// Cancelled when the client is gone, or has ended its side. Asked for when needed only: the transport makes it on
    /// demand.
    /// </summary>
    internal CancellationToken Closed => Connection.ConnectionClosed;

    /// <summary>True if what the client says of hops before it is believed.</summary>
    internal bool IsTrustedProxy { get; init; }

    /// <summary>SHA-256 of the client's verified certificate (RFC 8705 <c>x5t#S256</c>); empty without one.</summary>
    internal ReadOnlyMemory<byte> Certificate { get; init; }

    /// <summary>The subject of the client's verified certificate; empty without one.</summary>
    internal string CertificateSubject { get; init; } = "";

    /// <summary>Whom that certificate stands for; null where no rule says so.</summary>
    internal CertifiedCaller? Certified { get; init; }
}
