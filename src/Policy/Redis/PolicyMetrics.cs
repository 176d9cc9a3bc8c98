using System.Diagnostics.Metrics;

namespace Countersign.Policy.Redis;

/// <summary>What is measured of the policy in force.</summary>
public sealed class PolicyMetrics : IDisposable
{
    private readonly Meter _meter = new("Countersign.Policy");

    /// <summary>Measures a feed until it is disposed of.</summary>
    public PolicyMetrics(RedisPolicyFeed feed, PolicyInForce inForce, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(feed);
        ArgumentNullException.ThrowIfNull(inForce);
        ArgumentNullException.ThrowIfNull(clock);
        _meter.CreateObservableGauge(
            "countersign.policy.version", () => feed.Standing.Running,
            description: "Policy version that calls are decided under; 0 for none.");
        _meter.CreateObservableGauge(
            "countersign.policy.store.version", () => feed.Standing.Named.Current,
            description: "Policy version that the store named last.");
        _meter.CreateObservableGauge(
            "countersign.policy.lag", () => Seconds(clock, feed.Standing.BehindSince), unit: "s",
            description: "How long the store has named another version than the one that runs.");
        _meter.CreateObservableGauge(
            "countersign.policy.contact.age", () => Seconds(clock, inForce.ContactAt), unit: "s",
            description: "How long ago the store was heard.");
        _meter.CreateObservableGauge(
            "countersign.policy.regressed", () => feed.Standing.IsRegressed ? 1 : 0,
            description: "1 while the store's policy is behind what this gateway has seen.");
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    private static double Seconds(TimeProvider clock, long since) =>
        since == 0 ? 0 : clock.GetElapsedTime(since).TotalSeconds;
}
