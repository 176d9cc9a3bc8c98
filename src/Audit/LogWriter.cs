using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Countersign.Audit;

/// <summary>
/// The one thread that writes: drains the queue into the segment, flushes when somebody waits or the commit interval
/// passed, then lets the waiters go, and leaves the rest to <see cref="TreeKeeper"/>. What a full disk refuses it
/// keeps, and tries again. Any other failure ends all of that: from then on it only writes what still comes, for as
/// long as the disk takes it, and promises nobody anything.
/// </summary>
internal sealed class LogWriter : IAsyncDisposable
{
    private readonly AuditLogOptions _options;
    private readonly IAuditStorage _storage;
    private readonly TimeProvider _clock;
    private readonly AuditRecordPool _pool;
    private readonly RecordRing _queue;
    private readonly WriterBell _bell = new();
    private readonly OpenedLog _log;
    private readonly AuditRecord[] _waiters;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly byte[] _leaves = new byte[AuditLimits.UnsyncedEntriesMax * AuditLimits.HashBytes];
    private readonly TreeKeeper _tree;
    private AuditRecord? _next;
    private string? _fault;
    private string? _refused;
    private int _leafCount;
    private int _waiterCount;
    private int _stopping;
    private int _over;
    private long _size;
    private long _synced;
    private long _recordsLost;
    private long _unsyncedSince;

    internal LogWriter(
        AuditLogOptions options, IAuditStorage storage, TimeProvider clock, AuditRecordPool pool, OpenedLog log)
    {
        (_options, _storage, _clock, _pool, _log) = (options, storage, clock, pool, log);
        _queue = new RecordRing(options.QueueRecordsMax);
        _waiters = new AuditRecord[options.QueueRecordsMax];
        _size = _synced = log.Frontier.Size;
        _tree = new TreeKeeper(options, storage, clock, log, TreeFailed);
    }

    internal AuditKeyChain Keys => _log.Keys;

    internal AuditKey Key => _log.Key.Public;

    internal bool Takes => Fault is null && Volatile.Read(ref _stopping) == 0;

    internal bool HasFaulted => Volatile.Read(ref _fault) is not null;

    internal string? Fault => Volatile.Read(ref _fault) ?? Volatile.Read(ref _refused) ?? _tree.Trouble;

    internal long Size => Volatile.Read(ref _size);

    internal long RecordsLost => Interlocked.Read(ref _recordsLost);

    internal AuditCheckpoint LastCheckpoint => _tree.Checkpoint;

    internal void WriteReceipt(AuditRecord intent, Guid call, DateTimeOffset at, IBufferWriter<byte> output)
    {
        if (CallReceipt.CanName(Key.Name) && Takes) CallReceipt.Write(_log.Key, intent.Written, call, at, output);
    }

    // Beside the thread: it touches only what the thread has done with.
    internal long Retain(DateTimeOffset now, long before)
    {
        long held = Retention.FirstHeld(_options.Folder, Key);
        long first = Retention.FirstToHold(_options.Folder, _options, Math.Min(LastCheckpoint.Size, before), now);
        if (first <= held || !Takes) return held;
        Retention.Drop(_options.Folder, _storage, _log.Key, first);
        return Retention.FirstHeld(_options.Folder, Key);
    }

    internal long FirstToHold(DateTimeOffset now) =>
        Retention.FirstToHold(_options.Folder, _options, LastCheckpoint.Size, now);

    // Not from the pool: a starved pool must not stop the log.
    internal void Start()
    {
        _tree.Start();
        new Thread(Run) { IsBackground = true, Name = "countersign-audit" }.Start();
    }

    [HotPath]
    internal void Take(AuditRecord record, bool waits)
    {
        _queue.Enqueue(record);
        _bell.Ring(_queue, waits);
        if (Volatile.Read(ref _over) != 0) RefuseQueued();
    }

    /// <summary>Asks for more room, once until it is made.</summary>
    internal void WantRoom()
    {
        if (!_log.Segment.Room.IsWanted && _log.Segment.Room.TryWant()) _bell.RingAlways();
    }

    /// <summary>Writes and signs what is queued, then ends the thread. Every call waits for the one end.</summary>
    public async ValueTask DisposeAsync()
    {
        // The bell is left to its finalizer: a producer may be about to ring it.
        if (Interlocked.Exchange(ref _stopping, 1) == 0) _bell.RingAlways();
        await _ended.Task.ConfigureAwait(false);
    }

    private void Run()
    {
        Guarded(WriteUntilStopped);
        Guarded(Finish);
        _tree.End(signs: _fault is null);
        if (_fault is not null) WriteWhatStillComes();
        Interlocked.Exchange(ref _over, 1);
        RefuseQueued();
        _log.Dispose();
        _ended.SetResult();
    }

    // Whatever goes wrong here would leave a gap if it were passed over, so every exception faults the log.
    [SuppressMessage("Design", "CA1031", Justification = "the fault is the log's state, and ends it")]
    private void Guarded(Action step)
    {
        try
        {
            step();
        }
        catch (Exception failure)
        {
            Fail(failure);
            LoseUnsynced();
        }
    }

    private void LoseUnsynced()
    {
        Interlocked.Add(ref _recordsLost, _leafCount);
        _leafCount = 0;
        CompleteWaiters(false);
    }

    private void Fail(Exception failure) => Interlocked.CompareExchange(
        ref _fault, failure.GetType().Name + ": " + failure.Message, null);

    // From the other thread: this one ends at its next step, and says no to whoever waits.
    private void TreeFailed(Exception failure)
    {
        Fail(failure);
        _bell.RingAlways();
    }

