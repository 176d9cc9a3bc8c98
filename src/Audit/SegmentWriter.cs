using System.Buffers.Binary;
using System.Diagnostics;
using Microsoft.Win32.SafeHandles;

namespace Countersign.Audit;

/// <summary>
/// The newest segment and the batch that is about to be appended to it: frames are gathered, then written in one go.
/// </summary>
internal sealed class SegmentWriter : IDisposable
{
    private readonly IAuditStorage _storage;
    private readonly string _folder;
    private readonly long _bytesMax;
    private readonly byte[] _batch =
        new byte[AuditLimits.BatchBytesMax + AuditLimits.FrameHeadBytes + AuditLimits.EntryBytesMax];

    private SafeFileHandle _file;
    private long _bytes;
    private int _batchBytes;

    internal SegmentWriter(IAuditStorage storage, AuditLogOptions options, long firstEntry, long bytes)
    {
        _storage = storage;
        _folder = options.Folder;
        _bytesMax = options.SegmentBytesMax;
        _bytes = bytes;
        _file = OpenSegment(firstEntry);
    }

    internal bool HasBatch => _batchBytes > 0;

    /// <summary>
    /// True if the segment, with what is gathered, must be closed before an entry of that size is added.
    /// </summary>
    internal bool MustRoll(int entryBytes) =>
        _bytes + _batchBytes > 0 && _bytes + _batchBytes + AuditLimits.FrameHeadBytes + entryBytes > _bytesMax;

    internal bool IsBatchFull => _batchBytes >= AuditLimits.BatchBytesMax;

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
        _storage.Write(_file, _batch.AsSpan(0, _batchBytes), _bytes);
        _bytes += _batchBytes;
        _batchBytes = 0;
    }

    internal void Flush() => _storage.Flush(_file);

    /// <summary>
    /// Begins the next segment. The one before must be flushed: its end is told by the next one's name.
    /// </summary>
    internal void Roll(long firstEntry)
    {
        Debug.Assert(_batchBytes == 0, "a batch never spans segments");
        _file.Dispose();
        _bytes = 0;
        _file = OpenSegment(firstEntry);
    }

    public void Dispose() => _file.Dispose();

    private SafeFileHandle OpenSegment(long firstEntry)
    {
        string path = LogFolder.Segment(_folder, firstEntry);
        SafeFileHandle file = _storage.Open(path);
        _storage.FlushFolder(Path.GetDirectoryName(path)!);
        return file;
    }
}
