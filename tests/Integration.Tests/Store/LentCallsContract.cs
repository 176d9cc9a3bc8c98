using Countersign.Policy;
using Countersign.Policy.Redis;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Countersign.Integration.Tests.Store;

/// <summary>How gateways are asked for their calls, whichever server carries it.</summary>
public abstract class LentCallsContract(StoreServer server) : IAsyncLifetime
{
    private RedisStore _gateway = null!;
    private RedisStore _control = null!;
    private RedisLentCalls _served = null!;
    private RedisLentCalls _asking = null!;

    public async ValueTask InitializeAsync()
    {
        _gateway = await RedisStore.ConnectAsync(server.Connection, NullLogger.Instance);
        _control = await RedisStore.ConnectAsync(server.Connection, NullLogger.Instance);
        _served = await RedisLentCalls.OpenAsync(_gateway, TimeProvider.System);
        _asking = await RedisLentCalls.OpenAsync(_control, TimeProvider.System);
    }

    public async ValueTask DisposeAsync()
    {
        await _gateway.DisposeAsync();
        await _control.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Each_gateway_answers_for_its_own_calls()
    {
        // Proves question and answer over two connections, by a hundred at once to two starts that make different
        // calls, one of which ends meanwhile.
        Guid[] calls = [.. Enumerable.Range(0, 100).Select(_ => Guid.CreateVersion7())];
        HashSet<Guid> mine = [.. calls[..50]];
        await _served.ServeAsync("one/a", mine.Contains);
        await _served.ServeAsync("two/b", call => !mine.Contains(call));
        StoreStatus[] first = await Task.WhenAll(calls.Select(call => _asking.AskAsync("one/a", call).AsTask()));
        StoreStatus[] second = await Task.WhenAll(calls.Select(call => _asking.AskAsync("two/b", call).AsTask()));
        Assert.All(first[..50], status => Assert.Equal(StoreStatus.Ok, status));
        Assert.All(first[50..], status => Assert.Equal(StoreStatus.NotFound, status));
        Assert.All(second[..50], status => Assert.Equal(StoreStatus.NotFound, status));
        Assert.All(second[50..], status => Assert.Equal(StoreStatus.Ok, status));
        mine.Remove(calls[0]);
        Assert.Equal(StoreStatus.NotFound, await _asking.AskAsync("one/a", calls[0]));
    }

    [Fact]
    public async Task Nobody_is_an_answer()
    {
        // Proves that a gateway that is gone is not waited for beyond its time, and that rubbish on its channel harms
        // nothing.
        await _served.ServeAsync("three/c", static _ => true);
        foreach (string rubbish in (string[])["", "x", "a b c", "{countersign}:lent-answers:x 1 nonsense"])
            await server.CommandAsync("PUBLISH", "{countersign}:lent:three/c", rubbish);
        Assert.Equal(StoreStatus.NotFound, await _asking.AskAsync("gone/d", Guid.CreateVersion7()));
        Assert.Equal(StoreStatus.Ok, await _asking.AskAsync("three/c", Guid.CreateVersion7()));
    }

    [Fact]
    public async Task A_store_that_is_away_is_no_answer()
    {
        // Proves that the difference between no and unknown is kept; by a connection that is gone.
        await using RedisStore store = await RedisStore.ConnectAsync(server.Connection, NullLogger.Instance);
        RedisLentCalls asking = await RedisLentCalls.OpenAsync(store, TimeProvider.System);
        await store.DisposeAsync();
        Assert.Equal(StoreStatus.Unavailable, await asking.AskAsync("one/a", Guid.CreateVersion7()));
    }
}

public sealed class RedisLentCallsTests(RedisServer server) : LentCallsContract(server), IClassFixture<RedisServer>;

public sealed class GarnetLentCallsTests(GarnetServer server) : LentCallsContract(server), IClassFixture<GarnetServer>;
