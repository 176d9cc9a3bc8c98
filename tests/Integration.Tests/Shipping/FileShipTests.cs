using System.Text.Json.Nodes;
using Countersign.Cli.Shipping;
using Xunit;

namespace Countersign.Integration.Tests.Shipping;

/// <summary>Shipping to files.</summary>
public sealed class FileShipTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Files_hold_each_line_once_over_crashes(bool losesCursor)
    {
        // Proves, with a torn last line, a file that was just begun and a lost or old cursor, that what is on disk is
        // gone on from: each entry once, in order, over rotated files, and no payload unless it is asked for.
        await using ShippedLog log = new();
        string folder = log.PathOf("out");
        FileTerms terms = new(folder, 200_000, TimeSpan.FromDays(1));
        string cursor = Path.Combine(ShipCursor.FolderOf(log.Folder), "there.json");
        for (int life = 0; life < 4; life++)
        {
            await log.CallAsync(300);
            byte[] old = File.Exists(cursor) ? await File.ReadAllBytesAsync(
                cursor, TestContext.Current.CancellationToken) : [];
            await using (AuditShipper shipper = log.Shipper(new FileDestination(terms, TimeProvider.System)))
                await ShippedLog.DrainAsync(shipper);
            string last = Files(folder)[^1];
            if (life == 1) await File.AppendAllTextAsync(
                last, "{\"index\":", TestContext.Current.CancellationToken);
            if (life == 2) await File.WriteAllTextAsync(
                last.Replace(".ndjson", "9.ndjson", StringComparison.Ordinal), "{\"in",
                TestContext.Current.CancellationToken);
            if (losesCursor) File.Delete(cursor);
            else if (old.Length > 0) await File.WriteAllBytesAsync(
                cursor, old, TestContext.Current.CancellationToken);
        }

        await using (AuditShipper shipper = log.Shipper(new FileDestination(terms, TimeProvider.System)))
            await ShippedLog.DrainAsync(shipper);
        string[] files = Files(folder);
        JsonNode[] lines = [.. files.SelectMany(File.ReadLines).Select(line => JsonNode.Parse(line)!)];
        Assert.True(files.Length > 2, $"{files.Length} files");
        Assert.Equal(log.Truth(), lines.Select(line => line["leaf"]!.ToString()));
        Assert.Equal(Enumerable.Range(0, lines.Length), lines.Select(line => (int)line["index"]!));
        Assert.All(lines, line => Assert.Equal(("bot", null), (line["caller"]!["sub"]!.ToString(),
            line["request_copy"])));
    }

    [Fact]
    public async Task A_folder_that_is_taken_away_meanwhile_is_made_and_filled_again()
    {
        // Proves that entries do not go on into a file that nobody can find any more: what it held comes again.
        await using ShippedLog log = new();
        string folder = log.PathOf("out");
        await using AuditShipper shipper = log.Shipper(
            new FileDestination(new FileTerms(folder, 1_000_000, TimeSpan.FromDays(1)), TimeProvider.System));
        await log.CallAsync(20);
        await ShippedLog.DrainAsync(shipper);
        Directory.Delete(folder, recursive: true);
        await log.CallAsync(20);
        await ShippedLog.DrainAsync(shipper);
        JsonNode[] lines = [.. Files(folder).SelectMany(File.ReadLines).Select(line => JsonNode.Parse(line)!)];
        Assert.Equal(log.Truth(), lines.Select(line => line["leaf"]!.ToString()));
    }

    [Fact]
    public async Task Payloads_go_where_they_are_asked_for()
    {
        // Proves that a destination with payloads has the copies, and that files may be taken elsewhere without being
        // written again.
        await using ShippedLog log = new();
        await log.CallAsync(2);
        FileTerms terms = new(log.PathOf("out"), 1_000_000, TimeSpan.FromDays(1));
        await using (AuditShipper shipper = log.Shipper(
            new FileDestination(terms, TimeProvider.System), payloads: true))
            await ShippedLog.DrainAsync(shipper);
        string text = await File.ReadAllTextAsync(Files(terms.Folder)[0], TestContext.Current.CancellationToken);
        Assert.Contains("secret-of-the-body", text, StringComparison.Ordinal);
        File.Delete(Files(terms.Folder)[0]);
        await log.CallAsync(1);
        await using (AuditShipper shipper = log.Shipper(new FileDestination(terms, TimeProvider.System)))
            await ShippedLog.DrainAsync(shipper);
        Assert.Equal(2, File.ReadLines(Files(terms.Folder)[0]).Count());
    }

    private static string[] Files(string folder) =>
        [.. Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal)];
}
