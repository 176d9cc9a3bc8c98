namespace Countersign.Audit;

/// <summary>
/// All records there may ever be, the one that came back last taken first: what is in use at once stays few and warm
/// in the caches, and a record that was never needed costs nothing. No lock: a list of slots whose head carries a
/// count of its changes, so that a head that came back is told from one that never went.
/// </summary>
internal sealed class AuditRecordPool
{
    // Made at the start, so that a usual day makes none.
    private const int ReadyMax = 4_096;

    private readonly AuditRecord?[] _records;
    private readonly int[] _below;
    private long _head;
    private int _made;
    private int _free;

    internal AuditRecordPool(int recordsMax, int recordBytesMax, SegmentRoom room)
    {
        RecordBytesMax = recordBytesMax;
        Room = room;
        _records = new AuditRecord?[recordsMax];
        _below = new int[recordsMax];
        for (int ready = Math.Min(recordsMax, ReadyMax); ready > 0; ready--) Push(TryMake()!.Slot);
        _free = recordsMax;
    }

    internal int RecordBytesMax { get; }

    /// <summary>Where records of this pool are promised their place on the disk.</summary>
    internal SegmentRoom Room { get; }

    /// <summary>Records nobody holds; exact only while nobody moves.</summary>
    internal long FreeRecords => Volatile.Read(ref _free);

    [HotPath]
    internal bool TryTakeTwo(out AuditReservation slot)
    {
        slot = default;
        if (Interlocked.Add(ref _free, -2) < 0 || !Room.TryTake(2 * AuditLimits.FrameBytesPromised))
        {
            Interlocked.Add(ref _free, 2);
            return false;
        }

        slot = TakeTwo();
        return true;
    }

    private AuditReservation TakeTwo()
    {
        AuditRecord intent = Take(), outcome = Take();
        intent.BeginLease();
        outcome.BeginLease();
        return new AuditReservation(intent, outcome);
    }

    [HotPath]
    internal void Return(AuditRecord record)
    {
        record.EndLease();
        Push(record.Slot);
        Interlocked.Increment(ref _free);
    }

    private void Push(int slot)
    {
        while (true)
        {
            long seen = Volatile.Read(ref _head);
            Volatile.Write(ref _below[slot], (int)seen);
            if (Interlocked.CompareExchange(ref _head, Next(seen, slot + 1), seen) == seen) return;
        }
    }

    // Room was counted before, so there is one: on the list, or not made yet, or about to be put back.
    private AuditRecord Take()
    {
        SpinWait wait = default;
        while (true)
        {
            long seen = Volatile.Read(ref _head);
            int top = (int)seen;
            if (top == 0)
            {
                if (TryMake() is { } made) return made;
                wait.SpinOnce();
                continue;
            }

            int below = Volatile.Read(ref _below[top - 1]);
            if (Interlocked.CompareExchange(ref _head, Next(seen, below), seen) == seen) return _records[top - 1]!;
        }
    }

    private AuditRecord? TryMake()
    {
        if (Volatile.Read(ref _made) >= _records.Length) return null;
        int slot = Interlocked.Increment(ref _made) - 1;
        if (slot >= _records.Length)
        {
            Interlocked.Decrement(ref _made);
            return null;
        }

        return _records[slot] = new AuditRecord(this, slot);
    }

    // A head is a slot's number, from 1, under a count of changes; zero is the end of the list.
    private static long Next(long seen, int top) => (((seen >> 32) + 1) << 32) | (uint)top;
}
