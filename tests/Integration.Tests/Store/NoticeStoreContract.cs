using Countersign.Policy;
using Countersign.Policy.Notices;
using Countersign.Policy.Redis;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Countersign.Integration.Tests.Store;

/// <summary>What a notice store must do, whichever server answers.</summary>
public abstract class NoticeStoreContract(StoreServer server) : IAsyncLifetime
{
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);
    private static readonly string[] Hooks = ["ops", "chat"];

    private RedisStore _connection = null!;

    protected RedisNoticeStore Notices { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        await server.CommandAsync("FLUSHALL");
        _connection = await RedisStore.ConnectAsync(server.Connection, NullLogger.Instance);
        Notices = new RedisNoticeStore(_connection);
    }

    public async ValueTask DisposeAsync()
    {
        await _connection.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task An_occasion_is_filed_once_by_however_many()
    {
        // Proves that notices of one occasion are filed by one of many gateways, and those of another beside them.
        StoreStatus[] filed = await Task.WhenAll(Enumerable.Range(0, 20).Select(async index =>
        {
            Notice[] both = [New($"m{index}", "ops"), New($"n{index}", "chat")];
            return await Notices.FileAsync("a1", "created", both);
        }));
        Assert.Equal(1, filed.Count(one => one == StoreStatus.Ok));
        Assert.Equal(19, filed.Count(one => one == StoreStatus.Conflict));
        Assert.Equal(StoreStatus.Ok, await Notices.FileAsync("a1", "settled:denied", [New("m99", "ops")]));
        Assert.Equal(3, (await Notices.ListAsync(Hooks, dead: false, 50, null)).Value!.Items.Count);
        Assert.Empty((await Notices.ListAsync(Hooks, dead: true, 50, null)).Value!.Items);
    }

    [Fact]
    public async Task A_notice_is_one_takers_until_the_lease_ends()
    {
        // Proves exclusive leases by 20 takers of two notices, and that a late word of a lost lease changes nothing.
        Notice first = New("m1", "ops");
        await Notices.FileAsync("a1", "created", [first]);
        await Notices.FileAsync("a2", "created", [New("m2", "ops")]);
        StoreResult<LeasedNotice>[] taken = await Task.WhenAll(Enumerable.Range(0, 20).Select(
            async _ => await Notices.TakeAsync("ops", Lease)));
        Assert.Equal(["m1", "m2"], taken.Where(one => one.IsOk).Select(one => one.Value!.Notice.Id).Order());
        Assert.Equal(18, taken.Count(one => one.Status == StoreStatus.NotFound));
        Assert.Equal(StoreStatus.NotFound, (await Notices.TakeAsync("chat", Lease)).Status);
        LeasedNotice one = taken.First(each => each.Value?.Notice.Id == "m1").Value!;
        Assert.Equal((first, 1), (one.Notice, one.Attempt));
        Assert.Equal(StoreStatus.Lapsed, await Notices.CompleteAsync(one with { Lease = "other" }));
        Assert.Equal(StoreStatus.Ok, await Notices.CompleteAsync(one));
        Assert.Equal(StoreStatus.Lapsed, await Notices.FailAsync(one, null, "late"));
        Assert.Single((await Notices.ListAsync(Hooks, dead: false, 50, null)).Value!.Items);
    }

    [Fact]
    public async Task A_lease_that_ends_gives_the_notice_to_the_next()
    {
        // Proves at least once: by a taker who is never heard of again.
        await Notices.FileAsync("a1", "created", [New("m1", "ops")]);
        LeasedNotice lost = (await Notices.TakeAsync("ops", TimeSpan.Zero)).Value!;
        StoreResult<LeasedNotice> again = await Notices.TakeAsync("ops", Lease);
        Assert.Equal(("m1", 2), (again.Value!.Notice.Id, again.Value.Attempt));
        Assert.Equal(StoreStatus.Lapsed, await Notices.CompleteAsync(lost));
        Assert.Equal(StoreStatus.Ok, await Notices.CompleteAsync(again.Value));
    }

    [Fact]
    public async Task What_fails_waits_and_what_is_given_up_is_listed_until_it_is_revived()
    {
        // Proves the way of one notice: later, due again, dead, listed with its error, revived with no attempts.
        await Notices.FileAsync("a1", "created", [New("m1", "ops")]);
        LeasedNotice first = (await Notices.TakeAsync("ops", Lease)).Value!;
        Assert.Equal(StoreStatus.Ok, await Notices.FailAsync(first, TimeSpan.FromHours(1), "answered 500"));
        Assert.Equal(StoreStatus.NotFound, (await Notices.TakeAsync("ops", Lease)).Status);
        FiledNotice waiting = Assert.Single((await Notices.ListAsync(Hooks, dead: false, 50, null)).Value!.Items);
        Assert.Equal((1, "answered 500"), (waiting.Attempts, waiting.Error));
        await Notices.FileAsync("a2", "created", [New("m2", "ops")]);
        LeasedNotice other = (await Notices.TakeAsync("ops", Lease)).Value!;
        Assert.Equal(StoreStatus.Ok, await Notices.FailAsync(other, null, "answered 410"));
        FiledNotice dead = Assert.Single((await Notices.ListAsync(Hooks, dead: true, 50, null)).Value!.Items);
        Assert.Equal(("m2", 1, "answered 410"), (dead.Notice.Id, dead.Attempts, dead.Error));
        Assert.Equal(StoreStatus.NotFound, await Notices.ReviveAsync(Hooks, "m1"));
        Assert.Equal(StoreStatus.NotFound, await Notices.ReviveAsync(["chat"], "m2"));
        Assert.Equal(StoreStatus.Ok, await Notices.ReviveAsync(Hooks, "m2"));
        Assert.Empty((await Notices.ListAsync(Hooks, dead: true, 50, null)).Value!.Items);
        LeasedNotice revived = (await Notices.TakeAsync("ops", Lease)).Value!;
        Assert.Equal(("m2", 1), (revived.Notice.Id, revived.Attempt));
    }

    [Fact]
    public async Task Lists_page_over_all_webhooks_and_lose_nothing()
    {
        // Proves pages over two queues, by thirteen dead notices of both in pages of three.
        for (int index = 0; index < 13; index++)
        {
            string hook = Hooks[index % 2];
            await Notices.FileAsync($"a{index}", "created", [New($"m{index}", hook)]);
            await Notices.FailAsync((await Notices.TakeAsync(hook, Lease)).Value!, null, "x");
        }

        List<string> seen = [];
        List<DateTimeOffset> times = [];
        string? cursor = null;
        do
        {
            NoticePage page = (await Notices.ListAsync(Hooks, dead: true, 3, cursor)).Value!;
            Assert.InRange(page.Items.Count, 1, 3);
            seen.AddRange(page.Items.Select(one => one.Notice.Id));
            times.AddRange(page.Items.Select(one => one.At));
            cursor = page.Next;
        }
        while (cursor is not null);
        Assert.Equal(13, seen.Distinct().Count());
        Assert.Equal(13, seen.Count);
        Assert.Equal(times.OrderDescending(), times);
        Assert.Equal(StoreStatus.NotFound, (await Notices.ListAsync(Hooks, dead: true, 3, "x")).Status);
    }

    [Fact]
    public async Task What_cannot_be_read_is_out_of_the_way()
    {
        // Proves that another hand's document stops no queue, by one put in place of a notice's own.
        await Notices.FileAsync("a1", "created", [New("m1", "ops")]);
        await server.CommandAsync("HSET", "{countersign}:notices:ops", "m1:doc", "{}");
        Assert.Equal(StoreStatus.NotFound, (await Notices.TakeAsync("ops", Lease)).Status);
        await Notices.FileAsync("a2", "created", [New("m2", "ops")]);
        Assert.Equal("m2", (await Notices.TakeAsync("ops", Lease)).Value!.Notice.Id);
    }

    private static Notice New(string id, string webhook) => new(
        id, webhook, "approval.created", "a1", new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero), "{\"a\":1}");
}

