using System.Net;
using Countersign.DataPlane.Upstream;
using Countersign.Policy;

namespace Countersign.DataPlane.Tests.Upstream;

/// <summary>Names, limits, health checks, and what a new policy changes.</summary>
public sealed class UpstreamPoolsTests
{
    private static readonly IPAddress One = IPAddress.Parse("192.0.2.1");
    private static readonly IPAddress Two = IPAddress.Parse("192.0.2.2");
    private static readonly IPAddress Six = IPAddress.Parse("2001:db8::6");

    [Fact]
    public async Task Every_address_of_a_name_is_an_endpoint_and_names_are_resolved_anew()
    {
        // Proves re-resolution by the clock: not before it is due, then new addresses join, gone ones drain, and those
        // that stay keep their connections; an answer without addresses changes nothing.
        PoolFixture pools = new("endpoints: [\"http://a.test:81\"], resolveEvery: 10s");
        pools.Upstream.Names["a.test"] = [Two, One, Two];
        Assert.Equal([One, Two], pools.Group.Members.Select(member => member.Address.Address));
        Assert.All(pools.Group.Members, member => Assert.Equal(81, member.Address.Port));
        EndpointPool one = pools.At("192.0.2.1"), two = pools.At("192.0.2.2");
        pools.Upstream.Names["a.test"] = [Six, Two];
        pools.Advance(9);
        Assert.Same(one, pools.Group.Members[0]);
        pools.Advance(1.25);
        Assert.Equal([Two, Six], pools.Group.Members.Select(member => member.Address.Address));
        Assert.Same(two, pools.Group.Members[0]);
        for (int call = 0; call < 50; call++) Assert.NotEqual("192.0.2.1", await pools.CallAsync());
        pools.Upstream.Names["a.test"] = [];
        pools.Advance(11);
        Assert.Equal(2, pools.Group.Members.Length);
    }

    [Fact]
    public async Task A_name_without_an_address_is_asked_for_each_second()
    {
        // Proves that a call finds no endpoint while its name has none, and finds one a second after it has.
        PoolFixture pools = new("endpoints: [\"http://a.test\"], resolveEvery: 1h");
        pools.Upstream.Names["a.test"] = [];
        Assert.True(pools.Group.TryEnter());
        Assert.Equal(
            ConnectFault.Unresolved, (await pools.Group.ConnectAsync(isStrict: false, chosen: null)).Fault);
        pools.Upstream.Names["a.test"] = [One];
        pools.Advance(1.25);
        Assert.Equal("192.0.2.1", await pools.CallAsync());
    }

    [Fact]
    public async Task The_dialer_is_told_the_terms()
    {
        // Proves that TLS terms and the time to connect reach the dialer, and that the gateway's limit stands in.
        PoolFixture pools = new(
            "endpoints: [\"https://192.0.2.1\"], connectTimeout: 3s, tls: { serverName: a.test, ca: c }");
        await pools.CallAsync();
        Assert.Equal(
            (new UpstreamTls("c", null, null, "a.test"), TimeSpan.FromSeconds(3)), pools.Upstream.LastTerms);
        PoolFixture plain = new("endpoints: [\"http://192.0.2.1\"]");
        await plain.CallAsync();
        Assert.Equal((null, new Limits().ConnectWithin), plain.Upstream.LastTerms);
    }

    [Fact]
    public async Task Connections_are_bounded_per_endpoint()
    {
        // Proves maxConnections: a second endpoint is used when the first is full, a call beyond both finds none, and
        // an idle connection makes room for a call that needs a fresh one.
        PoolFixture pools = new("endpoints: [\"http://192.0.2.1\", \"http://192.0.2.2\"], maxConnections: 2");
        UpstreamConnection?[] held = [await pools.TakeAsync(), await pools.TakeAsync(), await pools.TakeAsync(),
            await pools.TakeAsync()];
        Assert.DoesNotContain(null, held);
        Assert.All(pools.Group.Members, member => Assert.Equal(2, member.ConnectionsOpen));
        Assert.True(pools.Group.TryEnter());
        pools.Group.TryTake(isStrict: false, out EndpointPool? chosen);
        Assert.Equal(ConnectFault.AtLimit, (await pools.Group.ConnectAsync(isStrict: false, chosen)).Fault);
        EndpointPool endpoint = pools.At(held[0]!.Address.ToString());
        Assert.True(endpoint.TryReturn(held[0]!));
        pools.Group.End(endpoint, CallResult.Answered);
        Assert.NotNull(await pools.TakeAsync(isStrict: true));
        Assert.Equal((2, 0), (endpoint.ConnectionsOpen, endpoint.ConnectionsIdle));
    }

