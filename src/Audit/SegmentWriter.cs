using System.Buffers.Binary;
using System.Diagnostics;
using Microsoft.Win32.SafeHandles;

namespace Countersign.Audit;

/// <summary>
/// The newest segment and the batch that is about to be appended to it: frames are gathered, then written in one go,
/// over zeros that another thread wrote and flushed before (<see cref="Prepare"/>), in this segment and in the spare
/// file that becomes the next. The flush of a batch then changes neither the file's length nor its blocks, and what was
/// promised out of <see cref="Room"/> fits.
/// </summary>
internal sealed class SegmentWriter : IDisposable
{
    private static readonly byte[] Zeros = new byte[AuditLimits.PrepareStepBytes];

    private readonly IAuditStorage _storage;
    private readonly string _folder;
    private readonly long _bytesMax;
    private readonly long _roomAll;
    private readonly long _roomLeast;
    private readonly byte[] _batch =
        new byte[AuditLimits.BatchBytesMax + AuditLimits.FrameHeadBytes + AuditLimits.EntryBytesMax];

    // Held by whoever makes room: mostly the thread that grows the tree.
    private readonly Lock _making = new();

    // Between the thread that writes entries and the one that writes zeros: who writes where, and into which file.
    private readonly Lock _gate = new();
    private SafeFileHandle _file;
    private SafeFileHandle? _spare;
    private long _bytes;
    private long _claimed;
    private long _prepared;
    private long _sparePrepared;
    private long _written;

    // Made and not told to the room yet, since it is not flushed; of the spare, less what its segment's end may lose.
    private long _untold;
    private long _spareUntold;
    private int _batchBytes;
    private bool _isTrimmed;
    private volatile bool _stays;

    internal SegmentWriter(IAuditStorage storage, AuditLogOptions options, long firstEntry, long bytes)
    {
        _storage = storage;
        _folder = options.Folder;
        _bytesMax = options.SegmentBytesMax;

        // No more than all records together may need, with some that are long.
        _roomAll = (options.QueueRecordsMax * (long)AuditLimits.FrameBytesPromised) + (4 * AuditLimits.FrameBytesMost);
        _roomLeast = Math.Min(AuditLimits.PrepareBytesLeast, _roomAll);
        Room.LowMark = _roomLeast / 2;
        _bytes = _claimed = bytes;
        _file = OpenSegment(firstEntry);
        _prepared = Math.Max(bytes, RandomAccess.GetLength(_file));
        Room.Give(_prepared - bytes);
    }

    /// <summary>What may be promised.</summary>
    internal SegmentRoom Room { get; } = new();

    internal bool HasBatch => _batchBytes > 0;

    internal bool IsBatchFull => _batchBytes >= AuditLimits.BatchBytesMax;

    /// <summary>True once less than half of the room that there should be is left.</summary>
    internal bool WantsRoom => Room.IsWanted || RoomToMake() > 0;

    /// <summary>
    /// True if the segment, with what is gathered, should be closed before an entry of that size is added.
    /// </summary>
    internal bool MustRoll(int entryBytes)
    {
        long bytes = _bytes + _batchBytes, after = bytes + AuditLimits.FrameHeadBytes + entryBytes;
        if (bytes == 0) return false;
        lock (_gate)
        {
            // Room that was lent is made by being written to.
            bool isLent = Room.IsLending && Room.Free < 0 && after <= _bytesMax;
            return (after > _prepared && !isLent) || (after > _bytesMax && !_stays);
        }
    }

    /// <summary>Frames an entry, and hashes it where it then lies.</summary>
    internal void Add(ReadOnlySpan<byte> entry, Span<byte> leaf)
    {
        Debug.Assert(entry.Length is > 0 and <= AuditLimits.EntryBytesMax, "records are bounded");
        Span<byte> frame = _batch.AsSpan(_batchBytes);
        entry.CopyTo(frame[AuditLimits.FrameHeadBytes..]);

        // The byte before the entry is the checksum's last one, and until that is written the leaf's prefix.
        MerkleHash.LeafInPlace(frame.Slice(AuditLimits.FrameHeadBytes - 1, 1 + entry.Length), leaf);
        BinaryPrimitives.WriteUInt32LittleEndian(frame, (uint)entry.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[sizeof(uint)..], Crc32C.Compute(entry));
        _batchBytes += AuditLimits.FrameHeadBytes + entry.Length;
    }

    /// <summary>Writes what is gathered. After a failure it is still gathered, to be written again.</summary>
    internal void Write()
    {
        lock (_gate)
        {
            // What is claimed is never zeroed any more.
            _claimed = _bytes + _batchBytes;
            if (_claimed > _prepared)
            {
                Room.Give(_claimed - _prepared);
                _prepared = _claimed;
            }
        }

        _storage.Write(_file, _batch.AsSpan(0, _batchBytes), _bytes);
        _bytes += _batchBytes;
        Volatile.Write(ref _written, _written + _batchBytes);
        _batchBytes = 0;
    }

    internal void Flush() => _storage.Flush(_file);

