using System.Text.Json;
using Countersign.Audit;
using Countersign.ControlPlane.AuditTrail;

namespace Countersign.ControlPlane.Tests.AuditTrail;

public sealed class AuditExportTests : IDisposable
{
    private const int Events = 25_000;

    private readonly string _folder = Directory.CreateTempSubdirectory("countersign-export-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Everything_that_was_asked_for_is_exported_in_order()
    {
        // Proves by a log of 25,000 events, of which every third is asked for, that each is there once, oldest first,
        // that pieces stay small, and that what is beyond the size that was given is left out.
        long size = await WriteAsync();
        using AuditExport export = new(
            _folder, size - 10, new AuditQuery { WantsCalls = false, WantsEvents = true, Event = "asked-for" });
        List<long> seen = [];
        while (export.HasMore)
        {
            ReadOnlyMemory<byte> piece = export.Read();
            Assert.InRange(piece.Length, 0, 128 * 1_024);
            seen.AddRange(Indices(piece));
        }

        Assert.False(export.IsDamaged);
        Assert.Equal(Enumerable.Range(0, Events - 10).Where(one => one % 3 == 0).Select(one => (long)one), seen);
    }

    [Fact]
    public async Task A_log_that_is_damaged_is_not_exported_as_if_it_were_whole()
    {
        // Proves by a byte that was changed in the middle that the export says so after the entries before it.
        long size = await WriteAsync();
        string segment = Assert.Single(Directory.GetFiles(_folder, "*.seg", SearchOption.AllDirectories));
        byte[] bytes = await File.ReadAllBytesAsync(segment, TestContext.Current.CancellationToken);
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(segment, bytes, TestContext.Current.CancellationToken);
        using AuditExport export = new(_folder, size, new AuditQuery { WantsCalls = false, WantsEvents = true });
        List<long> seen = [];
        while (export.HasMore) seen.AddRange(Indices(export.Read()));
        Assert.True(export.IsDamaged);
        Assert.InRange(seen.Count, 1, Events - 1);
    }

    private static IEnumerable<long> Indices(ReadOnlyMemory<byte> lines) =>
        System.Text.Encoding.UTF8.GetString(lines.Span).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("index").GetInt64());

    private async Task<long> WriteAsync()
    {
        AuditLogOptions options = new() { Folder = _folder, Origin = "countersign/test" };
        await using AuditLog log = AuditLog.Open(options, TimeProvider.System).Log!;
        for (int index = 0; index < Events; index++)
        {
            AuditReservation slot;
            while (!log.TryReserve(out slot)) await Task.Yield();
            string name = index % 3 == 0 ? "asked-for" : "other";
            new EventRecord { Event = name, At = Drafts.Now }.WriteTo(slot.Intent);
            log.Enqueue(slot.Intent);
            log.Return(slot);
        }

        return Events;
    }
}
