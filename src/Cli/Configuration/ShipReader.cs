using System.Net;
using Countersign.Cli.Shipping;

namespace Countersign.Cli.Configuration;

/// <summary>What kind of destination. Zero is none.</summary>
internal enum ShipKind : byte
{
    /// <summary>Not stated; refused.</summary>
    None = 0,

    /// <summary>NDJSON files in a folder.</summary>
    Files,

    /// <summary>A stream of Redis or Valkey.</summary>
    Redis,

    /// <summary>A database that a fleet is searched in.</summary>
    Postgres,

    /// <summary>A collector of OpenTelemetry logs.</summary>
    Otlp,
}

/// <summary>One destination as configured; its secrets are not opened yet.</summary>
internal sealed record ShipSetting
{
    /// <summary>Its place in the file, for errors.</summary>
    public required string Place { get; init; }

    /// <summary>Its name: of its cursor, and in metrics.</summary>
    public required string Name { get; init; }

    /// <summary>Its kind.</summary>
    public required ShipKind Kind { get; init; }

    /// <summary>The masked copies of bodies go there too.</summary>
    public bool Payloads { get; init; }

    /// <summary>Where the connection string is; null with a stream in the gateway's own store.</summary>
    public SecretReference? Connection { get; init; }

    /// <summary>The most entries that a stream holds.</summary>
    public long LengthMax { get; init; } = DefaultLengthMax;

    /// <summary>Where a collector takes logs.</summary>
    public Uri? Url { get; init; }

    /// <summary>Fields that a collector is sent, and where their values are.</summary>
    public IReadOnlyDictionary<string, SecretReference> Headers { get; init; } =
        new Dictionary<string, SecretReference>();

    /// <summary>How files are written.</summary>
    public FileTerms? Files { get; init; }

    /// <summary>About a hundred megabytes of a stream.</summary>
    internal const long DefaultLengthMax = 100_000;

    /// <summary>The least that <see cref="LengthMax"/> may be.</summary>
    internal const long LeastLengthMax = 1_000;

    /// <summary>The most that <see cref="LengthMax"/> may be.</summary>
    internal const long MostLengthMax = 1_000_000_000;

    /// <summary>For the audit: what leaves for where, without any address that may be a secret.</summary>
    internal string Told => Name + "=" + Kind + (Payloads ? " with payloads" : "");
}

/// <summary>Reads <c>audit.ship</c>.</summary>
internal static class ShipReader
{
    private const long FileBytesMin = 1_048_576;
    private const long FileBytesMax = 1_099_511_627_776;
    private const long FileBytes = 67_108_864;

    /// <summary>The destinations of a configuration.</summary>
    internal static IReadOnlyList<ShipSetting> Read(ConfigurationSection audit, Func<string, string> resolve)
    {
        List<ShipSetting> settings = [];
        List<ConfigurationSection> sections = audit.Sections("ship");
        for (int index = 0; index < sections.Count; index++)
        {
            ShipSetting setting = ReadOne(sections[index], $"audit.ship[{index}]", resolve);
            if (settings.Exists(other => other.Name == setting.Name))
                sections[index].Fault("name", $"'{setting.Name}' is taken; every destination has a name of its own");
            settings.Add(setting);
            sections[index].RefuseOthers();
        }

        if (sections.Count > ShipLimits.DestinationsMax)
            audit.Fault("ship", $"holds more than {ShipLimits.DestinationsMax} destinations");
        return settings;
    }

    /// <summary>Why a text cannot be the address of a collector; empty where it can.</summary>
    internal static string CheckUrl(string text, bool allowsPlain, out Uri? url)
    {
        bool isUrl = Uri.TryCreate(text, UriKind.Absolute, out url) && url.Scheme is "http" or "https"
            && url!.UserInfo.Length == 0 && url.Fragment.Length == 0;
        if (!isUrl) return "is not an http or https URL without user and fragment";
        bool isLoopback = url!.IsLoopback
            || (IPAddress.TryParse(url.Host, out IPAddress? address) && IPAddress.IsLoopback(address));
        return url.Scheme == "https" || isLoopback || allowsPlain
            ? ""
            : "is http to another machine: use https, or set allowPlainHttp";
    }

