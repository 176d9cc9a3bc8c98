namespace Countersign.Audit;

/// <summary>
/// Wakes the writer, and costs producers a fence and a read when it is awake. A dozing writer will look by itself soon,
/// so only those who wait, or a growing backlog, ring for it.
/// </summary>
internal sealed class WriterBell : IDisposable
{
    private const int Awake = 0;
    private const int Dozing = 1;
    private const int Asleep = 2;
    private readonly AutoResetEvent _bell = new(false);
    private int _state;
    private int _isWanted;

    [HotPath]
    internal void Ring(RecordRing queue, bool waits)
    {
        if (waits) Volatile.Write(ref _isWanted, 1);

        // Orders the enqueue before this read; the writer has the same fence between its state and its look at the
        // queue.
        Interlocked.MemoryBarrier();
        int state = Volatile.Read(ref _state);
        if (state == Awake) return;
        if (state == Dozing && !waits && queue.Count < AuditLimits.WakeRecords) return;
        if (Interlocked.CompareExchange(ref _state, Awake, state) == state) _bell.Set();
    }

    /// <summary>
    /// Waits for a ring or the time, unless somebody waits by now, or the queue holds what such a wait would end for.
    /// </summary>
    internal void Wait(RecordRing queue, bool dozes, TimeSpan most)
    {
        Interlocked.Exchange(ref _state, dozes ? Dozing : Asleep);
        bool mayWait = Volatile.Read(ref _isWanted) == 0 && queue.Count < (dozes ? AuditLimits.WakeRecords : 1);
        if (mayWait) _bell.WaitOne(most);
        Interlocked.Exchange(ref _state, Awake);

        // Before the queue is drained: a wish that comes after this is for a record that may be missed.
        Interlocked.Exchange(ref _isWanted, 0);
    }

    /// <summary>Waits for the time, or for <see cref="RingAlways"/>.</summary>
    internal void Pause(TimeSpan time) => _bell.WaitOne(time);

    /// <summary>Wakes it whatever it does.</summary>
    internal void RingAlways() => _bell.Set();

    public void Dispose() => _bell.Dispose();
}
