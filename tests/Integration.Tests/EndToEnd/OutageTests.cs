using System.Net;
using System.Net.Sockets;
using Countersign.Integration.Tests.Store;
using Xunit;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>What breaks around a gateway, and what callers see of it (DESIGN section 11).</summary>
public sealed class OutageTests : IAsyncLifetime
{
    private const string Rules = """
          - { id: outage, subjects: { groups: [support] }, functions: ["outage.*"], effect: allow }

        """;

    private readonly HeldUpstream _held = new();
    private Backends _backends = null!;
    private ServeSetup _setup = null!;
    private CountersignProcess? _gateway;
    private GatewayClient? _client;

    private GatewayClient Client => _client!;

    public async ValueTask InitializeAsync()
    {
        _backends = await Backends.StartAsync();
        string upstreams = $$"""
              gone: { endpoints: ["http://127.0.0.1:{{FreePort()}}"] }
              hung: { endpoints: ["{{_held.Address}}"], timeout: 1s }
              slow: { endpoints: ["{{_held.Address}}"], timeout: 30s }

            """;
        const string Functions = """
              outage.gone: { upstream: gone, method: GET, path: /outage/gone, risk: low }
              outage.hung: { upstream: hung, method: GET, path: /outage/hung, risk: low }
              outage.slow: { upstream: slow, method: GET, path: /outage/slow, risk: low }

            """;
        string policy = ServeSetup.Policy(_backends.Upstream, upstreams, Functions, Rules);
        _setup = new ServeSetup(_backends.Issuer, Backends.Audience, policy);
    }

    public async ValueTask DisposeAsync()
    {
        _client?.Dispose();
        if (_gateway is not null) await _gateway.DisposeAsync();
        await _held.DisposeAsync();
        await _backends.DisposeAsync();
        _setup.Dispose();
    }

    [Fact]
    public async Task Without_its_store_a_gateway_refuses_what_must_be_approved_and_goes_on_reading()
    {
        // Proves the first row of the table, by killing Redis under a serving gateway and starting it again, empty.
        await using RedisServer redis = new();
        await redis.StartAsync();
        await StartAsync(redis.Connection);
        Assert.Equal(428, (await Client.CallAsync("ci-deploy", "POST", "/billing/42/reset")).Status);
        await redis.StopAsync();
        Answer refused = await Client.CallAsync("ci-deploy", "POST", "/billing/42/reset");
        Assert.Equal((503, "store-unavailable"), (refused.Status, refused.Problem));
        Assert.NotEqual("", refused.Header("Retry-After"));
        Answer listed = await Client.ControlAsync("carol", "GET", "/api/v1/approvals");
        Assert.Equal((503, "store-unavailable"), (listed.Status, listed.Problem));
        Assert.Equal(200, (await Client.CallAsync("alice", "GET", "/billing/42")).Status);
        Assert.Equal("0", (await Client.GetAsync(_backends.Upstream + "/billing/42"))["resets"]);

        await redis.StartAsync();
        await Until.TrueAsync(async () =>
            (await Client.CallAsync("ci-deploy", "POST", "/billing/42/reset")).Status == 428);
        Answer asked = await Client.AskApprovedAsync("ci-deploy", "/billing/42/reset", null, "carol");
        Answer called = await Client.CallAsync(
            "ci-deploy", "POST", "/billing/42/reset", null, ("Countersign-Approval", asked["approval"]));
        Assert.Equal(200, called.Status);
    }

    [Fact]
    public async Task Past_its_age_limit_a_policy_refuses_high_risk_calls_and_then_all()
    {
        // Proves both age limits, set to seconds, by a Redis that stays away until the answers change.
        await using RedisServer redis = new();
        await redis.StartAsync();
        await StartAsync(redis.Connection, ("LIMITS__POLICYSTALEAFTER", "2s"), ("LIMITS__POLICYDEADAFTER", "6s"));
        Assert.Equal(200, (await Client.CallAsync("alice", "GET", "/billing/42")).Status);
        await redis.StopAsync();
        await Until.TrueAsync(async () =>
            (await Client.CallAsync("ci-deploy", "POST", "/billing/42/reset")).Problem == "policy-stale");
        await Until.TrueAsync(async () =>
            (await Client.CallAsync("alice", "GET", "/billing/42")).Problem == "policy-stale");
        await redis.StartAsync();
        await Until.TrueAsync(async () => (await Client.CallAsync("alice", "GET", "/billing/42")).Status == 200);
    }

