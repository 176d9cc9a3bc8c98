using System.Net;
using System.Security.Authentication;
using Countersign.DataPlane.Transport;

namespace Countersign.DataPlane;

/// <summary>Whether clients show a certificate. Zero asks for none and believes none.</summary>
public enum ClientCertificates : byte
{
    /// <summary>Not asked for.</summary>
    None = 0,

    /// <summary>Asked for; one that is shown must be good.</summary>
    Optional,

    /// <summary>No handshake without a good one.</summary>
    Required,
}

/// <summary>A certificate and its key.</summary>
/// <param name="Certificate">PEM file: the certificate, then what leads to its root.</param>
/// <param name="Key">PEM file: the private key, not encrypted.</param>
public sealed record CertificateFiles(string Certificate, string Key);

/// <summary>TLS on a listener, the same for all its addresses.</summary>
public sealed record DataTlsOptions
{
    /// <summary>At least one; the first serves clients that name no host, or one that no certificate names.</summary>
    public required IReadOnlyList<CertificateFiles> Certificates { get; init; }

    /// <summary>Whether clients show a certificate.</summary>
    public ClientCertificates ClientCertificates { get; init; }

    /// <summary>PEM file with the only roots that client certificates may lead to; needed where they are asked
    /// for.</summary>
    public string? ClientCa { get; init; }

    /// <summary>The oldest version accepted: TLS 1.2 or TLS 1.3.</summary>
    public SslProtocols MinVersion { get; init; } = SslProtocols.Tls12;

    /// <summary>Reads every file once and names all that cannot be used; empty where all can.</summary>
    public IReadOnlyList<string> Check() => ServerTrust.Load(this).Errors;
}

/// <summary>The PROXY protocol, spoken by load balancers in front (versions 1 and 2).</summary>
/// <param name="From">Who may speak it: peers in these networks. From anybody else its bytes are no HTTP.</param>
/// <param name="IsRequired">True refuses connections from these networks that do not begin with it; false takes them
/// as they come, so that anything which can connect from there can name any client.</param>
public sealed record ProxyProtocolOptions(IReadOnlyList<IPNetwork> From, bool IsRequired);
