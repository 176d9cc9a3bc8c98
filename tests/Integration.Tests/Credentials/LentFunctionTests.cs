using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Countersign.Integration.Tests.EndToEnd;
using Countersign.Integration.Tests.Store;
using Xunit;

namespace Countersign.Integration.Tests.Credentials;

/// <summary>Two gateways whose signing keys change every few seconds, before a function that checks
/// everything.</summary>
public sealed class RotatingWorld : IAsyncLifetime
{
    /// <summary>What both gateways are reached under, as far as credentials say.</summary>
    private const string Issuer = "http://countersign.test";
    private const string Secret = "node-owner-secret";

    private readonly RedisServer _redis = new();
    private readonly List<CountersignProcess> _gateways = [];
    private Backends _backends = null!;
    private LentFunction _function = null!;
    private ServeSetup _setup = null!;

    /// <summary>One gateway.</summary>
    public GatewayClient A { get; private set; } = null!;

    /// <summary>The other.</summary>
    public GatewayClient B { get; private set; } = null!;

    /// <summary>The function's own address.</summary>
    public string Function => _function.Endpoint;

    public async ValueTask InitializeAsync()
    {
        await _redis.StartAsync();
        _backends = await Backends.StartAsync();
        _setup = new ServeSetup(_backends.Issuer, Backends.Audience, ServeSetup.Policy(_backends.Upstream));
        await File.WriteAllTextAsync(Path.Combine(_setup.Folder, "node-owner.secret"), Secret + "\n");
        A = await StartAsync("audit-a");
        B = await StartAsync("audit-b");
        _function = await LentFunction.StartAsync(A.Control, Issuer, "node", "node-owner", Secret);
        string policy = ServeSetup.Policy(
            _backends.Upstream,
            $"  node: {{ endpoints: [\"{Function}\"], credential: {{ audience: node }} }}\n"
                + $"  edwards: {{ endpoints: [\"{Function}\"], credential: {{ audience: node, algorithm: EdDSA }} }}\n",
            """
              node.low:      { upstream: edwards, method: GET, path: "/node/low/{n}", risk: low }
              node.critical: { upstream: node, method: GET, path: "/node/critical/{n}", risk: critical }

            """,
            "  - { id: node, subjects: { groups: [support] }, functions: [node.*], effect: allow }\n");
        Answer published = await A.PublishAsync("olga", policy);
        Assert.Equal(201, published.Status);
        foreach (GatewayClient gateway in (GatewayClient[])[A, B])
        {
            await Until.TrueAsync(async () =>
                (await gateway.GetAsync(gateway.Control + "/health/ready"))["policy_version"] == published["version"]);
        }
    }

    public async ValueTask DisposeAsync()
    {
        A?.Dispose();
        B?.Dispose();
        foreach (CountersignProcess gateway in _gateways) await gateway.DisposeAsync();
        if (_function is not null) await _function.DisposeAsync();
        if (_backends is not null) await _backends.DisposeAsync();
        _setup?.Dispose();
        await _redis.DisposeAsync();
    }

    /// <summary>What a gateway's control listener says of a credential, asked as the function's owner.</summary>
    public static async Task<JsonObject> IntrospectAsync(GatewayClient gateway, string token)
    {
        using HttpClient http = new();
        string pair = Convert.ToBase64String(Encoding.UTF8.GetBytes("node-owner:" + Secret));
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", pair);
        using FormUrlEncodedContent form = new([new("token", token)]);
        using HttpResponseMessage response = await http.PostAsync(
            new Uri(gateway.Control + "/oauth/introspect"), form, TestContext.Current.CancellationToken);
        return (await Answer.ReadAsync(response)).Body;
    }

    private async Task<GatewayClient> StartAsync(string audit)
    {
        CountersignProcess gateway = await _setup.StartAsync(
            _redis.Connection, audit, ("GATEWAY__NAME", audit), ("CONTROL__PUBLICURL", Issuer),
            ("CREDENTIALS__SIGNING__ROTATEEVERY", "5s"), ("CREDENTIALS__SIGNING__PUBLISHBEFORE", "4s"),
            ("CREDENTIALS__INTROSPECTION__CLIENTS__0__ID", "node-owner"),
            ("CREDENTIALS__INTROSPECTION__CLIENTS__0__SECRET", "file:node-owner.secret"),
            ("CREDENTIALS__INTROSPECTION__CLIENTS__0__AUDIENCES__0", "node"));
        _gateways.Add(gateway);
        return new(gateway.Ready["data"]!.ToString(), gateway.Ready["control"]!.ToString(), _backends.TokenOf);
    }
}

/// <summary>What a function's owner relies on, seen by an owner in another language.</summary>
public sealed class LentFunctionTests(RotatingWorld world) : IClassFixture<RotatingWorld>
{
    [Theory]
    [InlineData("low")]
    [InlineData("critical")]
    public async Task The_credential_is_good_during_the_call_and_dead_after_it_at_every_gateway(string risk)
    {
        // Proves it by the function's own word while it works, then by both gateways' as soon as the answer is here;
        // and that what the function was lent is refused by it on any other call.
        foreach ((GatewayClient called, string number) in ((GatewayClient, string)[])[(world.A, "1"), (world.B, "2")])
        {
            Answer answer = await called.CallAsync("alice", "GET", $"/node/{risk}/{number}");
            Assert.Equal(200, answer.Status);
            Assert.Equal("true", answer.Body["introspection"]!["active"]!.ToJsonString());
            Assert.Equal("node." + risk, answer.Body["introspection"]!["sub"]!.ToString());
            Assert.Equal(answer.Header("Countersign-Call"), answer.Body["introspection"]!["jti"]!.ToString());
            Assert.Equal("node." + risk, answer["function"]);
            Assert.Equal(risk == "low" ? "EdDSA" : "ES256", answer["alg"]);
            string token = answer["credential"];
            Assert.Equal("""{"active":false}""", (await RotatingWorld.IntrospectAsync(world.A, token)).ToJsonString());
            Assert.Equal("""{"active":false}""", (await RotatingWorld.IntrospectAsync(world.B, token)).ToJsonString());
            using HttpClient thief = new();
            thief.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
            using HttpResponseMessage replayed = await thief.GetAsync(
                new Uri($"{world.Function}/node/{risk}/3"), TestContext.Current.CancellationToken);
            Assert.Equal(401, (int)replayed.StatusCode);
        }
    }

    [Fact]
    public async Task No_call_fails_while_keys_rotate()
    {
        // Proves the overlap: calls run through both gateways while keys change under them, until three keys of
        // each algorithm have signed; the function checks each from keys that it caches as jose does, and refuses none.
        HashSet<string> keys = [];
        int number = 0;
        using CancellationTokenSource patience = new(CountersignProcess.PatienceMax + TimeSpan.FromSeconds(40));
        while (keys.Count < 6)
        {
            patience.Token.ThrowIfCancellationRequested();
            Answer[] answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(one =>
                (one % 2 == 0 ? world.A : world.B).CallAsync(
                    "alice", "GET", $"/node/{(one < 4 ? "low" : "critical")}/{Interlocked.Increment(ref number)}")));
            foreach (Answer answer in answers)
            {
                Assert.True(answer.Status == 200, answer.Body.ToJsonString());
                Assert.Equal("true", answer.Body["introspection"]!["active"]!.ToJsonString());
                keys.Add(answer["kid"]);
            }
        }
    }
}
