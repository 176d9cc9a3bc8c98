using Countersign.Policy;

namespace Countersign.Identity.Inbound;

/// <summary>One issuer whose tokens prove who calls (DESIGN sections 5 and 13).</summary>
public sealed record IssuerOptions
{
    /// <summary>The algorithms that may be allowed: asymmetric ones only, so that a public key never verifies a
    /// MAC.</summary>
    internal static readonly IReadOnlyList<string> KnownAlgorithms =
        ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];

    /// <summary>The exact <c>iss</c> of its tokens; an absolute URI when keys are discovered.</summary>
    public required string Issuer { get; init; }

    /// <summary>A token's <c>aud</c> must hold one of these, compared exactly; at least one.</summary>
    public required IReadOnlyList<string> Audiences { get; init; }

    /// <summary>A file of PEM public keys or certificates, or a JWKS (RFC 7517); null discovers keys by OIDC.</summary>
    public string? KeysFile { get; init; }

    /// <summary>Where the discovery document is; null is the issuer and
    /// <c>/.well-known/openid-configuration</c>.</summary>
    public string? DiscoveryUrl { get; init; }

    /// <summary>
    /// The claims that hold the groups, each one text or a list of texts. A claim is named exactly, or by a JSON
    /// pointer that begins with a slash; <c>repo:{repository}</c> makes groups out of a claim and text around it.
    /// </summary>
    public IReadOnlyList<string> Groups { get; init; } = ["groups"];

    /// <summary>The claim that holds the kind: <c>human</c>, <c>agent</c>, <c>ci</c> or <c>service</c>.</summary>
    public string KindClaim { get; init; } = "kind";

    /// <summary>What this issuer calls the kinds, where it has words of its own.</summary>
    public IReadOnlyDictionary<string, CallerKind> KindWords { get; init; } = new Dictionary<string, CallerKind>();

    /// <summary>
    /// Claims that every token must hold, each with the texts that it may be; true and false are <c>true</c> and
    /// <c>false</c>. A claim that is a list must hold one of them.
    /// </summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Requires { get; init; } =
        new Dictionary<string, IReadOnlyList<string>>();

    /// <summary>The kind of a token that names none and has no <c>act</c>.</summary>
    public CallerKind DefaultKind { get; init; } = CallerKind.Unstated;

    /// <summary>Claims that name the people who answer for the subject; each a string, or an array of them.</summary>
    public IReadOnlyList<string> ResponsibleClaims { get; init; } = ["actor", "owner"];

    /// <summary>
    /// The claim that names the person behind <c>sub</c>, the same for all of their accounts; null takes <c>sub</c>
    /// itself. Where it is set, a token whose <c>sub</c> is taken for a person is refused without it.
    /// </summary>
    public string? PersonClaim { get; init; }

    /// <summary>The accounts of people who have several; the same list for all issuers.</summary>
    public PersonAliases Aliases { get; init; } = PersonAliases.None;

    /// <summary>The claim that names the tenant; null when this issuer has none.</summary>
    public string? TenantClaim { get; init; }

    /// <summary>The signature algorithms accepted (RFC 8725 section 3.1); each of RS, PS and ES with 256, 384 or
    /// 512, and EdDSA on Ed25519.</summary>
    public IReadOnlyList<string> Algorithms { get; init; } =
        ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

    /// <summary>
    /// How far this issuer's clock may be ahead of ours, 0 to 5 min, for <c>nbf</c> and <c>iat</c>. An <c>exp</c> gets
    /// no leeway, so that a token dies at the same moment whether it was cached or not.
    /// </summary>
    public TimeSpan ClockSkew { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// True refuses its JWTs without <c>nbf</c>, as DESIGN section 5 wants them; false is for an issuer that never says
    /// it, as many do not: RFC 7519 section 4.1.5 makes it optional. Where there is one it is always held to.
    /// </summary>
    public bool RequiresNotBefore { get; init; } = true;

    /// <summary>Asks this issuer what its opaque tokens mean (RFC 7662); null takes no such tokens.</summary>
    public IntrospectionOptions? Introspection { get; init; }

    /// <summary>True for the gateway's own tokens, which hold the caller as it was mapped before.</summary>
    internal bool IsGateway { get; init; }

    /// <summary>The address of the discovery document.</summary>
    internal string DiscoveryAddress => DiscoveryUrl ?? Issuer.TrimEnd('/') + "/.well-known/openid-configuration";

    /// <summary>The gateway itself, as the issuer of the tokens that it gives; asked for its keys where it is not the
    /// one that reads them.</summary>
    /// <param name="publicUrl">Their <c>iss</c> and <c>aud</c>: the public URL of the control listener.</param>
    public static IssuerOptions OfGateway(string publicUrl)
    {
        ArgumentException.ThrowIfNullOrEmpty(publicUrl);
        return new()
        {
            Issuer = publicUrl,
            Audiences = [publicUrl],
            Algorithms = ["ES256"],
            DiscoveryUrl = publicUrl.TrimEnd('/') + "/.well-known/oauth-authorization-server",
            IsGateway = true,
        };
    }

    /// <summary>Everything that is wrong with these issuers, each as a sentence; empty when they can be used.</summary>
    public static IReadOnlyList<string> Check(IReadOnlyList<IssuerOptions> issuers)
    {
        ArgumentNullException.ThrowIfNull(issuers);
        List<string> errors = [];
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (IssuerOptions issuer in issuers)
        {
            issuer.Check(errors);
            if (issuer.Introspection is { } asked) asked.Check(issuer.Issuer, errors);
            if (!seen.Add(issuer.Issuer)) errors.Add($"issuer '{issuer.Issuer}' is configured twice");
        }

        IntrospectionOptions.CheckTogether(issuers, errors);
        return errors;
    }

    /// <summary>Why the file of <see cref="KeysFile"/> gives no key, or null; null too where none is named.</summary>
    public string? CheckKeysFile() => KeysFile is null ? null : IssuerKeyFile.TryRead(KeysFile, out _);

    private void Check(List<string> errors)
    {
        string name = $"issuer '{Issuer}'";
        if (string.IsNullOrWhiteSpace(Issuer)) errors.Add("an issuer has no name");
        if (Audiences.Count == 0 || Audiences.Any(string.IsNullOrWhiteSpace)) errors.Add($"{name} needs audiences");
        if (Algorithms.Count == 0) errors.Add($"{name} allows no algorithm");
        foreach (string algorithm in Algorithms)
        {
            if (!KnownAlgorithms.Contains(algorithm)) errors.Add($"{name}: algorithm '{algorithm}' is not supported");
        }

        foreach (string source in Groups)
        {
            if (GroupSource.Check(source) is { Length: > 0 } fault) errors.Add($"{name}: groups '{source}' {fault}");
        }

        if (KindClaim.Length == 0) errors.Add($"{name} names no kind claim");
        IEnumerable<string?> paths = [PersonClaim, TenantClaim, .. ResponsibleClaims, .. Requires.Keys];
        if (KindClaim.Length > 0) paths = paths.Prepend(KindClaim);
        foreach (string path in paths.OfType<string>())
        {
            if (ClaimPath.Check(path) is { Length: > 0 } fault) errors.Add($"{name}: the claim '{path}' {fault}");
        }

        foreach ((string path, IReadOnlyList<string> values) in Requires)
        {
            if (values.Count == 0) errors.Add($"{name}: '{path}' must be something, but no value is given");
        }

        if (!Enum.IsDefined(DefaultKind)) errors.Add($"{name} has an unknown default kind");
        if (ClockSkew < TimeSpan.Zero || ClockSkew > TimeSpan.FromMinutes(5))
            errors.Add($"{name}: the clock skew must be 0 to 5 minutes");
        if (KeysFile is null && !KeyDocuments.IsFetchable(DiscoveryAddress))
            errors.Add($"{name}: keys are discovered over https, or over http from loopback alone");
    }
}