/// <summary>The contract on Redis.</summary>
public sealed class RedisNoticeStoreTests(RedisServer server)
    : NoticeStoreContract(server), IClassFixture<RedisServer>
{
    private readonly RedisServer _server = server;

    [Fact]
    public async Task A_full_queue_takes_no_more_and_says_so()
    {
        // Proves the bound, by a queue filled behind the store's back: what does not fit is among the dead.
        await _server.CommandAsync(
            "EVAL",
            "for one = 1, ARGV[1] do redis.call('ZADD', KEYS[1], '9999999999999', 'old' .. one) end",
            1, "{countersign}:notices:ops:due", RedisNoticeStore.WaitingMax);
        Notice late = new("m1", "ops", "approval.created", "a1", DateTimeOffset.UnixEpoch, "{}");
        Assert.Equal(StoreStatus.Ok, await Notices.FileAsync("a1", "created", [late]));
        FiledNotice dead = Assert.Single((await Notices.ListAsync(["ops"], dead: true, 9, null)).Value!.Items);
        Assert.Equal(("m1", "the queue was full"), (dead.Notice.Id, dead.Error));
    }
}

/// <summary>The contract on the embedded store.</summary>
public sealed class GarnetNoticeStoreTests(GarnetServer server)
    : NoticeStoreContract(server), IClassFixture<GarnetServer>;
