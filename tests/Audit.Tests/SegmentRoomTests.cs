using Microsoft.Win32.SafeHandles;

namespace Countersign.Audit.Tests;

/// <summary>The room that is made in the newest segment, and the thread that makes it.</summary>
public sealed class SegmentRoomTests
{
    private static readonly TimeSpan PatienceMax = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Room_is_no_entry_and_no_damage()
    {
        // Proves that a log at work has room behind its last entry, that readers, the verifier and a start after a
        // stopped machine end where the entries do, and that a log that is closed has none.
        using LogFixture fixture = new();
        AuditLog log = LogFixture.Open(fixture.NeverSigning);
        await LogFixture.AppendAsync(log, 0, 5);
        await UntilAsync(() => new FileInfo(fixture.Segment()).Length >= AuditLimits.PrepareStepBytes);
        using LogFixture stopped = fixture.Copy(withRoom: true);
        Assert.Equal(5, AuditReader.Between(fixture.Folder, 0, 99).Count());
        AuditVerification live = fixture.Verify();
        Assert.True(live.IsOk && live.TailTornBytes == 0, live.Message);
        await log.DisposeAsync();
        byte[] closed = File.ReadAllBytes(fixture.Segment());
        Assert.Equal(LogFixture.FrameOffsets(closed)[^1], closed.Length);

        Assert.True(new FileInfo(stopped.Segment()).Length > closed.Length);
        Assert.True(stopped.Verify().IsOk);
        AuditLog again = LogFixture.Open(stopped.Options);
        Assert.Equal(5, again.Size);
        await LogFixture.AppendAsync(again, 5, 300);
        await again.DisposeAsync();
        Assert.Equal(300, stopped.Verify().EntriesCovered);
        Assert.True(stopped.Verify().IsOk);
    }

    [Fact]
    public async Task What_a_crash_left_in_the_room_is_cut()
    {
        // Proves that pages that came to the disk without those before them are torn bytes, told of and cut.
        using LogFixture fixture = new();
        AuditLog log = LogFixture.Open(fixture.NeverSigning);
        await LogFixture.AppendAsync(log, 0, 5);
        await UntilAsync(() => new FileInfo(fixture.Segment()).Length >= AuditLimits.PrepareStepBytes);
        using LogFixture stopped = fixture.Copy(withRoom: true);
        await log.DisposeAsync();
        long end = new FileInfo(fixture.Segment()).Length;
        byte[] segment = File.ReadAllBytes(stopped.Segment());
        segment[end + 4_096] = 7;
        File.WriteAllBytes(stopped.Segment(), segment);
        Assert.Equal(4_097, stopped.Verify().TailTornBytes);
        AuditLogOpening opening = AuditLog.Open(stopped.Options, TimeProvider.System);
        Assert.Equal((AuditOpenStatus.OpenedAfterCut, 4_097L), (opening.Status, opening.TailCutBytes));
        await LogFixture.AppendAsync(opening.Log!, 5, 9);
        await opening.Log!.DisposeAsync();
        Assert.True(stopped.Verify().IsOk);
    }

    [Fact]
    public async Task Zeros_over_a_signed_entry_are_damage()
    {
        // Proves that nobody hides an entry as room: in the newest segment and in one before it, the entry is named.
        using LogFixture fixture = new();
        AuditLogOptions options = fixture.Options with { SegmentBytesMax = 2_048 };
        await fixture.WriteAsync(300, options);
        List<long> firsts = LogFolder.Segments(fixture.Folder);
        foreach (long first in (long[])[firsts[0], firsts[^1]])
        {
            byte[] whole = File.ReadAllBytes(fixture.Segment(first)), zeroed = (byte[])whole.Clone();
            List<int> at = LogFixture.FrameOffsets(whole);
            zeroed.AsSpan(at[1]..at[2]).Clear();
            File.WriteAllBytes(fixture.Segment(first), zeroed);
            AuditVerification found = fixture.Verify();
            Assert.Equal((AuditDamageKind.LengthInvalid, first + 1), (found.Kind, found.FirstBadEntry));
            Assert.Equal(AuditOpenStatus.Damaged, AuditLog.Open(options, TimeProvider.System).Status);
            zeroed.AsSpan(at[1]..).Clear();
            File.WriteAllBytes(fixture.Segment(first), zeroed);
            found = fixture.Verify();
            Assert.Equal(first + 1, found.FirstBadEntry);
            Assert.Null(AuditLog.Open(options, TimeProvider.System).Log);
            File.WriteAllBytes(fixture.Segment(first), whole);
        }

        Assert.True(fixture.Verify().IsOk);
    }

    [Fact]
    public async Task Nobody_who_waits_for_a_commit_waits_for_tiles_or_heads()
    {
        // Proves that commits go on while the disk holds up everything but segments, and that all is caught up with.
        using LogFixture fixture = new();
        using GatedStorage storage = new();
        AuditLogOptions options = fixture.Options with { CheckpointEvery = TimeSpan.FromMilliseconds(1) };
        AuditLog log = AuditLogOpener.Open(options, TimeProvider.System, storage).Log!;
        storage.Close();
        await LogFixture.AppendAsync(log, 0, 700).WaitAsync(PatienceMax, TestContext.Current.CancellationToken);
        Assert.Equal(0, log.LastCheckpoint!.Size);
        storage.Release();
        await log.DisposeAsync();
        AuditVerification found = fixture.Verify();
        Assert.True(found.IsOk, found.Message);
        Assert.Equal(700, found.EntriesCovered);
    }

