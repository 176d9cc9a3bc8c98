using System.Runtime.InteropServices;

namespace Countersign.Audit;

/// <summary>
/// Bytes of room that is on the disk already and that nobody has been promised. Whoever reserves takes what its records
/// may need, and gives back what they did not: so what is promised always fits, whatever the disk says next.
/// Thread-safe, without locks.
/// </summary>
internal sealed class SegmentRoom
{
    private Counter _free;
    private int _isWanted;

    /// <summary>Below this, more is made.</summary>
    internal long LowMark { get; set; }

    /// <summary>What nobody was promised; below zero while somebody is being refused.</summary>
    internal long Free => Volatile.Read(ref _free.Bytes);

    /// <summary>True once somebody asked for more room, until it is made.</summary>
    internal bool IsWanted => Volatile.Read(ref _isWanted) != 0;

    [HotPath]
    internal bool TryTake(long bytes)
    {
        if (Interlocked.Add(ref _free.Bytes, -bytes) >= 0) return true;
        Interlocked.Add(ref _free.Bytes, bytes);
        return false;
    }

    /// <summary>Adds, or takes where it is negative; what is free then.</summary>
    [HotPath]
    internal long Give(long bytes) => Interlocked.Add(ref _free.Bytes, bytes);

    /// <summary>True for the first who asks.</summary>
    internal bool TryWant() => Interlocked.Exchange(ref _isWanted, 1) == 0;

    internal void EndWant() => Volatile.Write(ref _isWanted, 0);

    // Alone on its cache lines: every call changes it.
    [StructLayout(LayoutKind.Explicit, Size = 192)]
    private struct Counter
    {
        [FieldOffset(64)]
        internal long Bytes;
    }
}
