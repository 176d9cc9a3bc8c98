using Countersign.Policy;
using Countersign.Policy.Redis;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Countersign.Integration.Tests.Store;

/// <summary>What a session store must do, whichever server answers.</summary>
public abstract class SessionStoreContract(StoreServer server) : IAsyncLifetime
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private static readonly DateTimeOffset Begun = DateTimeOffset.UnixEpoch.AddYears(56);

    private RedisStore _store = null!;
    private RedisSessionStore _sessions = null!;

    public async ValueTask InitializeAsync()
    {
        await server.CommandAsync("FLUSHALL");
        _store = await RedisStore.ConnectAsync(server.Connection, NullLogger.Instance);
        _sessions = new RedisSessionStore(_store);
    }

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_session_is_kept_confirmed_and_ended()
    {
        // Proves the life of one: bytes come back as they were, another cannot take its key, and its end is its end.
        byte[] box = [0, 1, 2, 255, 13, 10];
        Assert.Equal(StoreStatus.Ok, await _sessions.AddAsync("one", box, Hour));
        Assert.Equal(StoreStatus.Conflict, await _sessions.AddAsync("one", new byte[] { 9 }, Hour));
        StoreResult<byte[]> found = await _sessions.FindAsync("one");
        Assert.Equal(box, found.Value);
        Assert.Equal(StoreStatus.Ok, await _sessions.ConfirmAsync("one", "carol", Begun, TimeSpan.Zero));
        Assert.Equal(StoreStatus.Ok, await _sessions.ConfirmAsync("one", "carol", Begun, Hour));
        Assert.Equal(StoreStatus.Ok, await _sessions.EndAsync("one"));
        Assert.Equal(StoreStatus.NotFound, (await _sessions.FindAsync("one")).Status);
        Assert.Equal(StoreStatus.NotFound, await _sessions.ConfirmAsync("one", "carol", Begun, Hour));
        Assert.Equal(StoreStatus.NotFound, await _sessions.ConfirmAsync("one", "carol", Begun, TimeSpan.Zero));
    }

    [Fact]
    public async Task Acts_lengthen_a_session_and_looks_do_not()
    {
        // Proves by what the server says of the key's end.
        await _sessions.AddAsync("one", new byte[] { 1 }, TimeSpan.FromMinutes(5));
        await _sessions.ConfirmAsync("one", "carol", Begun, TimeSpan.Zero);
        Assert.InRange(await LeftAsync("one"), 1, 300_000);
        await _sessions.ConfirmAsync("one", "carol", Begun, Hour);
        Assert.InRange(await LeftAsync("one"), 300_001, 3_600_000);
    }

    [Fact]
    public async Task Ending_all_ends_those_begun_before()
    {
        // Proves that a person's sessions end by one mark, that a later one and other people's live, and what ended is
        // gone.
        await _sessions.AddAsync("early", new byte[] { 1 }, Hour);
        await _sessions.AddAsync("late", new byte[] { 2 }, Hour);
        await _sessions.AddAsync("other", new byte[] { 3 }, Hour);
        Assert.Equal(StoreStatus.Ok, await _sessions.EndAllAsync("carol", Begun.AddSeconds(1), Hour));
        Assert.Equal(StoreStatus.NotFound, await _sessions.ConfirmAsync("early", "carol", Begun, Hour));
        Assert.Equal(
            StoreStatus.NotFound, await _sessions.ConfirmAsync("early", "carol", Begun.AddSeconds(1), Hour));
        Assert.Equal(StoreStatus.Ok, await _sessions.ConfirmAsync("late", "carol", Begun.AddSeconds(2), Hour));
        Assert.Equal(StoreStatus.Ok, await _sessions.ConfirmAsync("other", "sam", Begun, Hour));
        Assert.Equal(StoreStatus.NotFound, (await _sessions.FindAsync("early")).Status);
    }

    private async Task<long> LeftAsync(string key) =>
        (long)await server.CommandAsync("PTTL", "{countersign}:session:" + key);
}

public sealed class RedisSessionStoreTests(RedisServer server)
    : SessionStoreContract(server), IClassFixture<RedisServer>;

public sealed class GarnetSessionStoreTests(GarnetServer server)
    : SessionStoreContract(server), IClassFixture<GarnetServer>;
