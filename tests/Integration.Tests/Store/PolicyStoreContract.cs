using Countersign.Policy;
using Countersign.Policy.Redis;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Countersign.Integration.Tests.Store;

/// <summary>What a policy store, its feed and the shared secrets must do, whichever server answers.</summary>
public abstract class PolicyStoreContract(StoreServer server) : IAsyncLifetime
{
    private const string Source = """
        apiVersion: countersign/v1
        upstreams:
          billing: { endpoints: ["http://127.0.0.1:9001"] }
        functions:
          billing.reset: { upstream: billing, method: POST, path: "/billing/{account}/reset", risk: critical }
        rules:
          - { id: all, subjects: { groups: [staff] }, functions: ["billing.*"], effect: allow }
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("countersign-policies-").FullName;

    private static readonly MaskVocabulary Words = new(static _ => null, static _ => null);

    private RedisStore _store = null!;
    private RedisPolicyStore _policies = null!;

    public async ValueTask InitializeAsync()
    {
        await server.CommandAsync("FLUSHALL");
        _store = await RedisStore.ConnectAsync(server.Connection, NullLogger.Instance);
        _policies = new RedisPolicyStore(_store);
    }

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Eight_publishers_at_once_number_without_gaps()
    {
        // Proves that no version is lost or shared, by eight connections publishing ten versions each.
        long[][] numbers = await Task.WhenAll(Enumerable.Range(0, 8).Select(async publisher =>
        {
            await using RedisStore store = await RedisStore.ConnectAsync(server.Connection, NullLogger.Instance);
            var policies = new RedisPolicyStore(store);
            var mine = new List<long>();
            for (int version = 0; version < 10; version++)
            {
                string text = $"{publisher}:{version}";
                StoreResult<StoredPolicy> published = await policies.PublishAsync(text, text, "ann");
                Assert.Equal(StoreStatus.Ok, published.Status);
                StoreResult<StoredPolicy> read = await policies.GetAsync(published.Value!.Version);
                Assert.Equal(StoreStatus.Ok, read.Status);
                Assert.Equal(text, read.Value!.Document);
                mine.Add(published.Value.Version);
            }

            return mine.ToArray();
        }));
        Assert.Equal(Enumerable.Range(1, 80).Select(number => (long)number), numbers.SelectMany(n => n).Order());
        Assert.Equal(80, await _policies.CurrentAsync());
    }

    [Fact]
    public async Task Versions_are_kept_listed_and_rolled_back_to()
    {
        // Proves the history, by three versions, one of them not activated, a roll back and pages of two.
        StoredPolicy first = (await _policies.PublishAsync("{}", "# first", "ann")).Value!;
        Assert.Equal(1, first.Version);
        Assert.Equal("44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", first.Sha256);
        await _policies.PublishAsync("{ }", "# second", "bob");
        await _policies.PublishAsync("{  }", "# third", "cid", activate: false);
        Assert.Equal(2, await _policies.CurrentAsync());
        Assert.Equal(first, (await _policies.GetAsync(1)).Value);
        Assert.Equal(StoreStatus.NotFound, (await _policies.GetAsync(4)).Status);

        PolicyHistory page = (await _policies.ListAsync(2)).Value!;
        Assert.Equal([3, 2], page.Items.Select(item => item.Version));
        Assert.Equal(["cid", "bob"], page.Items.Select(item => item.Author));
        Assert.Equal([false, true], page.Items.Select(item => item.WasInForce));
        Assert.Equal(1, page.Before);
        PolicyHistory rest = (await _policies.ListAsync(2, page.Next)).Value!;
        Assert.Equal([1], rest.Items.Select(item => item.Version));
        Assert.Equal(0, rest.Next);

        Assert.Equal(StoreStatus.NotFound, await _policies.ActivateAsync(4, "ann"));
        Assert.Equal(StoreStatus.Conflict, await _policies.ActivateAsync(1, "ann", new PolicyExpectation(Current: 3)));
        Assert.Equal(StoreStatus.Ok, await _policies.ActivateAsync(1, "ann", new PolicyExpectation(Current: 2)));
        Assert.Equal(1, await _policies.CurrentAsync());
        Assert.Equal(
            StoreStatus.Conflict,
            (await _policies.PublishAsync("{}", "", "ann", expected: new PolicyExpectation(Current: 2))).Status);
        Assert.Equal(
            4, (await _policies.PublishAsync("{}", "", "ann", expected: new PolicyExpectation(1, 4))).Value!.Version);
        Assert.Equal(
            StoreStatus.Conflict,
            (await _policies.PublishAsync("{}", "", "ann", expected: new PolicyExpectation(4, 4))).Status);
        IReadOnlyList<PolicyChange> changes = (await _policies.ChangesAsync(1, 9))!;
        Assert.Equal(
            [
                PolicyChangeKind.Publish, PolicyChangeKind.Publish, PolicyChangeKind.Store, PolicyChangeKind.Activate,
                PolicyChangeKind.Publish,
            ],
            changes.Select(change => change.Kind));
        Assert.Equal(["", .. changes.SkipLast(1).Select(one => one.Hash)], changes.Select(change => change.Previous));
        Assert.Equal(changes[^1].Hash, (await _policies.MarkAsync())!.Hash);
        Assert.Equal(changes[0].Hash, first.Hash);
    }

    [Fact]
    public async Task Bootstrap_fills_an_empty_store_once()
    {
        // Proves that of many gateways starting at once one publishes, by ten concurrent bootstraps.
        Assert.Equal(0, await _policies.CurrentAsync());
        Assert.Empty((await _policies.ListAsync(10)).Value!.Items);
        StoreResult<StoredPolicy>[] ends = await Task.WhenAll(
            Enumerable.Range(0, 10).Select(n => _policies.BootstrapAsync($"{n}", "", "bootstrap").AsTask()));
        Assert.Equal(1, Assert.Single(ends, end => end.IsOk).Value!.Version);
        Assert.Equal(9, ends.Count(end => end.Status == StoreStatus.Conflict));
        Assert.Equal(1, await _policies.CurrentAsync());
    }

    [Fact]
    public async Task The_feed_follows_and_keeps_what_runs()
    {
        // Proves the feed, by versions that compile and one that does not, awaiting each swap.
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        var inForce = new PolicyInForce();
        var log = new RefusalLog();
        await using var feed = new RedisPolicyFeed(
            _store, _policies, inForce, Memory("one"), Words, TimeProvider.System, log);
        var swaps = System.Threading.Channels.Channel.CreateUnbounded<long>();
        feed.Swapped += version => swaps.Writer.TryWrite(version);
        await feed.StartAsync();
        Assert.Null(inForce.Current);
        string document = PolicyReader.Read(Source, Words).Json;
        await _policies.PublishAsync(document, Source, "ann");
        await feed.WaitForFirstAsync(cancellation).WaitAsync(StoreServer.PatienceMax, cancellation);
        Assert.Equal(1, inForce.Current!.Version);
        Assert.NotEqual(0, inForce.ContactAt);

        await _policies.PublishAsync("{\"nonsense\":true}", "", "bob");
        await log.Refused.WaitAsync(StoreServer.PatienceMax, cancellation);
        Assert.Equal(1, inForce.Current.Version);
        await _policies.PublishAsync(document, Source, "cid");
        foreach (long version in new[] { 1, 3 })
        {
            Task<long> swapped = swaps.Reader.ReadAsync(cancellation).AsTask();
            Assert.Equal(version, await swapped.WaitAsync(StoreServer.PatienceMax, cancellation));
        }

        Assert.Equal(3, inForce.Current.Version);
        Assert.Equal(3, feed.Version);
    }

    [Fact]
    public async Task A_store_that_lost_a_publication_is_not_followed_until_it_is_resumed()
    {
        // Proves that versions do not go back unnoticed, by a store put back to what it held a publication ago, a
        // gateway that restarts meanwhile, and somebody who goes on knowing it.
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        string document = PolicyReader.Read(Source, Words).Json;
        await _policies.PublishAsync(document, Source, "ann");
        byte[][] before = await KeepAsync();
        await _policies.PublishAsync(document, Source, "bob");
        PolicyMark seen = (await _policies.MarkAsync())!;
        await using (FollowedFeed first = await FollowAsync("one"))
        {
            await first.RunsAsync(2, cancellation);
            await PutBackAsync(before);
            Assert.Equal("policy-regressed", (await first.NoticeAsync(cancellation)).Event);
            Assert.True(first.InForce.IsDoubted);
            Assert.True(first.Feed.Standing.IsRegressed);
            Assert.Equal(2, first.InForce.Current!.Version);
        }

        await _policies.PublishAsync(document, Source, "mallory");
        Assert.Equal(seen.Change, (await _policies.MarkAsync())!.Change);
        await using FollowedFeed again = await FollowAsync("one");
        Assert.Equal("policy-regressed", (await again.NoticeAsync(cancellation)).Event);
        Assert.Null(again.InForce.Current);
        await _policies.PublishAsync(document, Source, "ann", resumeAfter: again.Feed.Furthest);
        Assert.Equal("policy-resumed", (await again.NoticeAsync(cancellation)).Event);
        await again.RunsAsync(3, cancellation);
        Assert.False(again.InForce.IsDoubted);
        Assert.Empty(again.Feed.Standing.Alarms);
    }

    [Fact]
    public async Task A_lost_number_is_not_given_out_again()
    {
        // Proves that who goes on goes beyond what was seen, by publishing and by going back, each on a store that was
        // put back.
        string document = PolicyReader.Read(Source, Words).Json;
        await _policies.PublishAsync(document, Source, "ann");
        byte[][] before = await KeepAsync();
        await _policies.PublishAsync(document, Source, "bob");
        PolicyMark seen = (await _policies.MarkAsync())!;
        await PutBackAsync(before);
        Assert.Equal(
            3, (await _policies.PublishAsync(document, Source, "cid", resumeAfter: seen)).Value!.Version);
        PolicyHistory history = (await _policies.ListAsync(10)).Value!;
        Assert.Equal((3L, 1L), (history.Current, history.Before));
        await PutBackAsync(before);
        Assert.Equal(
            StoreStatus.Ok, await _policies.ActivateAsync(1, "ann", resumeAfter: seen with { Latest = 7 }));
        Assert.Equal(8, (await _policies.PublishAsync(document, Source, "cid")).Value!.Version);
    }

    [Fact]
    public async Task Another_document_under_the_running_number_is_loaded()
    {
        // Proves that the hash is compared as well as the number, by a lost number given out again past the rule.
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        string document = PolicyReader.Read(Source, Words).Json;
        string other = PolicyReader.Read(Source.Replace("[staff]", "[clerks]", StringComparison.Ordinal), Words).Json;
        await _policies.PublishAsync(document, Source, "ann");
        byte[][] before = await KeepAsync();
        await _policies.PublishAsync(document, Source, "bob");
        await using FollowedFeed feed = await FollowAsync("one");
        await feed.RunsAsync(2, cancellation);
        PolicyMark seen = feed.Feed.Furthest;
        await PutBackAsync(before);
        Assert.Equal("policy-regressed", (await feed.NoticeAsync(cancellation)).Event);
        await _policies.PublishAsync(other, Source, "cid", resumeAfter: seen with { Latest = 0 });
        Assert.Equal("policy-resumed", (await feed.NoticeAsync(cancellation)).Event);
        Assert.Equal("policy-trusted", (await feed.NoticeAsync(cancellation)).Event);
        Assert.Equal("policy-replaced", (await feed.NoticeAsync(cancellation)).Event);
        await feed.RunsAsync(2, cancellation);
        Assert.Equal(RedisPolicyStore.HashOf(other), feed.Feed.Standing.Sha256);
        Assert.Equal(feed.Feed.Standing.Sha256, feed.InForce.Current!.Sha256);
    }

    [Fact]
    public async Task A_store_that_lost_everything_gets_the_policy_back_from_who_has_seen_most()
    {
        // Proves the restoring, by an emptied store with two gateways of which one has seen a publication more.
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        string document = PolicyReader.Read(Source, Words).Json;
        await _policies.PublishAsync(document, Source, "ann");
        await using FollowedFeed one = await FollowAsync("one");
        await one.RunsAsync(1, cancellation);
        await one.StopAsync();
        await _policies.PublishAsync(document, Source, "bob");
        await using FollowedFeed two = await FollowAsync("two");
        await two.RunsAsync(2, cancellation);
        await server.CommandAsync("FLUSHALL");
        Assert.Equal("policy-restored", (await two.NoticeAsync(cancellation)).Event);
        StoredPolicy given = (await _policies.GetAsync(2)).Value!;
        Assert.Equal(("bob", document, Source, 3L), (given.Author, given.Document, given.Source, given.Change));
        Assert.Equal(2, await _policies.CurrentAsync());
        await using FollowedFeed later = await FollowAsync("one");
        await later.RunsAsync(2, cancellation);
        Assert.Equal(3, (await _policies.PublishAsync(document, Source, "cid")).Value!.Version);
    }

    [Fact]
    public async Task Of_many_boxes_of_keys_the_first_one_stays()
    {
        // Proves that all gateways get one box of keys, by ten writers at once with bytes that are not text, and that
        // a change of what is no more there changes nothing.
        RedisSigningKeyStore keys = new(_store);
        Assert.Equal((0, 0), (await ReadKeysAsync(keys)));
        StoreResult<StoredSigningKeys>[] got = await Task.WhenAll(Enumerable.Range(0, 10).Select(writer =>
            keys.SwapAsync(0, new byte[] { 0, 0xFF, 13, 10, (byte)writer }).AsTask()));
        string first = Convert.ToHexString(got[0].Value!.Box.Span);
        Assert.All(got, one => Assert.Equal((1, first), (one.Value!.Version, Convert.ToHexString(one.Value.Box.Span))));
        Assert.Equal((1, 5), await ReadKeysAsync(keys));
        StoredSigningKeys late = (await keys.SwapAsync(7, new byte[1])).Value!;
        Assert.Equal((1, first), (late.Version, Convert.ToHexString(late.Box.Span)));
        Assert.Equal(2, (await keys.SwapAsync(1, new byte[1])).Value!.Version);
        Assert.Equal((2, 1), await ReadKeysAsync(keys));
    }

    private static async Task<(long Version, int Bytes)> ReadKeysAsync(RedisSigningKeyStore keys)
    {
        StoredSigningKeys held = (await keys.ReadAsync()).Value!;
        return (held.Version, held.Box.Length);
    }

    private PolicyMemory Memory(string gateway) =>
        PolicyMemory.Open(Path.Combine(_folder, gateway + ".json"), NullLogger.Instance);

    private async Task<FollowedFeed> FollowAsync(string gateway)
    {
        FollowedFeed followed = new(_store, _policies, Memory(gateway), Words);
        await followed.Feed.StartAsync();
        return followed;
    }

    // What a replica holds that has not heard of the last publication.
    private async Task<byte[][]> KeepAsync()
    {
        List<byte[]> kept = [];
        foreach (string key in PolicyKeys) kept.Add((byte[])(await server.CommandAsync("GET", key))!);
        return [.. kept];
    }

    private async Task PutBackAsync(byte[][] kept)
    {
        await server.CommandAsync("HDEL", StoreKeys.PolicyChanges, "2");
        await server.CommandAsync(
            "MSET", [.. PolicyKeys.Zip(kept).SelectMany(pair => new object[] { pair.First, pair.Second })]);
    }

    private static readonly string[] PolicyKeys =
        [StoreKeys.PolicyChange, StoreKeys.LatestPolicy, StoreKeys.CurrentPolicy];
}

/// <summary>The contract on Redis.</summary>
public sealed class RedisPolicyStoreTests(RedisServer server) : PolicyStoreContract(server), IClassFixture<RedisServer>;

/// <summary>The contract on the embedded store.</summary>
public sealed class GarnetPolicyStoreTests(GarnetServer server)
    : PolicyStoreContract(server), IClassFixture<GarnetServer>;

/// <summary>A gateway's feed with what it says.</summary>
internal sealed class FollowedFeed : IAsyncDisposable
{
    private readonly System.Threading.Channels.Channel<PolicyNotice> _notices =
        System.Threading.Channels.Channel.CreateUnbounded<PolicyNotice>();

    private readonly System.Threading.Channels.Channel<long> _swaps =
        System.Threading.Channels.Channel.CreateUnbounded<long>();

    private bool _isStopped;

    public FollowedFeed(RedisStore store, RedisPolicyStore policies, PolicyMemory memory, MaskVocabulary words)
    {
        Feed = new RedisPolicyFeed(
            store, policies, InForce, memory, words, TimeProvider.System, NullLogger.Instance);
        Feed.Noticed += notice => _notices.Writer.TryWrite(notice);
        Feed.Swapped += version => _swaps.Writer.TryWrite(version);
    }

    public PolicyInForce InForce { get; } = new();

    public RedisPolicyFeed Feed { get; }

    public async Task RunsAsync(long version, CancellationToken cancellation)
    {
        while (await _swaps.Reader.ReadAsync(cancellation).AsTask().WaitAsync(StoreServer.PatienceMax, cancellation)
            != version)
        {
        }
    }

    public Task<PolicyNotice> NoticeAsync(CancellationToken cancellation) =>
        _notices.Reader.ReadAsync(cancellation).AsTask().WaitAsync(StoreServer.PatienceMax, cancellation);

    public async Task StopAsync()
    {
        if (_isStopped) return;
        _isStopped = true;
        await Feed.DisposeAsync();
    }

    public async ValueTask DisposeAsync() => await StopAsync();
}

/// <summary>Tells when the feed refuses a document.</summary>
internal sealed class RefusalLog : ILogger
{
    private readonly TaskCompletionSource _refused = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Refused => _refused.Task;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        if (formatter(state, exception).Contains("does not compile", StringComparison.Ordinal)) _refused.TrySetResult();
    }
}
