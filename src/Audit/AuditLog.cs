using System.Buffers;

namespace Countersign.Audit;

/// <summary>
/// An append-only Merkle log in a folder (decision 0004). Callers reserve, fill and hand over records without locks or
/// allocation; one thread writes, hashes and flushes, another signs. What is reserved has its room on the disk already.
/// While the disk is full nothing more is reserved; any other failure of the disk faults the log for good: from then
/// on nothing is reserved and every waiter gets false. Thread-safe.
/// </summary>
public sealed class AuditLog : IAsyncDisposable
{
    private readonly AuditRecordPool _pool;
    private readonly LogWriter _writer;
    private string? _doubt;
    private long _witnessedUntil = DateTimeOffset.MaxValue.UtcTicks;

    internal AuditLog(AuditLogOptions options, LogWriter writer, AuditRecordPool pool)
    {
        _pool = pool;
        _writer = writer;
        Folder = options.Folder;
    }

    /// <summary>The folder it is kept in.</summary>
    public string Folder { get; }

    /// <summary>Every key that it had; it is known by the first.</summary>
    public AuditKeyChain Keys => _writer.Keys;

    /// <summary>Whose signature its checkpoints carry.</summary>
    public AuditKey Key => _writer.Key;

    /// <summary>False while the disk is full, and once the log has faulted or is being closed.</summary>
    public bool IsHealthy => _writer.Takes;

    /// <summary>Why it takes no records: the disk is full, or the log has faulted; null where it takes them.</summary>
    public string? Fault => _writer.Fault;

    /// <summary>True once it has faulted: only a new start makes it usable. A full disk is not that.</summary>
    public bool NeedsRestart => _writer.HasFaulted;

    /// <summary>Why the log's past is not to be believed, as witnesses saw it; null where nothing says so.</summary>
    public string? DoubtedBecause => Volatile.Read(ref _doubt);

    /// <summary>
    /// Until when witnesses are near enough; later, or before there were any, the log is not to be believed in what
    /// matters. The end of time where none are required.
    /// </summary>
    public DateTimeOffset WitnessedUntil => new(Volatile.Read(ref _witnessedUntil), TimeSpan.Zero);

    /// <summary>Entries in the segments, whether synced yet or not.</summary>
    public long Size => _writer.Size;

    /// <summary>
    /// Records that were handed over and are not known to be on disk, because the log faulted or was closed. After a
    /// fault they are written all the same, as long as the disk takes them.
    /// </summary>
    public long RecordsLost => _writer.RecordsLost;

    /// <summary>The newest signed head. Immutable.</summary>
    public AuditCheckpoint? LastCheckpoint => _writer.LastCheckpoint;

    /// <summary>
    /// Opens or begins the log, repairing what a crash may leave behind and nothing else. Never throws for what it
    /// finds:
    /// the status says it.
    /// </summary>
    public static AuditLogOpening Open(AuditLogOptions options, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(clock);
        return AuditLogOpener.Open(options, clock, new DiskStorage());
    }

    /// <summary>
    /// Room for one call, on the disk already; or false: all records or all room are in use, or the log takes none.
    /// </summary>
    [HotPath]
    public bool TryReserve(out AuditReservation slot)
    {
        slot = default;
        if (!_writer.Takes) return false;
        bool isTaken = _pool.TryTakeTwo(out slot);
        if (_pool.Room.Free < _pool.Room.LowMark) _writer.WantRoom();
        return isTaken;
    }

    /// <summary>Hands over a filled record; it is on disk within the commit interval.</summary>
    [HotPath]
    public void Enqueue(AuditRecord record)
    {
        Claim(record);
        _writer.Take(record, waits: false);
    }

    /// <summary>
    /// Hands over a filled record and completes once it is on disk: true; or false, when the log faulted. Await the
    /// result
    /// exactly once, always: the record returns to the pool by that.
    /// </summary>
    [HotPath]
    public ValueTask<bool> CommitAsync(AuditRecord record)
    {
        Claim(record);
        ValueTask<bool> committed = record.Await();
        _writer.Take(record, waits: true);
        return committed;
    }

    /// <summary>Gives back the records of a reservation that were not handed over. Harmless if all were.</summary>
    [HotPath]
    public void Return(in AuditReservation slot)
    {
        if (!slot.IsHeld) return;
        if (slot.Intent.TryRelease(slot.IntentLeaseTag)) GiveBack(slot.Intent);
        if (slot.Outcome.TryRelease(slot.OutcomeLeaseTag)) GiveBack(slot.Outcome);
    }

    /// <summary>
    /// Drops the segments that the options no longer keep: call it now and then, from one caller at a time. The first
    /// entry that is held then. Reads what it drops once more, so it takes a while; the log goes on meanwhile.
    /// </summary>
    /// <exception cref="IOException">The disk failed; nothing that was to be kept is gone.</exception>
    public long Retain(DateTimeOffset now) => _writer.Retain(now, long.MaxValue);

    /// <summary>The same, but holds every entry from <paramref name="before"/> on.</summary>
    /// <exception cref="IOException">The disk failed; nothing that was to be kept is gone.</exception>
    public long Retain(DateTimeOffset now, long before) => _writer.Retain(now, before);

    /// <summary>The first entry that the options would hold, whatever else holds it; 0 where nothing would be
    /// dropped.</summary>
    public long FirstToHold(DateTimeOffset now) => _writer.FirstToHold(now);

    /// <summary>Writes, flushes and signs what was handed over, and closes the log.</summary>
    public async ValueTask DisposeAsync() => await _writer.DisposeAsync().ConfigureAwait(false);

    /// <summary>
    /// Writes a receipt for an intent that is about to be handed over (<see cref="CallReceipt"/>), or nothing where the
    /// log's name cannot stand in one.
    /// </summary>
    public void WriteReceipt(AuditRecord intent, Guid call, DateTimeOffset at, IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(intent);
        _writer.WriteReceipt(intent, call, at, output);
    }

    /// <summary>Says that the log's past is not what witnesses saw of it. Nothing takes that back but a new
    /// start.</summary>
    public void Doubt(string because) => Interlocked.CompareExchange(ref _doubt, because, null);

    /// <summary>Says until when witnesses that are required are near enough (<see cref="WitnessedUntil"/>).</summary>
    public void HoldWitnessedUntil(DateTimeOffset until) => Volatile.Write(ref _witnessedUntil, until.UtcTicks);

    /// <summary>Keeps, beside the log, its newest checkpoint with the cosignatures of witnesses.</summary>
    /// <exception cref="IOException">The disk failed; the log itself is none the worse.</exception>
    public void KeepWitnessed(ReadOnlySpan<byte> note) =>
        new DiskStorage().Replace(Path.Combine(Folder, LogFolder.WitnessedFile), note);

    private void GiveBack(AuditRecord record)
    {
        record.GiveUpRoom();
        _pool.Return(record);
    }

    private static void Claim(AuditRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        if (record.WrittenBytes == 0 || !record.TryQueue()) ThrowNotFilled();
    }

    private static void ThrowNotFilled() =>
        throw new InvalidOperationException("the record is empty, or was handed over before");
}
