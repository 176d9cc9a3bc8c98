using Countersign.Policy;

namespace Countersign.DataPlane.Calls;

/// <summary>
/// What this node holds of one bucket: cells that it has taken from the store and may spend until their lease ends, so
/// that most calls ask nobody. Cells are spent without a lock.
/// </summary>
internal sealed class RateBucket(RateLimit limit, string name)
{
    // A cell that is not spent by then is lost. It bounds how far one window can be passed: see docs/POLICY.md.
    private const long LeaseMilliseconds = 500;

    // The count of cells and the end of their lease are one number, so that one swap changes both.
    private const int CellBits = 20;
    private const long CellMask = (1 << CellBits) - 1;

    private long _lease;
    private long _leftAt;
    private int _left;
    private long _emptyUntil;
    private long _ownFullAt;
    private int _isRefilling;

    internal RateLimit Limit => limit;

    /// <summary>The bucket's name in the store.</summary>
    internal string Name => name;

    /// <summary>True if few of the leased cells are left, of a limit of which more than one is leased.</summary>
    internal bool RunsLow => (Volatile.Read(ref _lease) & CellMask) < limit.LeaseCells / 2;

    /// <summary>True if nobody has used it for so long that it holds nothing.</summary>
    internal bool IsIdle(long now) =>
        (Volatile.Read(ref _lease) >> CellBits) + LeaseMilliseconds < now && Volatile.Read(ref _emptyUntil) <= now;

    /// <summary>Spends a leased cell.</summary>
    [HotPath]
    internal bool TryTake(long now)
    {
        while (true)
        {
            long lease = Volatile.Read(ref _lease);
            if ((lease & CellMask) == 0 || lease >> CellBits <= now) return false;
            if (Interlocked.CompareExchange(ref _lease, lease - 1, lease) == lease) return true;
        }
    }

    /// <summary>Adds what the store gave, of which one may have been spent already.</summary>
    internal void Add(in RateGrant grant, int spent, long now)
    {
        Volatile.Write(ref _left, grant.Left);
        Volatile.Write(ref _leftAt, now);
        int cells = grant.Cells - spent;
        while (true)
        {
            long lease = Volatile.Read(ref _lease);
            long kept = lease >> CellBits > now ? lease & CellMask : 0;
            long next = ((now + LeaseMilliseconds) << CellBits) | Math.Min(kept + cells, CellMask);
            if (Interlocked.CompareExchange(ref _lease, next, lease) == lease) return;
        }
    }

    /// <summary>Takes a cell back that was not needed; one whose lease has ended is lost.</summary>
    internal void Return(long now)
    {
        while (true)
        {
            long lease = Volatile.Read(ref _lease);
            bool isFull = (lease & CellMask) == CellMask;
            long end = lease >> CellBits;
            if (isFull || (end <= now && (lease & CellMask) > 0)) return;
            long next = end <= now ? ((now + LeaseMilliseconds) << CellBits) | 1 : lease + 1;
            if (Interlocked.CompareExchange(ref _lease, next, lease) == lease) return;
        }
    }

    /// <summary>Notes that the store has no cell before a time: until then nobody need ask it.</summary>
    internal void Exhaust(TimeSpan retryAfter, long now)
    {
        Volatile.Write(ref _left, 0);
        Volatile.Write(ref _leftAt, now);
        Volatile.Write(ref _emptyUntil, now + (long)Math.Ceiling(retryAfter.TotalMilliseconds));
    }

    /// <summary>How long the store has no cell yet, in milliseconds; 0 or less where it may have one.</summary>
    internal long EmptyFor(long now) => Volatile.Read(ref _emptyUntil) - now;

    /// <summary>True for one caller at a time, until <see cref="EndRefill"/>.</summary>
    internal bool TryBeginRefill() => Interlocked.CompareExchange(ref _isRefilling, 1, 0) == 0;

    internal void EndRefill() => Volatile.Write(ref _isRefilling, 0);

    /// <summary>
    /// While the store is away: this node's share of the rate and of the burst, counted here alone. Zero if there is a
    /// cell; else the milliseconds until there is.
    /// </summary>
    internal long TakeOwn(long now, int nodes)
    {
        double interval = limit.IntervalMicroseconds * nodes;
        int burst = Math.Max(1, limit.Burst / nodes);
        long present = now * 1_000;
        while (true)
        {
            long fullAt = Volatile.Read(ref _ownFullAt);
            double from = Math.Max(fullAt, present);
            double over = from + interval - present - (interval * burst);
            if (over > 0) return Math.Max(1, (long)Math.Ceiling(over / 1_000));
            if (Interlocked.CompareExchange(ref _ownFullAt, (long)(from + interval), fullAt) == fullAt) return 0;
        }
    }

    /// <summary>How many calls there is room for now, as far as this node knows.</summary>
    internal int Remaining(long now)
    {
        long lease = Volatile.Read(ref _lease);
        long held = lease >> CellBits > now ? lease & CellMask : 0;
        double regained = (now - Volatile.Read(ref _leftAt)) * 1_000 / limit.IntervalMicroseconds;
        return (int)Math.Min(limit.Burst, held + Volatile.Read(ref _left) + Math.Max(0, regained));
    }
}
