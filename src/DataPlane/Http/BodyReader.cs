using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace Countersign.DataPlane.Http;

/// <summary>How a read of a body ended. Zero is a body that may not be believed.</summary>
internal enum BodyStatus : byte
{
    /// <summary>The framing is broken.</summary>
    Malformed = 0,

    /// <summary><see cref="BodyReader.Data"/> holds bytes.</summary>
    Data,

    /// <summary>The body is whole.</summary>
    End,

    /// <summary>More bytes than allowed.</summary>
    TooLarge,

    /// <summary>The peer closed, or was cut off, before the body was whole.</summary>
    Truncated,

    /// <summary>The read was cancelled: a deadline passed.</summary>
    TimedOut,
}

/// <summary>
/// Reads one message's body from a pipe, a contiguous run at a time, whatever its framing. Reused from message to
/// message; never reads past the body's last byte.
/// </summary>
internal sealed class BodyReader(PipeReader pipe, Deadline deadline)
{
    private ChunkedDecoder _chunks;
    private BodyFraming _framing;
    private long _left;
    private long _bytesMax;
    private ReadOnlySequence<byte> _buffer;
    private int _taken;
    private bool _holdsBuffer;
    private bool _peerDone;
    private ReadOnlyMemory<byte> _data;
    private LeasedBuffer? _trailerBytes;
    private TrailerSection? _trailers;
    private bool _isStopped;
    private bool _isAwaited;

    /// <summary>The bytes of the last read, valid until the next one.</summary>
    internal ReadOnlySpan<byte> Data => _data.Span;

    /// <summary>Body bytes read so far, without framing.</summary>
    internal long BytesRead { get; private set; }

    /// <summary>True once the last byte of the body was read.</summary>
    internal bool IsWhole { get; private set; }

    /// <summary>True if a read began, so that part of the body may be gone from the pipe.</summary>
    internal bool HasStarted { get; private set; }

    /// <summary>
    /// True while it is the sender who is late, if anybody is. Said by who waits for the body, read beside the call.
    /// </summary>
    internal bool IsAwaited
    {
        get => Volatile.Read(ref _isAwaited);
        set => Volatile.Write(ref _isAwaited, value);
    }

    /// <summary>Bytes still to come where the framing tells; -1 where it does not.</summary>
    internal long BytesLeft => IsWhole ? 0 : _framing == BodyFraming.Length ? _left : -1;

    /// <summary>The fields after the body, once it is whole; null where there are none.</summary>
    internal TrailerSection? Trailers => _trailers is { Length: > 0 } ? _trailers : null;

    /// <summary>Begins a body.</summary>
    internal void Start(BodyFraming framing, long contentLength, long bytesMax, ChunkBounds? chunks = null)
    {
        Forget();
        _chunks = new ChunkedDecoder(chunks ?? ChunkBounds.Usual);
        if (framing == BodyFraming.Chunked) _chunks.Trailers = _trailerBytes ??= new LeasedBuffer();
        _framing = framing;
        _left = contentLength;
        _bytesMax = bytesMax;
        BytesRead = 0;
        HasStarted = IsAwaited = false;
        IsWhole = framing == BodyFraming.None || (framing == BodyFraming.Length && contentLength == 0);
    }

    /// <summary>Reads the next run of bytes.</summary>
    [HotPath]
    internal ValueTask<BodyStatus> ReadAsync()
    {
        Release();
        if (IsWhole) return new(BodyStatus.End);
        if (_framing == BodyFraming.Length && _left > _bytesMax - BytesRead) return new(BodyStatus.TooLarge);
        HasStarted = true;
        try
        {
            ValueTask<ReadResult> read = pipe.ReadAsync();
            if (!read.IsCompletedSuccessfully) return WaitAsync(read);
            if (TryTake(read.Result, out BodyStatus status)) return new(status);
            Release();
            return WaitAsync(pipe.ReadAsync());
        }
        catch (Exception fault) when (PeerLoss.Explains(fault))
        {
            return new(BodyStatus.Truncated);
        }
    }

