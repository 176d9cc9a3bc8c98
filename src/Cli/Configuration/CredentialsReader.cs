using Countersign.DataPlane;
using Countersign.Identity.Outbound;

namespace Countersign.Cli.Configuration;

/// <summary>Reads <c>credentials</c>: what is lent to upstreams, by whom, and who may ask about it.</summary>
internal static class CredentialsReader
{
    private const int ClientsMax = 256;

    /// <summary>All of it.</summary>
    internal static CredentialSettings Read(
        ConfigurationSection credentials, Limits limits, Func<string, string> resolve)
    {
        ConfigurationSection introspection = credentials.Section("introspection");
        CredentialSettings settings = new()
        {
            Signing = ReadSigning(credentials.Section("signing"), limits),
            Brokers = new BrokerReader(resolve).Read(credentials.Section("brokers")),
            BrokerWithin = credentials.Duration(
                "brokerWithin", TimeSpan.FromSeconds(5), TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(1)),
            Introspection = ReadClients(introspection, resolve),
            IntrospectionGroups = introspection.Texts("groups") ?? [],
        };
        introspection.RefuseOthers();
        credentials.RefuseOthers();
        return settings;
    }

    /// <summary>A reference to a secret; an error, and null, for anything else. The text itself is not repeated:
    /// somebody may have put the secret there.</summary>
    internal static SecretReference? ReadSecret(
        ConfigurationSection section, string key, Func<string, string> resolve)
    {
        string? text = section.Text(key);
        SecretReference? reference = text is null ? null : SecretReference.Parse(text, resolve);
        if (reference is null && text is not null)
            section.Fault(key, "must be a reference, file:<path> or env:<NAME>, never the secret itself");
        return reference;
    }

    private static SigningTerms ReadSigning(ConfigurationSection signing, Limits limits)
    {
        SigningTerms unstated = new();
        TimeSpan second = TimeSpan.FromSeconds(1);
        SigningTerms terms = unstated with
        {
            RotateEvery = signing.Duration("rotateEvery", unstated.RotateEvery, second, TimeSpan.FromDays(365)),
            PublishBefore = signing.Duration("publishBefore", unstated.PublishBefore, second, TimeSpan.FromDays(30)),
            Slack = limits.PolicyDeadAfter,
            JwksMaxAge = signing.Has("jwksMaxAge")
                ? signing.Duration("jwksMaxAge", second, second, SigningTerms.JwksMaxAgeMax)
                : null,
        };
        if (terms.PublishBefore > terms.RotateEvery)
            signing.Fault("publishBefore", "cannot be more than rotateEvery");
        if (terms.JwksMaxAge > terms.PublishBefore / 2)
            signing.Fault("jwksMaxAge", "cannot be more than half of publishBefore");
        signing.RefuseOthers();
        return terms;
    }

    private static List<IntrospectionSetting> ReadClients(
        ConfigurationSection introspection, Func<string, string> resolve)
    {
        List<IntrospectionSetting> clients = [];
        HashSet<string> taken = new(StringComparer.Ordinal);
        List<ConfigurationSection> sections = introspection.Sections("clients");
        for (int index = 0; index < sections.Count; index++)
        {
            ConfigurationSection section = sections[index];
            string id = section.Text("id") ?? "";
            SecretReference? secret = ReadSecret(section, "secret", resolve);
            IReadOnlyList<string> audiences = section.Texts("audiences") ?? [];
            if (id.Length == 0 && !section.Has("id")) section.Fault("id", "is required");
            if (secret is null && !section.Has("secret")) section.Fault("secret", "is required");
            if (audiences.Count == 0) section.Fault("audiences", "at least one audience is required");
            if (!taken.Add(id)) section.Fault("id", $"'{id}' is taken");
            section.RefuseOthers();
            if (secret is not null)
                clients.Add(new($"credentials.introspection.clients[{index}]", id, secret, audiences));
        }

        if (sections.Count > ClientsMax) introspection.Fault("clients", $"holds more than {ClientsMax} clients");
        return clients;
    }
}
