using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace Countersign.Audit.Tests;

/// <summary>Disks that fill up at every place: never an effect without its record.</summary>
public sealed class FullDiskTests
{
    private const int Producers = 4;
    private static readonly TimeSpan PatienceMax = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(1_024, 60)]
    [InlineData(50_000, 400)]
    [InlineData(64 * 1024 * 1024, 3_000)]
    public async Task What_was_let_through_is_on_the_disk_however_little_it_holds(long segmentBytesMax, int callsMax)
    {
        // Proves, from disks of every size up to 1.5 MB, segments that roll and that do not, records of any length, and
        // producers at once, that each record of a call that was not refused is in the log once it is closed, though
        // the disk never gets room; and that the next start opens it.
        int filled = 0;
        for (int seed = 0; seed < 12; seed++)
        {
            using LogFixture fixture = new();
            Random chance = new(seed);
            int bytes = (seed * 125_000) + chance.Next(60_000);
            AuditLogOptions options = Options(fixture, segmentBytesMax);
            AuditLogOpening opening =
                AuditLogOpener.Open(options, TimeProvider.System, new DiskRoom(fixture.Folder, bytes));
            if (opening.Log is not { } log) continue;
            ConcurrentDictionary<string, bool> written = [];
            int first = seed * Producers;
            await Task.WhenAll(Enumerable.Range(first, Producers).Select(one => Task.Run(
                () => CallUntilRefusedAsync(log, $"producer {one}", new Random(one), written, callsMax))));
            Assert.False(log.NeedsRestart, $"seed {seed}: {log.Fault}");
            if (log.Fault is not null) filled++;
            await log.DisposeAsync();
            Assert.Equal(0, log.RecordsLost);
            AssertHeld(fixture, written.Keys, seed);
            await using AuditLog again = LogFixture.Open(options);
            Assert.True(again.IsHealthy);
        }

        Assert.True(filled > 3, $"only {filled} disks were full");
    }

    [Fact]
    public async Task A_disk_with_room_again_is_used_again()
    {
        // Proves that a log which the disk had no room for takes calls without a restart once there is some, that
        // tiles and heads catch up, and that the log then verifies to its end.
        using LogFixture fixture = new();
        DiskRoom disk = new(fixture.Folder, 700_000);
        AuditLog log = AuditLogOpener.Open(Options(fixture, 50_000), TimeProvider.System, disk).Log!;
        ConcurrentDictionary<string, bool> written = [];
        for (int round = 0; round < 3; round++)
        {
            await CallUntilRefusedAsync(log, $"round {round}", new Random(round), written);
            await UntilAsync(() => !log.IsHealthy);
            Assert.False(log.TryReserve(out _));
            disk.Grow(1_500_000);
            await UntilAsync(() => log.IsHealthy);
            Assert.Null(log.Fault);
        }

        disk.Grow(50_000_000);
        await LogFixture.AppendAsync(log, 0, 300);
        await UntilAsync(() => log.LastCheckpoint!.Size == log.Size);
        await log.DisposeAsync();
        AssertHeld(fixture, written.Keys, 0);
        Assert.Equal(log.Size, fixture.Verify().EntriesProven);
        Assert.False(File.Exists(fixture.PathOf(LogFolder.SpareFile)));
    }

    [Fact]
    public async Task A_failed_flush_loses_no_record_that_the_disk_still_takes()
    {
        // Proves that outcomes which come after a final fault are written, though nobody is promised anything, and
        // that the next start finds them.
        using LogFixture fixture = new();
        FailingStorage storage = new();
        AuditLog log = AuditLogOpener.Open(fixture.Options, TimeProvider.System, storage).Log!;
        Assert.True(log.TryReserve(out AuditReservation early));
        storage.FailsToFlush = true;
        Assert.False(await LogFixture.AppendAsync(log, LogFixture.Payload(0)));
        Assert.True(log.NeedsRestart);
        Put(early.Intent, "intent", 9);
        log.Enqueue(early.Intent);
        Put(early.Outcome, "outcome", 9);
        Assert.False(await log.CommitAsync(early.Outcome));
        await log.DisposeAsync();
        Assert.Equal(3, log.RecordsLost);
        await using AuditLog again = LogFixture.Open(fixture.Options);
        Assert.Equal(3, again.Size);
    }

    [Fact]
    public async Task A_start_on_a_full_disk_takes_the_spare_back()
    {
        // Proves that what a killed gateway left as spare is room for the next one.
        using LogFixture fixture = new();
        await fixture.WriteAsync(300);
        File.WriteAllBytes(fixture.PathOf(LogFolder.SpareFile), new byte[2_000_000]);
        DiskRoom disk = new(fixture.Folder, 2_000_000);
        AuditLog log = AuditLogOpener.Open(Options(fixture, 50_000), TimeProvider.System, disk).Log!;
        Assert.True(await LogFixture.AppendAsync(log, LogFixture.Payload(300)), log.Fault);
        await log.DisposeAsync();
        Assert.Equal(301, fixture.Verify().EntriesProven);
    }

    private static AuditLogOptions Options(LogFixture fixture, long segmentBytesMax) => fixture.Options with
    {
        SegmentBytesMax = segmentBytesMax,
        CheckpointEvery = TimeSpan.FromMilliseconds(5),
        CommitEvery = TimeSpan.FromMilliseconds(5),
    };

    private static async Task CallUntilRefusedAsync(
        AuditLog log, string name, Random chance, ConcurrentDictionary<string, bool> written,
        int callsMax = 3_000)
    {
        for (int call = 0, refused = 0; call < callsMax && refused < 40; call++)
        {
            if (!log.TryReserve(out AuditReservation slot))
            {
                refused++;
                await Task.Delay(1);
                continue;
            }

            int bytes = chance.Next(8) == 0 ? chance.Next(40, slot.Intent.BytesMax) : chance.Next(40, 900);
            Put(slot.Intent, $"{name}/{call}/intent", bytes);
            bool mayGoOn = true;
            if (chance.Next(3) == 0) mayGoOn = await log.CommitAsync(slot.Intent);
            else log.Enqueue(slot.Intent);
            if (mayGoOn) written[$"{name}/{call}/intent"] = true;
            if (chance.Next(5) == 0) await Task.Yield();
            bytes = chance.Next(8) == 0 ? chance.Next(40, slot.Outcome.BytesMax) : chance.Next(40, 900);
            Put(slot.Outcome, $"{name}/{call}/outcome", bytes);
            log.Enqueue(slot.Outcome);
            written[$"{name}/{call}/outcome"] = true;
            log.Return(slot);
        }
    }

    private static void Put(AuditRecord record, string id, int bytes)
    {
        byte[] text = Encoding.UTF8.GetBytes(id.PadRight(bytes));
        text.CopyTo(record.GetSpan(text.Length));
        record.Advance(text.Length);
    }

    private static void AssertHeld(LogFixture fixture, ICollection<string> written, int seed)
    {
        HashSet<string> held = [];
        foreach (AuditEntry entry in AuditReader.Between(fixture.Folder, 0, long.MaxValue))
        {
            Assert.True(held.Add(Encoding.UTF8.GetString(entry.Payload.Span).TrimEnd()), "an entry is there twice");
        }

        string[] gone = [.. written.Where(one => !held.Contains(one)).Take(5)];
        string counts = string.Create(CultureInfo.InvariantCulture, $"seed {seed}: {held.Count} of {written.Count}");
        Assert.True(gone.Length == 0, $"{counts}; not there: {string.Join(", ", gone)}");
        AuditVerification found = fixture.Verify();
        Assert.True(found.IsOk, $"{counts}: {found.Message}");
    }

    private static async Task UntilAsync(Func<bool> holds)
    {
        long startedAt = TimeProvider.System.GetTimestamp();
        while (!holds())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(startedAt) < PatienceMax, "it never came to that");
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
    }
}
