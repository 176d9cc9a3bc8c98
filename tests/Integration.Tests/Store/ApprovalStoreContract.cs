using Countersign.Policy;
using Countersign.Policy.Approvals;
using Countersign.Policy.Redis;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Countersign.Integration.Tests.Store;

/// <summary>What an approval store must do, whichever server answers.</summary>
public abstract partial class ApprovalStoreContract(StoreServer server) : IAsyncLifetime
{
    private readonly List<RedisStore> _connections = [];

    protected RedisApprovalStore Approvals { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        await server.ResetAsync();
        Approvals = await OpenAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (RedisStore connection in _connections) await connection.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task What_is_asked_is_found_with_its_payload()
    {
        // Proves filing and reading, by asking once and finding through another connection.
        Approval draft = Drafts.New();
        StoreResult<Approval> asked = await Approvals.AskAsync(draft, "sealed"u8.ToArray());
        Assert.Equal(draft.Id, asked.Value!.Id);
        RedisApprovalStore other = await OpenAsync();
        StoreResult<Approval> found = await other.FindAsync(draft.Id);
        Assert.Equal(ApprovalCodec.Write(asked.Value), ApprovalCodec.Write(found.Value!));
        Assert.Equal("sealed"u8.ToArray(), (await other.PayloadAsync(draft.Id)).Value);
        Assert.Equal(StoreStatus.NotFound, (await other.FindAsync("no-such")).Status);
        Assert.Equal(StoreStatus.NotFound, (await other.PayloadAsync("no-such")).Status);
    }

    [Fact]
    public async Task Who_acts_stays_with_the_approval_through_every_move()
    {
        // Proves that the agent who asked is there after a decision and a claim, read through another connection, that
        // another agent of the same person can neither claim nor cancel in between, and that the person may cancel.
        Caller one = Drafts.Acting("agent-1"), other = Drafts.Acting("agent-2");
        Approval draft = Drafts.New() with { Requester = Requester.Of(one) };
        Approval asked = (await Approvals.AskAsync(draft, "sealed"u8.ToArray())).Value!;
        Approval approved = (await Approvals.MoveAsync(asked, Drafts.Decided(asked, approve: true))).Value!;
        Approval found = (await (await OpenAsync()).FindAsync(draft.Id)).Value!;
        Assert.Equal(one.Actor, found.Requester.Actor);
        Assert.Equal(MoveRefusal.NotTheRequester, Drafts.Claim(found, other).Refusal);
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        Assert.Equal(MoveRefusal.NotTheRequester, ApprovalRules.Cancel(found, other, now).Refusal);
        Assert.True(ApprovalRules.Cancel(found, Drafts.Person("ann", 0), now).IsMoved);
        Approval claimed = (await Approvals.MoveAsync(found, Drafts.Claim(found, one).Next!)).Value!;
        Assert.Equal(ApprovalState.Claimed, claimed.State);
        Assert.Equal(one.Actor, (await Approvals.FindAsync(approved.Id)).Value!.Requester.Actor);
    }

    [Fact]
    public async Task Identical_calls_join_one_approval()
    {
        // Proves joining, by 20 concurrent asks with one digest, and once more after it was approved.
        string digest = Drafts.New().Digest;
        Approval[] asked = await Task.WhenAll(Enumerable.Range(0, 20).Select(async _ =>
            (await Approvals.AskAsync(Drafts.New(digest), "sealed"u8.ToArray())).Value!));
        Approval one = asked[0];
        Assert.All(asked, approval => Assert.Equal(one.Id, approval.Id));
        Assert.Single((await Approvals.ListAsync(null, 50, null)).Value!.Items);
        Approval approved = (await Approvals.MoveAsync(one, Drafts.Decided(one, approve: true))).Value!;
        StoreResult<Approval> joined = await Approvals.AskAsync(Drafts.New(digest), Array.Empty<byte>());
        Assert.Equal(approved.Id, joined.Value!.Id);
        Assert.Equal(ApprovalState.Approved, joined.Value.State);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task After_a_denial_or_a_cancellation_a_new_ask_is_a_new_approval(bool cancel)
    {
        // Proves that the digest is free again and the payload gone, by settling and asking once more.
        Approval draft = Drafts.New();
        await Approvals.AskAsync(draft, "sealed"u8.ToArray());
        Approval settled = cancel ? Drafts.Cancelled(draft) : Drafts.Decided(draft, approve: false);
        Assert.True((await Approvals.MoveAsync(draft, settled)).IsOk);
        Assert.Equal(StoreStatus.NotFound, (await Approvals.PayloadAsync(draft.Id)).Status);
        Approval again = Drafts.New(draft.Digest);
        Assert.Equal(again.Id, (await Approvals.AskAsync(again, "sealed"u8.ToArray())).Value!.Id);
        Assert.Equal(settled.State, (await Approvals.FindAsync(draft.Id)).Value!.State);
    }

    [Fact]
    public async Task Of_two_moves_of_one_version_one_wins()
    {
        // Proves compare-and-swap, by an approval against a cancellation from two connections, many times.
        RedisApprovalStore other = await OpenAsync();
        for (int round = 0; round < 50; round++)
        {
            Approval draft = Drafts.New();
            await Approvals.AskAsync(draft, Array.Empty<byte>());
            StoreResult<Approval>[] ends = await Task.WhenAll(
                Approvals.MoveAsync(draft, Drafts.Decided(draft, approve: true)).AsTask(),
                other.MoveAsync(draft, Drafts.Cancelled(draft)).AsTask());
            StoreResult<Approval> won = Assert.Single(ends, end => end.Status == StoreStatus.Ok);
            StoreResult<Approval> lost = Assert.Single(ends, end => end.Status == StoreStatus.Conflict);
            Assert.Equal(won.Value!.State, lost.Value!.State);
            Assert.Equal(won.Value.State, (await Approvals.FindAsync(draft.Id)).Value!.State);
        }
    }

    [Fact]
    public async Task Of_fifty_claims_one_wins()
    {
        // Proves single use, by 50 claims at once over five connections, then by finishing it.
        Approval draft = Drafts.New();
        await Approvals.AskAsync(draft, "sealed"u8.ToArray());
        Approval approved = (await Approvals.MoveAsync(draft, Drafts.Decided(draft, approve: true))).Value!;
        RedisApprovalStore[] gateways = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => OpenAsync()));
        StoreResult<Approval>[] ends = await Task.WhenAll(Enumerable.Range(0, 50).Select(claim =>
            gateways[claim % 5].MoveAsync(approved, Drafts.Claimed(approved, $"call-{claim}")).AsTask()));
        Approval claimed = Assert.Single(ends, end => end.Status == StoreStatus.Ok).Value!;
        Assert.Equal(49, ends.Count(end => end.Status == StoreStatus.Conflict && end.Value!.Call == claimed.Call));
        Assert.Equal("sealed"u8.ToArray(), (await Approvals.PayloadAsync(draft.Id)).Value);
        Approval done = ApprovalRules.Finish(claimed, ApprovalState.Executed).Next!;
        Assert.True((await Approvals.MoveAsync(claimed, done)).IsOk);
        Assert.Equal(StoreStatus.Conflict, (await Approvals.MoveAsync(claimed, done)).Status);
    }

