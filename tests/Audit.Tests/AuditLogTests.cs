using System.Collections.Concurrent;
using System.Text;

namespace Countersign.Audit.Tests;

public sealed class AuditLogTests
{
    [Fact]
    public async Task Producers_lose_and_repeat_nothing()
    {
        // Proves it with 8 producers of 5000 records each, lazy and awaited ones mixed: every one is there exactly
        // once.
        using LogFixture fixture = new();
        AuditLogOptions options = fixture.Options with { QueueRecordsMax = 1_024, SegmentBytesMax = 100_000 };
        await using (AuditLog log = LogFixture.Open(options))
        {
            await Task.WhenAll(Enumerable.Range(0, 8).Select(producer => Task.Run(() => ProduceAsync(log, producer))));
        }

        Dictionary<string, int> seen = [];
        Dictionary<int, int> lastOf = [];
        foreach (AuditEntry entry in AuditReader.Between(fixture.Folder, 0, long.MaxValue))
        {
            string text = Encoding.UTF8.GetString(entry.Payload.Span);
            seen[text] = seen.GetValueOrDefault(text) + 1;
            int[] parts = [.. text.Split('/').Select(int.Parse)];
            Assert.Equal(lastOf.GetValueOrDefault(parts[0], -1) + 1, parts[1]);
            lastOf[parts[0]] = parts[1];
        }

        Assert.Equal(40_000, seen.Count);
        Assert.All(seen.Values, count => Assert.Equal(1, count));
        AuditVerification found = fixture.Verify();
        Assert.True(found.IsOk, found.ToString());
        Assert.Equal((40_000L, 0L), (found.EntriesProven, found.TailEntries));
    }

    [Fact]
    public async Task A_full_disk_holds_the_log_up()
    {
        // Proves that an entry which a full disk takes half of is told no, and kept: nothing is reserved meanwhile,
        // what was reserved before is handed over, and once the disk has room all of it is there without a restart.
        using LogFixture fixture = new();
        FailingStorage storage = new();
        AuditLog log = AuditLogOpener.Open(fixture.Options, TimeProvider.System, storage).Log!;
        await LogFixture.AppendAsync(log, 0, 3);
        Assert.True(log.TryReserve(out AuditReservation early));
        storage.IsFull = true;
        Assert.False(await LogFixture.AppendAsync(log, LogFixture.Payload(3)));
        Assert.False(log.IsHealthy);
        Assert.False(log.NeedsRestart);
        Assert.Contains("No space left", log.Fault, StringComparison.Ordinal);
        Assert.False(log.TryReserve(out _));
        Fill(early.Intent, "late");
        log.Enqueue(early.Intent);
        Fill(early.Outcome, "later");
        log.Enqueue(early.Outcome);
        storage.IsFull = false;
        while (!log.IsHealthy) await Task.Delay(5, TestContext.Current.CancellationToken);
        await LogFixture.AppendAsync(log, 6, 7);
        await log.DisposeAsync();
        Assert.Equal((0L, 7L), (log.RecordsLost, log.LastCheckpoint!.Size));
        Assert.Equal(7, AuditReader.Between(fixture.Folder, 0, 99).Count());
        Assert.True(fixture.Verify().IsOk);
    }

    [Fact]
    public async Task A_failed_flush_faults_the_log()
    {
        // Proves that an entry which may not be on the disk is never acknowledged, nor signed.
        using LogFixture fixture = new();
        FailingStorage storage = new();
        AuditLog log = AuditLogOpener.Open(fixture.Options, TimeProvider.System, storage).Log!;
        storage.FailsToFlush = true;
        Assert.False(await LogFixture.AppendAsync(log, LogFixture.Payload(0)));
        Assert.False(log.TryReserve(out _));
        await log.DisposeAsync();
        Assert.Equal(0, log.LastCheckpoint!.Size);
    }

