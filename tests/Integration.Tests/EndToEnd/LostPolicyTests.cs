using System.Text.Json;
using System.Text.Json.Nodes;
using Countersign.Audit;
using Countersign.Integration.Tests.Store;
using Countersign.Policy.Redis;
using StackExchange.Redis;
using Xunit;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>A fleet whose store goes back to what it held a publication ago, as after a failover.</summary>
public sealed class LostPolicyTests : IAsyncLifetime
{
    private const string Path = "/api/v1/policies";

    private readonly RedisServer _redis = new();
    private readonly Dictionary<string, CountersignProcess> _gateways = [];
    private readonly Dictionary<string, GatewayClient> _clients = [];
    private Backends _backends = null!;
    private ServeSetup _setup = null!;

    private GatewayClient A => _clients["a"];

    private GatewayClient B => _clients["b"];

    public async ValueTask InitializeAsync()
    {
        await _redis.StartAsync();
        _backends = await Backends.StartAsync();
        _setup = new ServeSetup(_backends.Issuer, Backends.Audience, ServeSetup.Policy(_backends.Upstream));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (GatewayClient client in _clients.Values) client.Dispose();
        foreach (CountersignProcess gateway in _gateways.Values) await gateway.DisposeAsync();
        await _backends.DisposeAsync();
        _setup.Dispose();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task A_fleet_says_so_keeps_what_it_runs_and_goes_on_when_told_to()
    {
        // Proves the alarm, what runs on under it, a start under it, and going on, by a dump of the store from before a
        // publication that is put back after it, and a gateway that restarts meanwhile.
        await StartAsync("a");
        await StartAsync("b");
        await PublishAndLoseAsync();
        foreach (GatewayClient client in _clients.Values)
        {
            await ReadyAsync(client, "regressed", "2");
            Assert.Equal(200, (await client.CallAsync("alice", "GET", "/people/1")).Status);
            Answer strict = await client.CallAsync("ci-deploy", "POST", "/billing/1/reset");
            Assert.Equal((503, "policy-stale"), (strict.Status, strict.Problem));
        }

        await AlarmedAsync("a", "b");
        Answer refused = await A.PublishAsync("olga", Document("# fourth"));
        Assert.Equal((409, "policy-conflict"), (refused.Status, refused.Problem));

        // What has seen more and runs nothing listens, and says why it refuses.
        await StopAsync("b");
        await StartAsync("b");
        await ReadyAsync(B, "regressed", null);
        Answer unruled = await B.CallAsync("alice", "GET", "/people/1");
        Assert.Equal((503, "policy-stale"), (unruled.Status, unruled.Problem));
        Assert.Contains("older policy than this gateway has seen", unruled["detail"], StringComparison.Ordinal);

        CommandEnd blind = await CommandAsync("policy", "rollback", "1", "--expect", "1");
        Assert.Equal(1, blind.ExitCode);
        string file = System.IO.Path.Combine(_setup.Folder, "next.yaml");
        await File.WriteAllTextAsync(file, Document("# next"), TestContext.Current.CancellationToken);
        CommandEnd resumed = await CommandAsync("policy", "publish", file, "--resume");
        Assert.Equal((0, ""), (resumed.ExitCode, resumed.Errors.Trim()));
        Assert.StartsWith("published version 3, after 1", resumed.Output, StringComparison.Ordinal);
        foreach (GatewayClient client in _clients.Values) await ReadyAsync(client, "fresh", "3");
        Assert.Equal(428, (await B.CallAsync("ci-deploy", "POST", "/billing/1/reset")).Status);
        await AlarmedAsync();
        await StopAsync("a");
        string[] events = [.. Events("a").Where(name => name.StartsWith("policy-re", StringComparison.Ordinal))];
        Assert.Equal(["policy-regressed", "policy-resumed"], events);
    }

    [Fact]
    public async Task Under_approvers_the_fleet_goes_on_when_another_person_agrees()
    {
        // Proves that going on is part of what is approved, by going back and by publishing on a store that lost a
        // publication: asked for it stays regressed, approved it is followed.
        (string, string) approvers = ("POLICY__APPROVERS__0", "finance-leads");
        await StartAsync("a", approvers);
        await PublishAndLoseAsync(approved: true);
        await ReadyAsync(A, "regressed", "2");
        Answer asked = await A.ControlAsync("olga", "POST", Path + "/1/activate?expect=1&resume=true");
        Assert.Equal(202, asked.Status);
        Answer shown = await A.ControlAsync("bob", "GET", "/api/v1/approvals/" + asked["approval"]);
        Assert.EndsWith("/1/activate?resume=true", shown["target"], StringComparison.Ordinal);
        Assert.True((bool)shown.Body["arguments"]!["resumes"]!);
        await ReadyAsync(A, "regressed", "2");
        Assert.Equal("executed", (await A.DecideAsync("bob", asked["approval"], asked["digest"]))["state"]);
        await ReadyAsync(A, "fresh", "1");

        Answer next = await A.ControlAsync(
            "olga", "POST", Path + "?expect=1", Document("# next"), "application/yaml");
        Assert.Equal((202, "3"), (next.Status, next["version"]));
        await A.DecideAsync("bob", next["approval"], next["digest"]);
        await ReadyAsync(A, "fresh", "3");
        await PublishAndLoseAsync(approved: true);
        await ReadyAsync(A, "regressed", "4");
        Answer last = await A.ControlAsync(
            "olga", "POST", Path + "?expect=3&resume=true", Document("# last"), "application/yaml");
        Assert.Equal((202, "5"), (last.Status, last["version"]));
        await ReadyAsync(A, "regressed", "4");
        Assert.Equal("executed", (await A.DecideAsync("bob", last["approval"], last["digest"]))["state"]);
        await ReadyAsync(A, "fresh", "5");
    }

    [Fact]
    public async Task A_store_that_keeps_its_channels_shut_is_polled_and_named()
    {
        // Proves the fallback, by a user of the store without channels: health says so, and a publication is found.
        await _redis.CommandAsync(
            "ACL", "SETUSER", "mute", "on", ">mute", "~*", "resetchannels", "+@all");
        await StartAsync("a", ("STORE__REDIS", _redis.Connection + ",user=mute,password=mute"));
        Answer health = await A.GetAsync(A.Control + "/health/ready");
        Assert.Equal((200, "refused"), (health.Status, health["store_events"]));
        Assert.Equal(201, (await A.PublishAsync("olga", Document("# polled"))).Status);
        await ReadyAsync(A, "fresh", "2");
        await _redis.CommandAsync("ACL", "SETUSER", "mute", "allchannels");
        await Until.TrueAsync(async () =>
            !(await A.GetAsync(A.Control + "/health/ready")).Body.ContainsKey("store_events"));
    }

    // The dump is of before the publication, and is put back once every gateway runs it.
    private async Task PublishAndLoseAsync(bool approved = false)
    {
        byte[][] kept = await KeptAsync();
        RedisKey[] keys = Keys;
        if (approved)
        {
            Answer asked = await A.PublishAsync("olga", Document("# lost"));
            await A.DecideAsync("bob", asked["approval"], asked["digest"]);
        }
        else
        {
            Assert.Equal(201, (await A.PublishAsync("olga", Document("# lost"))).Status);
        }

        string version = (await A.ControlAsync("olga", "GET", Path))["current"];
        foreach (GatewayClient client in _clients.Values) await ReadyAsync(client, "fresh", version);
        await using ConnectionMultiplexer connection = await ConnectionMultiplexer.ConnectAsync(_redis.Connection);
        ITransaction back = connection.GetDatabase().CreateTransaction();
        List<Task> restored = [];
        for (int at = 0; at < keys.Length; at++)
        {
            restored.Add(back.KeyDeleteAsync(keys[at]));
            restored.Add(back.KeyRestoreAsync(keys[at], kept[at]));
        }

        Assert.True(await back.ExecuteAsync());
        await Task.WhenAll(restored);
    }

    private static RedisKey[] Keys =>
    [
        StoreKeys.PolicyChange, StoreKeys.LatestPolicy, StoreKeys.CurrentPolicy, StoreKeys.Policies,
        StoreKeys.PolicyChanges,
    ];

    private async Task<byte[][]> KeptAsync()
    {
        await using ConnectionMultiplexer connection = await ConnectionMultiplexer.ConnectAsync(_redis.Connection);
        return await Task.WhenAll(Keys.Select(async key => (await connection.GetDatabase().KeyDumpAsync(key))!));
    }

    private string Document(string comment) => ServeSetup.Policy(_backends.Upstream) + comment + "\n";

    private static Task ReadyAsync(GatewayClient client, string policy, string? version) => Until.TrueAsync(async () =>
    {
        Answer health = await client.GetAsync(client.Control + "/health/ready");
        return health["policy"] == policy && health.Body["policy_version"]?.ToString() == version
            && health.Status == (policy == "fresh" ? 200 : 503);
    });

    private Task AlarmedAsync(params string[] names) => Until.TrueAsync(async () =>
    {
        JsonArray nodes = (await A.ControlAsync("olga", "GET", "/api/v1/nodes")).Body["items"]!.AsArray();
        return names.SequenceEqual(nodes
            .Where(node => node!["alarms"]!.AsArray().Any(alarm => alarm!.ToString() == "policy-regressed"))
            .Select(node => node!["name"]!.ToString()));
    });

    private IEnumerable<string> Events(string name) =>
        AuditReader.Between(System.IO.Path.Combine(_setup.Folder, name), 0, long.MaxValue)
            .Select(entry => JsonDocument.Parse(entry.Payload).RootElement)
            .Where(entry => entry.TryGetProperty("event", out _))
            .Select(entry => entry.GetProperty("event").GetString()!);

    private async Task StartAsync(string name, params (string Name, string Value)[] more)
    {
        string store = more.FirstOrDefault(one => one.Name == "STORE__REDIS").Value ?? _redis.Connection;
        CountersignProcess gateway = await _setup.StartAsync(
            store, name, [("GATEWAY__NAME", name), .. more.Where(one => one.Name != "STORE__REDIS")]);
        _gateways[name] = gateway;
        _clients[name] = new(
            gateway.Ready["data"]!.ToString(), gateway.Ready["control"]!.ToString(), _backends.TokenOf);
    }

    private async Task StopAsync(string name)
    {
        _clients.Remove(name, out GatewayClient? client);
        client!.Dispose();
        _gateways.Remove(name, out CountersignProcess? gateway);
        Assert.Equal(0, await gateway!.StopAsync());
        await gateway.DisposeAsync();
    }

    private Task<CommandEnd> CommandAsync(params string[] arguments) => CountersignProcess.RunAsync(
        new Dictionary<string, string> { ["COUNTERSIGN_TOKEN"] = _backends.TokenOf("olga") },
        [.. arguments, "--control", A.Control]);
}
