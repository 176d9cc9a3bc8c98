using System.Net;
using Countersign.DataPlane.Upstream;

namespace Countersign.DataPlane.Tests.Upstream;

/// <summary>Which endpoint gets a call.</summary>
public sealed class BalanceTests
{
    private const string Two =
        "endpoints: [\"http://192.0.2.1\", \"http://192.0.2.2\"], ejection: { after: 2, for: 10s }";

    private const string Four =
        "endpoints: [\"http://192.0.2.1\", \"http://192.0.2.2\", \"http://192.0.2.3\", \"http://192.0.2.4\"], "
        + "ejection: { after: 2, for: 10s }";

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(1_000_003)]
    public async Task Equal_endpoints_share_evenly(int seed)
    {
        // Proves that idle endpoints get calls at random and evenly: 4,000 calls over four, each within a tenth of its
        // part, by three seeds.
        PoolFixture pools = new(Four, (ulong)seed);
        Dictionary<string, int> calls = [];
        for (int call = 0; call < 4_000; call++)
        {
            string address = await pools.CallAsync();
            calls[address] = calls.GetValueOrDefault(address) + 1;
        }

        Assert.Equal(4, calls.Count);
        Assert.All(calls.Values, count => Assert.InRange(count, 900, 1_100));
    }

    [Fact]
    public async Task The_least_busy_of_two_gets_the_call()
    {
        // Proves least-requests: with 400 calls held open over four endpoints, none is far from a hundred; at random
        // alone they would spread by tens.
        PoolFixture pools = new(Four);
        for (int call = 0; call < 400; call++) Assert.NotNull(await pools.TakeAsync());
        Assert.All(pools.Group.Members, member => Assert.InRange(member.CallsInFlight, 96, 104));
        Assert.Equal(400, pools.Group.CallsInFlight);
    }

    [Fact]
    public async Task A_slow_endpoint_gets_fewer_calls()
    {
        // Proves that an endpoint which holds its calls gets none while the other is free.
        PoolFixture pools = new(Two);
        UpstreamConnection held = (await pools.TakeAsync())!;
        for (int call = 0; call < 50; call++) Assert.NotEqual(held.Address.ToString(), await pools.CallAsync());
    }

    [Fact]
    public async Task Failures_eject_one_endpoint_and_never_more_than_half()
    {
        // Proves ejection and its cap: when all four fail all their calls two are ejected and two go on, being
        // avoided; when the time is up the ejected ones are half-open.
        PoolFixture pools = new(Four);
        for (int call = 0; call < 100; call++) await pools.CallAsync(CallResult.Failed);
        EndpointPool[] members = pools.Group.Members;
        Assert.Equal(2, members.Count(member => member.Circuit.State == CircuitState.Open));
        Assert.Equal(2, members.Count(member => member.Circuit.IsAvoided));
        string[] open = [.. members.Where(member => member.Circuit.State == CircuitState.Open)
            .Select(member => member.Address.Address.ToString())];
        for (int call = 0; call < 50; call++) Assert.DoesNotContain(await pools.CallAsync(), open);
        pools.Advance(10.25);
        Assert.Equal(2, members.Count(member => member.Circuit.State == CircuitState.HalfOpen));
    }

    [Fact]
    public async Task A_half_open_endpoint_gets_one_call_at_a_time_and_is_back_when_it_answers()
    {
        // Proves the half-open circuit over a whole group: of twenty calls held open one is the trial; a strict call is
        // never it; an answer closes the circuit.
        PoolFixture pools = new(Two);
        EndpointPool failing = await EjectAsync(pools);
        pools.Advance(10.25);
        Assert.Equal(CircuitState.HalfOpen, failing.Circuit.State);
        for (int call = 0; call < 10; call++)
        {
            Assert.NotEqual(failing.Address.Address, (await pools.TakeAsync(isStrict: true))!.Address);
        }

        List<UpstreamConnection> held = [];
        for (int call = 0; call < 20; call++) held.Add((await pools.TakeAsync())!);
        UpstreamConnection trial = Assert.Single(held, one => one.Address.Equals(failing.Address.Address));
        pools.Group.End(failing, CallResult.Answered);
        Assert.Equal(CircuitState.Closed, failing.Circuit.State);
        Assert.NotNull(trial);
    }

    [Fact]
    public async Task A_half_open_endpoint_that_fails_is_ejected_for_longer()
    {
        // Proves that a failed trial doubles the ejection, by the clock: 20 seconds the second time.
        PoolFixture pools = new(Two);
        EndpointPool failing = await EjectAsync(pools);
        pools.Advance(10.25);
        pools.Upstream.Refusing.Add(failing.Address.Address);
        while (failing.Circuit.State == CircuitState.HalfOpen) await pools.CallAsync();
        pools.Advance(19.5);
        Assert.Equal(CircuitState.Open, failing.Circuit.State);
        pools.Advance(0.75);
        Assert.Equal(CircuitState.HalfOpen, failing.Circuit.State);
    }

    [Fact]
    public async Task A_single_endpoint_is_never_ejected()
    {
        // Proves that half of one is none: a lone endpoint that fails a hundred times gets the next call too.
        PoolFixture pools = new("endpoints: [\"http://192.0.2.1\"], ejection: { after: 2 }");
        for (int call = 0; call < 100; call++) await pools.CallAsync(CallResult.Failed);
        Assert.Equal("192.0.2.1", await pools.CallAsync());
    }

    [Fact]
    public async Task A_strict_call_is_not_tried_elsewhere()
    {
        // Proves that a strict call ends at the first address that refuses, once, and that the address is ejected, so
        // that later ones do not meet it.
        PoolFixture pools = new(Two);
        pools.Upstream.Refusing.Add(IPAddress.Parse("192.0.2.1"));
        int refused = 0;
        for (int call = 0; call < 60; call++)
        {
            UpstreamConnection? connection = await pools.TakeAsync(isStrict: true);
            if (connection is null) refused++;
            connection?.Release();
        }

        Assert.InRange(refused, 1, 59);
        Assert.Equal(refused, pools.Pools.Metrics.ConnectsFailed);
        Assert.Equal(0, pools.Pools.Metrics.Retries);
        Assert.Equal(CircuitState.Open, pools.At("192.0.2.1").Circuit.State);
    }

    [Fact]
    public async Task An_endpoint_that_refuses_is_passed_over()
    {
        // Proves the retry before anything was sent: with one of two addresses refusing, every call gets the other,
        // and each retry is counted.
        PoolFixture pools = new(Two);
        pools.Upstream.Refusing.Add(IPAddress.Parse("192.0.2.1"));
        for (int call = 0; call < 20; call++)
        {
            UpstreamConnection connection = (await pools.TakeAsync(isStrict: false))!;
            Assert.Equal("192.0.2.2", connection.Address.ToString());
            connection.Release();
        }

        Assert.True(pools.Pools.Metrics.Retries > 0);
        Assert.Equal(pools.Pools.Metrics.ConnectsFailed, pools.Pools.Metrics.Retries);
        Assert.Equal(CircuitState.Open, pools.At("192.0.2.1").Circuit.State);
    }

    [Fact]
    public async Task At_most_four_connections_are_tried()
    {
        // Proves the bound on one call's attempts, each at another endpoint, by six that all refuse.
        string list = string.Join(", ", Enumerable.Range(1, 6).Select(n => $"\"http://192.0.2.{n}\""));
        PoolFixture pools = new($"endpoints: [{list}]");
        pools.Upstream.IsAway = true;
        Assert.Equal("", await pools.CallAsync());
        Assert.Equal(4, pools.Upstream.Dialled.Distinct().Count());
        Assert.Equal(4, pools.Upstream.Dialled.Count);
        Assert.Equal(0, pools.Group.CallsInFlight);
        Assert.All(pools.Group.Members, member => Assert.Equal((0, 0), (member.CallsInFlight, member.ConnectionsOpen)));
    }

    [Fact]
    public async Task Without_a_budget_nothing_is_retried()
    {
        // Proves that retryBudget 0 ends a call at its first refused connection.
        PoolFixture pools = new(Two + ", retryBudget: 0");
        pools.Upstream.IsAway = true;
        Assert.Equal("", await pools.CallAsync());
        Assert.Single(pools.Upstream.Dialled);
        Assert.Equal(0, pools.Pools.Metrics.Retries);
    }

    private static async Task<EndpointPool> EjectAsync(PoolFixture pools)
    {
        EndpointPool failing = pools.At("192.0.2.1");
        while (failing.Circuit.State != CircuitState.Open)
        {
            UpstreamConnection connection = (await pools.TakeAsync())!;
            if (connection.Address.Equals(failing.Address.Address)) connection.Fail();
            connection.Release();
        }

        return failing;
    }
}
