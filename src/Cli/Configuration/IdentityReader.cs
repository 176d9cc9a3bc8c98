using Countersign.Identity.Inbound;
using Countersign.Identity.Inbound.Dpop;
using Countersign.Policy;

namespace Countersign.Cli.Configuration;

/// <summary>Reads <c>identity</c>: who may vouch for callers, and how their tokens are read.</summary>
internal static class IdentityReader
{
    private static readonly TimeSpan TokenLifeMin = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan TokenLifeMax = TimeSpan.FromHours(1);

    /// <summary>Reads all of it; aliases hold for every issuer.</summary>
    internal static IdentitySettings Read(
        ConfigurationSection identity, Func<string, string> resolve, List<string> errors)
    {
        Dictionary<string, SecretReference> secrets = new(StringComparer.Ordinal);
        IssuerOptions[] issuers =
            [.. identity.Sections("issuers").Select(issuer => ReadIssuer(issuer, resolve, secrets))];
        ConfigurationSection listed = identity.Section("aliases");
        List<string> faults = [];
        PersonAliases aliases = PersonAliases.Read(
            listed.Names.Select(person => KeyValuePair.Create(person, listed.Texts(person) ?? [])),
            [
                .. issuers.Select(one => one.Issuer), .. SamlReader.EntitiesOf(identity),
                CertificateReader.IssuerOf(identity),
            ],
            faults);
        errors.AddRange(faults.Select(fault => "identity.aliases: " + fault));
        ConfigurationSection tokens = identity.Section("gatewayTokens");
        IdentitySettings settings = new()
        {
            Issuers = [.. issuers.Select(one => one with { Aliases = aliases })],
            IntrospectionSecrets = secrets,
            Dpop = ReadDpop(identity.Section("dpop")),
            Certificates = CertificateReader.Read(identity, aliases),
            Saml = SamlReader.Read(identity, resolve, aliases, errors),
            GatewayTokenLife = tokens.Duration("life", TimeSpan.FromMinutes(15), TokenLifeMin, TokenLifeMax),
        };
        tokens.RefuseOthers();
        return settings;
    }

    private static DpopOptions ReadDpop(ConfigurationSection dpop)
    {
        DpopOptions defaults = new();
        DpopOptions options = new()
        {
            RequiresNonce = dpop.Flag("nonce", defaults.RequiresNonce),
            ProofMaxAge = dpop.Duration(
                "maxAge", defaults.ProofMaxAge, TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(10)),
            ClockSkew = dpop.Duration("clockSkew", defaults.ClockSkew, TimeSpan.Zero, TimeSpan.FromMinutes(5)),
        };
        dpop.RefuseOthers();
        return options;
    }

    private static IssuerOptions ReadIssuer(
        ConfigurationSection section, Func<string, string> resolve, Dictionary<string, SecretReference> secrets)
    {
        string issuer = section.Text("issuer") ?? "";
        IReadOnlyList<string> audiences = section.Texts("audiences") ?? [];
        if (issuer.Length == 0) section.Fault("issuer", "is required");
        if (audiences.Count == 0) section.Fault("audiences", "at least one audience is required");
        IssuerOptions defaults = new() { Issuer = issuer, Audiences = audiences };
        IssuerOptions options = ReadMapping(section, defaults) with
        {
            KeysFile = section.Text("keys") is { } keys ? resolve(keys) : null,
            DiscoveryUrl = section.Text("discovery"),
            Algorithms = section.Texts("algorithms") ?? defaults.Algorithms,
            ClockSkew = section.Duration("clockSkew", defaults.ClockSkew),
            RequiresNotBefore = section.Switch("requireNotBefore", defaults.RequiresNotBefore),
            Introspection = section.Names.Contains("introspection")
                ? ReadIntrospection(section.Section("introspection"), issuer, resolve, secrets)
                : null,
        };
        section.RefuseOthers();
        return options;
    }

    /// <summary>How claims, or attributes, become a caller.</summary>
    internal static IssuerOptions ReadMapping(ConfigurationSection section, IssuerOptions defaults) => defaults with
    {
        Groups = section.Texts("groups") ?? defaults.Groups,
        KindClaim = section.Text("kind") ?? defaults.KindClaim,
        KindWords = ReadKindWords(section.Section("kinds")),
        Requires = ReadRequired(section.Section("require")),
        DefaultKind = section.Has("defaultKind") ? ReadKind(section, "defaultKind") : defaults.DefaultKind,
        ResponsibleClaims = section.Texts("responsible") ?? defaults.ResponsibleClaims,
        PersonClaim = section.Text("person"),
        TenantClaim = section.Text("tenant"),
    };

    private static IntrospectionOptions ReadIntrospection(
        ConfigurationSection section, string issuer, Func<string, string> resolve,
        Dictionary<string, SecretReference> secrets)
    {
        string endpoint = section.Text("endpoint") ?? "", client = section.Text("clientId") ?? "";
        if (endpoint.Length == 0) section.Fault("endpoint", "is required");
        if (client.Length == 0) section.Fault("clientId", "is required");
        if (!section.Names.Contains("clientSecret")) section.Fault("clientSecret", "is required");
        secrets[issuer] = ConfigurationReader.ReadSecret(section, "clientSecret", "env:UNSET", resolve);
        IntrospectionOptions defaults = new() { Endpoint = endpoint, ClientId = client };
        IntrospectionOptions options = defaults with
        {
            TokenPrefix = section.Text("tokenPrefix") ?? "",
            CacheFor = section.Duration("cacheFor", defaults.CacheFor),
        };
        section.RefuseOthers();
        return options;
    }

    private static Dictionary<string, CallerKind> ReadKindWords(ConfigurationSection words)
    {
        Dictionary<string, CallerKind> kinds = new(StringComparer.Ordinal);
        foreach (string word in words.Names) kinds[word] = ReadKind(words, word);
        return kinds;
    }

    private static Dictionary<string, IReadOnlyList<string>> ReadRequired(ConfigurationSection required)
    {
        Dictionary<string, IReadOnlyList<string>> claims = new(StringComparer.Ordinal);
        foreach (string claim in required.Names) claims[claim] = required.Texts(claim) ?? [];
        return claims;
    }

    internal static CallerKind ReadKind(ConfigurationSection section, string key)
    {
        string? kind = section.Text(key);
        switch (kind)
        {
            case null: return CallerKind.Unstated;
            case "human": return CallerKind.Human;
            case "agent": return CallerKind.Agent;
            case "ci": return CallerKind.Ci;
            case "service": return CallerKind.Service;
            default:
                section.Fault(key, $"'{kind}' is not human, agent, ci or service");
                return CallerKind.Unstated;
        }
    }
}
