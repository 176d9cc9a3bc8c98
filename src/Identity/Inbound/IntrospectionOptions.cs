namespace Countersign.Identity.Inbound;

/// <summary>How an issuer is asked what its opaque tokens mean (RFC 7662).</summary>
public sealed record IntrospectionOptions
{
    /// <summary>The introspection endpoint; https, or http on loopback.</summary>
    public required string Endpoint { get; init; }

    /// <summary>The <c>client_id</c> by which the gateway asks.</summary>
    public required string ClientId { get; init; }

    /// <summary>Its secret, sent as HTTP Basic (RFC 6749 section 2.3.1).</summary>
    public ReadOnlyMemory<byte> ClientSecret { get; init; }

    /// <summary>
    /// What this issuer's opaque tokens begin with; empty for an issuer that alone takes all. No token is shown to an
    /// issuer that it cannot be of.
    /// </summary>
    public string TokenPrefix { get; init; } = "";

    /// <summary>For how long an answer holds; 0 to 5 min, and never past the token's <c>exp</c>.</summary>
    public TimeSpan CacheFor { get; init; } = TimeSpan.FromSeconds(30);

    internal void Check(string issuer, List<string> errors)
    {
        string name = $"introspection of issuer '{issuer}'";
        if (!KeyDocuments.IsFetchable(Endpoint)) errors.Add($"{name}: the endpoint is neither https nor on loopback");
        if (string.IsNullOrWhiteSpace(ClientId)) errors.Add($"{name} has no clientId");
        if (CacheFor < TimeSpan.Zero || CacheFor > TimeSpan.FromMinutes(5))
            errors.Add($"{name}: cacheFor must be 0 to 5 minutes");
        if (TokenPrefix.Any(letter => letter is <= ' ' or > '~'))
            errors.Add($"{name}: the tokenPrefix is not plain text");
    }

    internal static void CheckTogether(IReadOnlyList<IssuerOptions> issuers, List<string> errors)
    {
        IntrospectionOptions[] all = [.. issuers.Select(one => one.Introspection).OfType<IntrospectionOptions>()];
        for (int one = 0; one < all.Length; one++)
        {
            for (int other = one + 1; other < all.Length; other++)
            {
                if (all[one].TokenPrefix.StartsWith(all[other].TokenPrefix, StringComparison.Ordinal)
                    || all[other].TokenPrefix.StartsWith(all[one].TokenPrefix, StringComparison.Ordinal))
                {
                    errors.Add("two issuers are asked about the same opaque tokens: each needs a tokenPrefix");
                    return;
                }
            }
        }
    }
}
