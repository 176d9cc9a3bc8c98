using Countersign.Policy;
using Countersign.Policy.Redis;
using Microsoft.Extensions.Logging.Abstractions;
using StackExchange.Redis;
using Xunit;

namespace Countersign.Integration.Tests.Store;

/// <summary>What shared buckets must do, whichever server answers.</summary>
public abstract class RateStoreContract(StoreServer server) : IAsyncLifetime
{
    private RedisStore _store = null!;
    private RedisRateStore _rates = null!;

    public async ValueTask InitializeAsync()
    {
        await server.CommandAsync("FLUSHALL");
        _store = await RedisStore.ConnectAsync(server.Connection, NullLogger.Instance);
        _rates = new RedisRateStore(_store);
    }

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_bucket_gives_its_burst_and_then_says_when_there_is_more()
    {
        // Proves the arithmetic by a bucket that regains one cell an hour: no test waits for it.
        RateLimit limit = new("slow", ["*"], RateScope.Caller, 1, TimeSpan.FromHours(1), 5);
        Assert.Equal(new RateGrant(true, 2, 3, TimeSpan.Zero), await _rates.TakeAsync(limit, "b", 2));
        Assert.Equal(new RateGrant(true, 3, 0, TimeSpan.Zero), await _rates.TakeAsync(limit, "b", 9));
        RateGrant refused = await _rates.TakeAsync(limit, "b", 1);
        Assert.Equal((true, 0), (refused.IsAnswered, refused.Cells));
        Assert.InRange(refused.RetryAfter, TimeSpan.FromMinutes(58), TimeSpan.FromHours(1));
        Assert.Equal(5, (await _rates.TakeAsync(limit, "other", 5)).Cells);
    }

    [Fact]
    public async Task Of_many_nodes_none_gets_what_another_got()
    {
        // Proves one bucket for all, by eight connections that take at once until nothing is left.
        RateLimit limit = new("shared", ["*"], RateScope.Function, 1, TimeSpan.FromHours(1), 100);
        int[] taken = await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            await using RedisStore store = await RedisStore.ConnectAsync(server.Connection, NullLogger.Instance);
            RedisRateStore rates = new(store);
            int mine = 0;
            while ((await rates.TakeAsync(limit, "b", 3)) is { Cells: > 0 } grant) mine += grant.Cells;
            return mine;
        }));
        Assert.Equal(100, taken.Sum());
    }

    [Fact]
    public async Task A_bucket_that_is_full_again_is_not_kept()
    {
        // Proves expiry, by the time that the store will keep a bucket, and by one that fills within a millisecond.
        RateLimit limit = new("slow", ["*"], RateScope.Caller, 60, TimeSpan.FromMinutes(1), 10);
        await _rates.TakeAsync(limit, "b", 4);
        RedisResult kept = await server.CommandAsync("PTTL", StoreKeys.Bucket("b"));
        Assert.InRange((long)kept, 1, 4_002);
        RateLimit fast = new("fast", ["*"], RateScope.Caller, 100_000, TimeSpan.FromSeconds(1), 1_000);
        int given = 0;
        for (int round = 0; round < 20; round++) given += (await _rates.TakeAsync(fast, "f", 1_000)).Cells;
        Assert.True(given > 1_000, $"{given} cells");
    }
}

/// <summary>The contract on Redis.</summary>
public sealed class RedisRateStoreTests(RedisServer server) : RateStoreContract(server), IClassFixture<RedisServer>
{
    private readonly RedisServer _server = server;

    [Fact]
    public async Task A_store_that_is_away_is_no_answer()
    {
        // Proves that nothing throws and nothing is given, by a connection that is closed.
        RedisStore store = await RedisStore.ConnectAsync(_server.Connection, NullLogger.Instance);
        await store.DisposeAsync();
        RateLimit limit = new("slow", ["*"], RateScope.Caller, 1, TimeSpan.FromHours(1), 5);
        Assert.Equal(default, await new RedisRateStore(store).TakeAsync(limit, "b", 1));
    }
}

/// <summary>The contract on the embedded store.</summary>
public sealed class GarnetRateStoreTests(GarnetServer server) : RateStoreContract(server), IClassFixture<GarnetServer>;
