namespace Countersign.Policy;

/// <summary>
/// How https endpoints are spoken to. The policy names where certificates and keys are; what they hold is read by the
/// gateway, never by the policy.
/// </summary>
/// <param name="Ca">Whose certificates are trusted, instead of the machine's own; null trusts those.</param>
/// <param name="ClientCertificate">The certificate the gateway shows; null shows none.</param>
/// <param name="ClientKey">Its private key; there exactly where the certificate is.</param>
/// <param name="ServerName">The name the endpoint's certificate must have; null is the endpoint's host.</param>
public sealed record UpstreamTls(string? Ca, string? ClientCertificate, string? ClientKey, string? ServerName);
