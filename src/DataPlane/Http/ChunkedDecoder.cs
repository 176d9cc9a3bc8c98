namespace Countersign.DataPlane.Http;

/// <summary>What a chunked body may hold besides its data. Zero is nothing.</summary>
/// <param name="ExtensionBytesMax">Extensions of all its chunks together, bytes.</param>
/// <param name="TrailerBytesMax">Its trailers with their line ends, bytes.</param>
/// <param name="TrailersMax">Its trailers.</param>
internal readonly record struct ChunkBounds(int ExtensionBytesMax, int TrailerBytesMax, int TrailersMax)
{
    /// <summary>Where nothing else was configured: answers of upstreams.</summary>
    internal static ChunkBounds Usual => new(1_024, 8_192, 32);
}

/// <summary>
/// Chunked transfer coding, bytes to data (RFC 9112 section 7.1), resumable at every byte. Sizes are plain hexadecimal
/// without sign, prefix or padding; extensions are checked, bounded and dropped; trailers are checked, bounded and
/// kept apart.
/// </summary>
internal struct ChunkedDecoder(ChunkBounds bounds)
{
    // 15 digits always fit a long; no honest chunk is larger than 2^60.
    private const int SizeDigitsMax = 15;

    private State _state;
    private long _left;
    private int _digits;
    private int _extra;
    private int _line;
    private int _trailers;
    private bool _hasName;
    private bool _isQuoted;
    private bool _isEscaped;

    /// <summary>Where trailer lines go, with the empty line after them; null drops them.</summary>
    internal LeasedBuffer? Trailers { get; set; }

    private enum State : byte
    {
        Size = 0,
        Extension,
        SizeLf,
        Data,
        DataCr,
        DataLf,
        TrailerStart,
        TrailerName,
        TrailerValue,
        TrailerLf,
        EndLf,
        Done,
    }

    /// <summary>
    /// Takes bytes up to and including the next run of data.
    /// </summary>
    /// <param name="input">What has arrived.</param>
    /// <param name="consumed">How much of it was taken.</param>
    /// <param name="dataStart">Where data begins in it.</param>
    /// <param name="dataBytes">How much data; 0 when only framing was taken.</param>
    /// <returns>Complete after the last chunk and its trailers.</returns>
    [HotPath]
    internal ParseStatus Read(ReadOnlySpan<byte> input, out int consumed, out int dataStart, out int dataBytes)
    {
        dataStart = dataBytes = 0;
        for (consumed = 0; consumed < input.Length;)
        {
            if (_state == State.Data)
            {
                dataStart = consumed;
                dataBytes = (int)Math.Min(_left, input.Length - consumed);
                _left -= dataBytes;
                consumed += dataBytes;
                if (_left == 0) _state = State.DataCr;
                return ParseStatus.NeedMore;
            }

            if (!Step(input[consumed++])) return ParseStatus.Invalid;
            if (_state == State.Done) return ParseStatus.Complete;
        }

        return ParseStatus.NeedMore;
    }

    private bool Step(byte one)
    {
        switch (_state)
        {
            case State.Size: return StepSize(one);
            case State.Extension: return StepExtension(one);
            case State.SizeLf:
                _state = _left == 0 ? State.TrailerStart : State.Data;
                _digits = 0;
                return one == '\n';
            case State.DataCr:
                _state = State.DataLf;
                return one == '\r';
            case State.DataLf:
                _state = State.Size;
                return one == '\n';
            case State.EndLf:
                _state = State.Done;
                Keep(one);
                return one == '\n';
            default: return StepTrailer(one);
        }
    }

    private bool StepSize(byte one)
    {
        int digit = HttpChars.HexValue(one);
        if (digit >= 0)
        {
            // "00" is padding: another parser may stop at the first zero and take it for the end.
            if (_digits == 1 && _left == 0) return false;
            if (++_digits > SizeDigitsMax) return false;
            _left = (_left << 4) | (uint)digit;
            return true;
        }

        if (_digits == 0) return false;
        if (one == '\r') _state = State.SizeLf;
        else if (one == ';')
        {
            _state = State.Extension;
            _hasName = false;
        }
        else return false;
        return true;
    }

    private bool StepExtension(byte one)
    {
        if (one == '\r')
        {
            _state = State.SizeLf;
            return _hasName && !_isQuoted;
        }

        if (++_extra > bounds.ExtensionBytesMax || (one != '\t' && one is < 0x20 or 0x7F)) return false;
        return _isQuoted ? StepQuoted(one) : StepUnquoted(one);
    }

    // A quoted string may hold what looks like the end of the line's meaning, never the end of the line.
    private bool StepQuoted(byte one)
    {
        if (_isEscaped) _isEscaped = false;
        else if (one == '\\') _isEscaped = true;
        else if (one == '"') _isQuoted = false;
        return true;
    }

    private bool StepUnquoted(byte one)
    {
        switch (one)
        {
            case (byte)'"':
                _isQuoted = true;
                return _hasName;
            case (byte)';':
                bool hadName = _hasName;
                _hasName = false;
                return hadName;
            case (byte)'=' or (byte)' ' or (byte)'\t':
                return true;
            default:
                _hasName = true;
                return HttpChars.Token.Contains(one);
        }
    }

    private bool StepTrailer(byte one)
    {
        bool isEmptyLine = _state == State.TrailerStart && one == '\r';
        if (!isEmptyLine && ++_line > bounds.TrailerBytesMax) return false;
        Keep(one);
        switch (_state)
        {
            case State.TrailerStart:
                if (one == '\r')
                {
                    _state = State.EndLf;
                    return true;
                }

                _state = State.TrailerName;
                return ++_trailers <= bounds.TrailersMax && HttpChars.Token.Contains(one);
            case State.TrailerName:
                if (one != ':') return HttpChars.Token.Contains(one);
                _state = State.TrailerValue;
                return true;
            case State.TrailerValue:
                if (one != '\r') return HttpChars.FieldValue.Contains(one);
                _state = State.TrailerLf;
                return true;
            case State.TrailerLf:
                _state = State.TrailerStart;
                return one == '\n';
            default:
                return false;
        }
    }

    // The empty line alone is no section, so that a body without trailers leases no buffer.
    private readonly void Keep(byte one)
    {
        if (Trailers is null || (Trailers.Count == 0 && one is (byte)'\r' or (byte)'\n')) return;
        Trailers.GetSpan(1)[0] = one;
        Trailers.Advance(1);
    }
}
