using System.Text;
using Countersign.Audit;
using Countersign.Integration.Tests.Store;
using Xunit;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>
/// Gateways that are killed, and a store that restarts, fails over or is away, at each step of a call.
/// </summary>
public sealed class KilledTests : IAsyncLifetime
{
    private readonly AttackWorld _world = new();

    public ValueTask InitializeAsync() => _world.InitializeAsync();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task A_gateway_killed_while_it_holds_a_call_takes_nothing_with_it()
    {
        // Proves "before": the held call's approval is pending still, and is approved and used at another gateway.
        (CountersignProcess process, GatewayClient client) = await _world.StartAsync("doomed", _world.Redis);
        _world.Upstream.Release();
        Task<Answer> held = client.CallAsync(
            "alice", "POST", "/attack/1", null, ("Prefer", "wait=60"), ("Countersign-Reason", "held"));
        string id = (await _world.B.PendingAsync("carol", "held"))["id"]!.ToString();
        await process.KillAsync();
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => held);
        Answer shown = await _world.B.ControlAsync("carol", "GET", "/api/v1/approvals/" + id);
        Assert.Equal("pending", shown["state"]);
        await _world.B.DecideAsync("carol", id, shown["digest"]);
        Assert.Equal(200, (await _world.B.CallAsync("alice", "POST", "/attack/1")).Status);
        Assert.Equal(1, _world.Upstream.Requests);
    }

    [Fact]
    public async Task A_gateway_killed_during_the_call_leaves_it_unknown_and_never_run_twice()
    {
        // Proves "during": another gateway finds the claim of the dead one, and nobody can use the approval again; and
        // the dead one's next start closes the call in its log, as unknown.
        (CountersignProcess process, GatewayClient client) = await _world.StartAsync("doomed", _world.Redis);
        Answer asked = await client.AskApprovedAsync("alice", "/attack/2", null, "carol");
        Task<Answer> called = client.CallAsync("alice", "POST", "/attack/2", null, Names(asked));
        await _world.Upstream.Arrived;
        Assert.Equal("claimed", (await ShownAsync(asked))["state"]);
        await process.KillAsync();
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => called);
        await Until.TrueAsync(async () => (await ShownAsync(asked))["state"] == "unknown", TimeSpan.FromSeconds(60));
        Answer used = await _world.B.CallAsync("alice", "POST", "/attack/2", null, Names(asked));
        Assert.Equal((409, "approval-used"), (used.Status, used.Problem));
        Assert.Equal(1, _world.Upstream.Requests);
        (CountersignProcess next, _) = await _world.StartAsync("doomed", _world.Redis);
        string log = next.Ready["audit"]!.ToString();
        await next.StopAsync();
        string[] records = [.. AuditReader.Between(log, 0, long.MaxValue).Select(
            entry => Encoding.UTF8.GetString(entry.Payload.Span)).Where(
            text => text.Contains("/attack/2", StringComparison.Ordinal)
                && text.Contains((string?)asked["approval"] ?? "", StringComparison.Ordinal))];
        Assert.Equal(3, records.Length);
        Assert.Contains("\"type\":\"intent\"", records[^2], StringComparison.Ordinal);
        Assert.Contains("\"verdict\":\"unknown\"", records[^1], StringComparison.Ordinal);
        Assert.True(AuditVerifier.Verify(log).IsOk);
    }

    [Fact]
    public async Task A_gateway_killed_after_the_call_changes_nothing()
    {
        // Proves "after": what was executed is executed, and cannot be used again.
        (CountersignProcess process, GatewayClient client) = await _world.StartAsync("doomed", _world.Redis);
        _world.Upstream.Release();
        Answer asked = await client.AskApprovedAsync("alice", "/attack/3", null, "carol");
        Assert.Equal(200, (await client.CallAsync("alice", "POST", "/attack/3", null, Names(asked))).Status);
        await process.KillAsync();
        Assert.Equal("executed", (await ShownAsync(asked))["state"]);
        Answer used = await _world.B.CallAsync("alice", "POST", "/attack/3", null, Names(asked));
        Assert.Equal((409, "approval-used"), (used.Status, used.Problem));
    }

    [Fact]
    public async Task A_call_that_did_not_wait_outlives_its_gateway()
    {
        // Proves that any gateway makes it: the one that took it is dead before anybody approves.
        (CountersignProcess process, GatewayClient client) = await _world.StartAsync("doomed", _world.Redis);
        _world.Upstream.Release();
        Answer asked = await client.CallAsync("alice", "POST", "/attack/4", null, ("Prefer", "respond-async"));
        Assert.Equal(202, asked.Status);
        await process.KillAsync();
        await _world.B.DecideAsync("carol", asked["approval"], asked["digest"]);
        string status = "/.countersign/approvals/" + asked["approval"];
        Answer told = await _world.B.CallAsync("alice", "GET", status, null, ("Prefer", "wait=30"));
        Assert.Equal("executed", told["state"]);
        Assert.Equal(1, _world.Upstream.Requests);
    }

    [Fact]
    public async Task After_a_partition_and_a_promotion_an_approval_is_spent_once_at_most()
    {
        // Proves the binding to the master with a real replica: each side of the partition has a gateway that tries.
        await using RedisServer replica = new();
        await replica.StartAsync();
        string[] master = _world.Redis.Connection.Split(':');
        await replica.CommandAsync("REPLICAOF", master[0], master[1]);
        _world.Upstream.Release();
        Answer asked = await _world.A.AskApprovedAsync("alice", "/attack/5", null, "carol");
        string key = "{countersign}:approval:" + asked["approval"];
        await Until.TrueAsync(async () => (string?)await replica.CommandAsync("HGET", key, "state") == "approved");
        await replica.CommandAsync("REPLICAOF", "NO", "ONE");
        (_, GatewayClient beyond) = await _world.StartAsync("beyond", replica);
        Answer there = await beyond.CallAsync("alice", "POST", "/attack/5", null, Names(asked));
        Assert.Equal((410, "approval-expired"), (there.Status, there.Problem));
        Answer here = await _world.A.CallAsync("alice", "POST", "/attack/5", null, Names(asked));
        Assert.Equal(200, here.Status);
        there = await beyond.CallAsync("alice", "POST", "/attack/5", null, Names(asked));
        Assert.Equal(410, there.Status);
        Assert.Equal(1, _world.Upstream.Requests);
        Answer anew = await beyond.AskApprovedAsync("alice", "/attack/5", null, "carol");
        Assert.NotEqual(asked["approval"], anew["approval"]);
    }

    [Fact]
    public async Task A_store_that_restarts_keeps_what_is_pending_and_voids_what_was_approved()
    {
        // Proves both, by a store that loads what it saved; while it is away nothing is asked, decided or used.
        _world.Upstream.Release();
        Answer pending = await _world.A.CallAsync("alice", "POST", "/attack/6");
        Answer approved = await _world.A.AskApprovedAsync("alice", "/attack/7", null, "carol");
        await _world.Redis.CommandAsync("SAVE");
        await _world.Redis.StopAsync();
        Answer used = await _world.B.CallAsync("alice", "POST", "/attack/7", null, Names(approved));
        Assert.Equal(503, used.Status);
        Assert.Equal(503, (await _world.B.CallAsync("alice", "POST", "/attack/8")).Status);
        Assert.Equal(503, (await _world.B.DecideAsync("carol", pending["approval"], pending["digest"])).Status);
        await _world.Redis.StartAsync();
        // Each gateway finds its way back in its own time; the void approval asks without using anything up.
        foreach (GatewayClient gateway in new[] { _world.A, _world.B })
        {
            await Until.TrueAsync(async () =>
                (await gateway.CallAsync("alice", "POST", "/attack/7", null, Names(approved))).Problem
                == "approval-expired");
        }

        Answer decided = await _world.B.DecideAsync("carol", pending["approval"], pending["digest"]);
        Assert.Equal("approved", decided["state"]);
        Assert.Equal(200, (await _world.A.CallAsync("alice", "POST", "/attack/6", null, Names(pending))).Status);
        Assert.Equal(1, _world.Upstream.Requests);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_claim_whose_answer_is_lost_is_spent_and_never_made(bool reachesStore)
    {
        // Proves the ambiguous claim on the wire: the connection is cut once the claim was sent, with the store having
        // it and without. Both are 503, end as unknown, and are used by nobody.
        await using StoreWire wire = new(_world.Redis.Connection);
        (_, GatewayClient client) = await _world.StartAsync("cut-off", wire.Connection);
        _world.Upstream.Release();
        Answer asked = await client.AskApprovedAsync("alice", "/attack/9", null, "carol");
        Task cut = wire.CutAt("claimed", reachesStore);
        Answer used = await client.CallAsync("alice", "POST", "/attack/9", null, Names(asked));
        Assert.True(cut.IsCompleted, "the claim did not pass the wire");
        Assert.Equal((503, "store-unavailable"), (used.Status, used.Problem));
        await Until.TrueAsync(async () => (await ShownAsync(asked))["state"] == "unknown", TimeSpan.FromSeconds(60));
        foreach (GatewayClient gateway in (GatewayClient[])[client, _world.B])
        {
            Answer again = await gateway.CallAsync("alice", "POST", "/attack/9", null, Names(asked));
            Assert.Equal((409, "approval-used"), (again.Status, again.Problem));
        }

        Assert.Equal(0, _world.Upstream.Requests);
    }

    private static (string Name, string Value) Names(Answer asked) => ("Countersign-Approval", asked["approval"]);

    private Task<Answer> ShownAsync(Answer asked) =>
        _world.B.ControlAsync("carol", "GET", "/api/v1/approvals/" + asked["approval"]);
}
