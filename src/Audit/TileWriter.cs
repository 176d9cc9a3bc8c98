using System.Diagnostics;
using Microsoft.Win32.SafeHandles;

namespace Countersign.Audit;

/// <summary>
/// Writes the tree's hashes as tlog-tiles: at every level the newest tile grows in place until it is full. What was put
/// is in the files after <see cref="Write"/>; where that fails it may be tried again, and nothing that was put is lost
/// by it. Tiles are never synced: the entries determine them, and a start makes again what a crash took (decision
/// 0022).
/// </summary>
internal sealed class TileWriter(IAuditStorage storage, string folder) : IDisposable
{
    private readonly Level[] _levels = new Level[AuditLimits.TileLevels];

    // Full tiles, until they are written; and the arrays of those that were.
    private readonly Queue<Level> _full = [];
    private readonly Stack<byte[]> _unused = [];

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
        at.Number = level;
        at.Hashes ??= NewHashes();
        Debug.Assert((at.Tile * AuditLimits.TileHashes) + at.Count == index, "hashes come in order");
        hash.CopyTo(at.Hashes.AsSpan(at.Count * AuditLimits.HashBytes));
        at.Count++;
        if (at.Count < AuditLimits.TileHashes) return;
        _full.Enqueue(at);
        at = new Level { Tile = at.Tile + 1 };
    }

    internal void Write()
    {
        while (_full.TryPeek(out Level full))
        {
            WriteLevel(ref full);
            full.File!.Dispose();
            _unused.Push(full.Hashes!);
            _full.Dequeue();
        }

        for (int level = 0; level < _levels.Length; level++)
        {
            if (_levels[level].Count > _levels[level].Written) WriteLevel(ref _levels[level]);
        }
    }

    public void Dispose()
    {
        foreach (Level level in _levels) level.File?.Dispose();
        foreach (Level full in _full) full.File?.Dispose();
    }

    private byte[] NewHashes() => _unused.TryPop(out byte[]? unused) ? unused : new byte[AuditLimits.TileBytes];

    private void WriteLevel(ref Level at)
    {
        at.File ??= storage.Open(LogFolder.Tile(folder, at.Number, at.Tile));
        int from = at.Written * AuditLimits.HashBytes;
        storage.Write(at.File, at.Hashes.AsSpan(from..(at.Count * AuditLimits.HashBytes)), from);
        at.Written = at.Count;
    }

    private struct Level
    {
        internal int Number;
        internal byte[]? Hashes;
        internal long Tile;
        internal int Count;
        internal int Written;
        internal SafeFileHandle? File;
    }
}
