using System.Buffers;

namespace Countersign.Masking.Content;

/// <summary>
/// Masks <c>multipart/mixed</c> and <c>multipart/form-data</c> as it streams by: each part's body goes through the
/// masker of its kind, everything else leaves as it came. Text before the first part or after the last, which no masker
/// reads, refuses the body, as do nested multiparts and parts that are encoded.
/// </summary>
internal sealed class MultipartMasker
{
    // A delimiter is CR LF, two dashes and the boundary; the last one has two dashes more.
    private readonly byte[] _delimiter = new byte[ContentLimits.BoundaryBytesMax + 4];
    private readonly byte[] _held = new byte[ContentLimits.PartHeadBytesMax];
    private IPartMasker? _parts;
    private int _delimiterLength;
    private int _heldCount;
    private int _partCount;
    private Step _step;
    private bool _isAtHead;   // what is held begins with the CR LF that ended the head, and has left

    private enum Step : byte
    {
        Refused = 0,
        Start,
        AfterDelimiter,
        Head,
        Body,
        End,
    }

    /// <summary>Why the body was refused: constant text. Empty when it was not.</summary>
    public string RefusedBecause { get; private set; } = "no boundary was set";

    /// <summary>Begins a body with this <paramref name="boundary"/>, which a content type gave.</summary>
    public void Reset(ReadOnlySpan<byte> boundary, IPartMasker parts)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(boundary.Length, ContentLimits.BoundaryBytesMax);
        _parts = parts;
        "\r\n--"u8.CopyTo(_delimiter);
        boundary.CopyTo(_delimiter.AsSpan(4));
        _delimiterLength = boundary.Length + 4;
        _heldCount = _partCount = 0;
        _isAtHead = false;
        _step = Step.Start;
        RefusedBecause = "";
    }

    private ReadOnlySpan<byte> Delimiter => _delimiter.AsSpan(0, _delimiterLength);

    /// <summary>Takes the next bytes, all of them unless it refuses, and writes what may leave by now.</summary>
    public MaskStatus Write(ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        while (!input.IsEmpty && _step != Step.Refused)
        {
            int taken = _step switch
            {
                Step.Body => TakeBody(input, output),
                Step.End => TakeEnd(input, output),
                _ => TakeLines(input, output),
            };
            input = input[taken..];
        }

        return _step == Step.Refused ? MaskStatus.Refused : MaskStatus.NeedMore;
    }

    /// <summary>The body has ended, as it should after the last delimiter.</summary>
    public MaskStatus Finish()
    {
        if (_step != Step.End || _heldCount == 1) return Refuse("the last boundary is missing");
        _step = Step.Refused;
        return MaskStatus.Done;
    }

    private MaskStatus Refuse(string because)
    {
        if (RefusedBecause.Length == 0) RefusedBecause = because;
        _step = Step.Refused;
        return MaskStatus.Refused;
    }

    // One byte at a time until a delimiter or a head is whole: these are short, bodies are not.
    private int TakeLines(ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        int taken = 0;
        Step step = _step;
        while (taken < input.Length && _step == step)
        {
            if (_heldCount == _held.Length)
            {
                Refuse("a part's head is longer than the limit");
                break;
            }

            _held[_heldCount++] = input[taken++];
            TakeHeld(_held.AsSpan(0, _heldCount), output);
        }

        return taken;
    }

    private void TakeHeld(ReadOnlySpan<byte> held, IBufferWriter<byte> output)
    {
        if (_step == Step.Start)
        {
            // The first delimiter needs no line before it; an empty one is common.
            ReadOnlySpan<byte> expected = held[0] == '\r' ? Delimiter : Delimiter[2..];
            if (!expected.StartsWith(held)) Refuse("text before the first part");
            else if (held.Length == expected.Length) Pass(Step.AfterDelimiter, held, output);
        }
        else if (_step == Step.AfterDelimiter)
        {
            // A transport may pad the line with blanks (RFC 2046); no generator does, and readers differ.
            if (held.SequenceEqual("\r\n"u8)) Pass(Step.Head, held, output);
            else if (held.SequenceEqual("--"u8)) Pass(Step.End, held, output);
            else if (held.Length == 2) Refuse("a boundary is followed by something");
        }
        else if (held.EndsWith("\r\n"u8) && (held.Length == 2 || held.EndsWith("\r\n\r\n"u8)))
        {
            BeginPart(held, output);
        }
    }

    private void Pass(Step next, ReadOnlySpan<byte> held, IBufferWriter<byte> output)
    {
        output.Write(held);
        _heldCount = 0;
        _step = next;
    }

    private void BeginPart(ReadOnlySpan<byte> held, IBufferWriter<byte> output)
    {
        bool isRead = PartHead.TryRead(held[..^2], out ContentKind kind, out ReadOnlySpan<byte> name);
        if (!isRead) Refuse("a part's head is not well-formed, or the part is encoded");
        else if (_parts!.IsTooLong(name)) Refuse(Refusals.TextOf(MaskRefusal.KeyTooLong));
        else if (++_partCount > ContentLimits.PartsMax) Refuse("more parts than the limit");
        else if (kind is ContentKind.Unknown or ContentKind.Multipart || !_parts.TryBegin(kind, name))
            Refuse("a part cannot be read");
        else Pass(Step.Body, held, output);
        // The delimiter's own CR LF may be that of an empty body's head: it counts as seen.
        if (_step != Step.Body) return;
        "\r\n"u8.CopyTo(_held);
        _heldCount = 2;
        _isAtHead = true;
    }

    // Of the body, what may be the beginning of a delimiter is held back.
    private int TakeBody(ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        if (_heldCount > 0) return ContinueDelimiter(input[0], output);
        int found = input.IndexOf((byte)'\r');
        int plain = found < 0 ? input.Length : found;
        if (plain > 0 && !PassBody(input[..plain], output)) return input.Length;
        if (found < 0) return plain;
        _held[0] = (byte)'\r';
        _heldCount = 1;
        return plain + 1;
    }

    private int ContinueDelimiter(byte next, IBufferWriter<byte> output)
    {
        if (Delimiter[_heldCount] == next)
        {
            _held[_heldCount++] = next;
            if (_heldCount == _delimiterLength) EndPart(output);
            return 1;
        }

        // A delimiter holds no CR but its first byte, so nothing in what was held can begin another one.
        ReadOnlySpan<byte> body = _held.AsSpan(0, _heldCount);
        _heldCount = 0;
        if (_isAtHead) body = body[2..];
        _isAtHead = false;
        if (!body.IsEmpty) PassBody(body, output);
        return 0;
    }

    private void EndPart(IBufferWriter<byte> output)
    {
        if (_parts!.Finish(output) != MaskStatus.Done)
        {
            Refuse("a part could not be masked");
            return;
        }

        Pass(Step.AfterDelimiter, _held.AsSpan(_isAtHead ? 2 : 0, _delimiterLength - (_isAtHead ? 2 : 0)), output);
        _isAtHead = false;
    }

    private bool PassBody(ReadOnlySpan<byte> body, IBufferWriter<byte> output)
    {
        bool isTaken = _parts!.Write(body, output) == MaskStatus.NeedMore;
        if (!isTaken) Refuse("a part could not be masked");
        return isTaken;
    }

    // After the last delimiter only its line's end may come.
    private int TakeEnd(ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        bool isLineEnd = _heldCount < 2 && input[0] == "\r\n"u8[_heldCount];
        if (!isLineEnd)
        {
            Refuse("text after the last part");
            return input.Length;
        }

        _heldCount++;
        if (_heldCount == 2) output.Write("\r\n"u8);
        return 1;
    }
}