    [Fact]
    public async Task Calls_in_flight_are_bounded_per_upstream()
    {
        // Proves maxInFlight to one call, and that a call that ends makes room.
        PoolFixture pools = new("endpoints: [\"http://192.0.2.1\"], maxInFlight: 2");
        UpstreamConnection first = (await pools.TakeAsync())!;
        Assert.NotNull(await pools.TakeAsync());
        Assert.False(pools.Group.TryEnter());
        first.Release();
        Assert.True(pools.Group.TryEnter());
        Assert.False(pools.Group.TryEnter());
    }

    [Fact]
    public async Task Health_checks_take_an_endpoint_out_and_let_it_back()
    {
        // Proves active checks by the clock: three failures in a row take the endpoint out, two passes let it back;
        // the request that is sent; that no call is left an endpoint when all fail.
        PoolFixture pools = new("endpoints: [\"http://192.0.2.1:8080\"], health: { path: /healthz, interval: 2s }");
        int status = 200;
        pools.Upstream.Reply = _ => $"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n";
        EndpointPool endpoint = pools.At("192.0.2.1");
        pools.Advance(0.25);
        var request = Assert.Single(pools.Upstream.Requests);
        Assert.Equal("GET /healthz HTTP/1.1", request.Line);
        Assert.Equal("192.0.2.1:8080", request.Field("Host"));
        Assert.Null(request.Field("Authorization"));
        status = 500;
        pools.Advance(4);
        Assert.True(endpoint.IsHealthy);
        pools.Advance(2);
        Assert.False(endpoint.IsHealthy);
        Assert.True(pools.Group.TryEnter());
        Assert.Equal(ConnectFault.Unhealthy, (await pools.Group.ConnectAsync(isStrict: false, chosen: null)).Fault);
        status = 204;
        pools.Advance(2);
        Assert.False(endpoint.IsHealthy);
        pools.Advance(2);
        Assert.True(endpoint.IsHealthy);
        Assert.Equal(0, endpoint.ConnectionsOpen);
        Assert.Equal("192.0.2.1", await pools.CallAsync());
    }

    [Theory]
    [InlineData("silent")]
    [InlineData("closing")]
    [InlineData("refusing")]
    [InlineData("unsound")]
    public void A_check_that_gets_no_answer_fails(string how)
    {
        // Proves that silence past the timeout, a close, a refused connection and an answer that is no HTTP each fail.
        PoolFixture pools = new(
            "endpoints: [\"http://192.0.2.1\"], health: { path: /, interval: 2s, timeout: 1s, unhealthyAfter: 1 }");
        pools.Upstream.IsAway = how == "refusing";
        if (how == "closing") pools.Upstream.Reply = _ => null;
        if (how == "unsound") pools.Upstream.Reply = _ => "SSH-2.0\r\n\r\n";
        if (how == "silent") pools.Upstream.Script = session => session.ReadAsync();
        EndpointPool endpoint = pools.At("192.0.2.1");
        pools.Advance(1.5);
        Assert.False(endpoint.IsHealthy);
        Assert.Equal(0, endpoint.ConnectionsOpen);
    }

    [Fact]
    public async Task A_new_policy_keeps_what_it_leaves_as_it_was()
    {
        // Proves what outlives a policy: the same terms keep the group, other terms keep the endpoints with their
        // connections, and an endpoint that is no longer named drains.
        const string both = "endpoints: [\"http://192.0.2.1\", \"http://192.0.2.2\"]";
        PoolFixture pools = new(both);
        UpstreamGroup group = pools.Group;
        UpstreamConnection held = (await pools.TakeAsync())!;
        EndpointPool one = pools.At("192.0.2.1"), two = pools.At("192.0.2.2");
        pools.Publish(both);
        Assert.Same(group, pools.Group);
        pools.Publish("endpoints: [\"http://192.0.2.1\"], timeout: 7s");
        Assert.NotSame(group, pools.Group);
        Assert.Same(one, Assert.Single(pools.Group.Members));
        Assert.False(two.TryReturn(new UpstreamConnection(new Kit.MemoryConnection(), two, pools.Clock)));
        held.Release();
        Assert.Equal(0, group.CallsInFlight);
        Assert.Equal((0, 0), (one.CallsInFlight, two.CallsInFlight));
    }

    [Fact]
    public void What_changes_how_an_endpoint_is_spoken_to_makes_it_another()
    {
        // Proves that other TLS terms never ride connections that were opened under the old ones.
        PoolFixture pools = new("endpoints: [\"https://192.0.2.1\"]");
        EndpointPool before = pools.At("192.0.2.1");
        pools.Publish("endpoints: [\"https://192.0.2.1\"], tls: { serverName: a.test }");
        Assert.NotSame(before, pools.At("192.0.2.1"));
    }
}
