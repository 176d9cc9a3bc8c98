using Countersign.Integration.Tests.EndToEnd;
using Countersign.Policy;
using Countersign.Policy.Redis;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Countersign.Integration.Tests.Store;

/// <summary>What a store of leases must do, whichever server answers.</summary>
public abstract class LeaseStoreContract(StoreServer server) : IAsyncLifetime
{
    private RedisStore _store = null!;
    private RedisLeaseStore _leases = null!;

    public async ValueTask InitializeAsync()
    {
        await server.ResetAsync();
        _store = await RedisStore.ConnectAsync(server.Connection, NullLogger.Instance);
        _leases = new RedisLeaseStore(_store);
    }

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task The_leases_of_gateways_that_are_silent_are_found()
    {
        // Proves that a lease is an orphan where its start gave no sign at all, or none for that long, and only then;
        // by the real signs of a living gateway and by one that stopped to.
        RedisApprovalStore approvals = await RedisApprovalStore.OpenAsync(_store, NullLogger.Instance);
        ClaimSweep living = new(_store, approvals, "living/1", TimeProvider.System, NullLogger.Instance);
        await living.StartAsync();
        ClaimSweep stopped = new(_store, approvals, "stopped/1", TimeProvider.System, NullLogger.Instance);
        await stopped.StartAsync();
        await stopped.DisposeAsync();
        HeldLease kept = new("vault", "database/creds/a/1"), left = new("vault", "database/creds/a/2");
        HeldLease lost = new("other vault", "accessor:x");
        Assert.Equal(StoreStatus.Ok, await _leases.NoteAsync(kept, "living/1"));
        await _leases.NoteAsync(left, "stopped/1");
        await _leases.NoteAsync(lost, "never/1");
        Assert.Equal([lost], (await _leases.OrphansAsync(TimeSpan.FromHours(1))).Value!);
        await Until.TrueAsync(async () =>
            (await _leases.OrphansAsync(TimeSpan.FromSeconds(5))).Value!.ToHashSet().SetEquals([left, lost]));
        Assert.Equal(StoreStatus.Ok, await _leases.ForgetAsync(lost));
        Assert.Empty((await _leases.OrphansAsync(TimeSpan.FromHours(1))).Value!);
        await living.DisposeAsync();
    }

    [Fact]
    public async Task A_store_that_is_away_takes_no_note()
    {
        // Proves that a secret is not used on the word of a store that did not give it.
        await using RedisStore store = await RedisStore.ConnectAsync(server.Connection, NullLogger.Instance);
        RedisLeaseStore leases = new(store);
        await store.DisposeAsync();
        Assert.Equal(StoreStatus.Unavailable, await leases.NoteAsync(new("vault", "x"), "one/1"));
        Assert.Equal(StoreStatus.Unavailable, (await leases.OrphansAsync(TimeSpan.FromSeconds(1))).Status);
    }
}

public sealed class RedisLeaseStoreTests(RedisServer server)
    : LeaseStoreContract(server), IClassFixture<RedisServer>;

public sealed class GarnetLeaseStoreTests(GarnetServer server)
    : LeaseStoreContract(server), IClassFixture<GarnetServer>;
