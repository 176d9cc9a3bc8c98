using Microsoft.Win32.SafeHandles;

namespace Countersign.Audit;

/// <summary>
/// Compares the tiles on disk with the hashes recomputed at start. A first pass only looks; a second one, after the
/// entries were proven, writes what is missing or what lies beyond the checkpoint.
/// </summary>
internal sealed class TileRestorer(IAuditStorage storage, string folder, long covered, bool repairs)
{
    private readonly byte[]?[] _hashes = new byte[AuditLimits.TileLevels][];
    private readonly long[] _counts = new long[AuditLimits.TileLevels];
    private readonly byte[] _onDisk = new byte[AuditLimits.TileBytes];

    /// <summary>True if a tile must be written before the log may go on.</summary>
    internal bool NeedsRepair { get; private set; }

    /// <summary>The first hash under the checkpoint that is on disk and wrong.</summary>
    internal AuditDamage? Damage { get; private set; }

    internal void Put(int level, long index, ReadOnlySpan<byte> hash)
    {
        byte[] hashes = _hashes[level] ??= new byte[AuditLimits.TileBytes];
        int at = (int)(index % AuditLimits.TileHashes);
        hash.CopyTo(hashes.AsSpan(at * AuditLimits.HashBytes));
        _counts[level] = index + 1;
        if (at == AuditLimits.TileHashes - 1) Reconcile(level, index / AuditLimits.TileHashes, AuditLimits.TileHashes);
    }

    /// <summary>Looks at the unfinished tiles and at what lies behind them.</summary>
    internal void Finish()
    {
        for (int level = 0; level < AuditLimits.TileLevels; level++)
        {
            long tile = _counts[level] / AuditLimits.TileHashes;
            int count = (int)(_counts[level] % AuditLimits.TileHashes);
            if (count > 0) Reconcile(level, tile++, count);
            for (; File.Exists(LogFolder.Tile(folder, level, tile)); tile++)
            {
                NeedsRepair = true;
                if (repairs) File.Delete(LogFolder.Tile(folder, level, tile));
            }
        }
    }

    /// <summary>A writer that goes on where the tiles end.</summary>
    internal TileWriter ToWriter()
    {
        TileWriter writer = new(storage, folder);
        for (int level = 0; level < AuditLimits.TileLevels; level++)
        {
            if (_hashes[level] is { } hashes) writer.Resume(level, _counts[level], hashes);
        }

        return writer;
    }

    private void Reconcile(int level, long tile, int count)
    {
        string path = LogFolder.Tile(folder, level, tile);
        Span<byte> wanted = _hashes[level].AsSpan(0, count * AuditLimits.HashBytes);
        int held = TileReader.Load(path, _onDisk);
        if (held == count && wanted.SequenceEqual(_onDisk.AsSpan(0, wanted.Length))
            && new FileInfo(path).Length == wanted.Length) return;
        NeedsRepair = true;
        Damage ??= FindDamage(level, tile, Math.Min(held, count), wanted);
        if (!repairs) return;
        using SafeFileHandle file = storage.Open(path);
        storage.Write(file, wanted, 0);
        storage.Truncate(file, wanted.Length);
        storage.Flush(file);
    }

    private AuditDamage? FindDamage(int level, long tile, int count, ReadOnlySpan<byte> wanted)
    {
        long coveredHashes = covered >> (8 * level);
        for (int at = 0; at < count; at++)
        {
            long index = (tile * AuditLimits.TileHashes) + at;
            if (index >= coveredHashes) return null;
            int from = at * AuditLimits.HashBytes;
            ReadOnlySpan<byte> found = _onDisk.AsSpan(from, AuditLimits.HashBytes);
            if (found.SequenceEqual(wanted.Slice(from, AuditLimits.HashBytes))) continue;
            if (!found.ContainsAnyExcept((byte)0)) continue;
            return new AuditDamage(AuditDamageKind.HashMismatch, index << (8 * level), LogFolder.TileName(level, tile),
                from, "a hash under the checkpoint does not match the entries it stands for");
        }

        return null;
    }
}
