using System.Security.Cryptography;
using Countersign.Audit;

namespace Countersign.Cli.Shipping;

/// <summary>
/// Which log an entry is of, wherever it is shipped: its origin and the leaf hash of its first entry. A log that was
/// begun anew under an old name is another log; one whose key was rotated is the same.
/// </summary>
/// <param name="Origin">First line of its checkpoints.</param>
/// <param name="First">RFC 6962 hash of entry 0, as hexadecimal digits.</param>
internal sealed record LogIdentity(string Origin, string First)
{
    private const int HashBytes = 32;

    /// <summary>Short and safe in names of files and keys.</summary>
    internal string Name =>
        string.Concat(Origin.Select(one => char.IsAsciiLetterOrDigit(one) || one is '-' or '_' or '.' ? one : '_'))
        + "-" + First[..16];

    /// <summary>The log in a folder; null while it holds no signed entry, or cannot be read.</summary>
    internal static LogIdentity? Read(string folder)
    {
        try
        {
            if (!AuditVerifier.TryReadCheckpoint(folder, out AuditCheckpoint? signed) || signed!.Size == 0) return null;
            foreach (AuditEntry entry in AuditReader.Between(folder, 0, 1))
                if (entry.Index == 0) return new(signed.Origin, Convert.ToHexStringLower(Leaf(entry.Payload.Span)));

            // Dropped by retention, which keeps the hashes in the tiles (C2SP tlog-tiles).
            using FileStream tile = File.OpenRead(Path.Combine(folder, "tile", "0", "000"));
            byte[] first = new byte[HashBytes];
            tile.ReadExactly(first);
            return new(signed.Origin, Convert.ToHexStringLower(first));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>RFC 6962 section 2.1: the hash of an entry.</summary>
    internal static byte[] Leaf(ReadOnlySpan<byte> payload)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData([0]);
        hash.AppendData(payload);
        return hash.GetHashAndReset();
    }
}