    [Fact]
    public async Task What_has_lapsed_neither_moves_nor_joins_nor_keeps_its_payload()
    {
        // Proves the window by the store's clock, with a draft whose window is over when it is filed.
        Approval late = Drafts.New(decideWithin: TimeSpan.FromSeconds(-1));
        await Approvals.AskAsync(late, "sealed"u8.ToArray());
        Assert.Equal(ApprovalState.Expired, (await Approvals.FindAsync(late.Id)).Value!.State);
        Assert.Equal(StoreStatus.NotFound, (await Approvals.PayloadAsync(late.Id)).Status);
        Approval cancelled = late with { State = ApprovalState.Cancelled, Version = 2 };
        StoreResult<Approval> moved = await Approvals.MoveAsync(late, cancelled);
        Assert.Equal(StoreStatus.Lapsed, moved.Status);
        Assert.Equal(ApprovalState.Expired, moved.Value!.State);
        Approval again = Drafts.New(late.Digest);
        Assert.Equal(again.Id, (await Approvals.AskAsync(again, Array.Empty<byte>())).Value!.Id);
        Approval pending = Assert.Single((await Approvals.ListAsync(ApprovalState.Pending, 9, null)).Value!.Items);
        Assert.Equal(again.Id, pending.Id);
        Assert.Equal(2, (await Approvals.ListAsync(null, 9, null)).Value!.Items.Count);
    }

