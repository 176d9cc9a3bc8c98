using Microsoft.Extensions.Logging;

namespace Countersign.Cli.Serve;

/// <summary>What the process tells its operators.</summary>
internal static partial class ProcessLog
{
    /// <summary>A crash left an unfinished record.</summary>
    [LoggerMessage(
        Level = LogLevel.Warning, Message = "The audit log ended in an unfinished record; {Bytes} bytes were cut")]
    internal static partial void AuditTailCut(ILogger log, long bytes);

    /// <summary>Calls that nobody knows the end of.</summary>
    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "{Calls} calls were under way when the gateway last ended; the audit says that their end is unknown")]
    internal static partial void CallsInterrupted(ILogger log, int calls);

    /// <summary>Old segments stay.</summary>
    [LoggerMessage(Level = LogLevel.Error, Message = "Old entries of the audit log could not be dropped")]
    internal static partial void NotRetained(ILogger log, Exception fault);

    /// <summary>Retention and shipping want different things.</summary>
    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Audit entries {First} to {Last} are past their retention, and a destination of audit.ship has not "
            + "taken them; kept: {Kept}")]
    internal static partial void Unshipped(ILogger log, long first, long last, bool kept);

    /// <summary>There was no sealing key, so one was made.</summary>
    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "Made a sealing key in {File}; every gateway of a fleet needs the same one")]
    internal static partial void SealingKeyMade(ILogger log, string file);

    /// <summary>There is a policy, and it could not be loaded.</summary>
    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "The policy in force could not be loaded; calls are refused. Alarms: {Alarms}")]
    internal static partial void PolicyNotLoaded(ILogger log, string alarms);

    /// <summary>A store without a policy, where there was one before.</summary>
    [LoggerMessage(
        Level = LogLevel.Critical,
        Message = "The store has no policy, though version {Version} was in force here, and the bootstrap policy is "
            + "another: it is not published. Publish the right one with --resume")]
    internal static partial void NotBootstrapped(ILogger log, long version);

    /// <summary>Shutdown began.</summary>
    [LoggerMessage(Level = LogLevel.Information, Message = "Draining: no new connections, calls in flight finish")]
    internal static partial void Draining(ILogger log);
}
