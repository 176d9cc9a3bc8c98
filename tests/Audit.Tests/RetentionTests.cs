namespace Countersign.Audit.Tests;

/// <summary>What is dropped on purpose, and what somebody took away.</summary>
public sealed class RetentionTests
{
    private static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();

    [Fact]
    public async Task Old_segments_go_and_the_root_still_stands()
    {
        // Proves by size that the oldest segments go and no more than must, that the log verifies, goes on, opens
        // again and is read from what it holds; and that a record which was exported before is proven as before.
        using LogFixture fixture = new();
        AuditLogOptions options = fixture.Options with { SegmentBytesMax = 2_048, KeepBytes = 8_192 };
        AuditEntry exported;
        await using (AuditLog log = LogFixture.Open(options with { KeepBytes = 0 }))
        {
            await LogFixture.AppendAsync(log, 0, 1_000);
            exported = Assert.Single(AuditReader.Between(fixture.Folder, 3, 4));
            Assert.Equal(0, log.Retain(Now));
        }

        long held;
        await using (AuditLog log = LogFixture.Open(options))
        {
            held = log.Retain(Now);
            Assert.InRange(held, 500, 999);
            Assert.Equal(held, log.Retain(Now));
            await LogFixture.AppendAsync(log, 1_000, 1_010);
        }

        long bytes = LogFolder.Segments(fixture.Folder).Sum(first => new FileInfo(fixture.Segment(first)).Length);
        Assert.InRange(bytes, options.KeepBytes - options.SegmentBytesMax, options.KeepBytes + options.SegmentBytesMax);
        AuditVerification found = fixture.Verify();
        Assert.True(found.IsOk, found.Message);
        Assert.Equal((1_010, held), (found.EntriesProven, found.EntriesDropped));
        await using (AuditLog log = LogFixture.Open(options)) Assert.Equal(1_010, log.Size);
        Assert.Equal(held, AuditReader.Between(fixture.Folder, 0, 1_010).First().Index);
        Assert.Equal(1_010 - held, AuditReader.Between(fixture.Folder, 0, 1_010).LongCount());
        Assert.True(AuditVerifier.TryReadCheckpoint(fixture.Folder, out AuditCheckpoint? checkpoint));
        Assert.True(AuditProof.TryInclude(fixture.Folder, exported.Index, checkpoint!.Size, out var path));
        Assert.True(AuditProof.Verifies(exported.Payload.Span, exported.Index, checkpoint, path));
        Assert.True(AuditVerifier.VerifyRange(fixture.Folder, held, 1_010).IsOk);
        foreach ((long from, long to, long gone) in new[] { (held - 1, 1_010L, 1L), (0, held, held), (3, 9, 6) })
        {
            AuditVerification range = AuditVerifier.VerifyRange(fixture.Folder, from, to);
            Assert.Equal((AuditDamageKind.None, gone), (range.Kind, range.EntriesDropped));
            Assert.Contains("dropped", range.Message, StringComparison.Ordinal);
        }

        File.Delete(fixture.PathOf("tile/0/000"));
        Assert.Equal(AuditDamageKind.Missing, AuditVerifier.VerifyRange(fixture.Folder, 3, 9).Kind);
    }

    [Fact]
    public async Task Age_drops_what_was_written_to_long_ago()
    {
        // Proves by time: nothing within the hour, all but the newest segment after it.
        using LogFixture fixture = new();
        AuditLogOptions options = fixture.Options with { SegmentBytesMax = 2_048, KeepFor = TimeSpan.FromHours(1) };
        await fixture.WriteAsync(500, options);
        await using AuditLog log = LogFixture.Open(options);
        Assert.Equal(0, log.Retain(Now.AddMinutes(50)));
        Assert.Equal(LogFolder.Segments(fixture.Folder)[^1], log.Retain(Now.AddHours(2)));
        Assert.Single(LogFolder.Segments(fixture.Folder));
    }

    [Fact]
    public async Task What_was_taken_away_is_no_retention()
    {
        // Proves that a missing segment is damage without the note, with a note of another key, and beyond what the
        // note says; and that a lost hash of what was dropped is told.
        using LogFixture fixture = new();
        AuditLogOptions options = fixture.Options with { SegmentBytesMax = 2_048, KeepBytes = 8_192 };
        await fixture.WriteAsync(1_000, options);
        using LogFixture robbed = fixture.Copy();
        File.Delete(robbed.Segment());
        Assert.Equal(AuditDamageKind.Missing, robbed.Verify().Kind);
        using (LogKey other = LogKey.FromSeed(LogFixture.Origin, new byte[32])!)
        {
            long second = LogFolder.Segments(robbed.Folder)[0];
            await File.WriteAllBytesAsync(
                robbed.PathOf("retained"), Retention.Note(second, other), TestContext.Current.CancellationToken);
        }

        Assert.Equal(AuditDamageKind.Missing, robbed.Verify().Kind);
        Assert.Null(AuditLog.Open(options with { Folder = robbed.Folder }, TimeProvider.System).Log);
        await using (AuditLog log = LogFixture.Open(options)) Assert.True(log.Retain(Now) > 0);
        using LogFixture more = fixture.Copy();
        File.Delete(more.Segment(LogFolder.Segments(more.Folder)[0]));
        Assert.Equal(AuditDamageKind.Missing, more.Verify().Kind);
        File.Delete(LogFolder.Tile(fixture.Folder, 0, 0));
        Assert.Equal(AuditDamageKind.Missing, fixture.Verify().Kind);
    }

    [Fact]
    public void Terms_are_checked()
    {
        // Proves that retention which would leave nothing is refused.
        using LogFixture fixture = new();
        Assert.Equal(2, (fixture.Options with { KeepBytes = 1, KeepFor = TimeSpan.FromMinutes(1) }).Errors().Count);
    }
}
