using System.Text.Json.Nodes;
using Countersign.Integration.Tests.Store;
using Xunit;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>One running gateway with an issuer before it and functions behind it, under the demo's policy.</summary>
public abstract class GatewayWorld : IAsyncLifetime
{
    // Two more functions, whose approvals lapse while a test looks on.
    private const string Functions = """
          billing.hurry: { upstream: billing, method: POST, path: "/billing/{account}/hurry", risk: high }
          billing.late:  { upstream: billing, method: POST, path: "/billing/{account}/late", risk: high }

        """;

    private const string Rules = """
          - id: decide-fast
            subjects: { groups: [support] }
            functions: [billing.hurry]
            effect: approve
            approval: { stages: [{ groups: [finance-leads], count: 1 }], decideWithin: 1s, useWithin: 1s }
          - id: use-fast
            subjects: { groups: [support] }
            functions: [billing.late]
            effect: approve
            approval: { stages: [{ groups: [finance-leads], count: 1 }], decideWithin: 15m, useWithin: 1s }

        """;

    private CountersignProcess? _process;

    /// <summary>Everybody who speaks to the gateway.</summary>
    public GatewayClient Client { get; private set; } = null!;

    /// <summary>The functions' own address.</summary>
    public abstract string Upstream { get; }

    /// <summary>The identity provider, where the gateway's own line names it.</summary>
    public string Issuer => Ready["issuer"]!.ToString();

    /// <summary>The audit log.</summary>
    public string AuditFolder => _process!.Ready["audit"]!.ToString();

    /// <summary>True from its first start on.</summary>
    protected bool HasStarted => _process is not null;

    /// <summary>The line it printed when it was ready.</summary>
    protected JsonObject Ready => _process!.Ready;

    public async ValueTask InitializeAsync()
    {
        await StartBackendsAsync();
        await StartAsync();
        Answer published = await Client.PublishAsync("olga", ServeSetup.Policy(Upstream, "", Functions, Rules));
        Assert.Equal(201, published.Status);
        await Until.TrueAsync(async () =>
        {
            Answer health = await Client.GetAsync(Client.Control + "/health/ready");
            return health["policy_version"] == published["version"];
        });
    }

    public async ValueTask DisposeAsync()
    {
        Client?.Dispose();
        if (_process is not null) await _process.DisposeAsync();
        await StopBackendsAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>A user's token.</summary>
    public abstract string TokenOf(string user);

    /// <summary>Stops the gateway, lets the test look at what it left, and starts it again on that.</summary>
    public async Task RestartAsync(Func<Task> meanwhile)
    {
        string folder = AuditFolder;
        Assert.Equal(0, await _process!.StopAsync());
        await _process.DisposeAsync();
        await meanwhile();
        await StartAsync();
        Assert.Equal(folder, AuditFolder);
    }

    /// <summary>What reached the functions under a call's id.</summary>
    public async Task<JsonObject> SeenAsync(string call)
    {
        JsonArray requests = (await Client.GetAsync(Upstream + "/_seen")).Body["requests"]!.AsArray();
        return Assert.Single(requests, one => one!["call"]!.ToString() == call)!.AsObject();
    }

    /// <summary>How often an account was wiped, by the functions' own word.</summary>
    public async Task<int> ResetsAsync(string account) =>
        (int)(await Client.GetAsync($"{Upstream}/billing/{account}")).Body["resets"]!;

    protected abstract Task StartBackendsAsync();

    protected abstract Task<CountersignProcess> StartGatewayAsync();

    protected abstract Task StopBackendsAsync();

    private async Task StartAsync()
    {
        _process = await StartGatewayAsync();
        Client?.Dispose();
        Client = new GatewayClient(Ready["data"]!.ToString(), Ready["control"]!.ToString(), TokenOf);
    }
}

/// <summary><c>countersign demo --json</c>.</summary>
public sealed class DemoWorld : GatewayWorld
{
    private readonly string _folder = Directory.CreateTempSubdirectory("countersign-demo-").FullName;

    public override string Upstream => Ready["upstream"]!.ToString();

    public override string TokenOf(string user) => Ready["tokens"]![user]!.ToString();

    protected override Task StartBackendsAsync() => Task.CompletedTask;

    // Started again it keeps its addresses, as on its usual ports: the policy in its store names the functions' one.
    protected override Task<CountersignProcess> StartGatewayAsync() => CountersignProcess.StartAsync(
        new Dictionary<string, string>(), "demo", "--dir", _folder, "--data", Listen("data"),
        "--control", Listen("control"), "--issuer", Listen("issuer"), "--upstream", Listen("upstream"));

    private string Listen(string name) => HasStarted ? new Uri(Ready[name]!.ToString()).Authority : "127.0.0.1:0";

    protected override Task StopBackendsAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return Task.CompletedTask;
    }
}

/// <summary><c>countersign serve</c> on the sample configuration.</summary>
public abstract class ServedWorld : GatewayWorld
{
    private Backends? _backends;
    private ServeSetup? _setup;

    public override string Upstream => _backends!.Upstream;

    protected abstract string Store { get; }

    public override string TokenOf(string user) => _backends!.TokenOf(user);

    protected override async Task StartBackendsAsync()
    {
        _backends = await Backends.StartAsync();
        _setup = new ServeSetup(_backends.Issuer, Backends.Audience, ServeSetup.Policy(_backends.Upstream));
    }

    protected override Task<CountersignProcess> StartGatewayAsync() => _setup!.StartAsync(Store);

    protected override async Task StopBackendsAsync()
    {
        if (_backends is not null) await _backends.DisposeAsync();
        _setup?.Dispose();
    }
}

/// <summary>Served on the embedded store.</summary>
public sealed class EmbeddedWorld : ServedWorld
{
    protected override string Store => "embedded";
}

/// <summary>Served on a real Redis.</summary>
public sealed class RedisWorld : ServedWorld
{
    private readonly RedisServer _redis = new();

    protected override string Store => _redis.Connection;

    protected override async Task StartBackendsAsync()
    {
        await _redis.StartAsync();
        await base.StartBackendsAsync();
    }

    protected override async Task StopBackendsAsync()
    {
        await base.StopBackendsAsync();
        await _redis.DisposeAsync();
    }
}
