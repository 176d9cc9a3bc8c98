namespace Countersign.Audit.Tests;

/// <summary>Some entries verified alone.</summary>
public sealed class RangeTests
{
    [Fact]
    public async Task Any_range_of_a_whole_log_is_proven()
    {
        // Proves ranges that begin and end at, before and behind the borders of tiles and segments.
        using LogFixture fixture = new();
        await fixture.WriteAsync(600, fixture.Options with { SegmentBytesMax = 2_048 });
        long[] borders = [0, 1, 100, 255, 256, 257, 511, 512, 599, 600];
        foreach (long from in borders)
        {
            foreach (long to in borders.Where(one => one > from))
            {
                AuditVerification found = AuditVerifier.VerifyRange(fixture.Folder, from, to);
                Assert.True(found.IsOk, $"{from} to {to}: {found.Message}");
                Assert.Equal(to - from, found.EntriesProven);
            }
        }

        Assert.Equal(AuditDamageKind.RolledBack, AuditVerifier.VerifyRange(fixture.Folder, 0, 601).Kind);
        Assert.Throws<ArgumentOutOfRangeException>(() => AuditVerifier.VerifyRange(fixture.Folder, 5, 5));
    }

    [Fact]
    public async Task A_rewritten_entry_fails_its_range_and_no_other()
    {
        // Proves by an entry rewritten under a correct checksum that ranges with it fail and name it, ranges without it
        // stand, and that making its tile agree helps nothing.
        using LogFixture fixture = new();
        await fixture.WriteAsync(600);
        byte[] payload = Rewriting.Replace(fixture, 300);
        AuditVerification found = AuditVerifier.VerifyRange(fixture.Folder, 290, 310);
        Assert.Equal((AuditDamageKind.HashMismatch, 300), (found.Kind, found.FirstBadEntry));
        Assert.True(AuditVerifier.VerifyRange(fixture.Folder, 0, 300).IsOk);
        Assert.True(AuditVerifier.VerifyRange(fixture.Folder, 301, 600).IsOk);
        Rewriting.Rehash(fixture, 300, payload);
        Assert.Equal(AuditDamageKind.RootMismatch, AuditVerifier.VerifyRange(fixture.Folder, 290, 310).Kind);
        Assert.Equal(AuditDamageKind.RootMismatch, AuditVerifier.VerifyRange(fixture.Folder, 256, 290).Kind);
    }

    [Fact]
    public async Task A_missing_tile_or_segment_is_told()
    {
        // Proves that what the others' hashes are needed for, and the range's own entries, must be there.
        using LogFixture fixture = new();
        await fixture.WriteAsync(600, fixture.Options with { SegmentBytesMax = 2_048 });
        File.Delete(LogFolder.Tile(fixture.Folder, 0, 2));
        Assert.Equal(AuditDamageKind.Missing, AuditVerifier.VerifyRange(fixture.Folder, 0, 10).Kind);
        using LogFixture other = new();
        await other.WriteAsync(600, other.Options with { SegmentBytesMax = 2_048 });
        long second = LogFolder.Segments(other.Folder)[1];
        File.Delete(other.Segment(second));
        Assert.Equal(AuditDamageKind.Missing, AuditVerifier.VerifyRange(other.Folder, 0, second + 1).Kind);
        Assert.True(AuditVerifier.VerifyRange(other.Folder, 0, second).IsOk);
    }
}