    [Fact]
    public async Task Reservations_run_out_and_come_back()
    {
        // Proves that two records of 32 go with each, that the 17th is refused, and that returning makes room once.
        using LogFixture fixture = new();
        await using AuditLog log = LogFixture.Open(fixture.Options);
        List<AuditReservation> held = [];
        while (log.TryReserve(out AuditReservation slot)) held.Add(slot);
        Assert.Equal(16, held.Count);
        log.Return(held[0]);
        log.Return(held[0]);
        log.Return(default);
        Assert.True(log.TryReserve(out AuditReservation again));
        Assert.False(log.TryReserve(out AuditReservation none));
        Assert.False(none.IsHeld);
        Assert.Throws<InvalidOperationException>(() => default(AuditReservation).Intent);
        log.Return(held[0]);
        Assert.False(log.TryReserve(out _));
        Fill(again.Intent, "x");
        log.Enqueue(again.Intent);
        Assert.Throws<InvalidOperationException>(() => log.Enqueue(again.Intent));
        Assert.Throws<InvalidOperationException>(() => log.Enqueue(again.Outcome));
    }

    [Fact]
    public async Task Appending_allocates_nothing()
    {
        // Proves it on the producer's thread by the runtime's own count, for lazy and for awaited records.
        using LogFixture fixture = new();
        await using AuditLog log = LogFixture.Open(fixture.Options with { QueueRecordsMax = 4_096 });
        ValueTask<bool>[] commits = new ValueTask<bool>[500];
        byte[] digest = new byte[32];
        string[] groups = ["support", "staff"];
        Produce(log, commits, digest, groups);
        foreach (ValueTask<bool> commit in commits) Assert.True(await commit);

        // A collection meanwhile counts what was left of the thread's buffer: the least of some rounds is its own.
        long least = long.MaxValue;
        for (int round = 0; round < 5 && least > 0; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            Produce(log, commits, digest, groups);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
            foreach (ValueTask<bool> commit in commits) Assert.True(await commit);
        }

        Assert.Equal(0, least);
    }

    [Fact]
    public async Task A_record_grows_to_its_limit_and_no_further()
    {
        // Proves that the longest entry is stored whole, and that asking for more throws instead of being cut.
        using LogFixture fixture = new();
        await using AuditLog log = LogFixture.Open(fixture.Options);
        Assert.True(log.TryReserve(out AuditReservation slot));
        byte[] longest = new byte[65_535];
        longest.AsSpan().Fill((byte)'x');
        foreach (byte one in longest)
        {
            slot.Intent.GetSpan(1)[0] = one;
            slot.Intent.Advance(1);
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => slot.Intent.GetSpan(1).Length);
        Assert.True(await log.CommitAsync(slot.Intent));
        log.Return(slot);
        Assert.Equal(longest, AuditReader.Between(fixture.Folder, 0, 1).Single().Payload.ToArray());
    }

    [Fact]
    public async Task Closing_signs_everything_and_refuses_the_rest()
    {
        // Proves that lazy records handed over before are signed, and that one handed over after is refused, not lost
        // silently.
        using LogFixture fixture = new();
        AuditLog log = LogFixture.Open(fixture.NeverSigning);
        Assert.True(log.TryReserve(out AuditReservation slot));
        Fill(slot.Intent, "first");
        log.Enqueue(slot.Intent);
        await log.DisposeAsync();
        await log.DisposeAsync();
        Assert.Equal(1, log.LastCheckpoint!.Size);
        Fill(slot.Outcome, "second");
        Assert.False(await log.CommitAsync(slot.Outcome));
        Assert.Equal(1, log.RecordsLost);
        Assert.False(log.TryReserve(out _));
        Assert.Equal(1, fixture.Verify().EntriesProven);
    }

    [Fact]
    public async Task A_follower_sees_every_entry_as_it_comes()
    {
        // Proves that a reader which started before the log had entries yields all of them in order, across segments.
        using LogFixture fixture = new();
        await using AuditLog log = LogFixture.Open(fixture.Options with { SegmentBytesMax = 1_024 });
        using AuditReader reader = new(fixture.Folder, 2);
        Task writing = Task.Run(() => LogFixture.AppendAsync(log, 0, 300), TestContext.Current.CancellationToken);
        long expected = 2;
        await foreach (AuditEntry entry in reader.FollowAsync(TimeProvider.System, TimeSpan.FromMilliseconds(1),
            TestContext.Current.CancellationToken))
        {
            Assert.Equal(expected, entry.Index);
            Assert.Equal(LogFixture.Payload(expected), entry.Payload.ToArray());
            if (++expected == 300) break;
        }

        await writing;
        Assert.Equal(AuditReadStatus.End, reader.Read(out _));
        Assert.Equal([7L, 8L], AuditReader.Between(fixture.Folder, 7, 9).Select(entry => entry.Index));
    }

