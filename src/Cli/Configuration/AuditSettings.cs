using Countersign.Audit;
using Countersign.DataPlane;

namespace Countersign.Cli.Configuration;

/// <summary>A witness that is asked over HTTP (C2SP tlog-witness).</summary>
/// <param name="Key">Whose cosignatures count.</param>
/// <param name="Url">The submission prefix; ends in a slash.</param>
internal sealed record WitnessSetting(CosignerKey Key, Uri Url);

/// <summary>What the configuration says of the audit beyond its folder and its readers.</summary>
internal sealed record AuditSettings
{
    /// <summary>What is kept of calls.</summary>
    public AuditTerms Terms { get; init; } = new();

    /// <summary>How long entries are kept; zero for ever.</summary>
    public TimeSpan KeepFor { get; init; }

    /// <summary>How much is kept, in bytes; 0 for all.</summary>
    public long KeepBytes { get; init; }

    /// <summary>Witnesses of this gateway's log beyond its fleet.</summary>
    public IReadOnlyList<WitnessSetting> Witnesses { get; init; } = [];

    /// <summary>Witnesses that must be near for high and critical functions; 0 for none.</summary>
    public int WitnessQuorum { get; init; }

    /// <summary>Logs beyond the fleet that this gateway is a witness of, over its control listener.</summary>
    public IReadOnlyList<AuditKey> WitnessFor { get; init; } = [];

    /// <summary>True if the gateways of the fleet witness each other's logs.</summary>
    public bool WitnessesFleet { get; init; } = true;

    /// <summary>Where entries are shipped to.</summary>
    public IReadOnlyList<ShipSetting> Ship { get; init; } = [];

    /// <summary>True if retention drops nothing that a destination has not taken.</summary>
    public bool KeepsUnshipped { get; init; } = true;
}

/// <summary>Reads <c>audit</c>.</summary>
internal static class AuditSettingsReader
{
    private const int QuorumMax = 16;
    private const long KeepBytesLeast = 128 * 1024 * 1024;

    private static readonly string[] Scopes = ["none", "strict", "all"];

    /// <summary>The settings; the caller refuses what is left.</summary>
    internal static AuditSettings Read(ConfigurationSection audit, Func<string, string> resolve)
    {
        AuditTerms absent = new();
        List<WitnessSetting> witnesses = ReadWitnesses(audit);
        bool isFleet = audit.Flag("fleetWitnesses", true);
        return new AuditSettings
        {
            WitnessQuorum = Quorum(audit, witnesses.Count, isFleet),
            KeepFor = KeepFor(audit),
            KeepBytes = KeepBytes(audit),
            Witnesses = witnesses,
            WitnessFor = ReadLogs(audit),
            WitnessesFleet = isFleet,
            Ship = ShipReader.Read(audit, resolve),
            KeepsUnshipped = audit.Flag("keepUnshipped", true),
            Terms = new AuditTerms
            {
                Copies = Scope(audit, "copies", absent.Copies),
                Receipts = Scope(audit, "receipts", absent.Receipts),
                RequestCopyBytesMax = Bytes(audit, "requestCopyBytes", absent.RequestCopyBytesMax),
                ResponseCopyBytesMax = Bytes(audit, "responseCopyBytes", absent.ResponseCopyBytesMax),
            },
        };
    }

    private static TimeSpan KeepFor(ConfigurationSection audit)
    {
        TimeSpan kept = audit.Duration("keepFor", TimeSpan.Zero, TimeSpan.Zero, TimeSpan.FromDays(36_500));
        if (kept > TimeSpan.Zero && kept < TimeSpan.FromHours(1))
            audit.Fault("keepFor", $"must be 1h to 36500d, or 0s to keep all; not {kept:c}");
        return kept;
    }

    // Two segments: less could never be kept to.
    private static long KeepBytes(ConfigurationSection audit)
    {
        long kept = audit.Number("keepBytes", 0, 0, long.MaxValue / 2);
        if (kept is > 0 and < KeepBytesLeast)
            audit.Fault("keepBytes", $"must be {KeepBytesLeast} (128 MiB) or more, or 0 to keep all; not {kept}");
        return kept;
    }

    private static int Quorum(ConfigurationSection audit, int witnesses, bool isFleet)
    {
        int quorum = (int)audit.Number("witnessQuorum", 0, 0, QuorumMax);
        if (!isFleet && quorum > witnesses)
            audit.Fault("witnessQuorum", $"{quorum} witnesses are required, and {witnesses} are configured");
        return quorum;
    }

    private static List<WitnessSetting> ReadWitnesses(ConfigurationSection audit)
    {
        List<WitnessSetting> witnesses = [];
        foreach (ConfigurationSection section in audit.Sections("witnesses"))
        {
            string text = section.Text("key") ?? "", address = section.Text("url") ?? "";
            bool isKey = CosignerKey.TryParse(text, out CosignerKey? key);
            if (!isKey) section.Fault("key", "must be the key of a witness, name+id+key, of type 0x04");
            bool isUrl = Uri.TryCreate(address.TrimEnd('/') + "/", UriKind.Absolute, out Uri? url)
                && url.Scheme is "http" or "https";
            if (!isUrl) section.Fault("url", "must be the witness's submission prefix, an http or https URL");
            if (isKey && isUrl) witnesses.Add(new WitnessSetting(key!, url!));
            section.RefuseOthers();
        }

        return witnesses;
    }

    private static List<AuditKey> ReadLogs(ConfigurationSection audit)
    {
        List<AuditKey> logs = [];
        foreach (string text in audit.Texts("witnessFor") ?? [])
        {
            if (AuditKey.TryParse(text, out AuditKey? key)) logs.Add(key!);
            else audit.Fault("witnessFor", $"'{text}' is not the public key of a log, as in its log.vkey");
        }

        return logs;
    }

    private static AuditScope Scope(ConfigurationSection audit, string key, AuditScope absent)
    {
        string? text = audit.Text(key);
        if (text is null) return absent;
        int scope = Array.IndexOf(Scopes, text);
        if (scope < 0) audit.Fault(key, $"'{text}' is not none, strict or all");
        return (AuditScope)Math.Max(scope, 0);
    }

    private static int Bytes(ConfigurationSection audit, string key, int absent) =>
        (int)audit.Number(key, absent, 0, AuditTerms.CopyBytesLimit);
}
