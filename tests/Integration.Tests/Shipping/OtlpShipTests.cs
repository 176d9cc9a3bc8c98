using Countersign.Cli.Configuration;
using Countersign.Cli.Shipping;
using Xunit;

namespace Countersign.Integration.Tests.Shipping;

/// <summary>Shipping to a collector of OpenTelemetry logs.</summary>
public sealed class OtlpShipTests : IAsyncLifetime
{
    private readonly ShippedLog _log = new();
    private ScriptedCollector _collector = null!;

    public async ValueTask InitializeAsync() => _collector = await ScriptedCollector.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _collector.DisposeAsync();
        await _log.DisposeAsync();
    }

    [Fact]
    public async Task A_collector_gets_each_record_once_over_outages_and_restarts()
    {
        // Proves that only an answer of 200 acknowledges: what was answered with another status, or was too large, is
        // sent again until it is, in order; and that a restart goes on from the cursor. The secret field is sent.
        await _log.CallAsync(1_200);
        foreach (int status in new[] { 503, 429, 401, 413, 500 }) _collector.Answers.Enqueue(_ => (status, ""));
        await using (AuditShipper shipper = Shipper())
        {
            await ShippedLog.DrainAsync(shipper);
            Assert.Equal(4, shipper.Progress.Failures);
        }

        await _log.CallAsync(10);
        await using (AuditShipper shipper = Shipper()) await ShippedLog.DrainAsync(shipper);
        Assert.Equal(_log.Truth(), Leaves());
        Assert.Equal(("Bearer tell-nobody", "application/json"), (
            _collector.Fields["Authorization"], _collector.Fields["Content-Type"]));
        var record = _collector.Records[1];
        Assert.Equal(("billing.refund", "bot", "1"), (
            ScriptedCollector.Attribute(record, "countersign.function"),
            ScriptedCollector.Attribute(record, "countersign.caller"),
            ScriptedCollector.Attribute(record, "countersign.index")));
        string body = record["body"]!["stringValue"]!.ToString();
        Assert.Contains("\"type\":\"outcome\"", body, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-of-the-body", body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_crash_before_the_cursor_repeats_records_under_their_uids()
    {
        // Proves the one way to a repeat, an acknowledgement whose cursor was lost, and that its records can be told as
        // repeats: dropping those of a known uid leaves each once, in order.
        await _log.CallAsync(20);
        await using (AuditShipper shipper = Shipper()) await ShippedLog.DrainAsync(shipper);
        string cursor = Path.Combine(ShipCursor.FolderOf(_log.Folder), "there.json");
        byte[] old = await File.ReadAllBytesAsync(cursor, TestContext.Current.CancellationToken);
        await _log.CallAsync(20);
        await using (AuditShipper shipper = Shipper()) await ShippedLog.DrainAsync(shipper);
        await File.WriteAllBytesAsync(cursor, old, TestContext.Current.CancellationToken);
        await using (AuditShipper shipper = Shipper()) await ShippedLog.DrainAsync(shipper);
        Assert.Equal(120, _collector.Records.Count);
        Assert.Equal(_log.Truth(), _collector.Records
            .DistinctBy(record => ScriptedCollector.Attribute(record, "log.record.uid"))
            .Select(record => ScriptedCollector.Attribute(record, "countersign.leaf")));
    }

    [Theory]
    [InlineData("""{"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"too old"}}""", 3)]
    [InlineData("""{"partialSuccess":{"rejectedLogRecords":2}}""", 2)]
    [InlineData("""{"partialSuccess":{"errorMessage":"a warning"}}""", 0)]
    [InlineData("""{"partialSuccess":null}""", 0)]
    [InlineData("not json", 0)]
    public async Task What_a_collector_throws_away_is_counted(string answer, int rejected)
    {
        // Proves that a partial success is not sent again, as its specification asks, and is told in numbers.
        await _log.CallAsync(5);
        _collector.Answers.Enqueue(_ => (200, answer));
        await using AuditShipper shipper = Shipper();
        await ShippedLog.DrainAsync(shipper);
        Assert.Equal((rejected, 10), (shipper.Progress.Rejected, _collector.Records.Count));
    }

    private IEnumerable<string?> Leaves() =>
        _collector.Records.Select(record => ScriptedCollector.Attribute(record, "countersign.leaf"));

    private AuditShipper Shipper() => _log.Shipper(
        new ShipSetting
        {
            Place = "test", Name = "there", Kind = ShipKind.Otlp, Url = _collector.Url,
            Headers = new Dictionary<string, SecretReference> { ["Authorization"] = new(null, "OTLP_AUTH") },
        },
        ("OTLP_AUTH", "Bearer tell-nobody"));
}
