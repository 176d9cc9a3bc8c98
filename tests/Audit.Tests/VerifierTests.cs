namespace Countersign.Audit.Tests;

public sealed class VerifierTests
{
    [Fact]
    public async Task Every_flipped_byte_names_its_entry()
    {
        // Proves detection for each byte of a segment, in frames' lengths, checksums and payloads, by two different
        // flips.
        using LogFixture fixture = new();
        await fixture.WriteAsync(12);
        byte[] segment = File.ReadAllBytes(fixture.Segment());
        List<int> offsets = LogFixture.FrameOffsets(segment);
        foreach (byte mask in (byte[])[0x01, 0xff])
        {
            for (int at = 0; at < segment.Length; at++)
            {
                segment[at] ^= mask;
                File.WriteAllBytes(fixture.Segment(), segment);
                segment[at] ^= mask;
                AuditVerification found = fixture.Verify();
                int entry = offsets.FindLastIndex(one => one <= at);
                Assert.False(found.IsOk);
                Assert.Equal(entry, found.FirstBadEntry);
                Assert.Equal(offsets[entry], found.ByteOffset);
                Assert.Equal(LogFolder.SegmentName(0), found.File);
                Assert.Equal(entry, found.EntriesProven);
                Assert.Equal(12, found.EntriesCovered);
            }
        }

        File.WriteAllBytes(fixture.Segment(), segment);
        Assert.True(fixture.Verify().IsOk);
    }

    [Fact]
    public async Task Every_truncation_is_noticed()
    {
        // Proves it for each length: within a frame it is truncated, at a border rolled back, and the entry is named.
        using LogFixture fixture = new();
        await fixture.WriteAsync(4);
        byte[] segment = File.ReadAllBytes(fixture.Segment());
        List<int> offsets = LogFixture.FrameOffsets(segment);
        for (int length = 0; length < segment.Length; length++)
        {
            File.WriteAllBytes(fixture.Segment(), segment[..length]);
            AuditVerification found = fixture.Verify();
            bool atBorder = offsets.Contains(length);
            Assert.Equal(atBorder ? AuditDamageKind.RolledBack : AuditDamageKind.Truncated, found.Kind);
            Assert.Equal(offsets.FindLastIndex(one => one <= length), found.FirstBadEntry);
        }
    }

    [Fact]
    public async Task A_deleted_segment_is_missing_wherever_it_was()
    {
        // Proves it for each segment in turn: the first entry of the deleted one is named.
        using LogFixture fixture = new();
        await fixture.WriteAsync(300, fixture.Options with { SegmentBytesMax = 1_024 });
        List<long> firsts = LogFolder.Segments(fixture.Folder);
        Assert.True(firsts.Count > 3);
        foreach (long first in firsts)
        {
            string hidden = fixture.PathOf("hidden");
            File.Move(fixture.Segment(first), hidden);
            AuditVerification found = fixture.Verify();
            Assert.Equal(first == firsts[^1] ? AuditDamageKind.RolledBack : AuditDamageKind.Missing, found.Kind);
            Assert.Equal(first, found.FirstBadEntry);
            Assert.Equal(first, found.EntriesProven);
            File.Move(hidden, fixture.Segment(first));
        }

        Assert.True(fixture.Verify().IsOk);
    }

    [Fact]
    public async Task Swapped_entries_are_noticed()
    {
        // Proves that whole, valid frames in another order do not pass.
        using LogFixture fixture = new();
        await fixture.WriteAsync(5);
        byte[] segment = File.ReadAllBytes(fixture.Segment());
        List<int> at = LogFixture.FrameOffsets(segment);
        File.WriteAllBytes(fixture.Segment(),
            [.. segment[..at[1]], .. segment[at[2]..at[3]], .. segment[at[1]..at[2]], .. segment[at[3]..]]);
        AuditVerification found = fixture.Verify();
        Assert.Equal((AuditDamageKind.HashMismatch, 1L), (found.Kind, found.FirstBadEntry));
    }