/// <summary>The bounds of a <see cref="CallerVerifier"/> (STYLE rule 10).</summary>
public sealed record CallerVerifierLimits
{
    /// <summary>Tokens longer than this many bytes are refused unread.</summary>
    public int TokenBytesMax { get; init; } = 16 * 1024;

    /// <summary>Verified tokens kept, in two generations of half as many; at least 2.</summary>
    public int CacheEntriesMax { get; init; } = 65_536;

    /// <summary>Bytes of tokens that are known by their very bytes too; beyond this they are known by their SHA-256
    /// alone.</summary>
    public int SeenTokenBytesMax { get; init; } = 32 * 1024 * 1024;

    /// <summary>Keys taken from one issuer; more than this and the set is refused.</summary>
    public int KeysMax { get; init; } = 64;

    /// <summary>Bytes of a discovery document or key set; more and it is refused.</summary>
    public int DocumentBytesMax { get; init; } = 1024 * 1024;

    /// <summary>How often keys are fetched in the background.</summary>
    public TimeSpan KeyRefreshEvery { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How often an issuer's keys are fetched, at most, because a token names an unknown key.</summary>
    public TimeSpan UnknownKeyCooldown { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long keys serve while the issuer cannot be reached.</summary>
    public TimeSpan KeysGoodFor { get; init; } = TimeSpan.FromHours(24);

    /// <summary>The longest that one fetch of an issuer's documents takes.</summary>
    public TimeSpan FetchTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>For how long a token that its issuer called inactive is refused without asking again.</summary>
    public TimeSpan InactiveFor { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Inactive tokens remembered at once.</summary>
    public int InactiveTokensMax { get; init; } = 4_096;

    /// <summary>While an issuer has no usable keys, calls try to fetch them again no sooner than this.</summary>
    public TimeSpan FetchRetryAfter { get; init; } = TimeSpan.FromSeconds(1);
}
