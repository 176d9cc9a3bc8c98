namespace Countersign.Audit.Tests;

public sealed class ProofTests
{
    [Fact]
    public async Task Every_entry_is_proven_at_every_size()
    {
        // Proves paths from tiles against roots signed over the same entries, for each entry of sizes around tile
        // borders.
        using LogFixture fixture = new();
        await fixture.WriteAsync(520);
        using LogKey key = LogKey.FromSeed(LogFixture.Origin, fixture.Options.KeySeed.Span)!;
        MerkleFrontier frontier = new();
        byte[] hash = new byte[32];
        for (long size = 1; size <= 520; size++)
        {
            MerkleHash.Leaf(LogFixture.Payload(size - 1), hash);
            frontier.Append(hash);
            if (size > 20 && size % 97 != 0 && size is not (255 or 256 or 257 or 511 or 512 or 513 or 520)) continue;
            frontier.Root(hash);
            AuditCheckpoint signed = key.Sign(size, hash);
            for (long entry = 0; entry < size; entry++)
            {
                Assert.True(AuditProof.TryInclude(fixture.Folder, entry, size, out var path));
                Assert.True(AuditProof.Verifies(LogFixture.Payload(entry), entry, signed, path));
            }
        }
    }

    [Fact]
    public async Task A_proof_proves_nothing_else()
    {
        // Proves refusal of another payload, place or path, of a missing or changed hash, and of entries beyond the
        // tree.
        using LogFixture fixture = new();
        await fixture.WriteAsync(7);
        Assert.True(AuditKey.TryParse(File.ReadAllText(fixture.PathOf("log.vkey")), out AuditKey? key));
        AuditCheckpoint.Parse(File.ReadAllBytes(fixture.PathOf("checkpoint")), key!, out AuditCheckpoint? signed);
        Assert.True(AuditProof.TryInclude(fixture.Folder, 4, 7, out var path));
        Assert.True(AuditProof.Verifies(LogFixture.Payload(4), 4, signed!, path));
        Assert.False(AuditProof.Verifies(LogFixture.Payload(5), 4, signed!, path));
        Assert.False(AuditProof.Verifies(LogFixture.Payload(4), 7, signed!, path));
        for (long entry = 0; entry < 7; entry++)
        {
            if (entry != 4) Assert.False(AuditProof.Verifies(LogFixture.Payload(4), entry, signed!, path));
        }

        Assert.False(AuditProof.Verifies(LogFixture.Payload(4), 4, signed!, [.. path.Skip(1)]));
        Assert.False(AuditProof.Verifies(LogFixture.Payload(4), 4, signed!, [.. path, new byte[32]]));
        Assert.False(AuditProof.Verifies(LogFixture.Payload(4), 4, signed!, [new byte[32], .. path.Skip(1)]));
        Assert.False(AuditProof.TryInclude(fixture.Folder, 7, 7, out _));
        Assert.False(AuditProof.TryInclude(fixture.Folder, 0, 8, out _));
    }
}
