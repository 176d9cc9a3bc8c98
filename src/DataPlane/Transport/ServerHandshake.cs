using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Countersign.DataPlane.Tls;

namespace Countersign.DataPlane.Transport;

/// <summary>
/// The terms of a handshake as a server: TLS 1.2 and 1.3, ALPN <c>http/1.1</c> or none, no renegotiation. Sessions are
/// resumed only where clients show no certificate: a resumed session would carry yesterday's verdict on it.
/// </summary>
internal static class ServerHandshake
{
    private static readonly Oid ClientPurpose = new("1.3.6.1.5.5.7.3.2");
    private static readonly List<SslApplicationProtocol> Http11 = [SslApplicationProtocol.Http11];

    /// <summary>Those for one client.</summary>
    internal static SslServerAuthenticationOptions OptionsFor(
        DataTlsOptions options, ServerTrust trust, string serverName, DateTimeOffset now)
    {
        SslServerAuthenticationOptions server = new()
        {
            ServerCertificateContext = trust.Select(serverName),
            EnabledSslProtocols = options.MinVersion == SslProtocols.Tls13
                ? SslProtocols.Tls13
                : SslProtocols.Tls12 | SslProtocols.Tls13,
            ApplicationProtocols = Http11,
            AllowRenegotiation = false,
            AllowTlsResume = trust.ClientRoots is null,
        };
        if (trust.ClientRoots is null) return server;
        server.ClientCertificateRequired = true;
        server.CertificateChainPolicy = PemFiles.ChainPolicy(trust.ClientRoots, ClientPurpose, now);
        server.RemoteCertificateValidationCallback = options.ClientCertificates == ClientCertificates.Optional
            ? static (_, certificate, _, errors) =>
                errors == SslPolicyErrors.None || IsNothingShown(certificate, errors)
            : static (_, certificate, _, errors) => certificate is not null && errors == SslPolicyErrors.None;
        return server;
    }

    private static bool IsNothingShown(X509Certificate? certificate, SslPolicyErrors errors) =>
        certificate is null && errors == SslPolicyErrors.RemoteCertificateNotAvailable;
}
