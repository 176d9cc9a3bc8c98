namespace Countersign.Audit.Tests;

public sealed class RecoveryTests
{
    [Fact]
    public async Task A_restart_continues_the_tree()
    {
        // Proves that three runs make one log, across tile and segment borders, equal to one made in a single run.
        using LogFixture pieces = new();
        using LogFixture whole = new();
        AuditLogOptions small = pieces.Options with { SegmentBytesMax = 2_000 };
        await pieces.WriteAsync(5, small);
        await pieces.WriteAsync(300, small);
        await pieces.WriteAsync(700, small with { ChecksEverySegment = false });
        await whole.WriteAsync(700);
        Assert.Equal(File.ReadAllBytes(whole.PathOf("checkpoint")), File.ReadAllBytes(pieces.PathOf("checkpoint")));
        Assert.Equal(File.ReadAllBytes(whole.PathOf("tile/0/002")), File.ReadAllBytes(pieces.PathOf("tile/0/002")));
        Assert.Equal(2 * 32, new FileInfo(pieces.PathOf("tile/1/000")).Length);
        Assert.Equal(8_192, new FileInfo(pieces.PathOf("tile/0/001")).Length);
        Assert.True(LogFolder.Segments(pieces.Folder).Count > 3);
        Assert.True(pieces.Verify().IsOk);
    }

    [Fact]
    public async Task A_torn_tail_is_cut_wherever_it_was_torn()
    {
        // Proves it for every byte of the last frame: cut, reported, the rest kept, and the log goes on and verifies.
        using LogFixture fixture = new();
        AuditLog log = LogFixture.Open(fixture.NeverSigning);
        await LogFixture.AppendAsync(log, 0, 4);
        using LogFixture crashed = fixture.Copy();
        await log.DisposeAsync();
        byte[] segment = File.ReadAllBytes(crashed.Segment());
        List<int> offsets = LogFixture.FrameOffsets(segment);
        for (int length = offsets[3]; length < segment.Length; length++)
        {
            using LogFixture torn = crashed.Copy();
            File.WriteAllBytes(torn.Segment(), segment[..length]);
            AuditLogOpening opening = AuditLog.Open(torn.Options, TimeProvider.System);
            bool cut = length > offsets[3];
            Assert.Equal(cut ? AuditOpenStatus.OpenedAfterCut : AuditOpenStatus.Opened, opening.Status);
            int last = segment.AsSpan(0, length).LastIndexOfAnyExcept((byte)0);
            Assert.Equal(last + 1 - offsets[3], opening.TailCutBytes);
            Assert.Equal(3, opening.Log!.Size);
            Assert.True(await LogFixture.AppendAsync(opening.Log, LogFixture.Payload(77)));
            await opening.Log.DisposeAsync();
            Assert.True(torn.Verify().IsOk);
            Assert.Equal(LogFixture.Payload(77), AuditReader.Between(torn.Folder, 3, 9).Single().Payload.ToArray());
        }
    }

    [Fact]
    public async Task A_bad_checksum_in_the_unsigned_tail_is_cut()
    {
        // Proves that a flipped byte of the last unsigned frame counts as torn, as half-written pages leave it.
        using LogFixture fixture = new();
        await using AuditLog log = LogFixture.Open(fixture.NeverSigning);
        await LogFixture.AppendAsync(log, 0, 3);
        using LogFixture crashed = fixture.Copy();
        Flip(crashed.Segment(), new FileInfo(crashed.Segment()).Length - 1);
        await using AuditLog again = LogFixture.Open(crashed.Options, AuditOpenStatus.OpenedAfterCut);
        Assert.Equal(2, again.Size);
    }