    [Fact]
    public async Task A_rewritten_entry_with_a_right_checksum_is_noticed()
    {
        // Proves it by the leaf hash; and when the leaf hash was rewritten too, by the signed root.
        using LogFixture fixture = new();
        await fixture.WriteAsync(5);
        byte[] payload = Rewriting.Replace(fixture, 3);
        AuditVerification found = fixture.Verify();
        Assert.Equal((AuditDamageKind.HashMismatch, 3L), (found.Kind, found.FirstBadEntry));
        Assert.Equal(3, found.EntriesProven);
        Rewriting.Rehash(fixture, 3, payload);
        found = fixture.Verify();
        Assert.Equal((AuditDamageKind.RootMismatch, -1L), (found.Kind, found.FirstBadEntry));
        Assert.Equal(0, found.EntriesProven);
    }

    [Fact]
    public async Task An_old_checkpoint_is_fine_and_a_newer_one_is_a_rollback()
    {
        // Proves that entries behind a checkpoint are a tail, and that a checkpoint ahead of the entries is damage.
        using LogFixture fixture = new();
        await fixture.WriteAsync(3);
        using LogFixture older = fixture.Copy();
        await fixture.WriteAsync(8);
        byte[] newest = File.ReadAllBytes(fixture.PathOf("checkpoint"));
        File.Copy(older.PathOf("checkpoint"), fixture.PathOf("checkpoint"), overwrite: true);
        AuditVerification found = fixture.Verify();
        Assert.True(found.IsOk, found.Message);
        Assert.Equal((3L, 5L), (found.EntriesProven, found.TailEntries));
        File.WriteAllBytes(older.PathOf("checkpoint"), newest);
        found = older.Verify();
        Assert.Equal((AuditDamageKind.RolledBack, 3L), (found.Kind, found.FirstBadEntry));
    }

    [Fact]
    public async Task A_known_checkpoint_shows_what_the_key_holder_rewrote()
    {
        // Proves that a log made anew with its own key verifies alone, but not against what was published before.
        using LogFixture fixture = new();
        await fixture.WriteAsync(5);
        byte[] published = File.ReadAllBytes(fixture.PathOf("checkpoint"));
        string key = File.ReadAllText(fixture.PathOf("log.vkey"));
        await fixture.WriteAsync(9);
        Assert.True(AuditVerifier.Verify(fixture.Folder, null, key, published).IsOk);
        using LogFixture forged = new();
        await using (AuditLog log = LogFixture.Open(forged.Options)) await LogFixture.AppendAsync(log, 1, 9);
        Assert.True(forged.Verify().IsOk);
        Assert.Equal(AuditDamageKind.ForkedFromKnown, AuditVerifier.Verify(forged.Folder, null, key, published).Kind);
        using LogFixture shorter = new();
        await shorter.WriteAsync(2);
        Assert.Equal(AuditDamageKind.RolledBack, AuditVerifier.Verify(shorter.Folder, null, key, published).Kind);
    }

    [Fact]
    public async Task The_head_of_a_log_is_checked()
    {
        // Proves that a flip anywhere in key or checkpoint, another key, or a missing file never verifies.
        using LogFixture fixture = new();
        await fixture.WriteAsync(2);
        foreach (string name in (string[])["log.vkey", "checkpoint"])
        {
            byte[] bytes = File.ReadAllBytes(fixture.PathOf(name));
            for (int at = 0; at < bytes.Length; at++)
            {
                bytes[at] ^= 0x01;
                File.WriteAllBytes(fixture.PathOf(name), bytes);
                bytes[at] ^= 0x01;
                Assert.False(fixture.Verify().IsOk, $"{name} byte {at}");
            }

            File.Delete(fixture.PathOf(name));
            Assert.Equal((AuditDamageKind.Missing, name), (fixture.Verify().Kind, fixture.Verify().File));
            File.WriteAllBytes(fixture.PathOf(name), bytes);
        }

        Assert.True(fixture.Verify().IsOk);
        using LogKey other = LogKey.FromSeed(LogFixture.Origin, new byte[32])!;
        Assert.Equal(AuditDamageKind.KeyMismatch,
            AuditVerifier.Verify(fixture.Folder, null, other.Public.ToString()).Kind);
    }

