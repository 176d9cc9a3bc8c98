using Countersign.Cli.Store;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Countersign.Policy.Redis;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Countersign.Integration.Tests.Store;

/// <summary>What a gateway sees while the store is away, and after.</summary>
public sealed class StoreOutageTests
{
    [Fact]
    public async Task A_store_that_goes_is_unavailable_and_works_again_when_it_is_back()
    {
        // Proves that nothing throws and watchers wake after a reconnect, by killing redis-server and starting it
        // again.
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        await using var server = new RedisServer();
        await server.StartAsync();
        await using RedisStore store = await RedisStore.ConnectAsync(server.Connection, NullLogger.Instance);
        RedisApprovalStore approvals = await RedisApprovalStore.OpenAsync(store, NullLogger.Instance);
        Approval draft = Drafts.New();
        Assert.True((await approvals.AskAsync(draft, Array.Empty<byte>())).IsOk);
        using var wakes = new SemaphoreSlim(0);
        using IDisposable watch = approvals.Watch(draft.Id, () => wakes.Release());

        await server.StopAsync();
        await AssertUnavailableAsync(store, approvals, draft).WaitAsync(StoreServer.PatienceMax, cancellation);
        await server.StartAsync();

        // Each of the two connections wakes when it is back; after the last wake the store must work.
        StoreResult<Approval> asked = default;
        while (!asked.IsOk)
        {
            Assert.True(await wakes.WaitAsync(StoreServer.PatienceMax, cancellation));
            asked = await approvals.AskAsync(draft, Array.Empty<byte>());
        }

        Assert.True((await approvals.MoveAsync(draft, Drafts.Cancelled(draft))).IsOk);
    }

    [Fact]
    public async Task A_gateway_starts_while_the_store_is_away()
    {
        // Proves that opening waits for nothing, and that the subscription comes with the store, by starting it
        // afterwards.
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        await using var server = new RedisServer();
        await using RedisStore store = await RedisStore.ConnectAsync(server.Connection, NullLogger.Instance);
        RedisApprovalStore approvals = await RedisApprovalStore.OpenAsync(store, NullLogger.Instance);
        Approval draft = Drafts.New();
        await AssertUnavailableAsync(store, approvals, draft).WaitAsync(StoreServer.PatienceMax, cancellation);
        using var wakes = new SemaphoreSlim(0);
        bool heard = false;
        using IDisposable all = approvals.WatchAll(id =>
        {
            // A wake that carries an id has come over the subscription.
            if (id is not null) Volatile.Write(ref heard, true);
            wakes.Release();
        });
        await server.StartAsync();
        while (!Volatile.Read(ref heard))
        {
            Assert.True(await wakes.WaitAsync(StoreServer.PatienceMax, cancellation));
            await approvals.AskAsync(Drafts.New(), Array.Empty<byte>());
        }

        Assert.Equal(StoreStatus.Ok, (await approvals.AskAsync(draft, Array.Empty<byte>())).Status);
    }

    [Fact]
    public async Task A_store_that_is_full_files_nothing()
    {
        // Proves that a full Redis takes no approval, which nobody could decide: asking is refused as deciding is, for
        // who asks the first time and for who is at the limit by what was withdrawn; and that both work with room
        // again.
        await using var server = new RedisServer();
        await server.StartAsync();
        await using RedisStore store = await RedisStore.ConnectAsync(server.Connection, NullLogger.Instance);
        RedisApprovalStore approvals = await RedisApprovalStore.OpenAsync(store, NullLogger.Instance);
        AskExtras one = new(default, null) { Limits = new AskLimits(1, 1_000) };
        Approval withdrawn = Drafts.New(), waits = Drafts.New(), draft = Drafts.New();
        Assert.True((await approvals.AskAsync(withdrawn, Array.Empty<byte>(), one)).IsOk);
        Assert.True((await approvals.MoveAsync(withdrawn, Drafts.Cancelled(withdrawn))).IsOk);

        await server.CommandAsync("CONFIG", "SET", "maxmemory", "1");
        Assert.Equal(StoreStatus.Unavailable, (await approvals.AskAsync(draft, Array.Empty<byte>())).Status);
        Assert.Equal(StoreStatus.Unavailable, (await approvals.AskAsync(draft, Array.Empty<byte>(), one)).Status);
        Assert.Equal(StoreStatus.NotFound, (await approvals.FindAsync(draft.Id)).Status);

        await server.CommandAsync("CONFIG", "SET", "maxmemory", "0");
        Assert.True((await approvals.AskAsync(draft, Array.Empty<byte>(), one)).IsOk);
        Assert.Equal(StoreStatus.Limited, (await approvals.AskAsync(waits, Array.Empty<byte>(), one)).Status);
        Assert.True((await approvals.MoveAsync(draft, Drafts.Cancelled(draft))).IsOk);
    }

