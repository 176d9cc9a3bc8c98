using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace Countersign.Audit;

/// <summary>What stands at a place in a segment. Zero is nothing usable.</summary>
internal enum FrameStatus : byte
{
    Damaged = 0,
    Ok,
    End,
    Truncated,
    LengthInvalid,
    CrcMismatch,
    Missing,
}

/// <summary>
/// Reads the frames of one segment in order: u32 LE length, u32 LE CRC-32C of the payload, payload. Never passes a bad
/// frame; asked again, it reads the disk again, so that a frame still being written becomes whole.
/// </summary>
internal sealed class SegmentCursor : IDisposable
{
    private readonly SafeFileHandle _file;
    private readonly byte[] _buffer = new byte[AuditLimits.ReadAheadBytes];
    private int _start;
    private int _end;

    internal SegmentCursor(string path, long firstEntry)
    {
        _file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete,
            FileOptions.SequentialScan);
        FirstEntry = firstEntry;
        Index = firstEntry;
    }

    internal long FirstEntry { get; }

    /// <summary>The entry that the next frame holds.</summary>
    internal long Index { get; private set; }

    /// <summary>Where that frame begins.</summary>
    internal long Offset { get; private set; }

    internal long FileBytes => RandomAccess.GetLength(_file);

    /// <summary>The next entry; <paramref name="payload"/> is valid until the next call.</summary>
    internal FrameStatus Next(out ReadOnlySpan<byte> payload)
    {
        payload = default;
        FrameStatus status = Peek(out int payloadBytes);
        if (status != FrameStatus.Ok)
        {
            _start = _end = 0;
            return status;
        }

        payload = _buffer.AsSpan(_start + AuditLimits.FrameHeadBytes, payloadBytes);
        _start += AuditLimits.FrameHeadBytes + payloadBytes;
        Offset += AuditLimits.FrameHeadBytes + payloadBytes;
        Index++;
        return FrameStatus.Ok;
    }

    public void Dispose() => _file.Dispose();

    private FrameStatus Peek(out int payloadBytes)
    {
        payloadBytes = 0;
        if (!Fill(AuditLimits.FrameHeadBytes)) return _end == _start ? FrameStatus.End : FrameStatus.Truncated;
        uint stated = BinaryPrimitives.ReadUInt32LittleEndian(_buffer.AsSpan(_start));

        // An empty entry would be eight zero bytes, which is also what a crash may leave behind: there are none.
        if (stated is 0 or > AuditLimits.EntryBytesMax) return FrameStatus.LengthInvalid;
        payloadBytes = (int)stated;
        if (!Fill(AuditLimits.FrameHeadBytes + payloadBytes)) return FrameStatus.Truncated;
        uint crc = BinaryPrimitives.ReadUInt32LittleEndian(_buffer.AsSpan(_start + sizeof(uint)));
        ReadOnlySpan<byte> payload = _buffer.AsSpan(_start + AuditLimits.FrameHeadBytes, payloadBytes);
        return Crc32C.Compute(payload) == crc ? FrameStatus.Ok : FrameStatus.CrcMismatch;
    }

    private bool Fill(int bytes)
    {
        if (_end - _start >= bytes) return true;
        _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
        _end -= _start;
        _start = 0;
        while (_end < bytes)
        {
            int read = RandomAccess.Read(_file, _buffer.AsSpan(_end), Offset + _end);
            if (read == 0) return false;
            _end += read;
        }

        return true;
    }
}
