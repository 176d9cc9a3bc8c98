using Microsoft.Win32.SafeHandles;

namespace Countersign.Audit;

/// <summary>Opens a log step by step; the order is: lock, key, checkpoint, entries, tiles, writer.</summary>
internal sealed class AuditLogOpener : IDisposable
{
    private readonly AuditLogOptions _options;
    private readonly TimeProvider _clock;
    private readonly IAuditStorage _storage;
    private SafeFileHandle? _lock;
    private LogKey? _key;
    private LogKey? _next;
    private AuditKeyChain? _keys;
    private KeyHandover? _handover;
    private AuditCheckpoint? _checkpoint;

    private AuditLogOpener(AuditLogOptions options, TimeProvider clock, IAuditStorage storage)
    {
        _options = options;
        _clock = clock;
        _storage = storage;
    }

    internal static AuditLogOpening Open(AuditLogOptions options, TimeProvider clock, IAuditStorage storage)
    {
        List<string> errors = options.Errors();
        if (errors.Count > 0) return Refused(AuditOpenStatus.OptionsInvalid, string.Join("; ", errors));
        using AuditLogOpener opener = new(options, clock, storage);
        try
        {
            return opener.TryLock() ?? opener.TryKey() ?? opener.TryCheckpoint() ?? opener.TryEntries();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return Refused(AuditOpenStatus.StorageFailed, failure.Message);
        }
    }

    // What an open log owns was handed on and set to null.
    public void Dispose()
    {
        _key?.Dispose();
        _next?.Dispose();
        _lock?.Dispose();
    }

    private static AuditLogOpening Refused(AuditOpenStatus status, string message, AuditDamage? damage = null) =>
        new(status, message, null, damage);

    private string PathOf(string name) => Path.Combine(_options.Folder, name);

    private AuditLogOpening? TryLock()
    {
        Directory.CreateDirectory(_options.Folder);
        string path = PathOf(LogFolder.LockFile);
        try
        {
            _lock = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            return null;
        }
        catch (IOException held) when (File.Exists(path))
        {
            return Refused(AuditOpenStatus.InUse, held.Message);
        }
    }

    private AuditLogOpening? TryKey()
    {
        string path = PathOf(LogFolder.KeyFile);
        bool begun = File.Exists(path);
        _key = LogKey.Load(_options, begun);
        if (_key is null) return Refused(AuditOpenStatus.KeyInvalid, "no seed of 32 bytes for the log's key");
        if (!begun)
        {
            _keys = AuditKeyChain.Of(_key.Public);
            return null;
        }

        if (!AuditKeyChain.TryRead(_options.Folder, out _keys))
        {
            return Refused(AuditOpenStatus.KeyInvalid, "log.vkey, or a hand-over in keys, is malformed");
        }

        _next = KeyRotation.Waiting(_options);
        if (_next is not null && IsCurrent(_next)) FinishHandover();
        return IsCurrent(_key)
            ? null
            : Refused(AuditOpenStatus.KeyMismatch, $"the log belongs to {_keys!.Current}, not to {_key.Public}");
    }

    private bool IsCurrent(LogKey key) => key.Public.ToString() == _keys!.Current.ToString();

    // The process that handed over was killed before it had put the new seed in its place.
    private void FinishHandover()
    {
        KeyRotation.Finish(_storage, _options.Folder, _keys!.Current);
        _key!.Dispose();
        (_key, _next) = (_next, null);
    }

    // Only here is the root proven, entry by entry, and all of it on disk.
    private void HandOver(MerkleFrontier frontier)
    {
        if (_next is null) return;
        _handover = KeyRotation.HandOver(_storage, _options.Folder, _keys!, _key!, _next, frontier);
        if (!_keys!.TryExtend(_handover, out _keys)) throw new InvalidOperationException("a key follows its own self");
        _checkpoint = _handover.Head;
        _key!.Dispose();
        (_key, _next) = (_next, null);
    }