    [Fact]
    public async Task The_embedded_store_keeps_its_data_over_restarts()
    {
        // Proves persistence, by an approved approval, a policy and a secret that live through a restart, a checkpoint
        // and another restart; the password of the last run opens nothing.
        await using var server = new GarnetServer();
        await server.StartAsync();
        Approval draft = Drafts.New();
        Approval approved;
        await using (RedisStore store = await RedisStore.ConnectAsync(server.Connection, NullLogger.Instance))
        {
            RedisApprovalStore approvals = await RedisApprovalStore.OpenAsync(store, NullLogger.Instance);
            await approvals.AskAsync(draft, "sealed"u8.ToArray());
            approved = (await approvals.MoveAsync(draft, Drafts.Decided(draft, approve: true))).Value!;
            await new RedisPolicyStore(store).PublishAsync("{}", "# source", "ann");
            await new RedisSigningKeyStore(store).SwapAsync(0, new byte[] { 1, 2, 3 });
        }

        string before = server.Connection;
        await RestartAsync(server);
        Assert.NotEqual(before, server.Connection);
        await AssertKeptAsync(server, draft);
        await server.CommandAsync("SAVE");
        await RestartAsync(server);
        await AssertKeptAsync(server, draft);
        await using RedisStore last = await RedisStore.ConnectAsync(server.Connection, NullLogger.Instance);
        RedisApprovalStore reopened = await RedisApprovalStore.OpenAsync(last, NullLogger.Instance);
        Assert.True((await reopened.MoveAsync(approved, Drafts.Claimed(approved, "after"))).IsOk);
        Assert.Equal(2, (await new RedisPolicyStore(last).PublishAsync("{}", "", "bob")).Value!.Version);
    }

    [Fact]
    public async Task One_folder_serves_one_embedded_store()
    {
        // Proves that a second process cannot ruin the first one's files, by starting another store on the folder.
        string folder = Directory.CreateTempSubdirectory("countersign-store-").FullName;
        await using (await EmbeddedStore.StartAsync(folder))
            await Assert.ThrowsAsync<IOException>(() => EmbeddedStore.StartAsync(folder));
        Directory.Delete(folder, recursive: true);
    }

    private static async Task AssertUnavailableAsync(RedisStore store, RedisApprovalStore approvals, Approval draft)
    {
        Assert.Equal(StoreStatus.Unavailable, (await approvals.FindAsync(draft.Id)).Status);
        Assert.Equal(StoreStatus.Unavailable, (await approvals.AskAsync(Drafts.New(), Array.Empty<byte>())).Status);
        Assert.Equal(StoreStatus.Unavailable, (await approvals.PayloadAsync(draft.Id)).Status);
        Assert.Equal(StoreStatus.Unavailable, (await approvals.ListAsync(null, 10, null)).Status);
        Assert.Equal(StoreStatus.Unavailable, (await approvals.MoveAsync(draft, Drafts.Cancelled(draft))).Status);
        var policies = new RedisPolicyStore(store);
        Assert.Null(await policies.CurrentAsync());
        Assert.Equal(StoreStatus.Unavailable, (await policies.PublishAsync("{}", "", "ann")).Status);
        Assert.Equal(StoreStatus.Unavailable, await policies.ActivateAsync(1, "ann"));
        Assert.Equal(StoreStatus.Unavailable, (await policies.ListAsync(1)).Status);
        Assert.Equal(StoreStatus.Unavailable, (await new RedisSigningKeyStore(store).ReadAsync()).Status);
    }

    private static async Task RestartAsync(GarnetServer server)
    {
        await server.StopAsync();
        await server.StartAsync();
    }

    private static async Task AssertKeptAsync(GarnetServer server, Approval draft)
    {
        await using RedisStore store = await RedisStore.ConnectAsync(server.Connection, NullLogger.Instance);
        RedisApprovalStore approvals = await RedisApprovalStore.OpenAsync(store, NullLogger.Instance);
        Assert.Equal(ApprovalState.Approved, (await approvals.FindAsync(draft.Id)).Value!.State);
        Assert.Equal("sealed"u8.ToArray(), (await approvals.PayloadAsync(draft.Id)).Value);
        Assert.Single((await approvals.ListAsync(null, 10, null)).Value!.Items);
        Assert.Equal(draft.Id, (await approvals.AskAsync(Drafts.New(draft.Digest), Array.Empty<byte>())).Value!.Id);
        Assert.Equal("# source", (await new RedisPolicyStore(store).GetAsync(1)).Value!.Source);
        StoredSigningKeys keys = (await new RedisSigningKeyStore(store).ReadAsync()).Value!;
        Assert.Equal((1, "010203"), (keys.Version, Convert.ToHexString(keys.Box.Span)));
    }
}