    /// <summary>True if a text names a destination, a file and a label at once.</summary>
    internal static bool IsName(string name) =>
        name.Length is > 0 and <= 40 && name.All(one => char.IsAsciiLetterOrDigit(one) || one is '-' or '_');

    /// <summary>A kind by its name.</summary>
    internal static ShipKind KindOf(string? text) => text switch
    {
        "files" => ShipKind.Files,
        "redis" => ShipKind.Redis,
        "postgres" => ShipKind.Postgres,
        "otlp" => ShipKind.Otlp,
        _ => ShipKind.None,
    };

    /// <summary>Files of the usual size in a folder.</summary>
    internal static FileTerms FilesIn(string folder) =>
        new(Path.GetFullPath(folder), FileBytes, TimeSpan.FromDays(1));

    private static ShipSetting ReadOne(ConfigurationSection section, string place, Func<string, string> resolve)
    {
        string? to = section.Text("to");
        ShipKind kind = KindOf(to);
        if (kind == ShipKind.None) section.Fault("to", "must be files, redis, postgres or otlp");
        string name = section.Text("name") ?? to ?? "";
        if (!IsName(name)) section.Fault("name", "must be 1 to 40 letters, digits, '-' and '_'");
        ShipSetting setting = new()
        {
            Place = place, Name = name, Kind = kind, Payloads = section.Flag("payloads", false),
        };
        return kind switch
        {
            ShipKind.Files => setting with { Files = ReadFiles(section, resolve) },
            ShipKind.Redis => setting with
            {
                Connection = section.Has("connection") ? ReadConnection(section, resolve) : null,
                LengthMax = section.Number(
                    "lengthMax", ShipSetting.DefaultLengthMax, ShipSetting.LeastLengthMax, ShipSetting.MostLengthMax),
            },
            ShipKind.Postgres => setting with { Connection = ReadConnection(section, resolve) },
            ShipKind.Otlp => setting with { Url = ReadUrl(section), Headers = ReadHeaders(section, resolve) },
            _ => setting,
        };
    }

    private static FileTerms ReadFiles(ConfigurationSection section, Func<string, string> resolve)
    {
        string? folder = section.Text("folder");
        if (folder is null && !section.Has("folder")) section.Fault("folder", "is required");
        return new FileTerms(
            resolve(folder ?? "."), section.Number("fileBytes", FileBytes, FileBytesMin, FileBytesMax),
            section.Duration("fileEvery", TimeSpan.FromDays(1), TimeSpan.FromMinutes(1), TimeSpan.FromDays(366)));
    }

    private static SecretReference ReadConnection(ConfigurationSection section, Func<string, string> resolve)
    {
        if (!section.Has("connection")) section.Fault("connection", "is required: file:<path> or env:<NAME>");
        return section.Has("connection")
            ? ConfigurationReader.ReadSecret(section, "connection", "", resolve)
            : new SecretReference(null, null);
    }

    private static Uri? ReadUrl(ConfigurationSection section)
    {
        bool allowsPlain = section.Flag("allowPlainHttp", false);
        string? text = section.Text("url");
        if (text is null)
        {
            if (!section.Has("url")) section.Fault("url", "is required, such as https://collector.example/v1/logs");
            return null;
        }

        string fault = CheckUrl(text, allowsPlain, out Uri? url);
        if (fault.Length > 0) section.Fault("url", fault);
        return url;
    }

    private static Dictionary<string, SecretReference> ReadHeaders(
        ConfigurationSection section, Func<string, string> resolve)
    {
        Dictionary<string, SecretReference> headers = new(StringComparer.OrdinalIgnoreCase);
        ConfigurationSection told = section.Section("headers");
        foreach (string name in told.Names)
        {
            bool isToken = name.All(one => char.IsAsciiLetterOrDigit(one) || one is '-' or '_');
            if (!isToken) told.Fault(name, "is not the name of a field");
            headers[name] = ConfigurationReader.ReadSecret(told, name, "", resolve);
        }

        told.RefuseOthers();
        return headers;
    }
}