    private void WriteUntilStopped()
    {
        for (; ; )
        {
            if (_fault is not null) throw new IOException(_fault);
            if (_log.Segment.Room.IsWanted) _tree.Nudge();
            bool wrote = Gather();
            if (wrote && !TryAppend()) continue;
            if (_waiterCount > 0 || IsSyncDue()) Sync();
            if (_next is not null || (!wrote && _queue.Count > 0)) continue;
            if (!wrote && Volatile.Read(ref _stopping) != 0) return;
            // Having written, it lets a batch gather: one write for hundreds of records, not one for each.
            _bell.Wait(_queue, dozes: wrote, WaitMost(wrote));
        }
    }

    // Calls that were let through before the fault end after it. Their records have room on the disk; whether they are
    // on it nobody can say any more, so they count as lost. Nothing is signed, and the next start looks at them.
    private void WriteWhatStillComes()
    {
        for (; ; )
        {
            bool isLast = Volatile.Read(ref _stopping) != 0;
            bool wrote = Gather();
            LoseUnsynced();
            if (wrote && !TryWrite(out _) && !isLast) _bell.Pause(AuditLimits.RetryEvery);
            else if (!wrote && isLast) return;
            else if (!wrote) _bell.Wait(_queue, dozes: false, Timeout.InfiniteTimeSpan);
            else if (isLast && _log.Segment.HasBatch) return;
        }
    }

    private void Finish()
    {
        if (_fault is not null) return;
        Sync();
        _log.Segment.Trim();
    }

    // Takes records until the batch is full, the segment is, or nobody has more.
    private bool Gather()
    {
        while (!_log.Segment.IsBatchFull && _leafCount < AuditLimits.UnsyncedEntriesMax)
        {
            if (_next is null && !_queue.TryDequeue(out _next)) break;
            if (_fault is null && _log.Segment.MustRoll(_next.WrittenBytes))
            {
                if (_log.Segment.HasBatch) break;
                Sync();
                if (_log.Segment.TryRoll(_size, _next.WrittenBytes)) _tree.Nudge();
            }

            _log.Segment.Add(
                _next.Written, _leaves.AsSpan(_leafCount++ * AuditLimits.HashBytes, AuditLimits.HashBytes));
            if (_next.IsAwaited) _waiters[_waiterCount++] = _next;
            else _pool.Return(_next);
            _next = null;
        }

        return _log.Segment.HasBatch;
    }

    // False while a full disk refuses a batch, though its room was made before: whoever waits is told no, and the batch
    // is kept to be written again.
    private bool TryAppend()
    {
        if (_size == _synced) _unsyncedSince = _clock.GetTimestamp();
        if (!TryWrite(out IOException? failure))
        {
            if (!DiskFull.Is(failure!) || Volatile.Read(ref _stopping) != 0) throw failure!;
            Volatile.Write(ref _refused, failure!.Message);
            CompleteWaiters(false);
            _bell.Pause(AuditLimits.RetryEvery);
            return false;
        }

        Volatile.Write(ref _refused, null);
        Volatile.Write(ref _size, _synced + _leafCount);
        if (_leafCount == AuditLimits.UnsyncedEntriesMax) Sync();
        return true;
    }

    private bool TryWrite(out IOException? failure)
    {
        try
        {
            _log.Segment.Write();
            failure = null;
            return true;
        }
        catch (IOException refused)
        {
            failure = refused;
            return false;
        }
    }

    // Waiters first. The tree gets no hash of an entry that is not on disk: what it signs must not outlive it, and
    // readers take a hash in the tiles for a promise that its entry is there.
    private void Sync()
    {
        if (_size > _synced) _log.Segment.Flush();
        CompleteWaiters(true);
        if (_leafCount == 0) return;
        _tree.Give(_leaves.AsSpan(0, _leafCount * AuditLimits.HashBytes));
        (_synced, _leafCount) = (_size, 0);
    }

    private bool IsSyncDue() => _size > _synced && _clock.GetElapsedTime(_unsyncedSince) >= _options.CommitEvery;

    private TimeSpan WaitMost(bool dozes)
    {
        TimeSpan most = Timeout.InfiniteTimeSpan;
        if (_size > _synced) most = Less(most, _options.CommitEvery - _clock.GetElapsedTime(_unsyncedSince));
        if (dozes) most = Less(most, TimeSpan.FromMilliseconds(AuditLimits.DozeMilliseconds));
        if (most == Timeout.InfiniteTimeSpan) return most;
        return most < TimeSpan.FromMilliseconds(1) ? TimeSpan.FromMilliseconds(1) : most;
    }

    private static TimeSpan Less(TimeSpan left, TimeSpan right) =>
        left == Timeout.InfiniteTimeSpan || right < left ? right : left;

    private void CompleteWaiters(bool committed)
    {
        for (int waiter = 0; waiter < _waiterCount; waiter++)
        {
            AuditRecord record = _waiters[waiter];
            _waiters[waiter] = null!;
            record.Complete(committed);
        }

        _waiterCount = 0;
    }

    // The log is over: whoever comes across a record that nobody will write gives it back.
    private void RefuseQueued()
    {
        AuditRecord? held = Interlocked.Exchange(ref _next, null);
        if (held is not null) Refuse(held);
        while (_queue.TryDequeue(out AuditRecord record)) Refuse(record);
    }

    private void Refuse(AuditRecord record)
    {
        Interlocked.Increment(ref _recordsLost);
        if (record.IsAwaited) record.Complete(false);
        else _pool.Return(record);
    }
}
