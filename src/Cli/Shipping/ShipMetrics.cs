using System.Diagnostics.Metrics;

namespace Countersign.Cli.Shipping;

/// <summary>What is measured of shipping, by the destination's configured name.</summary>
internal sealed class ShipMetrics : IDisposable
{
    private readonly Meter _meter = new("Countersign.Shipping");
    private readonly IReadOnlyList<AuditShipper> _shippers;

    internal ShipMetrics(IReadOnlyList<AuditShipper> shippers, TimeProvider clock)
    {
        _shippers = shippers;
        _meter.CreateObservableGauge(
            "countersign.audit.ship.lag", () => Each(one => one.Lag),
            description: "Signed entries of this gateway's log that a destination has not taken.");
        _meter.CreateObservableGauge(
            "countersign.audit.ship.lag.age",
            () => Each(one => one.Progress.Behind(clock.GetUtcNow()).TotalSeconds), "s",
            "Age of the oldest entry that a destination has not taken.");
        _meter.CreateObservableCounter(
            "countersign.audit.ship.entries", () => Each(one => one.Progress.Shipped),
            description: "Entries that a destination took.");
        _meter.CreateObservableCounter(
            "countersign.audit.ship.failures", () => Each(one => one.Progress.Failures),
            description: "Attempts that a destination did not take.");
        _meter.CreateObservableCounter(
            "countersign.audit.ship.rejected", () => Each(one => one.Progress.Rejected),
            description: "Entries that a destination took and threw away.");
        _meter.CreateObservableCounter(
            "countersign.audit.ship.lost", () => Each(one => one.Progress.Lost),
            description: "Entries that retention dropped before a destination took them.");
        _meter.CreateObservableGauge(
            "countersign.audit.ship.contradicted",
            () => Each(one => one.Progress.Status == ShipStatus.Contradicted ? 1L : 0L),
            description: "1 while a destination holds other entries than this gateway's log.");
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    private IEnumerable<Measurement<T>> Each<T>(Func<AuditShipper, T> measure)
        where T : struct =>
        [.. _shippers.Select(one => new Measurement<T>(
            measure(one), new KeyValuePair<string, object?>("destination", one.Progress.Name)))];
}
