namespace Countersign.Policy;

/// <summary>
/// How https endpoints are met; certificates are always verified. The policy names where certificates and keys are;
/// what they hold is read by the gateway, never by the policy.
/// </summary>
/// <param name="Ca">PEM file with the only roots to trust; null for those of the system.</param>
/// <param name="ClientCertificate">PEM file of the certificate shown to the upstream; null shows none.</param>
/// <param name="ClientKey">PEM file of its private key, not encrypted; there exactly where the certificate is.</param>
/// <param name="ServerName">The name asked for (SNI) and verified; null for the endpoint's own host.</param>
public sealed record UpstreamTls(string? Ca, string? ClientCertificate, string? ClientKey, string? ServerName);
