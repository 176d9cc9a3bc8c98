using Microsoft.Win32.SafeHandles;

namespace Countersign.Audit;

/// <summary>Reads hashes out of the tile files, one tile of each level held at a time.</summary>
internal sealed class TileReader(string folder)
{
    private readonly Held[] _held = new Held[AuditLimits.TileLevels];

    /// <summary>
    /// The hash at that place of that level; false if the file does not reach so far, or holds zeros there.
    /// </summary>
    internal bool TryRead(int level, long index, out ReadOnlySpan<byte> hash)
    {
        hash = default;
        ref Held held = ref _held[level];
        long tile = index / AuditLimits.TileHashes;
        int at = (int)(index % AuditLimits.TileHashes);
        if (held.Hashes is null || held.Tile != tile || at >= held.Count)
        {
            held.Hashes ??= new byte[AuditLimits.TileBytes];
            held.Tile = tile;
            held.Count = Load(LogFolder.Tile(folder, level, tile), held.Hashes);
        }

        if (at >= held.Count) return false;
        hash = held.Hashes.AsSpan(at * AuditLimits.HashBytes, AuditLimits.HashBytes);

        // No SHA-256 anybody knows is all zeros; a crash before the fsync may leave such blocks.
        return hash.ContainsAnyExcept((byte)0);
    }

    /// <summary>
    /// Leaf hashes on disk, counted from <paramref name="from"/>, which must be there already or the next one.
    /// </summary>
    internal static long LeafCount(string folder, long from)
    {
        byte[] hashes = new byte[AuditLimits.TileBytes];
        for (long tile = from / AuditLimits.TileHashes; ; tile++)
        {
            int count = Load(LogFolder.Tile(folder, 0, tile), hashes);
            if (count < AuditLimits.TileHashes) return (tile * AuditLimits.TileHashes) + count;
        }
    }

    /// <summary>Whole hashes in the file, put into <paramref name="hashes"/>; 0 if there is no file.</summary>
    internal static int Load(string path, byte[] hashes)
    {
        if (!File.Exists(path)) return 0;
        using SafeFileHandle file = File.OpenHandle(path, FileMode.Open, FileAccess.Read,
            FileShare.ReadWrite | FileShare.Delete);
        int filled = 0;
        while (filled < hashes.Length)
        {
            int read = RandomAccess.Read(file, hashes.AsSpan(filled), filled);
            if (read == 0) break;
            filled += read;
        }

        return filled / AuditLimits.HashBytes;
    }

    private struct Held
    {
        internal byte[]? Hashes;
        internal long Tile;
        internal int Count;
    }
}
