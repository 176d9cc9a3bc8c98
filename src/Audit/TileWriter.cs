using System.Diagnostics;
using Microsoft.Win32.SafeHandles;

namespace Countersign.Audit;

/// <summary>
/// Writes the tree's hashes as tlog-tiles: at every level the newest tile grows in place until it is full. What was put
/// is in the files after <see cref="Write"/> and on the disk after <see cref="Flush"/>.
/// </summary>
internal sealed class TileWriter(IAuditStorage storage, string folder) : IDisposable
{
    private readonly Level[] _levels = new Level[AuditLimits.TileLevels];
    private readonly Queue<SafeFileHandle> _fullUnsynced = new(AuditLimits.UnsyncedTilesMax);
    private readonly HashSet<string> _foldersUnsynced = new(StringComparer.Ordinal);

    /// <summary>
    /// Takes over a tile that is on the disk already: its hashes up to the first <paramref name="count"/>.
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
        _fullUnsynced.Enqueue(at.File!);
        at.File = null;
        at.Tile++;
        at.Count = at.Written = 0;
        if (_fullUnsynced.Count >= AuditLimits.UnsyncedTilesMax) FlushFull();
    }

    internal void Write()
    {
        for (int level = 0; level < _levels.Length; level++)
        {
            if (_levels[level].Count > _levels[level].Written) WriteLevel(level);
        }
    }

    /// <summary>
    /// Takes one full tile off the work of the next <see cref="Flush"/>, so that who waits meanwhile waits for one
    /// fsync
    /// and not for all of them.
    /// </summary>
    internal void FlushOneFull()
    {
        if (!_fullUnsynced.TryDequeue(out SafeFileHandle? file)) return;
        using (file) storage.Flush(file);
    }

    internal void Flush()
    {
        Write();
        FlushFull();
        for (int level = 0; level < _levels.Length; level++)
        {
            if (!_levels[level].Dirty) continue;
            storage.Flush(_levels[level].File!);
            _levels[level].Dirty = false;
        }

        foreach (string changed in _foldersUnsynced) storage.FlushFolder(changed);
        _foldersUnsynced.Clear();
    }

    public void Dispose()
    {
        foreach (SafeFileHandle file in _fullUnsynced) file.Dispose();
        foreach (Level level in _levels) level.File?.Dispose();
    }

    private void FlushFull()
    {
        while (_fullUnsynced.Count > 0) FlushOneFull();
    }

    private void WriteLevel(int level)
    {
        ref Level at = ref _levels[level];
        if (at.File is null)
        {
            string path = LogFolder.Tile(folder, level, at.Tile);
            at.File = storage.Open(path);
            _foldersUnsynced.Add(Path.GetDirectoryName(path)!);
        }

        int from = at.Written * AuditLimits.HashBytes;
        storage.Write(at.File, at.Hashes.AsSpan(from..(at.Count * AuditLimits.HashBytes)), from);
        at.Written = at.Count;
        at.Dirty = at.Count < AuditLimits.TileHashes;
    }

    private struct Level
    {
        internal byte[]? Hashes;
        internal long Tile;
        internal int Count;
        internal int Written;
        internal bool Dirty;
        internal SafeFileHandle? File;
    }
}