    [Theory]
    [InlineData(".seg")]
    [InlineData("tile")]
    [InlineData("checkpoint")]
    public async Task A_disk_that_fails_beside_the_commits_faults_the_log(string failing)
    {
        // Proves that no room, no tile or no head is as final as no entry, unless the disk is merely full: nothing is
        // reserved again, and what waits is told no; a start on a disk that works has all that was acknowledged.
        using LogFixture fixture = new();
        using GatedStorage storage = new();
        AuditLogOptions options = fixture.Options with { CheckpointEvery = TimeSpan.FromMilliseconds(1) };
        AuditLog log = AuditLogOpener.Open(options, TimeProvider.System, storage).Log!;
        storage.Failing = failing;
        long acknowledged = 0;
        while (log.IsHealthy && await LogFixture.AppendAsync(log, LogFixture.Payload(acknowledged))) acknowledged++;
        await UntilAsync(() => !log.IsHealthy);
        Assert.False(log.TryReserve(out _));
        Assert.True(log.NeedsRestart);
        Assert.Contains("Input/output error", log.Fault, StringComparison.Ordinal);
        await log.DisposeAsync();
        await using AuditLog again = LogFixture.Open(options);
        Assert.True(again.Size >= acknowledged, $"{again.Size} of {acknowledged}");
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

    /// <summary>A disk that holds up, or refuses, what is beside the commits.</summary>
    [Fact]
    public void What_is_lent_ends_at_once()
    {
        // Proves that more is promised than there is while something is lent, no more than that, and nothing after it.
        SegmentRoom room = new();
        room.Give(100);
        Assert.False(room.TryTake(101));
        room.Lend(50);
        Assert.True(room.TryTake(101));
        Assert.False(room.TryTake(50));
        Assert.True(room.TryTake(49));
        Assert.Equal(-50, room.Free);
        room.Lend(0);
        Assert.False(room.TryTake(1));
        room.Give(51);
        Assert.True(room.TryTake(1));
    }

    [Fact]
    public async Task Many_who_come_at_once_are_written()
    {
        // Proves that what is promised from a disk with much to spare is written as what has room, over several
        // segments too: by reserving far more at once than room is made for, then writing all.
        foreach (long segmentBytesMax in new[] { 40_000L, 64L * 1_024 * 1_024 })
        {
            using LogFixture fixture = new();
            AuditLogOptions options =
                fixture.Options with { QueueRecordsMax = 8_192, SegmentBytesMax = segmentBytesMax };
            AuditLog log = AuditLogOpener.Open(options, TimeProvider.System, new RoomyStorage()).Log!;
            List<AuditReservation> held = [];
            while (held.Count < 4_096)
            {
                if (log.TryReserve(out AuditReservation slot)) held.Add(slot);
                else await Task.Yield();
            }

            Assert.False(log.TryReserve(out _));
            foreach (AuditReservation slot in held)
            {
                byte[] payload = LogFixture.Payload(1);
                payload.CopyTo(slot.Intent.GetSpan(payload.Length));
                slot.Intent.Advance(payload.Length);
                log.Enqueue(slot.Intent);
                log.Return(slot);
            }

            await log.DisposeAsync();
            AuditVerification found = fixture.Verify();
            Assert.True(found.IsOk, found.Message);
            Assert.Equal(held.Count, found.EntriesProven);
        }
    }

    /// <summary>A disk that says it has much to spare.</summary>
    private sealed class RoomyStorage : IAuditStorage
    {
        private readonly DiskStorage _disk = new();

        public SafeFileHandle Open(string path) => _disk.Open(path);

        public void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset) =>
            _disk.Write(file, bytes, offset);

        public void Flush(SafeFileHandle file) => _disk.Flush(file);

        public void Truncate(SafeFileHandle file, long length) => _disk.Truncate(file, length);

        public void FlushFolder(string folder) => _disk.FlushFolder(folder);

        public void Rename(string path, string name) => _disk.Rename(path, name);

        public void Replace(string path, ReadOnlySpan<byte> bytes) => _disk.Replace(path, bytes);

        public long FreeBytes(string folder) => long.MaxValue;
    }

    private sealed class GatedStorage : IAuditStorage, IDisposable
    {
        private readonly DiskStorage _disk = new();
        private readonly ManualResetEventSlim _isOpen = new(true);

        internal volatile string Failing = "nothing";

        public SafeFileHandle Open(string path)
        {
            Pass(path);
            return _disk.Open(path);
        }

        public void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset)
        {
            bool isRoom = !bytes.ContainsAnyExcept((byte)0);
            if (isRoom) Pass(".seg");
            _disk.Write(file, bytes, offset);
        }

        public void Flush(SafeFileHandle file) => _disk.Flush(file);

        public void Truncate(SafeFileHandle file, long length) => _disk.Truncate(file, length);

        public void FlushFolder(string folder) => _disk.FlushFolder(folder);

        public void Rename(string path, string name) => _disk.Rename(path, name);

        public void Replace(string path, ReadOnlySpan<byte> bytes)
        {
            Pass(path);
            _disk.Replace(path, bytes);
        }

        public void Dispose() => _isOpen.Dispose();

        internal void Close() => _isOpen.Reset();

        internal void Release() => _isOpen.Set();

        private void Pass(string path)
        {
            if (path.Contains(Failing, StringComparison.Ordinal)) throw new IOException("Input/output error");
            if (path != ".seg") _isOpen.Wait();
        }
    }
}
