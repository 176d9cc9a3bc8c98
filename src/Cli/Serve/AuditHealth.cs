using Countersign.Audit;
using Microsoft.Extensions.Logging;

namespace Countersign.Cli.Serve;

/// <summary>
/// Tells people that the audit log takes no records, and that it does again: every call is refused meanwhile, and the
/// log itself cannot say so.
/// </summary>
internal sealed partial class AuditHealth(ILogger log, TimeProvider clock)
{
    internal static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    private string? _why;
    private DateTimeOffset _since;

    /// <summary>Looks; what to write into the log itself where it takes records again, or null.</summary>
    internal string? Look(AuditLog audit) => Look(audit.Fault, audit.NeedsRestart);

    /// <summary>The same, of what a log says of itself.</summary>
    internal string? Look(string? fault, bool needsRestart)
    {
        if (fault is not null)
        {
            if (_why is null) _since = clock.GetUtcNow();
            if (_why is not null && !needsRestart) return null;
            if (_why == fault) return null;
            _why = fault;
            if (needsRestart) Faulted(log, fault);
            else HeldUp(log, fault);
            return null;
        }

        if (_why is null) return null;
        string told = FormattableString.Invariant($"took no records since {_since:yyyy-MM-ddTHH:mm:ss.fffZ}: {_why}");
        Resumed(log, told);
        _why = null;
        return told;
    }

    [LoggerMessage(
        Level = LogLevel.Critical,
        Message = "The audit log has failed: {Fault}. Every call is refused until a restart, once the disk works")]
    private static partial void Faulted(ILogger log, string fault);

    [LoggerMessage(
        Level = LogLevel.Critical,
        Message = "The audit log takes no records: {Fault}. Every call is refused until there is room; "
            + "no restart is needed")]
    private static partial void HeldUp(ILogger log, string fault);

    [LoggerMessage(Level = LogLevel.Critical, Message = "The audit log takes records again; it {Told}")]
    private static partial void Resumed(ILogger log, string told);
}
