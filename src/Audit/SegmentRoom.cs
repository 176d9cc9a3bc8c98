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
    private long _lent;
    private long _lentUntil;
    private int _isWanted;

    /// <summary>Below this, more is made.</summary>
    internal long LowMark { get; set; }

    /// <summary>What nobody was promised; below zero while some of it is lent, or somebody is being refused.</summary>
    internal long Free => Volatile.Read(ref _free.Bytes);

    /// <summary>True while more may be promised than there is.</summary>
    internal bool IsLending =>
        Volatile.Read(ref _lent) > 0 && Environment.TickCount64 < Volatile.Read(ref _lentUntil);

    /// <summary>True once somebody asked for more room, until it is made.</summary>
    internal bool IsWanted => Volatile.Read(ref _isWanted) != 0;

    [HotPath]
    internal bool TryTake(long bytes)
    {
        long left = Interlocked.Add(ref _free.Bytes, -bytes);
        if (left >= 0 || IsLent(-left)) return true;
        Interlocked.Add(ref _free.Bytes, bytes);
        return false;
    }

    /// <summary>
    /// Lets that much more be promised for a moment than there is: to many who come at once, while the disk is far
    /// from full. 0 ends it at once.
    /// </summary>
    internal void Lend(long bytes)
    {
        Volatile.Write(ref _lent, bytes);
        Volatile.Write(ref _lentUntil, Environment.TickCount64 + (long)AuditLimits.LendFor.TotalMilliseconds);
    }

    /// <summary>Adds, or takes where it is negative; what is free then.</summary>
    [HotPath]
    internal long Give(long bytes) => Interlocked.Add(ref _free.Bytes, bytes);

    /// <summary>True for the first who asks.</summary>
    internal bool TryWant() => Interlocked.Exchange(ref _isWanted, 1) == 0;

    internal void EndWant() => Volatile.Write(ref _isWanted, 0);

    // What a disk had free a while ago it may not have any more.
    private bool IsLent(long bytes) => bytes <= Volatile.Read(ref _lent) && IsLending;

    // Alone on its cache lines: every call changes it.
    [StructLayout(LayoutKind.Explicit, Size = 192)]
    private struct Counter
    {
        [FieldOffset(64)]
        internal long Bytes;
    }
}