    /// <summary>
    /// Begins the next segment in the spare file, made here if nobody has yet. The one before must be flushed; its end
    /// is told by the next one's name, and it is cut to what it holds. False where the disk has no room for a spare, or
    /// the spare less than was promised out of this segment: then this one goes on beyond its limit.
    /// </summary>
    internal bool TryRoll(long firstEntry, int entryBytes)
    {
        Debug.Assert(_batchBytes == 0, "a batch never spans segments");
        if (!TryHaveSpare()) return false;
        lock (_gate)
        {
            // What is left here is lost, and what was kept of the spare for that is not needed.
            long change = AuditLimits.FrameBytesMost - (_prepared - _bytes - _untold);
            bool fits = _bytes + AuditLimits.FrameHeadBytes + entryBytes <= _prepared;
            if (Room.Give(change) < 0 && fits)
            {
                Room.Give(-change);
                _stays = true;
                return false;
            }

            if (!TryRename(firstEntry))
            {
                Room.Give(-change);
                _stays = true;
                return false;
            }

            (SafeFileHandle old, long oldBytes, bool isExact) = (_file, _bytes, _prepared == _bytes);
            (_file, _bytes, _claimed, _prepared, _untold) = (_spare!, 0, 0, _sparePrepared, _spareUntold);
            (_spare, _sparePrepared, _spareUntold) = (null, 0, 0);
            Cut(old, oldBytes, isExact);
            old.Dispose();
            return true;
        }
    }

    /// <summary>Cuts the room that was not needed; the segment is complete.</summary>
    internal void Trim()
    {
        lock (_gate)
        {
            if (_isTrimmed) return;
            _isTrimmed = true;
            Cut(_file, _bytes, _prepared == _bytes);
            DropSpare();
        }
    }

    /// <summary>
    /// Writes zeros behind what is there, and flushes them; mostly for a thread that nobody waits for. What was made
    /// before a failure counts. Some is made in any case to find out whether a disk that was full still is.
    /// </summary>
    internal void Prepare(bool afterFull)
    {
        lock (_making)
        {
            Room.EndWant();
            Room.Lend(afterFull ? 0 : Math.Clamp(_storage.FreeBytes(_folder) - AuditLimits.SpareBytes, 0, _roomAll));
            Make(Math.Max(RoomToMake(), afterFull ? AuditLimits.PrepareStepBytes : 0), spareOnly: false);
        }
    }

    public void Dispose()
    {
        _file.Dispose();
        lock (_gate) DropSpare();
    }

    private string SparePath => Path.Combine(_folder, LogFolder.SpareFile);

    private bool TryRename(long firstEntry)
    {
        try
        {
            _storage.Rename(SparePath, LogFolder.Segment(_folder, firstEntry));
            return true;
        }
        catch (IOException failure) when (DiskFull.Is(failure))
        {
            return false;
        }
    }

    private void Cut(SafeFileHandle file, long bytes, bool isExact)
    {
        if (isExact) return;
        _storage.Truncate(file, bytes);
        _storage.Flush(file);
    }

    private void DropSpare()
    {
        if (_spare is null) return;
        _spare.Dispose();
        _spare = null;
        File.Delete(SparePath);
    }

    private bool TryHaveSpare()
    {
        lock (_gate)
        {
            if (_spare is not null) return true;
        }

        try
        {
            lock (_making) Make(Math.Max(_roomLeast, RoomToMake()), spareOnly: true);
            return true;
        }
        catch (IOException failure) when (DiskFull.Is(failure))
        {
            _stays = true;
            return false;
        }
    }

    // Of the room that there should be, less than half is left.
    private long RoomToMake()
    {
        long target = Math.Max(_roomLeast, Math.Min(Volatile.Read(ref _written), AuditLimits.PrepareBytesMost));
        if (_roomLeast < AuditLimits.PrepareBytesLeast) target = _roomLeast;
        long free = Room.Free;

        // Of what is lent, most comes back before it is needed.
        return free >= target / 2 ? 0 : Math.Min(target - free, target);
    }

    private void Make(long left, bool spareOnly)
    {
        if (left <= 0) return;
        try
        {
            while (left > 0)
            {
                lock (_gate)
                {
                    if (_isTrimmed) return;
                    if (_prepared < _bytesMax && !spareOnly) left -= ExtendSegment(left);
                    else left -= ExtendSpare();
                }
            }

            _stays = false;
        }
        finally
        {
            TellRoom();
        }
    }

    private long ExtendSegment(long left)
    {
        int step = (int)Math.Min(Math.Min(left, Zeros.Length), _bytesMax - _prepared);
        _storage.Write(_file, Zeros.AsSpan(0, step), _prepared);
        _prepared += step;
        _untold += step;
        return step;
    }

    private long ExtendSpare()
    {
        bool isNew = _spare is null;
        SafeFileHandle spare = _spare ?? _storage.Open(SparePath);
        try
        {
            _storage.Write(spare, Zeros, _sparePrepared);
        }
        catch (IOException) when (isNew)
        {
            spare.Dispose();
            File.Delete(SparePath);
            throw;
        }

        int counts = Zeros.Length - (isNew ? AuditLimits.FrameBytesMost : 0);
        _spare = spare;
        _sparePrepared += Zeros.Length;
        _spareUntold += counts;
        return counts;
    }

    // An error of these flushes must not be passed over: it may be told once, and to nobody else.
    private void TellRoom()
    {
        SafeFileHandle file;
        SafeFileHandle? spare;
        lock (_gate) (file, spare) = (_file, _spare);
        FlushUnlessClosed(file);
        if (spare is not null) FlushUnlessClosed(spare);
        lock (_gate)
        {
            Room.Give(_untold + _spareUntold);
            (_untold, _spareUntold) = (0, 0);
        }
    }

    private void FlushUnlessClosed(SafeFileHandle file)
    {
        try
        {
            _storage.Flush(file);
        }
        catch (ObjectDisposedException)
        {
            // The writer has rolled meanwhile, and flushed the file itself before.
        }
    }

    private SafeFileHandle OpenSegment(long firstEntry)
    {
        string path = LogFolder.Segment(_folder, firstEntry);
        SafeFileHandle file = _storage.Open(path);
        _storage.FlushFolder(Path.GetDirectoryName(path)!);
        return file;
    }
}
