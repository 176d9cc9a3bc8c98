using System.Numerics;

namespace Countersign.Audit;

/// <summary>
/// Inclusion proofs (RFC 6962 section 2.1.1): a handful of hashes that show one entry to be under a signed root,
/// without
/// the rest of the log.
/// </summary>
public static class AuditProof
{
    /// <summary>
    /// The path of <paramref name="entry"/> in the tree of the first <paramref name="size"/> entries, leaf to root, 32
    /// bytes
    /// each. False if the entry is not in that tree, or the tiles do not reach so far.
    /// </summary>
    public static bool TryInclude(string folder, long entry, long size, out IReadOnlyList<ReadOnlyMemory<byte>> path)
    {
        ArgumentNullException.ThrowIfNull(folder);
        List<ReadOnlyMemory<byte>> hashes = [];
        path = hashes;
        if (entry < 0 || entry >= size) return false;
        TileReader tiles = new(folder);
        (long from, long to) = (0, size);
        while (to - from > 1)
        {
            long middle = from + Half(to - from);
            bool isLeft = entry < middle;
            byte[] sibling = new byte[AuditLimits.HashBytes];
            if (!TryHash(tiles, isLeft ? middle : from, isLeft ? to : middle, sibling)) return false;
            hashes.Add(sibling);
            if (isLeft) to = middle;
            else from = middle;
        }

        hashes.Reverse();
        return true;
    }

    /// <summary>
    /// True if <paramref name="path"/> leads from <paramref name="payload"/>, as entry number <paramref name="entry"/>,
    /// to
    /// the root of <paramref name="checkpoint"/> (RFC 9162 section 2.1.3.2).
    /// </summary>
    public static bool Verifies(
        ReadOnlySpan<byte> payload, long entry, AuditCheckpoint checkpoint, IReadOnlyList<ReadOnlyMemory<byte>> path)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        ArgumentNullException.ThrowIfNull(path);
        if (entry < 0 || entry >= checkpoint.Size) return false;
        Span<byte> hash = stackalloc byte[AuditLimits.HashBytes];
        MerkleHash.Leaf(payload, hash);
        (long at, long last) = (entry, checkpoint.Size - 1);
        foreach (ReadOnlyMemory<byte> sibling in path)
        {
            if (last == 0 || sibling.Length != AuditLimits.HashBytes) return false;
            if ((at & 1) == 1 || at == last)
            {
                MerkleHash.Node(sibling.Span, hash, hash);
                int skipped = at == 0 ? 0 : BitOperations.TrailingZeroCount(at);
                at >>= skipped;
                last >>= skipped;
            }
            else
            {
                MerkleHash.Node(hash, sibling.Span, hash);
            }

            at >>= 1;
            last >>= 1;
        }

        return last == 0 && hash.SequenceEqual(checkpoint.Root.Span);
    }

    // The largest power of two below a size of two or more.
    internal static long Half(long size) => 1L << BitOperations.Log2((ulong)(size - 1));

    internal static bool TryHash(TileReader tiles, long from, long to, Span<byte> hash)
    {
        if (BitOperations.IsPow2(to - from)) return TryWhole(tiles, from, BitOperations.Log2((ulong)(to - from)), hash);
        long middle = from + Half(to - from);
        Span<byte> right = stackalloc byte[AuditLimits.HashBytes];
        if (!TryHash(tiles, from, middle, hash) || !TryHash(tiles, middle, to, right)) return false;
        MerkleHash.Node(hash, right, hash);
        return true;
    }

    // A whole subtree: in the tiles at every eighth level, hashed together from there in between.
    private static bool TryWhole(TileReader tiles, long from, int level, Span<byte> hash)
    {
        if (level % 8 == 0)
        {
            if (!tiles.TryRead(level / 8, from >> level, out ReadOnlySpan<byte> held)) return false;
            held.CopyTo(hash);
            return true;
        }

        Span<byte> right = stackalloc byte[AuditLimits.HashBytes];
        if (!TryWhole(tiles, from, level - 1, hash)) return false;
        if (!TryWhole(tiles, from + (1L << (level - 1)), level - 1, right)) return false;
        MerkleHash.Node(hash, right, hash);
        return true;
    }
}