    [Fact]
    public async Task Lists_take_a_condition_and_refuse_a_cursor_that_no_page_named()
    {
        // Proves that pages hold only what the condition takes and lose none of it, and that bad cursors are told.
        List<string> wanted = [];
        for (int index = 0; index < 7; index++)
        {
            Approval draft = Drafts.New() with { Function = index % 2 == 0 ? "billing.reset" : "billing.refund" };
            await Approvals.AskAsync(draft, Array.Empty<byte>());
            if (index % 2 == 1) wanted.Add(draft.Id);
        }

        List<string> seen = [];
        string? cursor = null;
        do
        {
            ApprovalPage page = (await Approvals.ListAsync(
                null, 2, cursor, one => one.Function == "billing.refund")).Value!;
            seen.AddRange(page.Items.Select(one => one.Id));
            cursor = page.Next;
        }
        while (cursor is not null);
        Assert.Equal(wanted.Order(StringComparer.Ordinal), seen.Order(StringComparer.Ordinal));
        foreach (string bad in (string[])["", "x", "12", ".a", "12.", "-1.a"])
            Assert.Equal(StoreStatus.NotFound, (await Approvals.ListAsync(null, 2, bad)).Status);
    }

    [Fact]
    public async Task Who_watches_all_hears_of_what_another_gateway_files_and_moves()
    {
        // Proves the one channel for all approvals, by a second connection that asks and settles.
        System.Collections.Concurrent.ConcurrentQueue<string?> heard = new();
        using SemaphoreSlim words = new(0);
        using IDisposable watch = Approvals.WatchAll(id =>
        {
            heard.Enqueue(id);
            words.Release();
        });
        RedisApprovalStore other = await OpenAsync();
        Approval draft = Drafts.New();
        await other.AskAsync(draft, Array.Empty<byte>());
        await other.MoveAsync(draft, Drafts.Decided(draft, approve: false));
        while (heard.Count(id => id == draft.Id) < 2)
            Assert.True(await words.WaitAsync(StoreServer.PatienceMax, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task An_approval_that_lapsed_is_not_claimed()
    {
        // Proves the use window by the store's clock, with an approval whose window is over when it is settled.
        Approval draft = Drafts.New();
        await Approvals.AskAsync(draft, Array.Empty<byte>());
        Approval approved = Drafts.Decided(draft, approve: true) with { UseWithin = TimeSpan.Zero };
        Assert.True((await Approvals.MoveAsync(draft, approved)).IsOk);
        Approval claimed = approved with { State = ApprovalState.Claimed, Version = 3 };
        Assert.Equal(StoreStatus.Lapsed, (await Approvals.MoveAsync(approved, claimed)).Status);
        Assert.Equal(ApprovalState.Expired, (await Approvals.FindAsync(draft.Id)).Value!.State);
    }

    [Fact]
    public async Task There_is_no_way_round_the_state_machine()
    {
        // Proves that a skipped state, a skipped version and an unknown id do not move anything.
        Approval draft = Drafts.New();
        Approval claimed = draft with { State = ApprovalState.Claimed, Version = 2 };
        await Assert.ThrowsAsync<ArgumentException>(() => Approvals.MoveAsync(draft, claimed).AsTask());
        Approval skipped = Drafts.Decided(draft, approve: true) with { Version = 3 };
        await Assert.ThrowsAsync<ArgumentException>(() => Approvals.MoveAsync(draft, skipped).AsTask());
        StoreResult<Approval> moved = await Approvals.MoveAsync(draft, Drafts.Decided(draft, approve: true));
        Assert.Equal(StoreStatus.NotFound, moved.Status);
        await Approvals.AskAsync(draft, Array.Empty<byte>());
        await Approvals.MoveAsync(draft, Drafts.Cancelled(draft));
        Assert.Equal(StoreStatus.Conflict, (await Approvals.AskAsync(draft, Array.Empty<byte>())).Status);
    }

    [Fact]
    public async Task Lists_are_newest_first_and_page_without_gaps()
    {
        // Proves order and cursors, by 25 approvals of which many share a millisecond, in pages of four.
        DateTimeOffset start = Drafts.New().CreatedAt.AddMinutes(-5);
        for (int index = 0; index < 25; index++)
            await Approvals.AskAsync(Drafts.New(createdAt: start.AddSeconds(index / 5)), Array.Empty<byte>());
        List<Approval> all = await PagesAsync(null, 4);
        Assert.Equal(25, all.Select(approval => approval.Id).Distinct().Count());
        DateTimeOffset[] times = [.. all.Select(approval => approval.CreatedAt)];
        Assert.Equal(times.OrderDescending(), times);
        foreach (Approval approval in all.Take(7)) await Approvals.MoveAsync(approval, Drafts.Cancelled(approval));
        Assert.Equal(18, (await PagesAsync(ApprovalState.Pending, 5)).Count);
        Assert.Equal(7, (await PagesAsync(ApprovalState.Cancelled, 5)).Count);
        Assert.Empty(await PagesAsync(ApprovalState.Claimed, 5));
    }

    [Fact]
    public async Task Watchers_on_other_gateways_wake()
    {
        // Proves waking, by watching through one connection and moving through another; a disposed watch stays asleep.
        Approval draft = Drafts.New();
        await Approvals.AskAsync(draft, Array.Empty<byte>());
        var woken = new TaskCompletionSource();
        var seen = new TaskCompletionSource();
        int asleep = 0;
        using IDisposable watch = Approvals.Watch(draft.Id, () => woken.TrySetResult());
        using IDisposable all = Approvals.WatchAll(id =>
        {
            if (id == draft.Id) seen.TrySetResult();
        });
        Approvals.Watch(draft.Id, () => asleep++).Dispose();
        using IDisposable elsewhere = Approvals.Watch(Drafts.New().Id, () => asleep++);
        RedisApprovalStore other = await OpenAsync();
        await other.MoveAsync(draft, Drafts.Cancelled(draft));
        await woken.Task.WaitAsync(StoreServer.PatienceMax, TestContext.Current.CancellationToken);
        await seen.Task.WaitAsync(StoreServer.PatienceMax, TestContext.Current.CancellationToken);
        Assert.Equal(0, asleep);
    }

    protected async Task<RedisStore> ConnectAsync()
    {
        RedisStore store = await RedisStore.ConnectAsync(server.Connection, NullLogger.Instance);
        lock (_connections) _connections.Add(store);
        return store;
    }

    protected async Task<RedisApprovalStore> OpenAsync() =>
        await RedisApprovalStore.OpenAsync(await ConnectAsync(), NullLogger.Instance);

    private async Task<List<Approval>> PagesAsync(ApprovalState? state, int limit)
    {
        var all = new List<Approval>();
        string? cursor = null;
        do
        {
            ApprovalPage page = (await Approvals.ListAsync(state, limit, cursor)).Value!;
            Assert.True(page.Items.Count <= limit);
            all.AddRange(page.Items);
            cursor = page.Next;
        }
        while (cursor is not null);
        return all;
    }
}

/// <summary>The contract on Redis, and what only Redis has: a master that changes.</summary>
public sealed class RedisApprovalStoreTests(RedisServer server)
    : ApprovalStoreContract(server), IClassFixture<RedisServer>
{
    private readonly RedisServer _server = server;

    [Fact]
    public async Task A_failover_voids_what_was_approved()
    {
        // Proves that no other master honours an approval, by changing the replication id as a failover does.
        Approval draft = Drafts.New();
        await Approvals.AskAsync(draft, Array.Empty<byte>());
        Approval approved = (await Approvals.MoveAsync(draft, Drafts.Decided(draft, approve: true))).Value!;
        await _server.CommandAsync("DEBUG", "CHANGE-REPL-ID");
        Assert.Equal(ApprovalState.Expired, (await Approvals.FindAsync(draft.Id)).Value!.State);
        StoreResult<Approval> claim = await Approvals.MoveAsync(approved, Drafts.Claimed(approved, "late"));
        Assert.Equal(StoreStatus.Lapsed, claim.Status);
        Approval again = Drafts.New(draft.Digest);
        Assert.Equal(again.Id, (await Approvals.AskAsync(again, Array.Empty<byte>())).Value!.Id);
    }

    [Fact]
    public async Task A_store_whose_rights_hide_its_master_settles_nothing()
    {
        // Proves that without INFO nothing is settled, and with +info everything is, by a user of the ACL.
        await _server.CommandAsync("ACL", "SETUSER", "gate", "on", ">secret", "~*", "&*", "+@all", "-info");
        await using RedisStore store = await RedisStore.ConnectAsync(
            _server.Connection + ",user=gate,password=secret", NullLogger.Instance);
        RedisApprovalStore blind = await RedisApprovalStore.OpenAsync(store, NullLogger.Instance);
        Approval draft = Drafts.New();
        await blind.AskAsync(draft, Array.Empty<byte>());
        Approval decided = Drafts.Decided(draft, approve: true);
        Assert.Equal(StoreStatus.Unavailable, (await blind.MoveAsync(draft, decided)).Status);
        await _server.CommandAsync("ACL", "SETUSER", "gate", "+info");
        Assert.True((await blind.MoveAsync(draft, decided)).IsOk);
    }
}

/// <summary>The contract on the embedded store, and what stands for a replication id there.</summary>
public sealed class GarnetApprovalStoreTests(GarnetServer server)
    : ApprovalStoreContract(server), IClassFixture<GarnetServer>
{
    private readonly GarnetServer _server = server;

    [Fact]
    public async Task Another_start_voids_what_was_approved()
    {
        // Proves that the epoch does what a replication id does, by another one.
        Approval draft = Drafts.New();
        await Approvals.AskAsync(draft, Array.Empty<byte>());
        Approval approved = (await Approvals.MoveAsync(draft, Drafts.Decided(draft, approve: true))).Value!;
        await _server.BeginEpochAsync("another");
        Assert.Equal(ApprovalState.Expired, (await Approvals.FindAsync(draft.Id)).Value!.State);
        StoreResult<Approval> claim = await Approvals.MoveAsync(approved, Drafts.Claimed(approved, "late"));
        Assert.Equal(StoreStatus.Lapsed, claim.Status);
    }

    [Fact]
    public async Task A_store_that_tells_neither_settles_nothing()
    {
        // Proves that a missing epoch refuses, by deleting it.
        Approval draft = Drafts.New();
        await Approvals.AskAsync(draft, Array.Empty<byte>());
        await _server.CommandAsync("DEL", "{countersign}:epoch");
        StoreResult<Approval> settled = await Approvals.MoveAsync(draft, Drafts.Decided(draft, approve: true));
        Assert.Equal(StoreStatus.Unavailable, settled.Status);
        Assert.Equal(ApprovalState.Pending, (await Approvals.FindAsync(draft.Id)).Value!.State);
    }
}