    [Fact]
    public async Task Every_flipped_tile_byte_is_noticed()
    {
        // Proves it for leaf tiles and the level above; and that a tile gone leaves the entries themselves proven.
        using LogFixture fixture = new();
        await fixture.WriteAsync(260);
        foreach ((string name, int step) in new[] { ("tile/0/000", 61), ("tile/0/001", 1), ("tile/1/000", 1) })
        {
            byte[] bytes = File.ReadAllBytes(fixture.PathOf(name));
            for (int at = 0; at < bytes.Length; at += step)
            {
                bytes[at] ^= 0x80;
                File.WriteAllBytes(fixture.PathOf(name), bytes);
                bytes[at] ^= 0x80;
                AuditVerification flipped = fixture.Verify();
                Assert.Equal((AuditDamageKind.HashMismatch, name), (flipped.Kind, flipped.File));
                Assert.Equal((-1L, 260L), (flipped.FirstBadEntry, flipped.EntriesProven));
            }

            File.Delete(fixture.PathOf(name));
            AuditVerification found = fixture.Verify();
            Assert.Equal((AuditDamageKind.Missing, name), (found.Kind, found.File));
            Assert.Equal((-1L, 260L), (found.FirstBadEntry, found.EntriesProven));
            File.WriteAllBytes(fixture.PathOf(name), bytes);
        }

        Assert.True(fixture.Verify().IsOk);
    }

    [Fact]
    public async Task An_unsigned_tail_is_checked_as_far_as_it_was_hashed()
    {
        // Proves that a flip behind the checkpoint is named too, and that half a frame at the very end is no damage.
        using LogFixture fixture = new();
        await using AuditLog log = LogFixture.Open(fixture.NeverSigning);
        await LogFixture.AppendAsync(log, 0, 6);
        AuditVerification whole = fixture.Verify();
        Assert.True(whole.IsOk);
        Assert.Equal((0L, 6L), (whole.EntriesCovered, whole.TailEntries));
        using LogFixture crashed = fixture.Copy();
        byte[] segment = File.ReadAllBytes(crashed.Segment());
        File.WriteAllBytes(crashed.Segment(), [.. segment, .. segment[..5]]);
        Assert.Equal((true, 5L), (crashed.Verify().IsOk, crashed.Verify().TailTornBytes));
        segment[LogFixture.FrameOffsets(segment)[4] + 9] ^= 1;
        File.WriteAllBytes(crashed.Segment(), segment);
        Assert.Equal((AuditDamageKind.CrcMismatch, 4L), (crashed.Verify().Kind, crashed.Verify().FirstBadEntry));
    }

    [Fact]
    public async Task It_verifies_beside_a_writer()
    {
        // Proves that no verification taken while entries arrive, segments roll and checkpoints change finds damage.
        using LogFixture fixture = new();
        AuditLogOptions busy = fixture.Options with
        {
            SegmentBytesMax = 4_000,
            CheckpointEvery = TimeSpan.FromMilliseconds(1),
            QueueRecordsMax = 512,
        };
        await using AuditLog log = LogFixture.Open(busy);
        Task writing = Task.Run(
            () => Task.WhenAll(Enumerable.Range(0, 8).Select(_ => LogFixture.AppendAsync(log, 0, 400))),
            TestContext.Current.CancellationToken);
        do
        {
            AuditVerification found = fixture.Verify();
            Assert.True(found.IsOk, found.ToString());
        }
        while (!writing.IsCompleted);
        await writing;
        Assert.Equal(3_200, log.Size);
    }
}
