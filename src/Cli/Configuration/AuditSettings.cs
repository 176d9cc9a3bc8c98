using Countersign.DataPlane;

namespace Countersign.Cli.Configuration;

/// <summary>What the configuration says of the audit beyond its folder and its readers.</summary>
internal sealed record AuditSettings
{
    /// <summary>What is kept of calls.</summary>
    public AuditTerms Terms { get; init; } = new();
}

/// <summary>Reads <c>audit</c>.</summary>
internal static class AuditSettingsReader
{
    private static readonly string[] Scopes = ["none", "strict", "all"];

    /// <summary>The settings; the caller refuses what is left.</summary>
    internal static AuditSettings Read(ConfigurationSection audit)
    {
        AuditTerms absent = new();
        return new AuditSettings
        {
            Terms = new AuditTerms
            {
                Copies = Scope(audit, "copies", absent.Copies),
                RequestCopyBytesMax = Bytes(audit, "requestCopyBytes", absent.RequestCopyBytesMax),
                ResponseCopyBytesMax = Bytes(audit, "responseCopyBytes", absent.ResponseCopyBytesMax),
            },
        };
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
