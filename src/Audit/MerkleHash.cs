using System.Security.Cryptography;

namespace Countersign.Audit;

/// <summary>The two hashes of RFC 6962 section 2.1. Their prefixes keep a node from passing for an entry.</summary>
internal static class MerkleHash
{
    private const byte LeafPrefix = 0x00;
    private const byte NodePrefix = 0x01;

    /// <summary>SHA-256 of no bytes: the root of the empty tree.</summary>
    internal static void Empty(Span<byte> root) => SHA256.HashData([], root);

    /// <summary>SHA-256(0x00 || entry).</summary>
    internal static void Leaf(ReadOnlySpan<byte> entry, Span<byte> hash)
    {
        Sha256State state = Sha256State.OfThread;
        state.Append([LeafPrefix]);
        state.Append(entry);
        state.Finish(hash);
    }

    /// <summary>The same of an entry with a byte before it that is free for the prefix.</summary>
    internal static void LeafInPlace(Span<byte> behindPrefix, Span<byte> hash)
    {
        behindPrefix[0] = LeafPrefix;
        Sha256State.Hash(behindPrefix, hash);
    }

    /// <summary>SHA-256(0x01 || left || right). <paramref name="hash"/> may be either of its inputs.</summary>
    internal static void Node(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right, Span<byte> hash)
    {
        Span<byte> input = stackalloc byte[1 + (2 * AuditLimits.HashBytes)];
        input[0] = NodePrefix;
        left.CopyTo(input[1..]);
        right.CopyTo(input[(1 + AuditLimits.HashBytes)..]);
        Sha256State.Hash(input, hash);
    }
}
