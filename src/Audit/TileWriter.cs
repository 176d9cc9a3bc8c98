using System.Diagnostics;
using Microsoft.Win32.SafeHandles;

namespace Countersign.Audit;

/// <summary>
/// Writes the tree's hashes as tlog-tiles: at every level the newest tile grows in place until it is full. What was put
/// is in the files after <see cref="Write"/>. Tiles are never synced: the entries determine them, and a start makes
/// again what a crash took (decision 0022).
/// </summary>
internal sealed class TileWriter(IAuditStorage storage, string folder) : IDisposable
{
    private readonly Level[] _levels = new Level[AuditLimits.TileLevels];

    /// <summary>
    /// Takes over a tile that is in its file already: its hashes up to the first <paramref name="count"/>.
    /// </summary>
    internal void Resume(int level, long count, ReadOnlySpan<byte> hashes)
    {
        ref Level at = ref _levels[level];
        at.Hashes ??= new byte[AuditLimits.TileBytes];
        at.Tile = count / AuditLimits.TileHashes;
        at.Count = at.Written = (int)(count % AuditLimits.TileHashes);
        hashes[..(at.Count * AuditLimits.HashBytes)].CopyTo(at.Hashes);
    }

    internal void Put(int level, long index, ReadOnlySpan<byte> hash)
    {
        ref Level at = ref _levels[level];
        at.Hashes ??= new byte[AuditLimits.TileBytes];
        Debug.Assert((at.Tile * AuditLimits.TileHashes) + at.Count == index, "hashes come in order");
        hash.CopyTo(at.Hashes.AsSpan(at.Count * AuditLimits.HashBytes));
        at.Count++;
        if (at.Count < AuditLimits.TileHashes) return;
        WriteLevel(level);
        at.File!.Dispose();
        at.File = null;
        at.Tile++;
        at.Count = at.Written = 0;
    }

    internal void Write()
    {
        for (int level = 0; level < _levels.Length; level++)
        {
            if (_levels[level].Count > _levels[level].Written) WriteLevel(level);
        }
    }

    public void Dispose()
    {
        foreach (Level level in _levels) level.File?.Dispose();
    }

    private void WriteLevel(int level)
    {
        ref Level at = ref _levels[level];
        at.File ??= storage.Open(LogFolder.Tile(folder, level, at.Tile));
        int from = at.Written * AuditLimits.HashBytes;
        storage.Write(at.File, at.Hashes.AsSpan(from..(at.Count * AuditLimits.HashBytes)), from);
        at.Written = at.Count;
    }

    private struct Level
    {
        internal byte[]? Hashes;
        internal long Tile;
        internal int Count;
        internal int Written;
        internal SafeFileHandle? File;
    }
}
