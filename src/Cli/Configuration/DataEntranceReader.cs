using System.Net;
using System.Security.Authentication;
using Countersign.DataPlane;

namespace Countersign.Cli.Configuration;

/// <summary>Reads what stands before calls on a listener: TLS, and on the data listener PROXY headers.</summary>
internal static class DataEntranceReader
{
    /// <summary>Reads <c>data.tls</c> or <c>control.tls</c>; null where it is absent. The files themselves are read by
    /// a gateway that starts.</summary>
    internal static DataTlsOptions? ReadTls(ConfigurationSection listener, Func<string, string> resolve)
    {
        bool isThere = listener.Has("tls");
        ConfigurationSection section = listener.Section("tls");
        if (!isThere) return null;
        List<CertificateFiles> certificates = [];
        foreach (ConfigurationSection one in section.Sections("certificates"))
        {
            string? certificate = one.Text("certificate"), key = one.Text("key");
            if (certificate is null) one.Fault("certificate", "is required");
            if (key is null) one.Fault("key", "is required");
            if (certificate is not null && key is not null) certificates.Add(new(resolve(certificate), resolve(key)));
            one.RefuseOthers();
        }

        if (certificates.Count == 0) section.Fault("certificates", "at least one certificate with its key is required");
        ClientCertificates mode = ReadMode(section);
        string? roots = section.Text("clientCa");
        if (mode != ClientCertificates.None && roots is null)
        {
            section.Fault("clientCa", "is required where client certificates are asked for");
        }

        DataTlsOptions options = new()
        {
            Certificates = certificates,
            ClientCertificates = mode,
            ClientCa = roots is null ? null : resolve(roots),
            MinVersion = ReadVersion(section),
        };
        section.RefuseOthers();
        return options;
    }

    /// <summary>Reads <c>data.proxyProtocol</c>; null where it is absent.</summary>
    internal static ProxyProtocolOptions? ReadProxyProtocol(ConfigurationSection data)
    {
        bool isThere = data.Has("proxyProtocol");
        ConfigurationSection section = data.Section("proxyProtocol");
        if (!isThere) return null;
        List<IPNetwork> networks = [];
        foreach (string text in section.Texts("from") ?? [])
        {
            if (TryParseNetwork(text, out IPNetwork network)) networks.Add(network);
            else section.Fault("from", $"'{text}' is not a network such as 10.0.0.0/8 or 2001:db8::/32");
        }

        if (networks.Count == 0) section.Fault("from", "at least one network is required");
        ProxyProtocolOptions options = new(networks, section.Flag("required", absent: true));
        section.RefuseOthers();
        return options;
    }

    // A lone address is a network of one.
    private static bool TryParseNetwork(string text, out IPNetwork network)
    {
        if (IPNetwork.TryParse(text, out network)) return true;
        if (text.Contains('/', StringComparison.Ordinal) || !IPAddress.TryParse(text, out IPAddress? one)) return false;
        network = new IPNetwork(one, one.GetAddressBytes().Length * 8);
        return true;
    }

    private static ClientCertificates ReadMode(ConfigurationSection section)
    {
        string? mode = section.Text("clientCertificates");
        switch (mode)
        {
            case null or "none": return ClientCertificates.None;
            case "optional": return ClientCertificates.Optional;
            case "required": return ClientCertificates.Required;
            default:
                section.Fault("clientCertificates", $"'{mode}' is not none, optional or required");
                return ClientCertificates.Required;
        }
    }

    private static SslProtocols ReadVersion(ConfigurationSection section)
    {
        string? version = section.Text("minVersion");
        if (version is not (null or "1.2" or "1.3"))
        {
            section.Fault("minVersion", $"'{version}' is not 1.2 or 1.3");
        }

        return version == "1.3" ? SslProtocols.Tls13 : SslProtocols.Tls12;
    }
}