    private void RecordHandover(AuditLog log)
    {
        if (_handover is null || !log.TryReserve(out AuditReservation slot)) return;
        EventRecord told = new()
        {
            At = _clock.GetUtcNow(),
            Gateway = _options.Origin[(_options.Origin.LastIndexOf('/') + 1)..],
            Event = "audit-key-rotated",
            Subject = _handover.To.ToString(),
            Detail = $"follows {_handover.From} at {_handover.Head.Size} entries",
        };
        told.WriteTo(slot.Outcome);
        log.Enqueue(slot.Outcome);
        log.Return(slot);
    }

    // The public key is written last: where it is, a checkpoint was, and its absence is a finding.
    private AuditLogOpening? TryCheckpoint()
    {
        string path = PathOf(LogFolder.CheckpointFile);
        string keyPath = PathOf(LogFolder.KeyFile);
        if (File.Exists(path))
        {
            AuditCheckpointStatus status =
                AuditCheckpoint.Parse(File.ReadAllBytes(path), _key!.Public, out _checkpoint);
            if (status != AuditCheckpointStatus.Ok)
            {
                return Refused(AuditOpenStatus.CheckpointInvalid, $"the checkpoint is not believed: {status}");
            }
        }
        else if (File.Exists(keyPath) || LogFolder.Segments(_options.Folder).Count > 0)
        {
            return Refused(AuditOpenStatus.CheckpointMissing, "the log was begun, but its checkpoint is gone");
        }
        else
        {
            Span<byte> root = stackalloc byte[AuditLimits.HashBytes];
            MerkleHash.Empty(root);
            _checkpoint = _key!.Sign(0, root);
            _storage.Replace(path, _checkpoint.Note.Span);
        }

        if (!File.Exists(keyPath)) _storage.Replace(keyPath, LogKey.PublicFile(_key.Public));
        return null;
    }

    private AuditLogOpening TryEntries()
    {
        long held = Retention.FirstHeld(_options.Folder, _key!.Public);
        LogRecovery recovery = new(_storage, _options, _checkpoint!, held);
        recovery.Look();
        if (recovery.Damage is { } damage)
        {
            AuditOpenStatus status = damage.Kind == AuditDamageKind.RolledBack
                ? AuditOpenStatus.RolledBack
                : AuditOpenStatus.Damaged;
            return Refused(status, $"{damage.Kind} at entry {damage.Entry} in {damage.File}: {damage.Message}", damage);
        }

        // Of a log that was killed: zeros, which may be what the disk now wants for.
        if (File.Exists(PathOf(LogFolder.SpareFile))) File.Delete(PathOf(LogFolder.SpareFile));
        TileWriter tiles = recovery.Repair();
        SegmentWriter segment = new(_storage, _options, recovery.SegmentFirst, recovery.SegmentBytes);

        // A killed process leaves bytes that are in the segment but not yet on the disk.
        segment.Flush();
        HandOver(recovery.Frontier);
        return Begin(recovery, new OpenedLog(_key!, _keys!, _checkpoint!, recovery.Frontier, segment, tiles, _lock!));
    }

    private AuditLogOpening Begin(LogRecovery recovery, OpenedLog opened)
    {
        List<AuditEntry> interrupted = ReadInterrupted(recovery.OpenCalls);
        AuditRecordPool pool = new(_options.QueueRecordsMax, _options.RecordBytesMax, opened.Segment.Room);
        LogWriter writer = new(_options, _storage, _clock, pool, opened);
        AuditLog log = new(_options, writer, pool);
        writer.Start();
        RecordHandover(log);
        _key = null;
        _lock = null;
        AuditLogOpening opening = recovery.TornBytes == 0
            ? new AuditLogOpening(AuditOpenStatus.Opened, $"{log.Size} entries", log)
            : new AuditLogOpening(AuditOpenStatus.OpenedAfterCut,
                $"cut {recovery.TornBytes} torn bytes after {recovery.Frontier.Size} whole entries",
                log, null, recovery.TornBytes);
        return opening with { Interrupted = interrupted, Handover = _handover };
    }

    private List<AuditEntry> ReadInterrupted(OpenCalls calls)
    {
        List<AuditEntry> intents = [];
        foreach (long entry in calls.Intents) intents.AddRange(AuditReader.Between(_options.Folder, entry, entry + 1));
        return intents;
    }
}
