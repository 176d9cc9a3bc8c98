using System.Collections.Concurrent;
using Countersign.Integration.Tests.EndToEnd;
using Countersign.Policy;
using Countersign.Policy.Redis;
using Countersign.Policy.Revocations;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Countersign.Integration.Tests.Store;

/// <summary>What a store of revocations, and of ids that are used once, must do, whichever server answers.</summary>
public abstract class RevocationStoreContract(StoreServer server) : IAsyncLifetime
{
    private RedisStore _store = null!;
    private RedisRevocationStore _revocations = null!;

    public async ValueTask InitializeAsync()
    {
        await server.CommandAsync("FLUSHALL");
        _store = await RedisStore.ConnectAsync(server.Connection, NullLogger.Instance);
        _revocations = new RedisRevocationStore(_store);
    }

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_list_is_kept_and_asked_for_by_version()
    {
        // Proves that what is added comes back as it was, once under its name, and that who knows it is told so alone.
        RevocationListing none = (await _revocations.ListAsync(-1)).Value!;
        Assert.Equal(0, none.Version);
        Assert.Empty(none.Items);
        Revocation one = One("alice");
        Assert.Equal(StoreStatus.Ok, await _revocations.AddAsync(one));
        RevocationListing listing = (await _revocations.ListAsync(0)).Value!;
        Assert.Equal(one, Assert.Single(listing.Items));
        Assert.Equal(StoreStatus.NotFound, (await _revocations.ListAsync(listing.Version)).Status);
        Assert.Equal(StoreStatus.Ok, await _revocations.AddAsync(one with { Reason = "again" }));
        Assert.Equal(StoreStatus.Ok, await _revocations.AddAsync(One("bob")));
        RevocationListing later = (await _revocations.ListAsync(listing.Version)).Value!;
        Assert.Equal(["again", "because"], later.Items.Select(item => item.Reason).Order());
    }

    [Fact]
    public async Task What_has_ended_is_forgotten()
    {
        // Proves that the list does not grow for ever: an end that has passed goes with the next addition.
        await _revocations.AddAsync(One("alice") with { Until = DateTimeOffset.UnixEpoch });
        await _revocations.AddAsync(One("bob"));
        Assert.Equal("bob", Assert.Single((await _revocations.ListAsync(-1)).Value!.Items).Name);
    }

    [Fact]
    public async Task Gateways_hear_of_it()
    {
        // Proves that a feed that follows the list is told of an addition by another, and begins with what there is.
        await _revocations.AddAsync(One("alice"));
        BlockingCollection<RevocationListing> heard = [];
        await using RedisRevocationFeed feed = new(
            _store, _revocations, heard.Add, TimeProvider.System, NullLogger.Instance);
        Assert.True(await feed.StartAsync());
        Assert.Single(heard.Take(TestContext.Current.CancellationToken).Items);
        await using RedisStore other = await RedisStore.ConnectAsync(server.Connection, NullLogger.Instance);
        await new RedisRevocationStore(other).AddAsync(One("bob"));
        Assert.Equal(2, heard.Take(TestContext.Current.CancellationToken).Items.Count);
    }

    [Fact]
    public async Task Who_asks_knows_what_was_added_before()
    {
        // Proves that a feed that is asked has in force what another gateway has added, also for many who ask at once;
        // by one that was not started, so that nothing else tells it.
        RevocationListing? heard = null;
        await using RedisRevocationFeed feed = new(
            _store, _revocations, listing => Volatile.Write(ref heard, listing), TimeProvider.System,
            NullLogger.Instance);
        Assert.True(await feed.CatchUpAsync());
        Assert.Empty(heard!.Items);
        await using RedisStore other = await RedisStore.ConnectAsync(server.Connection, NullLogger.Instance);
        RedisRevocationStore others = new(other);
        for (int count = 1; count <= 20; count++)
        {
            await others.AddAsync(One("subject " + count));
            bool[] told = await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
            {
                bool isTold = await feed.CatchUpAsync();
                return isTold && Volatile.Read(ref heard)!.Items.Count == count;
            }));
            Assert.All(told, Assert.True);
        }
    }

    [Fact]
    public async Task An_id_is_used_once_by_many_at_once()
    {
        // Proves that of fifty who use it up one is the first, that uses do not meet, and that it ends.
        RedisOneTimeStore spent = new(_store);
        StoreStatus[] all = await Task.WhenAll(Enumerable.Range(0, 50).Select(
            _ => spent.SpendAsync("saml", "an id", TimeSpan.FromMinutes(1)).AsTask()));
        Assert.Equal(1, all.Count(status => status == StoreStatus.Ok));
        Assert.Equal(49, all.Count(status => status == StoreStatus.Conflict));
        Assert.Equal(StoreStatus.Ok, await spent.SpendAsync("dpop", "an id", TimeSpan.FromMinutes(1)));
        Assert.Equal(StoreStatus.Lapsed, await spent.SpendAsync("dpop", "late", TimeSpan.Zero));
        Assert.Equal(StoreStatus.Ok, await spent.SpendAsync("dpop", "brief", TimeSpan.FromMilliseconds(1)));
        await Until.TrueAsync(async () =>
            await spent.SpendAsync("dpop", "brief", TimeSpan.FromMilliseconds(1)) == StoreStatus.Ok);
    }

    private static Revocation One(string subject) => new(
        RevocationKind.Subject, "https://issuer.test", subject, new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero),
        DateTimeOffset.MaxValue.AddYears(-1_000), "https://issuer.test|root", "because");
}

public sealed class RedisRevocationStoreTests(RedisServer server)
    : RevocationStoreContract(server), IClassFixture<RedisServer>;

public sealed class GarnetRevocationStoreTests(GarnetServer server)
    : RevocationStoreContract(server), IClassFixture<GarnetServer>;
