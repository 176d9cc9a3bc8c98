using System.Diagnostics.Metrics;

namespace Countersign.Cli.Serve;

/// <summary>What is measured of the log and its witnesses.</summary>
internal sealed class AuditMetrics : IDisposable
{
    private readonly Meter _meter = new("Countersign.Audit");

    internal AuditMetrics(AuditChain chain, Func<long> unshipped)
    {
        _meter.CreateObservableGauge(
            "countersign.audit.retention.unshipped", unshipped,
            description: "Entries past their retention that a destination of shipping has not taken.");
        _meter.CreateObservableGauge(
            "countersign.audit.entries", () => chain.Log.Size, description: "Entries of this gateway's log.");
        _meter.CreateObservableGauge(
            "countersign.audit.unsigned", () => chain.Log.Size - (chain.Log.LastCheckpoint?.Size ?? 0),
            description: "Entries that no signed head covers yet.");
        _meter.CreateObservableGauge(
            "countersign.audit.unwitnessed",
            () => chain.Log.Size - chain.Witnesses.Select(one => one.Size).DefaultIfEmpty(0).Max(),
            description: "Entries that no witness has cosigned yet.");
        _meter.CreateObservableGauge(
            "countersign.audit.witnesses", () => chain.Fresh,
            description: "Witnesses that followed this gateway's log to its end within the last minute.");
        _meter.CreateObservableGauge(
            "countersign.audit.quorum.missed", () => chain.UnwitnessedBecause is null ? 0 : 1,
            description: "1 while fewer witnesses follow this gateway's log than are required.");
        _meter.CreateObservableGauge(
            "countersign.audit.doubted", () => chain.Log.DoubtedBecause is null ? 0 : 1,
            description: "1 while witnesses contradict this gateway's log.");
        _meter.CreateObservableGauge(
            "countersign.audit.conflicts", () => chain.Conflicts.Count,
            description: "Logs of others that contradicted what this gateway saw of them.");
        _meter.CreateObservableGauge(
            "countersign.audit.faulted", () => chain.Log.IsHealthy ? 0 : 1,
            description: "1 once the log takes no more records.");
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();
}
