using System.Numerics;

namespace Countersign.Audit;

/// <summary>
/// Consistency proofs (RFC 6962 section 2.1.2): the hashes that show one tree to be the beginning of another, without
/// any entry of either.
/// </summary>
public static class ConsistencyProof
{
    /// <summary>A proof has at most so many hashes.</summary>
    public const int HashesMax = 63;

    /// <summary>
    /// The proof between the trees of the first <paramref name="old"/> and <paramref name="size"/> entries of a log's
    /// folder; empty where both are the same or the old one is empty. False if the tiles do not reach so far.
    /// </summary>
    public static bool TryMake(string folder, long old, long size, out IReadOnlyList<ReadOnlyMemory<byte>> proof)
    {
        ArgumentNullException.ThrowIfNull(folder);
        List<ReadOnlyMemory<byte>> hashes = [];
        proof = hashes;
        if (old < 0 || old > size) return false;
        if (old == 0 || old == size) return true;
        return TrySubProof(new TileReader(folder), old, 0, size, isWhole: true, hashes);
    }

    /// <summary>
    /// True if the tree of <paramref name="old"/> entries with <paramref name="oldRoot"/> is the beginning of that of
    /// <paramref name="size"/> entries with <paramref name="root"/> (RFC 9162 section 2.1.4.2).
    /// </summary>
    public static bool Verifies(
        long old, ReadOnlySpan<byte> oldRoot, long size, ReadOnlySpan<byte> root,
        IReadOnlyList<ReadOnlyMemory<byte>> proof)
    {
        ArgumentNullException.ThrowIfNull(proof);
        if (old < 0 || old > size || proof.Count > HashesMax) return false;
        if (old == 0) return proof.Count == 0;
        if (old == size) return proof.Count == 0 && oldRoot.SequenceEqual(root);
        Span<byte> oldHash = stackalloc byte[AuditLimits.HashBytes];
        Span<byte> hash = stackalloc byte[AuditLimits.HashBytes];
        return TryRoots(old, oldRoot, size, proof, oldHash, hash)
            && oldHash.SequenceEqual(oldRoot) && hash.SequenceEqual(root);
    }

    /// <summary>
    /// True if the proof shows that the tree of <paramref name="size"/> entries with <paramref name="root"/> begins
    /// with other <paramref name="old"/> entries than those of <paramref name="oldRoot"/>: nobody can make that up who
    /// cannot find another way to the root. False where it shows nothing, as always where it
    /// <see cref="IsSilent"/>.
    /// </summary>
    public static bool Contradicts(
        long old, ReadOnlySpan<byte> oldRoot, long size, ReadOnlySpan<byte> root,
        IReadOnlyList<ReadOnlyMemory<byte>> proof)
    {
        ArgumentNullException.ThrowIfNull(proof);
        if (old <= 0 || old > size || proof.Count > HashesMax) return false;
        if (old == size) return !oldRoot.SequenceEqual(root);
        Span<byte> oldHash = stackalloc byte[AuditLimits.HashBytes];
        Span<byte> hash = stackalloc byte[AuditLimits.HashBytes];
        return TryRoots(old, oldRoot, size, proof, oldHash, hash)
            && hash.SequenceEqual(root) && !oldHash.SequenceEqual(oldRoot);
    }

    /// <summary>
    /// True where a proof of another beginning cannot be told from a wrong one: the old tree is whole (a power of two),
    /// and its root no result of the proof. Two roots of one size need no proof.
    /// </summary>
    internal static bool IsSilent(long old, long size) => old < size && BitOperations.IsPow2(old);

    // The roots that the proof leads to, from the first hash that both trees share.
    private static bool TryRoots(
        long old, ReadOnlySpan<byte> oldRoot, long size, IReadOnlyList<ReadOnlyMemory<byte>> proof, Span<byte> oldHash,
        Span<byte> hash)
    {
        if (proof.Any(one => one.Length != AuditLimits.HashBytes)) return false;

        // An old tree that is whole is its own first hash, and is left out of the proof.
        bool isWhole = BitOperations.IsPow2(old);
        if (proof.Count == 0 && !isWhole) return false;
        (long at, long last) = (old - 1, size - 1);
        int skipped = BitOperations.TrailingZeroCount(~at);
        at >>= skipped;
        last >>= skipped;
        (isWhole ? oldRoot : proof[0].Span).CopyTo(oldHash);
        oldHash.CopyTo(hash);
        for (int next = isWhole ? 0 : 1; next < proof.Count; next++)
        {
            if (last == 0) return false;
            ReadOnlySpan<byte> sibling = proof[next].Span;
            if ((at & 1) == 1 || at == last)
            {
                MerkleHash.Node(sibling, oldHash, oldHash);
                MerkleHash.Node(sibling, hash, hash);
                int more = at == 0 ? 0 : BitOperations.TrailingZeroCount(at);
                at >>= more;
                last >>= more;
            }
            else
            {
                MerkleHash.Node(hash, sibling, hash);
            }

            at >>= 1;
            last >>= 1;
        }

        return last == 0;
    }

    // SUBPROOF(m, D[n], b), over the entries from first on.
    private static bool TrySubProof(
        TileReader tiles, long old, long first, long end, bool isWhole, List<ReadOnlyMemory<byte>> hashes)
    {
        long count = end - first;
        if (old == count) return isWhole || TryAdd(tiles, first, end, hashes);
        long half = AuditProof.Half(count);
        return old <= half
            ? TrySubProof(tiles, old, first, first + half, isWhole, hashes) && TryAdd(tiles, first + half, end, hashes)
            : TrySubProof(tiles, old - half, first + half, end, isWhole: false, hashes)
                && TryAdd(tiles, first, first + half, hashes);
    }

    private static bool TryAdd(TileReader tiles, long first, long end, List<ReadOnlyMemory<byte>> hashes)
    {
        byte[] hash = new byte[AuditLimits.HashBytes];
        if (!AuditProof.TryHash(tiles, first, end, hash)) return false;
        hashes.Add(hash);
        return true;
    }
}
