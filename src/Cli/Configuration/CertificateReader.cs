using Countersign.Identity.Inbound;
using Countersign.Identity.Inbound.Certificates;

namespace Countersign.Cli.Configuration;

/// <summary>Reads <c>identity.certificates</c>: whom client certificates stand for.</summary>
internal static class CertificateReader
{
    private const string DefaultIssuer = "urn:countersign:certificate";

    private static readonly (string Key, CertificateName Name)[] Names =
    [
        ("uri", CertificateName.Uri), ("dns", CertificateName.Dns), ("email", CertificateName.Email),
        ("subject", CertificateName.Subject),
    ];

    /// <summary>What the issuer of such callers is called.</summary>
    internal static string IssuerOf(ConfigurationSection identity) =>
        identity.Has("certificates") ? identity.Section("certificates").Text("issuer") ?? DefaultIssuer : DefaultIssuer;

    /// <summary>The rules; null where there are none.</summary>
    internal static CertificateCallers? Read(ConfigurationSection identity, PersonAliases aliases)
    {
        if (!identity.Has("certificates")) return null;
        ConfigurationSection certificates = identity.Section("certificates");
        string issuer = certificates.Text("issuer") ?? DefaultIssuer;
        CertificateRule[] rules = [.. certificates.Sections("rules").Select(ReadRule)];
        if (rules.Length == 0) certificates.Fault("rules", "at least one rule is needed");
        certificates.RefuseOthers();
        return new CertificateCallers(issuer, rules, aliases);
    }

    private static CertificateRule ReadRule(ConfigurationSection section)
    {
        (string Key, CertificateName Name)[] named = [.. Names.Where(pair => section.Has(pair.Key))];
        if (named.Length != 1) section.Fault("uri", "give one of uri, dns, email and subject");
        string pattern = named.Length == 1 ? section.Text(named[0].Key) ?? "" : "";
        if (!section.Has("kind")) section.Fault("kind", "is required");
        CertificateRule rule = new(
            named.Length == 1 ? named[0].Name : CertificateName.None, pattern,
            IdentityReader.ReadKind(section, "kind"))
        {
            Groups = section.Texts("groups") ?? [],
            Responsible = section.Texts("responsible") ?? [],
            Tenant = section.Text("tenant") ?? "",
        };
        section.RefuseOthers();
        return rule;
    }
}
