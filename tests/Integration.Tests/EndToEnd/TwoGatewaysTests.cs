using System.Text.Json.Nodes;
using Countersign.Integration.Tests.Store;
using Xunit;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>Two gateways on one Redis, as a fleet of two.</summary>
public sealed class FleetWorld : IAsyncLifetime
{
    private readonly RedisServer _redis = new();
    private readonly List<CountersignProcess> _gateways = [];
    private Backends _backends = null!;
    private ServeSetup? _setup;

    /// <summary>One gateway.</summary>
    public GatewayClient A { get; private set; } = null!;

    /// <summary>The other.</summary>
    public GatewayClient B { get; private set; } = null!;

    /// <summary>The functions' own address.</summary>
    public string Upstream => _backends.Upstream;

    /// <summary>A user's token.</summary>
    public string TokenOf(string user) => _backends.TokenOf(user);

    public async ValueTask InitializeAsync()
    {
        await _redis.StartAsync();
        _backends = await Backends.StartAsync();
        _setup = new ServeSetup(_backends.Issuer, Backends.Audience, ServeSetup.Policy(_backends.Upstream));
        A = await StartAsync("audit-a");
        B = await StartAsync("audit-b");
    }

    public async ValueTask DisposeAsync()
    {
        A?.Dispose();
        B?.Dispose();
        foreach (CountersignProcess gateway in _gateways) await gateway.DisposeAsync();
        if (_backends is not null) await _backends.DisposeAsync();
        _setup?.Dispose();
        await _redis.DisposeAsync();
    }

    private async Task<GatewayClient> StartAsync(string audit)
    {
        CountersignProcess gateway = await _setup!.StartAsync(_redis.Connection, audit, ("GATEWAY__NAME", audit));
        _gateways.Add(gateway);
        return new(gateway.Ready["data"]!.ToString(), gateway.Ready["control"]!.ToString(), _backends.TokenOf);
    }
}

/// <summary>What gateways that share nothing but a store do as one.</summary>
public sealed class TwoGatewaysTests(FleetWorld world) : IClassFixture<FleetWorld>
{
    private const string Refunds = "/billing/42/refunds";

    [Fact]
    public async Task What_was_asked_at_one_is_approved_and_used_at_the_other()
    {
        // Proves that approvals, payloads and signing keys are the fleet's, by asking at A and going on at B alone.
        const string Body = """{"amount":5,"card":{"number":"4111111111111111"}}""";
        Answer asked = await world.A.CallAsync("alice", "POST", Refunds, Body);
        Assert.Equal(428, asked.Status);
        Answer shown = await world.B.ControlAsync("bob", "GET", "/api/v1/approvals/" + asked["approval"]);
        Assert.Equal("************1111", shown.Body["arguments"]!["card"]!["number"]!.ToString());
        Answer decided = await world.B.DecideAsync("bob", asked["approval"], asked["digest"]);
        Assert.Equal("approved", decided["state"]);
        Answer called = await world.B.CallAsync("alice", "POST", Refunds, Body, Names(asked));
        Assert.Equal(201, called.Status);
        JsonArray seen = (await world.A.GetAsync(world.Upstream + "/_seen")).Body["requests"]!.AsArray();
        JsonNode request = Assert.Single(seen, one => one!["idempotency_key"]!.ToString() == asked["approval"])!;
        Answer keys = await world.A.GetAsync(world.A.Control + "/oauth/jwks");
        JsonObject claims = LentToken.Verify(request["authorization"]!.ToString(), keys.Body);
        Assert.Equal(called.Header("Countersign-Call"), claims["jti"]!.ToString());
        Answer again = await world.A.CallAsync("alice", "POST", Refunds, Body, Names(asked));
        Assert.Equal((409, "approval-used"), (again.Status, again.Problem));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_hundred_claims_of_one_approval_make_one_call(bool namesIt)
    {
        // Proves the one claim, by 100 identical calls at once over both gateways, and the function's own count.
        string account = namesIt ? "43" : "44";
        string path = $"/billing/{account}/reset";
        Answer asked = await world.A.AskApprovedAsync("ci-deploy", path, null, "carol");
        (string Name, string Value)[] fields = namesIt ? [Names(asked)] : [];
        Answer[] answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(one =>
            (one % 2 == 0 ? world.A : world.B).CallAsync("ci-deploy", "POST", path, null, fields)));
        Assert.Single(answers, answer => answer.Status == 200);
        int refused = namesIt ? 409 : 428;
        Assert.Equal(99, answers.Count(answer => answer.Status == refused));
        Answer billing = await world.A.GetAsync($"{world.Upstream}/billing/{account}");
        Assert.Equal("1", billing["resets"]);
    }

