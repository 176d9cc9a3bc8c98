using Countersign.Identity.Inbound;
using Countersign.Identity.Inbound.Saml;
using Countersign.Policy;

namespace Countersign.Cli.Configuration;

/// <summary>Reads <c>identity.saml</c>: providers whose assertions prove who calls.</summary>
internal static class SamlReader
{
    /// <summary>The entity ids of the providers, for whom aliases may be listed.</summary>
    internal static IEnumerable<string> EntitiesOf(ConfigurationSection identity) => identity.Has("saml")
        ? identity.Section("saml").Sections("providers").Select(one => one.Text("entityId")).OfType<string>()
        : [];

    /// <summary>All of it; null where there is none.</summary>
    internal static SamlServiceOptions? Read(
        ConfigurationSection identity, Func<string, string> resolve, PersonAliases aliases, List<string> errors)
    {
        if (!identity.Has("saml")) return null;
        ConfigurationSection saml = identity.Section("saml");
        SamlServiceOptions options = new()
        {
            EntityId = saml.Text("entityId"),
            KeyFile = saml.Text("key") is { } key ? resolve(key) : null,
            Providers = [.. saml.Sections("providers").Select(one => ReadProvider(one, resolve, aliases))],
        };
        if (options.Providers.Count == 0) saml.Fault("providers", "at least one provider is needed");
        errors.AddRange(options.Check());
        errors.AddRange(IssuerOptions.Check(
            [.. options.Providers.Select(one => one.Mapping with { KeysFile = "none is asked for" })]));
        saml.RefuseOthers();
        return options;
    }

    private static SamlProviderOptions ReadProvider(
        ConfigurationSection section, Func<string, string> resolve, PersonAliases aliases)
    {
        string entity = section.Text("entityId") ?? "";
        if (entity.Length == 0) section.Fault("entityId", "is required");

        // People are what SAML providers vouch for; audiences are the gateway's own, and judged with the assertion.
        IssuerOptions defaults = new() { Issuer = entity, Audiences = ["saml"], DefaultKind = CallerKind.Human };
        string? metadata = section.Text("metadata");
        bool isFile = metadata is not null && !metadata.Contains("://", StringComparison.Ordinal);
        SamlProviderOptions provider = new()
        {
            Mapping = IdentityReader.ReadMapping(section, defaults) with { Aliases = aliases },
            Name = section.Text("name") ?? entity,
            Metadata = isFile ? resolve(metadata!) : metadata,
            CertificateFiles = [.. (section.Texts("certificates") ?? []).Select(resolve)],
            SignInUrl = section.Text("signInUrl"),
            TakesCbc = section.Flag("cbc", false),
            ClockSkew = section.Duration("clockSkew", TimeSpan.FromSeconds(60), isZeroAllowed: true),
            SignsIn = section.Flag("signIn", true),
        };
        section.RefuseOthers();
        return provider;
    }
}
