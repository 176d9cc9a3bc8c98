using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Countersign.Policy;

namespace Countersign.DataPlane.Upstream;

/// <summary>
/// Every endpoint's connections. Endpoints outlive policy versions; which endpoints an upstream has is looked up once
/// per upstream of a snapshot.
/// </summary>
internal sealed class UpstreamPools(IUpstreamDialer dialer, Limits limits, TimeProvider clock)
{
    private readonly ConcurrentDictionary<(Uri Endpoint, UpstreamTls? Tls), EndpointPool> _endpoints = new();
    private readonly ConditionalWeakTable<Policy.Upstream, Endpoints> _upstreams = [];

    /// <summary>Takes an idle connection if there is a fit one; the next endpoint is tried first each time.</summary>
    [HotPath]
    internal UpstreamConnection? TryTake(Policy.Upstream upstream)
    {
        Endpoints endpoints = EndpointsOf(upstream);
        EndpointPool[] pools = endpoints.Pools;
        int first = endpoints.Next();
        for (int step = 0; step < pools.Length; step++)
        {
            UpstreamConnection? connection = pools[(first + step) % pools.Length].TryTake();
            if (connection is not null) return connection;
        }

        return null;
    }

    /// <summary>
    /// Dials the endpoints in turn until one answers; null if none does, with the last reason where one is known.
    /// </summary>
    internal async ValueTask<(UpstreamConnection? Connection, string Refusal)> DialAsync(Policy.Upstream upstream)
    {
        string refusal = "";
        Endpoints endpoints = EndpointsOf(upstream);
        int first = endpoints.Next();
        for (int step = 0; step < endpoints.Pools.Length; step++)
        {
            EndpointPool pool = endpoints.Pools[(first + step) % endpoints.Pools.Length];
            Dialled dialled = await dialer.DialAsync(pool.Endpoint, upstream.Tls, limits.ConnectWithin);
            if (dialled.Connection is { } transport) return (new UpstreamConnection(transport, pool, clock), "");
            if (!string.IsNullOrEmpty(dialled.Refusal)) refusal = dialled.Refusal;
        }

        return (null, refusal);
    }

    /// <summary>Drops idle connections that have aged.</summary>
    internal void Prune()
    {
        foreach (EndpointPool pool in _endpoints.Values) pool.Prune();
    }

    private Endpoints EndpointsOf(Policy.Upstream upstream) =>
        _upstreams.TryGetValue(upstream, out Endpoints? endpoints) ? endpoints : Add(upstream);

    private Endpoints Add(Policy.Upstream upstream)
    {
        EndpointPool[] pools = new EndpointPool[upstream.Endpoints.Count];
        for (int index = 0; index < pools.Length; index++)
        {
            pools[index] = _endpoints.GetOrAdd(
                (upstream.Endpoints[index], upstream.Tls),
                static (key, idleMax) => new EndpointPool(key.Endpoint, idleMax),
                limits.IdleUpstreamConnectionsMax);
        }

        return _upstreams.GetValue(upstream, _ => new Endpoints(pools));
    }

    private sealed class Endpoints(EndpointPool[] pools)
    {
        private int _next;

        internal EndpointPool[] Pools => pools;

        internal int Next() => pools.Length == 1 ? 0 : (Interlocked.Increment(ref _next) & int.MaxValue) % pools.Length;
    }
}
