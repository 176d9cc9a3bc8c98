using Countersign.Identity.Inbound;
using Countersign.Identity.Inbound.Certificates;
using Countersign.Identity.Inbound.Dpop;
using Countersign.Identity.Inbound.Saml;

namespace Countersign.Cli.Configuration;

/// <summary><c>identity</c>: all that proves who calls.</summary>
internal sealed record IdentitySettings
{
    /// <summary>Who may vouch for callers.</summary>
    public IReadOnlyList<IssuerOptions> Issuers { get; init; } = [];

    /// <summary>Where the secrets are that opaque tokens are asked about with, by issuer.</summary>
    public IReadOnlyDictionary<string, SecretReference> IntrospectionSecrets { get; init; } =
        new Dictionary<string, SecretReference>();

    /// <summary>SAML providers; null where there are none.</summary>
    public SamlServiceOptions? Saml { get; init; }

    /// <summary>The terms of proofs of keys.</summary>
    public DpopOptions Dpop { get; init; } = new();

    /// <summary>Whom client certificates stand for; null maps none.</summary>
    public CertificateCallers? Certificates { get; init; }

    /// <summary>How long the gateway's own tokens live at the most.</summary>
    public TimeSpan GatewayTokenLife { get; init; } = TimeSpan.FromMinutes(15);
}