    /// <summary>Lets go of the pipe's buffer; needed before anyone else reads the pipe.</summary>
    [HotPath]
    internal void Release()
    {
        if (!_holdsBuffer) return;
        _holdsBuffer = false;
        pipe.AdvanceTo(_buffer.GetPosition(_taken));
        _buffer = default;
        _data = default;
        _taken = 0;
    }

    /// <summary>Ends a read that waits, and every later one, as cancelled until <see cref="Resume"/>.</summary>
    internal void Stop()
    {
        Volatile.Write(ref _isStopped, true);
        pipe.CancelPendingRead();
    }

    /// <summary>Lets reads go on after <see cref="Stop"/>.</summary>
    internal void Resume() => Volatile.Write(ref _isStopped, false);

    /// <summary>Wipes the trailers and gives their bytes back.</summary>
    [HotPath]
    internal void Forget()
    {
        _trailerBytes?.Return();
        _trailers?.Forget();
    }

    [AsyncMethodBuilder(typeof(KeptTaskMethodBuilder<>))]
    private async ValueTask<BodyStatus> WaitAsync(ValueTask<ReadResult> read)
    {
        try
        {
            while (true)
            {
                if (TryTake(await read, out BodyStatus status)) return status;
                Release();
                read = pipe.ReadAsync();
            }
        }
        catch (Exception fault) when (PeerLoss.Explains(fault))
        {
            return BodyStatus.Truncated;
        }
    }

    // False when what has arrived was framing only and more must be awaited.
    private bool TryTake(in ReadResult result, out BodyStatus status)
    {
        _buffer = result.Buffer;
        _holdsBuffer = true;
        _peerDone = result.IsCompleted;
        status = BodyStatus.TimedOut;
        if (result.IsCanceled && (deadline.HasPassed || Volatile.Read(ref _isStopped))) return true;
        ReadOnlyMemory<byte> first = _buffer.First;
        while (!first.IsEmpty)
        {
            status = Take(first, out bool hasNews);
            if (hasNews) return true;
            if (_taken == (int)_buffer.Length) break;
            first = _buffer.Slice(_taken).First;
        }

        status = _framing == BodyFraming.UntilClose ? BodyStatus.End : BodyStatus.Truncated;
        if (_peerDone && _framing == BodyFraming.UntilClose) IsWhole = true;
        return _peerDone;
    }

    private BodyStatus Take(ReadOnlyMemory<byte> run, out bool hasNews)
    {
        hasNews = true;
        if (_framing != BodyFraming.Chunked)
        {
            int count = _framing == BodyFraming.Length ? (int)Math.Min(_left, run.Length) : run.Length;
            return Keep(run[..count], count);
        }

        ParseStatus parsed = _chunks.Read(run.Span, out int consumed, out int dataStart, out int dataBytes);
        if (parsed == ParseStatus.Invalid) return BodyStatus.Malformed;
        if (dataBytes > 0) return Keep(run.Slice(dataStart, dataBytes), consumed);
        _taken += consumed;
        hasNews = parsed == ParseStatus.Complete;
        if (hasNews && _trailerBytes!.Count > 0 && !TryParseTrailers(_trailerBytes)) return BodyStatus.Malformed;
        IsWhole = hasNews;
        return BodyStatus.End;
    }

    private bool TryParseTrailers(LeasedBuffer section)
    {
        _trailers ??= new TrailerSection();
        bool isSound = _trailers.TryParse(new ReadOnlySequence<byte>(section.WrittenMemory));
        section.Return();
        return isSound;
    }

    private BodyStatus Keep(ReadOnlyMemory<byte> data, int consumed)
    {
        _taken += consumed;
        BytesRead += data.Length;
        if (BytesRead > _bytesMax) return BodyStatus.TooLarge;
        if (_framing == BodyFraming.Length && (_left -= data.Length) == 0) IsWhole = true;
        _data = data;
        return BodyStatus.Data;
    }
}
