using System.Runtime.CompilerServices;
using Countersign.Policy;
using Microsoft.Extensions.Logging;

namespace Countersign.DataPlane.Upstream;

/// <summary>What every upstream of one gateway works with.</summary>
/// <param name="Dialer">Opens connections.</param>
/// <param name="Resolver">Finds addresses.</param>
/// <param name="Limits">The bounds.</param>
/// <param name="Clock">The time.</param>
/// <param name="Chance">Balances.</param>
/// <param name="Metrics">Counts.</param>
/// <param name="Log">Names what is left out and what comes back.</param>
internal sealed record UpstreamParts(
    IUpstreamDialer Dialer, INameResolver Resolver, Limits Limits, TimeProvider Clock, Chance Chance,
    UpstreamMetrics Metrics, ILogger Log);

/// <summary>
/// The upstreams of the policy in force, followed from the heartbeat. What a new policy leaves as it was goes on with
/// its connections, its health and its past.
/// </summary>
internal sealed class UpstreamPools(UpstreamParts parts, PolicyInForce inForce)
{
    private readonly ConditionalWeakTable<Policy.Upstream, UpstreamGroup> _groups = [];
    private readonly Lock _gate = new();
    private UpstreamGroup[] _current = [];
    private PolicySnapshot? _followed;
    private int _beats;

    /// <summary>The upstreams in force.</summary>
    internal UpstreamGroup[] Current => Volatile.Read(ref _current);

    /// <summary>What counts them.</summary>
    internal UpstreamMetrics Metrics => parts.Metrics;

    /// <summary>The group of a snapshot's upstream.</summary>
    [HotPath]
    internal UpstreamGroup GroupOf(Policy.Upstream upstream) =>
        _groups.TryGetValue(upstream, out UpstreamGroup? group) ? group : Add(upstream);

    /// <summary>Follows the policy, and does what is due for each upstream.</summary>
    internal void Beat()
    {
        // A beat that takes longer than the time between two is not run beside itself.
        if (Interlocked.Exchange(ref _beats, 1) != 0) return;
        try
        {
            lock (_gate) Follow();
            long now = parts.Clock.GetTimestamp();
            foreach (UpstreamGroup group in Current) group.Beat(now);
        }
        finally
        {
            Volatile.Write(ref _beats, 0);
        }
    }

    // The first call under a new policy may come before the heartbeat has seen it.
    private UpstreamGroup Add(Policy.Upstream upstream)
    {
        lock (_gate)
        {
            Follow();
            if (_groups.TryGetValue(upstream, out UpstreamGroup? group)) return group;

            // A policy that came and went between two beats: its calls are made, and nothing is kept.
            UpstreamGroup passing = new(upstream, parts, before: null);
            passing.Beat(parts.Clock.GetTimestamp());
            passing.Retire(successor: null);
            _groups.Add(upstream, passing);
            return passing;
        }
    }

    private void Follow()
    {
        if (inForce.Current is not { } policy || policy == _followed) return;
        long now = parts.Clock.GetTimestamp();
        List<UpstreamGroup> next = [];
        foreach (Policy.Upstream upstream in policy.Upstreams)
        {
            UpstreamGroup? before = Array.Find(_current, one => one.Terms.Name == upstream.Name);
            UpstreamGroup group = before is not null && IsSame(before.Terms, upstream)
                ? before
                : new UpstreamGroup(upstream, parts, before);
            _groups.AddOrUpdate(upstream, group);
            next.Add(group);
            if (group == before) continue;
            before?.Retire(group);
            group.Beat(now);
        }

        foreach (UpstreamGroup gone in _current)
        {
            if (!next.Exists(group => group.Terms.Name == gone.Terms.Name)) gone.Retire(successor: null);
        }

        Volatile.Write(ref _current, [.. next]);
        _followed = policy;
    }

    // Lists compare by reference: the endpoints are compared apart.
    private static bool IsSame(Policy.Upstream one, Policy.Upstream other) =>
        one with { Endpoints = other.Endpoints } == other && one.Endpoints.SequenceEqual(other.Endpoints);
}
