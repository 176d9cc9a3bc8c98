using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Countersign.Audit.Tests;

/// <summary>A log as others read it: a reader that knows C2SP tlog-tiles and RFC 6962, and nothing of ours.</summary>
public sealed class TileExportTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(255)]
    [InlineData(256)]
    [InlineData(700)]
    public async Task Others_find_the_signed_root_from_bundles_and_from_tiles(int entries)
    {
        // Proves that the checkpoint's root follows from the entry bundles alone, that every tile of every level holds
        // the hashes of its subtrees, and that there is no file but those that the size asks for.
        using LogFixture fixture = new(), output = new();
        await fixture.WriteAsync(entries);
        TileExported done = TileExport.Run(fixture.Folder, output.Folder);
        Assert.Null(done.Damage);
        AssertStatic(output.Folder, entries);
    }

    [Fact]
    public async Task An_export_is_added_to()
    {
        // Proves that full tiles and bundles are left alone by the next export, that partial ones are replaced, and
        // that a directory of another log, or one that is ahead, is refused and not changed.
        using LogFixture fixture = new(), output = new(), other = new();
        await fixture.WriteAsync(300);
        Assert.Null(TileExport.Run(fixture.Folder, output.Folder).Damage);
        string bundle = output.PathOf("tile/entries/000");
        DateTime writtenAt = File.GetLastWriteTimeUtc(bundle);
        using LogFixture older = fixture.Copy();
        await fixture.WriteAsync(66_000);
        Assert.Null(TileExport.Run(fixture.Folder, output.Folder).Damage);
        Assert.Equal(writtenAt, File.GetLastWriteTimeUtc(bundle));
        AssertStatic(output.Folder, 66_000);

        // Nothing but the partial ones, 66,000 = 257 x 256 + 208 = 1 x 65,536 + 464, and the checkpoint.
        Assert.Equal(5, TileExport.Run(fixture.Folder, output.Folder).FilesWritten);
        await other.WriteAsync(70_000, other.Options with { Origin = "countersign/other" });
        foreach (LogFixture wrong in (LogFixture[])[older, other])
        {
            TileExported refused = TileExport.Run(wrong.Folder, output.Folder);
            Assert.Equal(AuditDamageKind.ForkedFromKnown, refused.Damage!.Kind);
            AssertStatic(output.Folder, 66_000);
        }
    }

    [Fact]
    public async Task What_retention_dropped_is_left_out_and_said()
    {
        // Proves that bundles with dropped entries are missing and counted, that all others are there with every tile,
        // and that a directory which got them earlier keeps them.
        using LogFixture fixture = new(), early = new(), late = new();
        AuditLogOptions options = fixture.Options with { SegmentBytesMax = 4_096, KeepBytes = 20_000 };
        await fixture.WriteAsync(2_000, options);
        Assert.Equal(0, TileExport.Run(fixture.Folder, early.Folder).BundlesMissing);
        long held;
        await using (AuditLog log = LogFixture.Open(options)) held = log.Retain(DateTimeOffset.UnixEpoch);
        Assert.InRange(held, 257, 1_999);
        TileExported done = TileExport.Run(fixture.Folder, late.Folder);
        long missing = (held + 255) / 256;
        Assert.Equal((held, missing), (done.EntriesDropped, done.BundlesMissing));
        Assert.False(File.Exists(late.PathOf("tile/entries/000")));
        Assert.True(File.Exists(late.PathOf("tile/0/000")));
        Assert.Equal(0, TileExport.Run(fixture.Folder, early.Folder).BundlesMissing);
        AssertStatic(early.Folder, 2_000);
        for (long whole = missing; whole < 2_000 / 256; whole++)
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"tile/entries/{whole:D3}");
            Assert.Equal(File.ReadAllBytes(early.PathOf(name)), File.ReadAllBytes(late.PathOf(name)));
        }
    }

    [Fact]
    public async Task Nothing_that_is_damaged_is_published()
    {
        // Proves that a changed entry, and a changed tile, end the export before its checkpoint.
        using LogFixture fixture = new(), output = new();
        await fixture.WriteAsync(600);
        Flip(fixture.PathOf("tile/1/000"), 40);
        Assert.Equal(AuditDamageKind.RootMismatch, TileExport.Run(fixture.Folder, output.Folder).Damage!.Kind);
        Flip(fixture.PathOf("tile/1/000"), 40);
        Flip(fixture.PathOf("tile/0/001"), 40);
        AuditDamage damage = TileExport.Run(fixture.Folder, output.Folder).Damage!;
        Assert.Equal((AuditDamageKind.HashMismatch, 257L), (damage.Kind, damage.Entry));
        Flip(fixture.PathOf("tile/0/001"), 40);
        Flip(fixture.Segment(), 20);
        damage = TileExport.Run(fixture.Folder, output.Folder).Damage!;
        Assert.Equal((AuditDamageKind.CrcMismatch, 1L), (damage.Kind, damage.Entry));
        Assert.False(File.Exists(output.PathOf("checkpoint")));
    }

    private static void Flip(string path, int at)
    {
        byte[] bytes = File.ReadAllBytes(path);
        bytes[at] ^= 1;
        File.WriteAllBytes(path, bytes);
    }

    private static void AssertStatic(string folder, int entries)
    {
        string[] checkpoint = File.ReadAllLines(Path.Combine(folder, "checkpoint"));
        Assert.Equal(entries.ToString(CultureInfo.InvariantCulture), checkpoint[1]);
        HashSet<string> names = [Path.Combine(folder, "checkpoint")];
        List<byte[]> level = [];
        for (int first = 0; first < entries; first += 256)
        {
            string name = Name(folder, "entries", first / 256, Math.Min(256, entries - first));
            Assert.True(names.Add(name));
            ReadOnlySpan<byte> bundle = File.ReadAllBytes(name);
            int count = 0;
            for (; bundle.Length > 0; count++)
            {
                int bytes = BinaryPrimitives.ReadUInt16BigEndian(bundle);
                Assert.Equal(LogFixture.Payload(level.Count), bundle.Slice(2, bytes).ToArray());
                level.Add(SHA256.HashData((byte[])[0, .. bundle.Slice(2, bytes)]));
                bundle = bundle[(2 + bytes)..];
            }

            Assert.Equal(Math.Min(256, entries - first), count);
        }

        Assert.Equal(checkpoint[2], Convert.ToBase64String(Root(level, 0, level.Count)));
        for (int number = 0; level.Count > 0; number++)
        {
            List<byte[]> next = [];
            for (int first = 0; first < level.Count; first += 256)
            {
                int width = Math.Min(256, level.Count - first);
                string name = Name(folder, number.ToString(CultureInfo.InvariantCulture), first / 256, width);
                Assert.True(names.Add(name));
                Assert.Equal(level[first..(first + width)].SelectMany(one => one), File.ReadAllBytes(name));
                if (width == 256) next.Add(Root(level, first, 256));
            }

            level = next;
        }

        string[] found = Directory.GetFiles(folder, "*", SearchOption.AllDirectories);
        Assert.Equal(names.Order(StringComparer.Ordinal), found.Order(StringComparer.Ordinal));
    }

    private static string Name(string folder, string level, int tile, int width)
    {
        string path = (tile % 1000).ToString("D3", CultureInfo.InvariantCulture);
        if (tile >= 1000) throw new InvalidOperationException("the test has no logs of that size");
        return Path.Combine(folder, "tile", level, width == 256 ? path : Path.Combine(path + ".p", Decimal(width)));
    }

    private static string Decimal(int number) => number.ToString(CultureInfo.InvariantCulture);

    // RFC 6962 section 2.1, word for word.
    private static byte[] Root(List<byte[]> leaves, int from, int count)
    {
        if (count == 0) return SHA256.HashData(Encoding.UTF8.GetBytes(""));
        if (count == 1) return leaves[from];
        int half = 1;
        while (half * 2 < count) half *= 2;
        return SHA256.HashData(
            (byte[])[1, .. Root(leaves, from, half), .. Root(leaves, from + half, count - half)]);
    }
}
