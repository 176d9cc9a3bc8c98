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

    /// <summary>
    /// Bytes after the last whole frame up to the last that is not zero; 0 where only room that was made follows, or
    /// where a frame has come meanwhile.
    /// </summary>
    internal long BytesBehind()
    {
        byte[] buffer = new byte[AuditLimits.ReadAheadBytes];
        long end = Offset;
        for (long at = Offset; ;)
        {
            int read = RandomAccess.Read(_file, buffer, at);
            if (read == 0) break;
            int last = buffer.AsSpan(0, read).LastIndexOfAnyExcept((byte)0);
            if (last >= 0) end = at + last + 1;
            at += read;
        }

        (_start, _end) = (0, 0);
        return end == Offset || Peek(out _) == FrameStatus.Ok ? 0 : end - Offset;
    }

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
        if (!Fill(AuditLimits.FrameHeadBytes))
        {
            // Less room than a frame's head needs, at the end of a full segment.
            bool isRoom = !_buffer.AsSpan(_start.._end).ContainsAnyExcept((byte)0);
            return isRoom ? FrameStatus.End : FrameStatus.Truncated;
        }

        uint stated = BinaryPrimitives.ReadUInt32LittleEndian(_buffer.AsSpan(_start));

        // There are no empty entries, so eight zero bytes are no frame, but room that was made for one.
        if (BinaryPrimitives.ReadUInt64LittleEndian(_buffer.AsSpan(_start)) == 0) return FrameStatus.End;
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
