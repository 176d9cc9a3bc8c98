using System.Net;
using Countersign.DataPlane.Upstream;
using Countersign.Kit;

namespace Countersign.DataPlane.Tests.Calls;

/// <summary>Which upstream a whole call gets, what is retried, and what is said where there is none.</summary>
public sealed class UpstreamChoiceTests
{
    private static readonly IPAddress One = IPAddress.Parse("192.0.2.1");
    private static readonly IPAddress Two = IPAddress.Parse("192.0.2.2");

    [Fact]
    public async Task An_address_that_refuses_is_passed_over()
    {
        // Proves that while one of a name's two addresses refuses, every call below high risk is answered by the other.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Names["raw.test"] = [One, Two];
        gateway.Upstream.Refusing.Add(One);
        MemoryClient client = gateway.Connect();
        for (int call = 0; call < 12; call++)
        {
            Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
        }

        Assert.Contains(One, gateway.Upstream.Dialled);
        Assert.Equal(12, gateway.Upstream.Requests.Count);
    }

    [Theory]
    [InlineData("502 Bad Gateway", true)]
    [InlineData("503 Service Unavailable", true)]
    [InlineData("504 Gateway Timeout", true)]
    [InlineData("500 Internal Server Error", false)]
    [InlineData("429 Too Many Requests", false)]
    public async Task Gateway_errors_eject_and_a_functions_own_do_not(string status, bool ejects)
    {
        // Proves what passive health counts: the answers pass to the client either way, and only 502, 503 and 504 open
        // the circuit of one of two addresses.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Names["raw.test"] = [One, Two];
        gateway.Upstream.Reply = _ => $"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n";
        MemoryClient client = gateway.Connect();
        for (int call = 0; call < 30; call++)
        {
            WireMessage answer = await client.CallAsync(Requests.Get(gateway, "/raw/1"));
            Assert.Equal(status[..3], $"{answer.Status}");
        }

        Assert.Equal(ejects ? 1 : 0, Members(gateway).Count(one => one.Circuit.State == CircuitState.Open));
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Le")]
    [InlineData("SSH-2.0-OpenSSH_9.9\r\n\r\n")]
    public async Task Answers_that_break_off_or_are_unsound_eject(string bytes)
    {
        // Proves that a cut in the body or the head, and bytes that are no HTTP, are failures of the endpoint.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Names["raw.test"] = [One, Two];
        gateway.Upstream.Script = async session =>
        {
            await session.ReadAsync();
            await session.WriteAsync(bytes);
            session.Close();
        };
        for (int call = 0; call < 30; call++)
        {
            MemoryClient client = gateway.Connect();
            await client.SendAsync(Requests.Get(gateway, "/raw/1"));
            await client.ReadAsync();
            client.Close();
            await client.ServedAsync();
        }

        Assert.Equal(1, Members(gateway).Count(one => one.Circuit.State == CircuitState.Open));
    }

    [Fact]
    public async Task A_client_that_leaves_says_nothing_of_the_endpoint()
    {
        // Proves that clients which leave in the middle of an answer eject nobody, and that their calls are counted
        // out.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Names["raw.test"] = [One, Two];
        gateway.Upstream.Script = async session =>
        {
            await session.ReadAsync();
            await session.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 40000\r\n\r\n" + new string('x', 20_000));
        };
        for (int call = 0; call < 30; call++)
        {
            MemoryClient client = gateway.Connect();
            await client.SendAsync(Requests.Get(gateway, "/raw/1"));
            await client.WaitForAsync(100);
            client.Close();
            gateway.Advance(TimeSpan.FromSeconds(1));
            gateway.Advance(TimeSpan.FromSeconds(40));
            await client.ServedAsync();
        }

        Assert.All(Members(gateway), one => Assert.Equal((0, 0), (one.CallsInFlight, one.ConnectionsOpen)));
        Assert.Equal(0, Group(gateway).CallsInFlight);
    }

    [Fact]
    public async Task Retries_stop_when_their_budget_is_spent()
    {
        // Proves that kept connections which close unanswered are replaced only while there is a budget: with none at
        // all the call is answered 502 and sent once.
        string policy = Policies.Standard.Replace(
            "timeout: 5s", "timeout: 5s\n    retryBudget: 0", StringComparison.Ordinal);
        await using MemoryGateway gateway = new(policy);
        MemoryClient client = gateway.Connect();
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
        gateway.Upstream.Reply = _ => null;
        Assert.Equal(502, (await client.CallAsync(Requests.Get(gateway, "/raw/2"))).Status);
        Assert.Equal(2, gateway.Upstream.Requests.Count);
        Assert.True(Assert.Single(Members(gateway)).Circuit.IsCalm);
    }

    [Fact]
    public async Task A_body_that_stalls_ends_by_its_own_timeout()
    {
        // Proves readTimeout, by the clock: shorter than the timeout for the head, it cuts an answer that stalls.
        string policy = Policies.Standard.Replace(
            "timeout: 5s", "timeout: 60s\n    readTimeout: 2s", StringComparison.Ordinal);
        await using MemoryGateway gateway = new(policy);
        gateway.Upstream.Script = async session =>
        {
            await session.ReadAsync();
            await session.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort");
        };
        MemoryClient client = gateway.Connect();
        await client.SendAsync(Requests.Get(gateway, "/raw/1"));
        await client.WaitForAsync(100);
        gateway.Advance(TimeSpan.FromSeconds(3));
        await client.ServedAsync();
        Assert.True(client.Connection.WasAborted);
        Assert.Equal("upstream-timeout", (await gateway.CloseAuditAsync())[^1].GetProperty("verdict").GetString());
    }

    [Theory]
    [InlineData(false, "No name of the function's upstream can be resolved.")]
    [InlineData(true, "Every endpoint of the function's upstream fails its health check.")]
    public async Task An_upstream_without_an_endpoint_is_named_as_such(bool isUnhealthy, string detail)
    {
        // Proves that 502 says why nobody was called, without naming an address.
        string health = isUnhealthy ? "\n    health: { path: /, interval: 1s, unhealthyAfter: 1 }" : "";
        await using MemoryGateway gateway = new(
            Policies.Standard.Replace("timeout: 5s", "timeout: 5s" + health, StringComparison.Ordinal));
        gateway.Upstream.Names["raw.test"] = isUnhealthy ? [One] : [];
        gateway.Upstream.IsAway = true;
        gateway.Advance(TimeSpan.FromSeconds(2));
        WireMessage answer = await gateway.Connect().CallAsync(Requests.Get(gateway, "/raw/1"));
        Assert.Equal(502, answer.Status);
        Assert.Equal(detail, answer.Json.GetProperty("detail").GetString());
    }

    private static UpstreamGroup Group(MemoryGateway gateway) =>
        gateway.Pools.Current.Single(group => group.Terms.Name == "raw");

    private static EndpointPool[] Members(MemoryGateway gateway) => Group(gateway).Members;
}
