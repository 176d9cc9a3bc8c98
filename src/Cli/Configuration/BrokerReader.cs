using System.Net;
using Countersign.Identity.Outbound.Brokers;
using Countersign.Policy;

namespace Countersign.Cli.Configuration;

/// <summary>Reads <c>credentials.brokers</c>: where credentials come from that are not the gateway's own.</summary>
internal sealed class BrokerReader(Func<string, string> resolve)
{
    private const int BrokersMax = 256;

    /// <summary>All of them.</summary>
    internal IReadOnlyList<BrokerSetting> Read(ConfigurationSection brokers)
    {
        List<BrokerSetting> settings = [];
        foreach (string name in brokers.Names)
        {
            bool isName = name.Length <= 128 && name.All(
                one => char.IsAsciiLetterOrDigit(one) || one is '.' or '_' or '-');
            if (!isName) brokers.Fault(name, "is not a name: letters, digits, '.', '_' and '-'");
            ConfigurationSection section = brokers.Section(name);
            settings.Add(ReadOne(section, "credentials.brokers." + name, name));
            section.RefuseOthers();
        }

        if (settings.Count > BrokersMax) brokers.Fault("brokers", $"holds more than {BrokersMax} brokers");
        brokers.RefuseOthers();
        return settings;
    }

    private BrokerSetting ReadOne(ConfigurationSection section, string place, string name)
    {
        BrokerSetting setting = new() { Place = place, Name = name, Kind = CredentialBroker.None };
        switch (section.Text("kind"))
        {
            case "static": return ReadStatic(section, setting with { Kind = CredentialBroker.Static });
            case "oauth": return ReadClient(section, setting with { Kind = CredentialBroker.OAuth });
            case "exchange": return ReadClient(section, setting with { Kind = CredentialBroker.Exchange });
            case "vault": return ReadVault(section, setting with { Kind = CredentialBroker.Vault });
            default:
                section.Fault("kind", "must be static, oauth, exchange or vault");
                return setting;
        }
    }

    // One secret is the token, and the password of whoever is named; or the pair of keys of AWS.
    private BrokerSetting ReadStatic(ConfigurationSection section, BrokerSetting setting)
    {
        List<(string, SecretReference)> secrets = [];
        if (section.Has("accessKey"))
        {
            Add(section, "accessKey", "access_key", secrets);
            Add(section, "secretKey", "secret_key", secrets);
            if (section.Has("sessionToken")) Add(section, "sessionToken", "security_token", secrets);
        }
        else
        {
            Add(section, "secret", CredentialPlace.Token, secrets);
        }

        List<Uri> endpoints = [];
        foreach (string text in section.Texts("endpoints") ?? [])
        {
            bool isEndpoint = Uri.TryCreate(text, UriKind.Absolute, out Uri? endpoint)
                && endpoint.Scheme is "http" or "https"
                && endpoint!.PathAndQuery == "/" && endpoint.UserInfo.Length == 0;
            if (isEndpoint) endpoints.Add(endpoint!);
            else section.Fault("endpoints", $"'{text}' is not scheme, host and port, as upstreams have them");
        }

        return setting with { Secrets = secrets, Who = section.Text("username") ?? "", Endpoints = endpoints };
    }

    private BrokerSetting ReadClient(ConfigurationSection section, BrokerSetting setting)
    {
        List<(string, SecretReference)> secrets = [];
        Add(section, "clientSecret", "secret", secrets);
        string authentication = section.Text("authentication") ?? "basic";
        if (authentication is not ("basic" or "post")) section.Fault("authentication", "must be basic or post");
        return setting with
        {
            Address = ReadAddress(section, "tokenEndpoint", hasPath: true),
            Authorities = ReadAuthorities(section),
            Who = Required(section, "clientId"),
            Secrets = secrets,
            Authentication = authentication == "post" ? ClientAuthentication.Post : ClientAuthentication.Basic,
            AssertionAudience = setting.Kind == CredentialBroker.Exchange
                ? section.Text("assertionAudience") ?? ""
                : "",
        };
    }

    private BrokerSetting ReadVault(ConfigurationSection section, BrokerSetting setting)
    {
        List<(string, SecretReference)> secrets = [];
        setting = setting with
        {
            Address = ReadAddress(section, "address", hasPath: false),
            Authorities = ReadAuthorities(section),
            Namespace = section.Text("namespace") ?? "",
            Secrets = secrets,
        };
        if (section.Has("appRole"))
            return ReadLogin(section.Section("appRole"), "roleId", "secretId", VaultLogin.AppRole);
        if (section.Has("kubernetes"))
            return ReadLogin(section.Section("kubernetes"), "role", "jwt", VaultLogin.Kubernetes);
        Add(section, "token", "secret", secrets);
        return setting;

        BrokerSetting ReadLogin(ConfigurationSection login, string who, string secret, VaultLogin kind)
        {
            Add(login, secret, "secret", secrets);
            BrokerSetting read = setting with
            {
                Login = kind,
                Who = Required(login, who),
                Mount = login.Text("mount") ?? "",
            };
            login.RefuseOthers();
            return read;
        }
    }

    private void Add(
        ConfigurationSection section, string key, string field, List<(string, SecretReference)> secrets)
    {
        if (!section.Has(key)) section.Fault(key, "is required");
        if (CredentialsReader.ReadSecret(section, key, resolve) is { } secret) secrets.Add((field, secret));
    }

    private static string Required(ConfigurationSection section, string key)
    {
        string? text = section.Text(key);
        if (text is null && !section.Has(key)) section.Fault(key, "is required");
        return text ?? "";
    }

    private string? ReadAuthorities(ConfigurationSection section) =>
        section.Text("ca") is { } file ? resolve(file) : null;

    // A secret goes there: in clear it may go no further than this machine.
    private static Uri? ReadAddress(ConfigurationSection section, string key, bool hasPath)
    {
        string text = Required(section, key);
        bool allowsPlain = section.Flag("allowPlainHttp", false);
        if (text.Length == 0) return null;
        bool isUrl = Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && url.Scheme is "http" or "https"
            && url!.UserInfo.Length == 0 && url.Fragment.Length == 0 && (hasPath || url.PathAndQuery == "/");
        bool isLoopback = isUrl && (url!.IsLoopback
            || (IPAddress.TryParse(url.Host, out IPAddress? address) && IPAddress.IsLoopback(address)));
        if (!isUrl) section.Fault(key, $"'{text}' is not an http or https URL{(hasPath ? "" : " without a path")}");
        else if (url!.Scheme == "http" && !isLoopback && !allowsPlain)
            section.Fault(key, "is http to another machine: use https, or set allowPlainHttp");
        return isUrl ? url : null;
    }
}
