namespace Countersign.Audit;

/// <summary>
/// Reads entries across segments, safe beside a live writer: a segment ends where the one named by the next entry
/// begins, and a name is made only after the segment before it is complete.
/// </summary>
internal sealed class LogCursor(string folder, long from) : IDisposable
{
    private SegmentCursor? _segment;

    /// <summary>The entry that comes next.</summary>
    internal long Index => _segment?.Index ?? from;

    /// <summary>Its segment, relative to the log's folder.</summary>
    internal string File => LogFolder.SegmentName(_segment?.FirstEntry ?? from);

    /// <summary>First entry of the segment it is in, or -1 before the first.</summary>
    internal long SegmentFirst => _segment?.FirstEntry ?? -1;

    /// <summary>Where in that segment.</summary>
    internal long Offset => _segment?.Offset ?? 0;

    /// <summary>Bytes after the last whole frame of its segment that are not room for more.</summary>
    internal long BytesBehind => _segment?.BytesBehind() ?? 0;

    internal FrameStatus Next(out ReadOnlySpan<byte> payload)
    {
        payload = default;
        if (_segment is null)
        {
            FrameStatus begun = Begin();
            if (begun != FrameStatus.Ok) return begun;
        }

        FrameStatus status;
        do
        {
            status = NextInSegments(out payload);
        }
        while (status == FrameStatus.Ok && _segment!.Index <= from);
        return status;
    }

    /// <summary>
    /// True if a segment begins after the one being read: then what is bad in this one is no torn tail.
    /// </summary>
    internal bool HasLaterSegment()
    {
        List<long> firsts = LogFolder.Segments(folder);
        return firsts.Count > 0 && firsts[^1] > (_segment?.FirstEntry ?? -1);
    }

    public void Dispose() => _segment?.Dispose();

    // In the last segment that may hold the first entry asked for; what stands before it is passed over.
    private FrameStatus Begin()
    {
        List<long> firsts = LogFolder.Segments(folder);
        if (firsts.Count == 0) return FrameStatus.End;
        int at = firsts.FindLastIndex(first => first <= from);
        if (at < 0 && Retention.FirstHeld(folder) == firsts[0]) at = 0;
        if (at < 0) return FrameStatus.Missing;
        _segment = new SegmentCursor(LogFolder.Segment(folder, firsts[at]), firsts[at]);
        return FrameStatus.Ok;
    }

    private FrameStatus NextInSegments(out ReadOnlySpan<byte> payload)
    {
        for (; ; )
        {
            FrameStatus status = _segment!.Next(out payload);
            if (status != FrameStatus.End) return status;
            if (!HasLaterSegment()) return FrameStatus.End;

            // A later segment was there, so this one is complete by now: what it still gives came while we looked.
            status = _segment.Next(out payload);
            if (status != FrameStatus.End) return status;
            if (TryNextSegment()) continue;
            return _segment.BytesBehind() > 0 ? FrameStatus.LengthInvalid : FrameStatus.Missing;
        }
    }

    private bool TryNextSegment()
    {
        long next = _segment!.Index;
        string path = LogFolder.Segment(folder, next);
        if (next == _segment.FirstEntry || !System.IO.File.Exists(path)) return false;
        _segment.Dispose();
        _segment = new SegmentCursor(path, next);
        return true;
    }
}
