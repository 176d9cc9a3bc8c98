using Countersign.Policy;
using Countersign.Policy.Redis;
using Microsoft.Extensions.Logging.Abstractions;
using StackExchange.Redis;
using Xunit;

namespace Countersign.Integration.Tests.Store;

/// <summary>What the fleet's reports must do, whichever server answers.</summary>
public abstract class NodeStoreContract(StoreServer server) : IAsyncLifetime
{
    private RedisStore _store = null!;
    private RedisNodeStore _nodes = null!;

    public async ValueTask InitializeAsync()
    {
        await server.CommandAsync("FLUSHALL");
        _store = await RedisStore.ConnectAsync(server.Connection, NullLogger.Instance);
        _nodes = new RedisNodeStore(_store);
    }

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Nodes_are_listed_by_name_renewed_and_gone_when_they_leave()
    {
        // Proves the reports' life, by two nodes of which one reports twice and the other leaves.
        Assert.Equal(1, await _nodes.ReportAsync(Node("b", 1)));
        Assert.Equal(2, await _nodes.ReportAsync(Node("a", 1)));
        Assert.Equal(2, await _nodes.ReportAsync(Node("b", 2)));
        await new RedisPolicyStore(_store).PublishAsync("{}", "", "ann");
        Fleet fleet = (await _nodes.ListAsync()).Value!;
        Assert.Equal(1, fleet.Current);
        Assert.Equal([("a", 1L), ("b", 2L)], fleet.Nodes.Select(node => (node.Report.Name, node.Report.PolicyVersion)));
        Assert.All(fleet.Nodes, node => Assert.False(node.IsLost));
        FleetNode first = fleet.Nodes[0];
        Assert.Equivalent(Node("a", 1), first.Report, strict: true);
        await _nodes.LeaveAsync("a-1");
        Assert.Equal("b", Assert.Single((await _nodes.ListAsync()).Value!.Nodes).Report.Name);
    }

    [Fact]
    public async Task A_silent_node_is_lost_and_then_forgotten()
    {
        // Proves expiry by the store's clock, by moving a node's last contact back.
        await _nodes.ReportAsync(Node("a", 1));
        await _nodes.ReportAsync(Node("b", 1));
        await SilenceAsync("a-1", RedisNodeStore.LostAfter);
        Assert.Equal([true, false], (await _nodes.ListAsync()).Value!.Nodes.Select(node => node.IsLost));
        Assert.Equal(1, await _nodes.ReportAsync(Node("b", 1)));
        await SilenceAsync("a-1", RedisNodeStore.ForgottenAfter);
        Assert.Equal("b", Assert.Single((await _nodes.ListAsync()).Value!.Nodes).Report.Name);
        Assert.False((bool)await server.CommandAsync("HEXISTS", StoreKeys.Nodes, "a-1"));
    }

    [Fact]
    public async Task What_a_node_of_another_build_says_is_read_or_passed_over()
    {
        // Proves that fleets are upgraded one by one, by a report with a member more and one that is no report.
        await _nodes.ReportAsync(Node("a", 1));
        string report = (string)(await server.CommandAsync("HGET", StoreKeys.Nodes, "a-1"))!;
        await server.CommandAsync("HSET", StoreKeys.Nodes, "a-1", report.Replace("{", "{\"later\":[1],"));
        await _nodes.ReportAsync(Node("b", 1));
        await server.CommandAsync("HSET", StoreKeys.Nodes, "b-1", "[]");
        Assert.Equal("a", Assert.Single((await _nodes.ListAsync()).Value!.Nodes).Report.Name);
    }

    [Fact]
    public async Task A_fleet_is_no_larger_than_its_bound()
    {
        // Proves the bound, by one node more than there may be.
        for (int node = 0; node < RedisNodeStore.NodesMax; node++)
            await server.CommandAsync("ZADD", StoreKeys.NodeContacts, await NowAsync(), $"{node}");
        Assert.Null(await _nodes.ReportAsync(Node("a", 1)));
    }

    private async Task SilenceAsync(string instance, TimeSpan silence) => await server.CommandAsync(
        "ZADD", StoreKeys.NodeContacts, await NowAsync() - (long)silence.TotalMilliseconds - 1, instance);

    private async Task<long> NowAsync()
    {
        RedisResult time = await server.CommandAsync("TIME");
        return ((long)time[0] * 1_000) + ((long)time[1] / 1_000);
    }

    private static NodeReport Node(string name, long version) => new()
    {
        Instance = name + "-1",
        Name = name,
        Roles = ["data", "control"],
        Data = "http://127.0.0.1:1",
        StartedAt = DateTimeOffset.UnixEpoch,
        PolicyVersion = version,
        Alarms = ["policy-damaged"],
    };
}

/// <summary>The contract on Redis.</summary>
public sealed class RedisNodeStoreTests(RedisServer server) : NodeStoreContract(server), IClassFixture<RedisServer>;

/// <summary>The contract on the embedded store.</summary>
public sealed class GarnetNodeStoreTests(GarnetServer server) : NodeStoreContract(server), IClassFixture<GarnetServer>;
