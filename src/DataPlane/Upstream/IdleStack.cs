namespace Countersign.DataPlane.Upstream;

/// <summary>
/// Idle connections, last in first out, so that the busiest stay warm and the rest age out. No lock and no allocation:
/// two linked lists of slots, kept and free, whose heads carry a count of their changes, so that a head that came back
/// is told from one that never went.
/// </summary>
internal sealed class IdleStack
{
    private readonly UpstreamConnection?[] _slots;
    private readonly int[] _below;
    private long _kept;
    private long _free;

    internal IdleStack(int capacity)
    {
        _slots = new UpstreamConnection?[capacity];
        _below = new int[capacity];
        for (int slot = 0; slot < capacity; slot++) Push(ref _free, slot);
    }

    /// <summary>Keeps a connection; false if it is full.</summary>
    [HotPath]
    internal bool TryPush(UpstreamConnection connection)
    {
        int slot = Pop(ref _free);
        if (slot < 0) return false;
        Volatile.Write(ref _slots[slot], connection);
        Push(ref _kept, slot);
        return true;
    }

    /// <summary>Takes the connection that was kept last; null if there is none.</summary>
    [HotPath]
    internal UpstreamConnection? TryPop()
    {
        int slot = Pop(ref _kept);
        if (slot < 0) return null;
        UpstreamConnection? connection = Volatile.Read(ref _slots[slot]);
        _slots[slot] = null;
        Push(ref _free, slot);
        return connection;
    }

    /// <summary>
    /// True if a kept connection is past its use. Looks without taking, so that calls find theirs meanwhile.
    /// </summary>
    internal bool HasStale(TimeSpan idleMax)
    {
        foreach (ref UpstreamConnection? slot in _slots.AsSpan())
        {
            if (Volatile.Read(ref slot) is { } connection && connection.IsStale(idleMax)) return true;
        }

        return false;
    }

    // A head is a slot's number, from 1, under a count of changes; zero is the end of the list.
    private int Pop(ref long head)
    {
        while (true)
        {
            long seen = Volatile.Read(ref head);
            int top = (int)seen;
            if (top == 0) return -1;
            if (Interlocked.CompareExchange(ref head, Next(seen, Volatile.Read(ref _below[top - 1])), seen) == seen)
            {
                return top - 1;
            }
        }
    }

    private void Push(ref long head, int slot)
    {
        while (true)
        {
            long seen = Volatile.Read(ref head);
            Volatile.Write(ref _below[slot], (int)seen);
            if (Interlocked.CompareExchange(ref head, Next(seen, slot + 1), seen) == seen) return;
        }
    }

    private static long Next(long seen, int top) => (((seen >> 32) + 1) << 32) | (uint)top;
}
