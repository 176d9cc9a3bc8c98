using System.Buffers;

namespace Countersign.DataPlane.Http;

/// <summary>Finds a head in what a pipe holds, segment by segment, and loads it when it is whole.</summary>
internal struct HeadReader
{
    private int _lineStart;
    private int _skipped;

    /// <summary>True if the first line ends within the limit, so that a head that is too large is so by its
    /// fields.</summary>
    internal readonly bool HasStarted => _lineStart > 0;

    /// <summary>
    /// Looks for a whole head at the front of <paramref name="buffer"/> and loads it.
    /// </summary>
    /// <param name="buffer">Everything received and not consumed.</param>
    /// <param name="head">Loaded when complete.</param>
    /// <param name="bytesMax">The longest head.</param>
    /// <param name="end">Where the head ends, when complete.</param>
    /// <param name="isTooLarge">The head is beyond <paramref name="bytesMax"/>.</param>
    [HotPath]
    internal ParseStatus TryLoad(
        in ReadOnlySequence<byte> buffer, MessageHead head, int bytesMax, out SequencePosition end, out bool isTooLarge)
    {
        end = buffer.Start;
        ReadOnlySpan<byte> first = buffer.FirstSpan;
        if (!buffer.IsSingleSegment) return TryLoadSlow(buffer, head, bytesMax, out end, out isTooLarge);
        ParseStatus status = Scan(first, bytesMax, out int start, out int length, out isTooLarge);
        if (status != ParseStatus.Complete) return status;
        head.Load(buffer.Slice(start, length - start));
        end = buffer.GetPosition(length);
        return status;
    }

    private ParseStatus TryLoadSlow(
        in ReadOnlySequence<byte> buffer, MessageHead head, int bytesMax, out SequencePosition end, out bool isTooLarge)
    {
        end = buffer.Start;
        int count = (int)Math.Min(buffer.Length, bytesMax + 4L);
        byte[] whole = ArrayPool<byte>.Shared.Rent(count);
        try
        {
            buffer.Slice(0, count).CopyTo(whole);
            ParseStatus status = Scan(whole.AsSpan(0, count), bytesMax, out int start, out int length, out isTooLarge);
            if (status != ParseStatus.Complete) return status;
            head.Load(buffer.Slice(start, length - start));
            end = buffer.GetPosition(length);
            return status;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(whole, clearArray: true);
        }
    }

    private ParseStatus Scan(ReadOnlySpan<byte> bytes, int bytesMax, out int start, out int length, out bool isTooLarge)
    {
        // One empty line before a request line is ignored (RFC 9112 section 2.2); a second is not a request.
        if (_skipped == 0 && bytes.StartsWith("\r\n"u8))
        {
            _skipped = 2;
            _lineStart = 2;
        }

        start = _skipped;
        ParseStatus status = HeadScanner.TryFindEnd(bytes, ref _lineStart, out length);
        isTooLarge = status != ParseStatus.Invalid
            && (status == ParseStatus.Complete ? length : bytes.Length) > bytesMax;
        if (isTooLarge)
        {
            _lineStart = bytes[start..Math.Min(bytes.Length, bytesMax)].IndexOf((byte)'\n') + 1;
            return ParseStatus.Invalid;
        }

        return status == ParseStatus.Complete && length - start <= 2 ? ParseStatus.Invalid : status;
    }
}