    [Fact]
    public async Task A_store_that_stands_still_ages_the_policy_as_one_that_is_away()
    {
        // Proves both age limits where the store neither answers nor refuses: critical and high calls are refused
        // first, while those of low risk go on; then all; and all is well when it goes on.
        await using RedisServer redis = new();
        await redis.StartAsync();
        await StartAsync(redis.Connection, ("LIMITS__POLICYSTALEAFTER", "2s"), ("LIMITS__POLICYDEADAFTER", "15s"));
        Assert.Equal(428, (await Client.CallAsync("ci-deploy", "POST", "/billing/42/reset")).Status);
        await redis.StandStillAsync();
        await Until.TrueAsync(async () =>
            (await Client.CallAsync("ci-deploy", "POST", "/billing/42/reset")).Problem == "policy-stale");
        Answer high = await Client.CallAsync("alice", "POST", "/billing/42/refunds", """{"amount":5}""");
        Assert.Equal((503, "policy-stale"), (high.Status, high.Problem));
        Assert.NotEqual("", high.Header("Retry-After"));
        Assert.Equal(200, (await Client.CallAsync("alice", "GET", "/billing/42")).Status);
        Assert.Equal(503, (await Client.GetAsync(Client.Control + "/health/ready")).Status);
        await Until.TrueAsync(async () =>
            (await Client.CallAsync("alice", "GET", "/billing/42")) is { Status: 503, Problem: "policy-stale" });
        Assert.Equal("0", (await Client.GetAsync(_backends.Upstream + "/billing/42"))["resets"]);

        await redis.GoOnAsync();
        await Until.TrueAsync(async () => (await Client.CallAsync("alice", "GET", "/billing/42")).Status == 200);
        await Until.TrueAsync(async () =>
            (await Client.CallAsync("ci-deploy", "POST", "/billing/42/reset")).Status == 428);
    }

    [Fact]
    public async Task A_gateway_starts_without_its_issuer_and_knows_callers_when_it_comes()
    {
        // Proves that an issuer that is away is 401 and no hang, by a port where nobody listens until later.
        string address = $"127.0.0.1:{FreePort()}";
        using ServeSetup setup = new("http://" + address, Backends.Audience, ServeSetup.Policy(_backends.Upstream));
        string token = await TokenOfAsync(address);
        await using CountersignProcess gateway = await setup.StartAsync("embedded");
        _client = ClientOf(gateway, _ => token);
        Answer unknown = await Client.CallAsync("alice", "GET", "/people/1");
        Assert.Equal((401, "unauthenticated"), (unknown.Status, unknown.Problem));
        await using DemoIssuer.DemoIssuer issuer =
            await DemoIssuer.DemoIssuer.StartAsync(address, Backends.Audience, TimeProvider.System);
        token = issuer.Mint("alice");
        await Until.TrueAsync(async () => (await Client.CallAsync("alice", "GET", "/people/1")).Status == 200);
    }

    [Fact]
    public async Task A_function_that_is_away_or_hangs_is_502_or_504()
    {
        // Proves what callers see of a broken function, by a port where nobody listens and one that never answers.
        await StartAsync("embedded");
        Answer gone = await Client.CallAsync("alice", "GET", "/outage/gone");
        Assert.Equal((502, "upstream-failed"), (gone.Status, gone.Problem));
        Answer hung = await Client.CallAsync("alice", "GET", "/outage/hung");
        Assert.Equal((504, "upstream-timeout"), (hung.Status, hung.Problem));
        Assert.Equal(200, (await Client.CallAsync("alice", "GET", "/people/1")).Status);
    }

    [Fact]
    public async Task Sigterm_lets_a_call_in_flight_finish()
    {
        // Proves the drain: no new connections, the old call's answer whole, exit code 0.
        await StartAsync("embedded");
        Task<Answer> slow = Client.CallAsync("alice", "GET", "/outage/slow");
        await _held.Arrived;
        await _gateway!.TerminateAsync();
        await Until.TrueAsync(async () => !await AcceptsAsync(new Uri(Client.Data)));
        Assert.False(slow.IsCompleted);
        _held.Release();
        Answer answer = await slow;
        Assert.Equal((200, "true"), (answer.Status, answer["late"]));
        Assert.Equal(0, await _gateway.ExitAsync());
    }

    private async Task StartAsync(string store, params (string Name, string Value)[] settings)
    {
        _gateway = await _setup.StartAsync(store, "audit", settings);
        _client = ClientOf(_gateway, _backends.TokenOf);
    }

    private static GatewayClient ClientOf(CountersignProcess gateway, Func<string, string> tokenOf) =>
        new(gateway.Ready["data"]!.ToString(), gateway.Ready["control"]!.ToString(), tokenOf);

    private static async Task<string> TokenOfAsync(string address)
    {
        await using DemoIssuer.DemoIssuer issuer =
            await DemoIssuer.DemoIssuer.StartAsync(address, Backends.Audience, TimeProvider.System);
        return issuer.Mint("alice");
    }

    private static async Task<bool> AcceptsAsync(Uri address)
    {
        using TcpClient client = new();
        try
        {
            await client.ConnectAsync(address.Host, address.Port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static int FreePort()
    {
        using TcpListener probe = new(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
