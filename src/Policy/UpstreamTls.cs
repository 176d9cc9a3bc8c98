namespace Countersign.Policy;

/// <summary>How https endpoints of an upstream are met. Certificates are always verified.</summary>
/// <param name="Ca">PEM file with the only roots to trust; null for those of the system.</param>
/// <param name="ClientCertificate">PEM file of the certificate shown to the upstream; null shows none.</param>
/// <param name="ClientKey">PEM file of its private key, not encrypted; null where there is no certificate.</param>
/// <param name="ServerName">The name asked for (SNI) and verified; null for the endpoint's own host.</param>
public sealed record UpstreamTls(string? Ca, string? ClientCertificate, string? ClientKey, string? ServerName);