    [Fact]
    public async Task A_reader_waits_for_an_entry_still_being_written()
    {
        // Proves that half a frame at the end is the end, also before the first entry asked for, until the rest
        // arrives.
        using LogFixture fixture = new();
        await using AuditLog log = LogFixture.Open(fixture.NeverSigning);
        await LogFixture.AppendAsync(log, 0, 4);
        using LogFixture crashed = fixture.Copy();
        byte[] segment = File.ReadAllBytes(crashed.Segment());
        File.Delete(crashed.PathOf("tile/0/000"));
        int third = LogFixture.FrameOffsets(segment)[2];
        File.WriteAllBytes(crashed.Segment(), segment[..(third + 5)]);
        using AuditReader reader = new(crashed.Folder, 3);
        Assert.Equal(AuditReadStatus.End, reader.Read(out _));
        Assert.Equal(3, reader.Index);
        File.WriteAllBytes(crashed.Segment(), segment);
        Assert.Equal(AuditReadStatus.Entry, reader.Read(out AuditEntry entry));
        Assert.Equal((3L, 4L), (entry.Index, reader.Index));
        Assert.Equal(AuditReadStatus.End, reader.Read(out _));
    }

    [Fact]
    public async Task A_reader_stops_at_damage()
    {
        // Proves that a bad frame is told as damage at its entry, not passed over and not waited for.
        using LogFixture fixture = new();
        await fixture.WriteAsync(4);
        byte[] segment = File.ReadAllBytes(fixture.Segment());
        segment[LogFixture.FrameOffsets(segment)[2] + 8] ^= 1;
        File.WriteAllBytes(fixture.Segment(), segment);
        using AuditReader reader = new(fixture.Folder);
        Assert.Equal(AuditReadStatus.Entry, reader.Read(out _));
        Assert.Equal(AuditReadStatus.Entry, reader.Read(out _));
        Assert.Equal(AuditReadStatus.Damaged, reader.Read(out _));
        Assert.Equal((AuditDamageKind.CrcMismatch, 2L), (reader.Damage!.Kind, reader.Damage.Entry));
    }

    private static async Task ProduceAsync(AuditLog log, int producer)
    {
        ConcurrentQueue<Task<bool>> commits = [];
        for (int number = 0; number < 5_000; number++)
        {
            AuditReservation slot;
            while (!log.TryReserve(out slot)) await Task.Yield();
            Fill(slot.Intent, $"{producer}/{number}");
            if (number % 7 == 0) commits.Enqueue(log.CommitAsync(slot.Intent).AsTask());
            else log.Enqueue(slot.Intent);
            log.Return(slot);
        }

        Assert.All(await Task.WhenAll(commits), Assert.True);
    }

    private static void Produce(AuditLog log, ValueTask<bool>[] commits, byte[] digest, string[] groups)
    {
        for (int call = 0; call < commits.Length; call++)
        {
            AuditReservation slot;
            while (!log.TryReserve(out slot)) { }
            CallRecord record = new(CallRecordType.Intent)
            {
                Call = Guid.Empty, Gateway = "g", Issuer = "https://issuer.test", Subject = "ada", Kind = "human",
                Groups = groups, Chain = groups, Function = "billing.refund", Method = "POST"u8, Target = "/a?b=c"u8,
                Digest = digest, RequestBytes = 12, PolicyVersion = 3,
            };
            record.WriteTo(slot.Intent);
            // Awaited once each, but after the count: an await here would count the state machine of the test.
#pragma warning disable CA2012
            commits[call] = log.CommitAsync(slot.Intent);
#pragma warning restore CA2012
            record.Type = CallRecordType.Outcome;
            record.Verdict = "ok";
            record.WriteTo(slot.Outcome);
            log.Enqueue(slot.Outcome);
            log.Return(slot);
        }
    }

    private static void Fill(AuditRecord record, string text)
    {
        record.Clear();
        int bytes = Encoding.UTF8.GetBytes(text, record.GetSpan(text.Length * 3));
        record.Advance(bytes);
    }
}
