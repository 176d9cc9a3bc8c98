using System.Diagnostics.Metrics;

namespace Countersign.DataPlane.Upstream;

/// <summary>
/// What is measured of upstreams: plain numbers that calls add to, read when somebody asks. Labels are names of the
/// policy and addresses, never anything of a call.
/// </summary>
internal sealed class UpstreamMetrics
{
    private long _connectsFailed;
    private long _retries;

    /// <summary>Connections that could not be opened.</summary>
    internal long ConnectsFailed => Volatile.Read(ref _connectsFailed);

    /// <summary>Further attempts after a call's first.</summary>
    internal long Retries => Volatile.Read(ref _retries);

    /// <summary>Counts a connection that could not be opened.</summary>
    internal void ConnectFailed() => Interlocked.Increment(ref _connectsFailed);

    /// <summary>Counts a retry.</summary>
    internal void Retried() => Interlocked.Increment(ref _retries);

    /// <summary>Shows them and the state of every endpoint.</summary>
    internal void ShowOn(Meter meter, UpstreamPools pools)
    {
        meter.CreateObservableCounter(
            "countersign.upstream.connects.failed", () => ConnectsFailed,
            description: "Connections to upstreams that could not be opened, TLS included.");
        meter.CreateObservableCounter(
            "countersign.upstream.retries", () => Retries,
            description: "Attempts after the first, of calls that no upstream had acted on.");
        meter.CreateObservableGauge(
            "countersign.upstream.calls.active", () => Array.ConvertAll(pools.Current, Active),
            description: "Calls in flight per upstream.");
        Show(meter, pools, "countersign.upstream.endpoint.calls.active",
            "Calls in flight per endpoint.", static endpoint => endpoint.CallsInFlight);
        Show(meter, pools, "countersign.upstream.endpoint.connections.open",
            "Connections open per endpoint, idle ones included.", static endpoint => endpoint.ConnectionsOpen);
        Show(meter, pools, "countersign.upstream.endpoint.connections.idle",
            "Connections kept for the next call per endpoint.", static endpoint => endpoint.ConnectionsIdle);
        Show(meter, pools, "countersign.upstream.endpoint.healthy",
            "1 if the endpoint passes its health checks or has none, 0 if not.",
            static endpoint => endpoint.IsHealthy ? 1 : 0);
        Show(meter, pools, "countersign.upstream.endpoint.circuit",
            "0 if calls pass to the endpoint, 1 if it is ejected, 2 if one call at a time tries it.",
            static endpoint => (int)endpoint.Circuit.State);
    }

    private static void Show(
        Meter meter, UpstreamPools pools, string name, string description, Func<EndpointPool, int> read) =>
        meter.CreateObservableGauge(
            name,
            () => from @group in pools.Current
                  from endpoint in @group.Members
                  select new Measurement<int>(
                      read(endpoint),
                      new KeyValuePair<string, object?>("upstream", @group.Terms.Name),
                      new KeyValuePair<string, object?>("endpoint", endpoint.Endpoint.Authority),
                      new KeyValuePair<string, object?>("address", endpoint.Address.ToString())),
            description: description);

    private static Measurement<int> Active(UpstreamGroup group) =>
        new(group.CallsInFlight, new KeyValuePair<string, object?>("upstream", group.Terms.Name));
}
