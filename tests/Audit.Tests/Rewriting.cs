using System.Buffers.Binary;

namespace Countersign.Audit.Tests;

/// <summary>What somebody with access to the disk would do.</summary>
internal static class Rewriting
{
    /// <summary>
    /// Changes one payload byte of an entry and makes its checksum right again. Returns the new payload.
    /// </summary>
    internal static byte[] Replace(LogFixture fixture, int entry)
    {
        byte[] segment = File.ReadAllBytes(fixture.Segment());
        List<int> offsets = LogFixture.FrameOffsets(segment);
        Span<byte> payload = segment.AsSpan((offsets[entry] + 8)..offsets[entry + 1]);
        payload[^2] ^= 1;
        BinaryPrimitives.WriteUInt32LittleEndian(segment.AsSpan(offsets[entry] + 4), Crc32C.Compute(payload));
        byte[] changed = payload.ToArray();
        File.WriteAllBytes(fixture.Segment(), segment);
        return changed;
    }

    /// <summary>Puts the hash of another payload into the leaf tile as well.</summary>
    internal static void Rehash(LogFixture fixture, int entry, byte[] payload)
    {
        string tile = fixture.PathOf(LogFolder.TileName(0, entry / 256));
        byte[] hashes = File.ReadAllBytes(tile);
        MerkleHash.Leaf(payload, hashes.AsSpan(entry % 256 * 32, 32));
        File.WriteAllBytes(tile, hashes);
    }
}
