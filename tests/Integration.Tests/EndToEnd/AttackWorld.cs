using Countersign.Integration.Tests.Store;
using Xunit;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>Two gateways, one Redis, and functions that a test can hold.</summary>
public sealed class AttackWorld : IAsyncLifetime
{
    private const string Functions = """
          attack.bound: { upstream: held, method: POST, path: "/attack/{id}", risk: high, headers: [If-Match] }
          attack.brief: { upstream: held, method: POST, path: "/brief/{id}", risk: high }
          attack.short: { upstream: held, method: POST, path: "/short/{id}", risk: high }
          attack.pair: { upstream: held, method: POST, path: "/pair/{id}", risk: high, headers: [If-Match, X-Api-Key] }
          attack.glass: { upstream: held, method: POST, path: "/glass/{id}", risk: critical }

        """;

    private const string Rules = """
          - id: attacked
            subjects: { groups: [support, ci, agents] }
            functions: [attack.bound]
            effect: approve
            approval: { stages: [{ groups: [finance-leads], count: 1 }] }
          - id: brief
            subjects: { groups: [support] }
            functions: [attack.brief]
            effect: approve
            approval: { stages: [{ groups: [finance-leads], count: 1 }], useWithin: 1s }
          - id: short
            subjects: { groups: [support] }
            functions: [attack.short]
            effect: approve
            approval: { stages: [{ groups: [finance-leads], count: 1 }], decideWithin: 2s, hold: 120s }
          - id: pair
            subjects: { groups: [support] }
            functions: [attack.pair]
            effect: approve
            approval: { stages: [{ groups: [finance-leads], count: 2 }] }
          - id: glass
            subjects: { groups: [support] }
            functions: [attack.glass]
            effect: approve
            approval: { stages: [{ groups: [finance-leads], count: 1 }], breakGlass: { groups: [support] } }

        """;

    private readonly List<CountersignProcess> _gateways = [];
    private readonly List<GatewayClient> _clients = [];
    private Backends _backends = null!;
    private ServeSetup _setup = null!;

    /// <summary>The store of both.</summary>
    internal RedisServer Redis { get; } = new();

    /// <summary>Where the attacked functions are.</summary>
    internal HeldUpstream Upstream { get; } = new();

    /// <summary>A demo user's token.</summary>
    internal string TokenOf(string user) => _backends.TokenOf(user);

    /// <summary>One gateway.</summary>
    public GatewayClient A { get; private set; } = null!;

    /// <summary>The other.</summary>
    public GatewayClient B { get; private set; } = null!;

    /// <summary>The policy that both began with.</summary>
    public string Policy { get; private set; } = "";

    public async ValueTask InitializeAsync()
    {
        await Redis.StartAsync();
        _backends = await Backends.StartAsync();
        string upstreams = $$"""
              held: { endpoints: ["{{Upstream.Address}}"], timeout: 60s, credential: { broker: none } }

            """;
        Policy = ServeSetup.Policy(_backends.Upstream, upstreams, Functions, Rules);
        _setup = new ServeSetup(_backends.Issuer, Backends.Audience, Policy);
        A = (await StartAsync("gateway-a", Redis)).Client;
        B = (await StartAsync("gateway-b", Redis)).Client;
    }

    /// <summary>Starts one more gateway.</summary>
    internal Task<(CountersignProcess Process, GatewayClient Client)> StartAsync(
        string name, RedisServer store, params (string Name, string Value)[] more) =>
        StartAsync(name, store.Connection, more);

    /// <summary>Starts one more gateway on a store that is reached by this connection string.</summary>
    internal async Task<(CountersignProcess Process, GatewayClient Client)> StartAsync(
        string name, string store, params (string Name, string Value)[] more)
    {
        CountersignProcess gateway = await _setup.StartAsync(
            store, name, [("GATEWAY__NAME", name), ("APPROVALS__REVEAL__0", "sre"), .. more]);
        _gateways.Add(gateway);
        GatewayClient client = new(
            gateway.Ready["data"]!.ToString(), gateway.Ready["control"]!.ToString(), _backends.TokenOf);
        _clients.Add(client);
        return (gateway, client);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (GatewayClient client in _clients) client.Dispose();
        foreach (CountersignProcess gateway in _gateways) await gateway.DisposeAsync();
        if (_backends is not null) await _backends.DisposeAsync();
        _setup?.Dispose();
        await Upstream.DisposeAsync();
        await Redis.DisposeAsync();
    }
}
