namespace Countersign.Audit;

/// <summary>
/// The right edge of the tree: one finished subtree for each set bit of its size. Enough to go on and to name the root,
/// without the entries. One writer.
/// </summary>
internal sealed class MerkleFrontier
{
    private const int LevelsMax = 64;
    private readonly byte[] _nodes = new byte[LevelsMax * AuditLimits.HashBytes];
    private readonly byte[] _tileHashes = new byte[AuditLimits.TileLevels * AuditLimits.HashBytes];

    /// <summary>Entries so far.</summary>
    internal long Size { get; private set; }

    /// <summary>
    /// Adds one leaf hash. Returns how many tile levels got a hash by it, at least 1: read them with
    /// <see cref="TileHash"/> before the next call.
    /// </summary>
    internal int Append(ReadOnlySpan<byte> leaf)
    {
        Span<byte> node = stackalloc byte[AuditLimits.HashBytes];
        leaf.CopyTo(node);
        leaf.CopyTo(_tileHashes);
        int tileLevels = 1;
        int level = 0;
        for (long index = Size; (index & 1) == 1; index >>= 1)
        {
            MerkleHash.Node(Slot(_nodes, level), node, node);
            level++;
            if (level % 8 == 0) node.CopyTo(Slot(_tileHashes, tileLevels++));
        }

        node.CopyTo(Slot(_nodes, level));
        Size++;
        return tileLevels;
    }

    /// <summary>The hash that the last <see cref="Append"/> gave tile level <paramref name="tileLevel"/>.</summary>
    internal ReadOnlySpan<byte> TileHash(int tileLevel) => Slot(_tileHashes, tileLevel);

    /// <summary>Its place among all hashes of that tile level.</summary>
    internal long TileHashIndex(int tileLevel) => (Size >> (8 * tileLevel)) - 1;

    /// <summary>The root over everything appended (RFC 6962 section 2.1).</summary>
    internal void Root(Span<byte> root)
    {
        if (Size == 0)
        {
            MerkleHash.Empty(root);
            return;
        }

        bool begun = false;
        for (int level = 0; level < LevelsMax - 1; level++)
        {
            if (((Size >> level) & 1) == 0) continue;
            if (begun) MerkleHash.Node(Slot(_nodes, level), root, root);
            else Slot(_nodes, level).CopyTo(root);
            begun = true;
        }
    }

    private static Span<byte> Slot(byte[] hashes, int index) =>
        hashes.AsSpan(index * AuditLimits.HashBytes, AuditLimits.HashBytes);
}
