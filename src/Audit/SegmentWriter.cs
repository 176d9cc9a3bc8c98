using System.Buffers.Binary;
using System.Diagnostics;
using Microsoft.Win32.SafeHandles;

namespace Countersign.Audit;

/// <summary>
/// The newest segment and the batch that is about to be appended to it: frames are gathered, then written in one go,
/// over zeros that another thread wrote and flushed before (<see cref="Prepare"/>): the flush of a batch then changes
/// neither the file's length nor its blocks.
/// </summary>
internal sealed class SegmentWriter : IDisposable
{
    private static readonly byte[] Zeros = new byte[AuditLimits.PrepareStepBytes];

    private readonly IAuditStorage _storage;
    private readonly string _folder;
    private readonly long _bytesMax;
    private readonly byte[] _batch =
        new byte[AuditLimits.BatchBytesMax + AuditLimits.FrameHeadBytes + AuditLimits.EntryBytesMax];

    // Between the thread that writes entries and the one that writes zeros: who writes where, and into which file.
    private readonly Lock _gate = new();
    private SafeFileHandle _file;
    private long _bytes;
    private long _claimed;
    private long _prepared;
    private int _batchBytes;

    internal SegmentWriter(IAuditStorage storage, AuditLogOptions options, long firstEntry, long bytes)
    {
        _storage = storage;
        _folder = options.Folder;
        _bytesMax = options.SegmentBytesMax;
        _bytes = _claimed = bytes;
        _file = OpenSegment(firstEntry);
        _prepared = RandomAccess.GetLength(_file);
    }

    internal bool HasBatch => _batchBytes > 0;

    /// <summary>
    /// True if the segment, with what is gathered, must be closed before an entry of that size is added.
    /// </summary>
    internal bool MustRoll(int entryBytes) =>
        _bytes + _batchBytes > 0 && _bytes + _batchBytes + AuditLimits.FrameHeadBytes + entryBytes > _bytesMax;

    internal bool IsBatchFull => _batchBytes >= AuditLimits.BatchBytesMax;

    /// <summary>True once less than half of the room that was made last is left.</summary>
    internal bool WantsRoom
    {
        get
        {
            lock (_gate) return RoomToMake() > 0;
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

    internal void Write()
    {
        // What is claimed is never zeroed any more.
        lock (_gate) _claimed = _bytes + _batchBytes;
        _storage.Write(_file, _batch.AsSpan(0, _batchBytes), _bytes);
        _bytes += _batchBytes;
        _batchBytes = 0;
    }

    internal void Flush() => _storage.Flush(_file);

    /// <summary>
    /// Begins the next segment. The one before must be flushed; it is cut to what it holds, and its end is told by the
    /// next one's name.
    /// </summary>
    internal void Roll(long firstEntry)
    {
        Debug.Assert(_batchBytes == 0, "a batch never spans segments");
        Trim();
        SafeFileHandle next = OpenSegment(firstEntry);
        lock (_gate)
        {
            _file.Dispose();
            (_file, _bytes, _claimed, _prepared) = (next, 0, 0, 0);
        }
    }

    /// <summary>Cuts the room that was not needed; the segment is complete.</summary>
    internal void Trim()
    {
        lock (_gate)
        {
            // As much as may ever be, so that nothing is zeroed again.
            bool isExact = _prepared <= _bytes;
            _prepared = long.MaxValue;
            if (isExact) return;
            _storage.Truncate(_file, _bytes);
        }

        _storage.Flush(_file);
    }

    /// <summary>
    /// Writes zeros behind what is there, and flushes them; for a thread that nobody waits for. A segment's room is
    /// doubled each time, up to a limit, so that a small log stays small.
    /// </summary>
    internal void Prepare()
    {
        SafeFileHandle file;
        long left;
        lock (_gate)
        {
            file = _file;
            left = RoomToMake();
        }

        if (left <= 0) return;
        while (left > 0)
        {
            lock (_gate)
            {
                if (file != _file || _prepared == long.MaxValue) return;
                long from = Math.Max(_prepared, _claimed);
                int step = (int)Math.Min(Math.Min(left, Zeros.Length), _bytesMax - from);
                if (step <= 0) break;
                _storage.Write(file, Zeros.AsSpan(0, step), from);
                _prepared = from + step;
                left -= step;
            }
        }

        FlushUnlessRolled(file);
    }

    public void Dispose() => _file.Dispose();

    // An error of this flush must not be passed over: it may be told once, and to nobody else.
    private void FlushUnlessRolled(SafeFileHandle file)
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

    private long RoomToMake()
    {
        long made = Math.Min(Math.Max(_prepared, _claimed), _bytesMax);
        long chunk = Math.Clamp(made, AuditLimits.PrepareBytesLeast, AuditLimits.PrepareBytesMost);
        return made >= _bytesMax || made - _claimed > chunk / 2 ? 0 : chunk;
    }

    private SafeFileHandle OpenSegment(long firstEntry)
    {
        string path = LogFolder.Segment(_folder, firstEntry);
        SafeFileHandle file = _storage.Open(path);
        _storage.FlushFolder(Path.GetDirectoryName(path)!);
        return file;
    }
}
