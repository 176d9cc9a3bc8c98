namespace Countersign.Cli.Configuration;

/// <summary>
/// Environment variables are upper case and settings are camel case: this is how a setting is spelt that the file does
/// not mention.
/// </summary>
internal static class KnownNames
{
    private static readonly string[] Names =
    [
        "data", "control", "store", "identity", "audit", "secrets", "masking", "limits", "telemetry", "policy",
        "gateway", "approvals", "notices", "reveal", "url", "secret", "events", "allowPlainHttp",
        "listen", "publicUrl", "trustedProxies", "transport", "redis", "embedded", "issuers", "issuer", "audiences",
        "keys", "discovery",
        "groups", "kind", "defaultKind", "responsible", "person", "aliases", "tenant", "algorithms", "clockSkew",
        "requireNotBefore",
        "folder", "auditors", "copies", "requestCopyBytes", "responseCopyBytes", "receipts", "witnesses", "witnessFor",
        "fleetWitnesses", "witnessQuorum",
        "keepFor", "keepBytes", "keepUnshipped", "ship", "to", "connection", "payloads", "lengthMax",
        "headers", "fileBytes", "fileEvery",
        "sealingKey", "bootstrap", "directory", "admins", "approvers", "decideWithin",
        "name", "tls", "certificates", "certificate", "key",
            "clientCertificates",
        "clientCa", "minVersion", "proxyProtocol", "from", "required",
        "console", "clients", "clientId", "clientSecret", "scopes", "authorizationEndpoint", "tokenEndpoint",
        "groupsMax", "sessionIdle", "sessionMax",
        "credentials", "signing", "rotateEvery", "publishBefore", "jwksMaxAge",
        "introspection", "id", "endpoint", "tokenPrefix", "cacheFor", "kinds", "require", "gatewayTokens", "life",
        "saml", "entityId", "providers", "metadata", "signInUrl", "cbc", "signIn",
        "dpop", "nonce", "maxAge", "rules", "uri", "dns", "email", "subject",
        "brokers", "brokerWithin", "username", "endpoints", "accessKey", "secretKey",
        "sessionToken", "authentication", "assertionAudience", "address", "ca", "namespace", "appRole", "roleId",
        "secretId", "kubernetes", "role", "jwt", "mount", "token",
        .. LimitsReader.Names,
    ];

    /// <summary>
    /// The setting's spelling, or the text itself where there is no such setting, which the reader then refuses.
    /// </summary>
    internal static string Spell(string name) =>
        Array.Find(Names, known => known.Equals(name, StringComparison.OrdinalIgnoreCase)) ?? name;
}