    [Fact]
    public async Task A_call_held_at_one_wakes_when_the_other_hears_the_approval()
    {
        // Proves that wakes travel through the store, by approving at B what waits at A.
        Task<Answer> held = world.A.CallAsync(
            "alice", "POST", Refunds, """{"amount":6}""", ("Prefer", "wait=30"), ("Countersign-Reason", "across"));
        JsonObject pending = await world.B.PendingAsync("bob", "across");
        Assert.False(held.IsCompleted);
        await world.B.DecideAsync("bob", pending["id"]!.ToString(), pending["digest"]!.ToString());
        Assert.Equal(201, (await held).Status);
    }

    [Fact]
    public async Task What_is_published_at_one_is_in_force_at_the_other()
    {
        // Proves distribution and rollback within the second that the design gives them, by what A refuses and allows.
        string open = ServeSetup.Policy(world.Upstream);
        const string Reading = "functions: [people.*],    effect: ";
        string shut = open.Replace(Reading + "allow", Reading + "deny", StringComparison.Ordinal);
        Assert.NotEqual(open, shut);
        Assert.Equal(200, (await world.A.CallAsync("alice", "GET", "/people/1")).Status);
        Answer published = await world.B.PublishAsync("olga", shut);
        Assert.Equal(201, published.Status);
        await AnswersAsync(403);
        Answer list = await world.A.ControlAsync("olga", "GET", "/api/v1/policies");
        JsonNode before = list.Body["items"]!.AsArray()[1]!;
        Answer back = await world.B.ControlAsync("olga", "POST", $"/api/v1/policies/{before["version"]}/activate");
        Assert.Equal(200, back.Status);
        await AnswersAsync(200);
    }

    [Fact]
    public async Task A_policy_that_does_not_compile_changes_nothing()
    {
        // Proves that a bad document is refused with the place of every error, and by nobody but a policy admin tried.
        string bad = ServeSetup.Policy(world.Upstream)
            .Replace("functions: [billing.get],", "functions: [biling.get],", StringComparison.Ordinal)
            .Replace("risk: critical", "risk: extreme", StringComparison.Ordinal);
        string before = (await world.B.ControlAsync("olga", "GET", "/api/v1/policies")).Text;
        Answer stranger = await world.B.PublishAsync("carol", bad);
        Assert.Equal((403, "denied"), (stranger.Status, stranger.Problem));
        Answer refused = await world.B.PublishAsync("olga", bad);
        Assert.Equal((422, "policy-invalid"), (refused.Status, refused.Problem));
        string[] lines = bad.Split('\n');
        JsonArray errors = refused.Body["errors"]!.AsArray();
        Assert.Equal(2, errors.Count);
        foreach ((JsonNode? error, string word) in errors.Zip(["extreme", "biling.get"]))
        {
            string at = lines[(int)error!["line"]! - 1][((int)error["column"]! - 1)..];
            Assert.StartsWith(word, at, StringComparison.Ordinal);
            Assert.Contains(word, error["message"]!.ToString(), StringComparison.Ordinal);
        }

        Assert.Equal(before, (await world.A.ControlAsync("olga", "GET", "/api/v1/policies")).Text);
        Assert.Equal(200, (await world.A.CallAsync("alice", "GET", "/billing/45")).Status);
    }

    // A second by the design; more here, since two cores run everything at once. Still, nobody restarted anything.
    private Task AnswersAsync(int status) => Until.TrueAsync(
        async () => (await world.A.CallAsync("alice", "GET", "/people/1")).Status == status, TimeSpan.FromSeconds(5));

    private static (string Name, string Value) Names(Answer asked) => ("Countersign-Approval", asked["approval"]);
}