    [Fact]
    public async Task Damage_under_the_checkpoint_is_refused_and_left_alone()
    {
        // Proves that no start mends or cuts what was signed: every byte flipped once, and the folder stays as it was.
        using LogFixture fixture = new();
        await fixture.WriteAsync(3);
        byte[] segment = File.ReadAllBytes(fixture.Segment());
        for (int at = 0; at < segment.Length; at++)
        {
            Flip(fixture.Segment(), at);
            byte[] flipped = File.ReadAllBytes(fixture.Segment());
            AuditLogOpening opening = AuditLog.Open(fixture.Options, TimeProvider.System);
            Assert.Equal(AuditOpenStatus.Damaged, opening.Status);
            Assert.Null(opening.Log);
            Assert.Equal(LogFixture.FrameOffsets(segment).FindLastIndex(one => one <= at), opening.Damage!.Entry);
            Assert.Equal(flipped, File.ReadAllBytes(fixture.Segment()));
            Flip(fixture.Segment(), at);
        }

        await LogFixture.Open(fixture.Options).DisposeAsync();
    }

    [Fact]
    public async Task An_entry_rewritten_under_a_correct_checksum_is_refused()
    {
        // Proves that the start checks hashes, not checksums alone, and names the entry.
        using LogFixture fixture = new();
        await fixture.WriteAsync(3);
        Rewriting.Replace(fixture, 1);
        AuditLogOpening opening = AuditLog.Open(fixture.Options, TimeProvider.System);
        Assert.Equal(AuditOpenStatus.Damaged, opening.Status);
        Assert.Equal(AuditDamageKind.HashMismatch, opening.Damage!.Kind);
        Assert.Equal(1, opening.Damage.Entry);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Tiles_are_rebuilt_from_the_entries(bool checksEverySegment)
    {
        // Proves it for tiles gone, cut short, zeroed and grown too long, since the entries still prove the signed
        // root.
        using LogFixture fixture = new();
        AuditLogOptions options = fixture.Options with
        {
            SegmentBytesMax = 3_000,
            ChecksEverySegment = checksEverySegment,
        };
        await fixture.WriteAsync(600, options);
        byte[] last = File.ReadAllBytes(fixture.PathOf("tile/0/002"));
        File.Delete(fixture.PathOf("tile/0/000"));
        File.WriteAllBytes(fixture.PathOf("tile/0/001"), new byte[8_192]);
        File.WriteAllBytes(fixture.PathOf("tile/0/002"), [.. last, 1, 2, 3]);
        File.WriteAllBytes(fixture.PathOf("tile/0/003"), last);
        File.WriteAllBytes(fixture.PathOf("tile/1/000"), File.ReadAllBytes(fixture.PathOf("tile/1/000"))[..32]);
        Assert.False(fixture.Verify().IsOk);
        await fixture.WriteAsync(601, options);
        Assert.True(fixture.Verify().IsOk);
        Assert.False(File.Exists(fixture.PathOf("tile/0/003")));
        Assert.Equal(2 * 32, new FileInfo(fixture.PathOf("tile/1/000")).Length);
    }

    [Fact]
    public async Task Leaf_hashes_that_a_crash_took_are_read_from_the_entries()
    {
        // Proves it for a start that would take older leaf hashes from the tiles: tiles are not synced.
        using LogFixture fixture = new();
        AuditLogOptions options = fixture.Options with { SegmentBytesMax = 3_000, ChecksEverySegment = false };
        await fixture.WriteAsync(600, options);
        File.WriteAllBytes(fixture.PathOf("tile/0/000"), new byte[8_192]);
        await fixture.WriteAsync(601, options);
        Assert.True(fixture.Verify().IsOk);
    }

    [Fact]
    public async Task A_wrong_hash_under_the_checkpoint_is_refused()
    {
        // Proves that a changed tile is damage, not something to be rebuilt in silence.
        using LogFixture fixture = new();
        await fixture.WriteAsync(300);
        Flip(fixture.PathOf("tile/0/000"), 40);
        AuditLogOpening opening = AuditLog.Open(fixture.Options, TimeProvider.System);
        Assert.Equal(AuditOpenStatus.Damaged, opening.Status);
        Assert.Equal(1, opening.Damage!.Entry);
        Assert.Equal("tile/0/000", opening.Damage.File);
    }

    [Fact]
    public async Task Fewer_entries_than_signed_are_refused()
    {
        // Proves that a cut at a frame's border, which no checksum notices, is a rollback; and so is an emptied folder.
        using LogFixture fixture = new();
        await fixture.WriteAsync(3);
        byte[] segment = File.ReadAllBytes(fixture.Segment());
        File.WriteAllBytes(fixture.Segment(), segment[..LogFixture.FrameOffsets(segment)[2]]);
        Assert.Equal(AuditOpenStatus.RolledBack, AuditLog.Open(fixture.Options, TimeProvider.System).Status);
        File.Delete(fixture.Segment());
        Assert.Equal(AuditOpenStatus.RolledBack, AuditLog.Open(fixture.Options, TimeProvider.System).Status);
    }

    [Fact]
    public async Task A_missing_segment_is_refused()
    {
        // Proves that the newest-segment check does not hide a gap, and the full one names it.
        using LogFixture fixture = new();
        AuditLogOptions options = fixture.Options with { SegmentBytesMax = 1_024 };
        await fixture.WriteAsync(300, options);
        long second = LogFolder.Segments(fixture.Folder)[1];
        File.Delete(fixture.Segment(second));
        AuditLogOpening opening = AuditLog.Open(options, TimeProvider.System);
        Assert.Equal(AuditOpenStatus.Damaged, opening.Status);
        Assert.Equal((AuditDamageKind.Missing, second), (opening.Damage!.Kind, opening.Damage.Entry));
    }

    [Fact]
    public async Task Key_and_checkpoint_are_held_to()
    {
        // Proves each refusal at the head of a log: other seed, lost seed, other name, lost or false checkpoint, second
        // writer.
        using LogFixture fixture = new();
        AuditLogOptions own = fixture.Options with { KeySeed = default };
        await using (AuditLog log = LogFixture.Open(own))
        {
            await LogFixture.AppendAsync(log, 0, 2);
            Assert.Equal(AuditOpenStatus.InUse, AuditLog.Open(own, TimeProvider.System).Status);
        }

        if (!OperatingSystem.IsWindows())
        {
            UnixFileMode mode = File.GetUnixFileMode(fixture.PathOf("key.seed"));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, mode);
        }

        Assert.Equal(AuditOpenStatus.KeyMismatch, AuditLog.Open(fixture.Options, TimeProvider.System).Status);
        AuditLogOptions renamed = own with { Origin = "other" };
        Assert.Equal(AuditOpenStatus.KeyMismatch, AuditLog.Open(renamed, TimeProvider.System).Status);
        File.Move(fixture.PathOf("key.seed"), fixture.PathOf("kept"));
        Assert.Equal(AuditOpenStatus.KeyInvalid, AuditLog.Open(own, TimeProvider.System).Status);
        File.Move(fixture.PathOf("kept"), fixture.PathOf("key.seed"));
        Flip(fixture.PathOf("checkpoint"), 20);
        Assert.Equal(AuditOpenStatus.CheckpointInvalid, AuditLog.Open(own, TimeProvider.System).Status);
        File.Delete(fixture.PathOf("checkpoint"));
        Assert.Equal(AuditOpenStatus.CheckpointMissing, AuditLog.Open(own, TimeProvider.System).Status);
        File.Delete(fixture.PathOf("log.vkey"));
        Assert.Equal(AuditOpenStatus.CheckpointMissing, AuditLog.Open(own, TimeProvider.System).Status);
    }

    [Fact]
    public void Options_are_refused_with_every_error()
    {
        // Proves that all errors are told at once, not the first alone.
        AuditLogOptions wrong = new() { Folder = " ", Origin = "a b", QueueRecordsMax = 1, RecordBytesMax = 70_000 };
        AuditLogOpening opening = AuditLog.Open(wrong, TimeProvider.System);
        Assert.Equal(AuditOpenStatus.OptionsInvalid, opening.Status);
        Assert.Equal(4, opening.Message.Split("; ").Length);
    }

    private static void Flip(string path, long at)
    {
        byte[] bytes = File.ReadAllBytes(path);
        bytes[at] ^= 0x10;
        File.WriteAllBytes(path, bytes);
    }
}
