using System.Globalization;
using Countersign.Cli.Configuration;
using Countersign.Cli.Shipping;
using Countersign.Integration.Tests.Store;
using Countersign.Policy.Redis;
using StackExchange.Redis;
using Xunit;

namespace Countersign.Integration.Tests.Shipping;

/// <summary>Shipping to streams of a real redis-server, and to a store that has none.</summary>
public sealed class RedisShipTests : IAsyncLifetime
{
    private const string Variable = "AUDIT_STREAM";

    private readonly RedisServer _redis = new();
    private readonly ShippedLog _log = new();

    private string Key => RedisAuditStream.KeyOf(_log.Identity().Name);

    public ValueTask InitializeAsync() => _redis.InitializeAsync();

    public async ValueTask DisposeAsync()
    {
        await _log.DisposeAsync();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task A_stream_holds_each_entry_once_over_outages_and_lost_cursors()
    {
        // Proves that entries that were made while the store was away arrive by themselves, that a batch whose cursor
        // was lost or is old is not added again, and that a store that lost its data gets all again.
        await _log.CallAsync(700);
        string cursor = Path.Combine(ShipCursor.FolderOf(_log.Folder), "there.json");
        await using (AuditShipper shipper = Shipper()) await ShippedLog.DrainAsync(shipper);
        Assert.Equal(_log.Truth(), await LeavesAsync());
        await _log.CallAsync(100);
        File.Delete(cursor);
        await using (AuditShipper shipper = Shipper())
        {
            await ShippedLog.DrainAsync(shipper);
            Assert.Equal(200, shipper.Progress.Shipped);
            await _redis.StopAsync();
            await _log.CallAsync(600);
            using CancellationTokenSource stop = new();
            Task running = shipper.RunAsync(false, stop.Token);
            await EndToEnd.Until.TrueAsync(() => Task.FromResult(shipper.Progress.Status == ShipStatus.Away));
            await _redis.StartAsync();
            await EndToEnd.Until.TrueAsync(() => Task.FromResult(shipper.Lag == 0));
            await stop.CancelAsync();
            await running;
        }

        Assert.Equal(_log.Truth(), await LeavesAsync());
        Assert.Equal(2_800, ShipCursor.Read(_log.Folder, "there")!.Next);
    }

    [Fact]
    public async Task Only_what_every_group_acknowledged_is_trimmed()
    {
        // Proves with a stream of at most 1,000: without a group nothing is trimmed and shipping waits; what one group
        // took and has not acknowledged, or the other has not taken, stays; what both acknowledged makes room, and
        // between them the groups see every entry once, in order.
        await _log.CallAsync(1_200);
        await using AuditShipper shipper = Shipper(lengthMax: 1_000);
        await StepToAsync(shipper, ShipStatus.Full);
        Assert.Equal((1_000, 1_400), (await LengthAsync(), shipper.Lag));
        Assert.Contains("acknowledged", shipper.Progress.Message, StringComparison.Ordinal);
        await _redis.CommandAsync("XGROUP", "CREATE", Key, "slow", "0");
        await _redis.CommandAsync("XGROUP", "CREATE", Key, "fast", "0");
        List<string> fast = await TakeAsync("fast", 1_000, acknowledges: true);
        await StepToAsync(shipper, ShipStatus.Full);
        Assert.Equal(1_400, shipper.Lag);
        List<string> slow = await TakeAsync("slow", 600, acknowledges: false);
        await StepToAsync(shipper, ShipStatus.Full);
        Assert.Equal(1_400, shipper.Lag);
        await AcknowledgeAsync("slow", 1, 400);
        await StepToAsync(shipper, ShipStatus.Full);
        Assert.Equal((1_000, 1_000), (await LengthAsync(), shipper.Lag));
        await AcknowledgeAsync("slow", 401, 600);
        using CancellationTokenSource stop = new();
        Task running = shipper.RunAsync(false, stop.Token);
        while (fast.Count < 2_400 || slow.Count < 2_400)
        {
            fast.AddRange(await TakeAsync("fast", 500, acknowledges: true));
            slow.AddRange(await TakeAsync("slow", 300, acknowledges: true));
            Assert.True(await LengthAsync() <= 1_000);
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        await stop.CancelAsync();
        await running;
        Assert.Equal(_log.Truth(), fast);
        Assert.Equal(_log.Truth(), slow);
    }

    [Fact]
    public async Task A_store_that_was_emptied_gets_everything_again_and_a_forked_one_nothing()
    {
        // Proves that a stream that lost its entries, while the connection stood, is filled from where it is; and that
        // one that holds another entry under a number of ours is left as it is.
        await _log.CallAsync(50);
        await using (AuditShipper shipper = Shipper())
        {
            await ShippedLog.DrainAsync(shipper);
            await _redis.ResetAsync();
            await _log.CallAsync(50);
            await ShippedLog.DrainAsync(shipper);
        }

        Assert.Equal(_log.Truth(), await LeavesAsync());
        await _log.CallAsync(1);
        await _redis.CommandAsync("XADD", Key, "201-0", "leaf", Convert.ToBase64String(new byte[32]), "record", "{}");
        await using (AuditShipper shipper = Shipper()) await StepToAsync(shipper, ShipStatus.Contradicted);
        Assert.Equal(201, await LengthAsync());
    }

    [Fact]
    public async Task A_store_without_streams_is_named_as_such()
    {
        // Proves with the embedded store that the shipper says what is missing, and by the configuration that a gateway
        // on it does not start with a stream in its own store.
        GarnetServer garnet = new();
        await garnet.InitializeAsync();
        try
        {
            await _log.CallAsync(1);
            await using AuditShipper shipper = Shipper(garnet.Connection);
            await StepToAsync(shipper, ShipStatus.Refused);
            Assert.Equal(RedisAuditStream.NoStreams, shipper.Progress.Message);
            Cli.Serve.StartRefusedException refused = Assert.Throws<Cli.Serve.StartRefusedException>(
                () => _log.Shipper(new ShipSetting { Place = "audit.ship[0]", Name = "x", Kind = ShipKind.Redis }));
            Assert.Contains("audit.ship[0].connection", refused.Message, StringComparison.Ordinal);
            Assert.Contains(RedisAuditStream.NoStreams, refused.Message, StringComparison.Ordinal);
        }
        finally
        {
            await garnet.DisposeAsync();
        }
    }

    private AuditShipper Shipper(string? connection = null, long lengthMax = 100_000) => _log.Shipper(
        new ShipSetting
        {
            Place = "test", Name = "there", Kind = ShipKind.Redis, Connection = new SecretReference(null, Variable),
            LengthMax = lengthMax,
        },
        (Variable, connection ?? _redis.Connection));

    private static async Task StepToAsync(AuditShipper shipper, ShipStatus status)
    {
        for (int step = 0; step < 8; step++) await shipper.StepAsync(TestContext.Current.CancellationToken);
        Assert.Equal(status, shipper.Progress.Status);
    }

    private async Task<int> LengthAsync() => (int)await _redis.CommandAsync("XLEN", Key);

    private async Task<string[]> LeavesAsync() =>
        [.. ((RedisResult[])(await _redis.CommandAsync("XRANGE", Key, "-", "+"))!).Select(entry => LeafOf(entry))];

    private static string LeafOf(RedisResult entry) => (string)entry[1][1]!;

    private async Task<List<string>> TakeAsync(string group, int count, bool acknowledges)
    {
        RedisResult taken = await _redis.CommandAsync(
            "XREADGROUP", "GROUP", group, "me", "COUNT", count, "STREAMS", Key, ">");
        if (taken.IsNull) return [];

        // RESP3 answers with a map, which comes flat.
        RedisResult[] entries = (RedisResult[])(taken.Length == 2 ? taken[1] : taken[0][1])!;
        if (acknowledges)
            await _redis.CommandAsync("XACK", [Key, group, .. entries.Select(entry => (string)entry[0]!)]);
        return [.. entries.Select(LeafOf)];
    }

    private Task<RedisResult> AcknowledgeAsync(string group, int from, int to) => _redis.CommandAsync(
        "XACK",
        [
            Key, group, .. Enumerable.Range(from, to - from + 1).Select(
                id => id.ToString(CultureInfo.InvariantCulture) + "-0"),
        ]);
}
