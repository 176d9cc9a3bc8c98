using System.Buffers;
using Countersign.Masking.Content;
using Countersign.Masking.Detectors;

namespace Countersign.Masking;

/// <summary>
/// Masks a stream of server-sent events as it streams by: the data of each event, over all its <c>data</c> lines, is a
/// body of JSON texts for a <see cref="JsonMasker"/>, and line ends between them are the white space that they are in
/// the data. The fields <c>event</c>, <c>id</c>, <c>retry</c> and comments are text for detectors, each line by itself,
/// and pass where there are none; any other field is refused, since what reads it is no client that this project knows.
/// Data that is exactly <c>[DONE]</c>, by which some services end, passes.
/// </summary>
public sealed class SseMasker
{
    private readonly JsonMasker _data = new();
    private readonly MaskedText _found = new();
    private readonly HeldBytes _waiting = new();   // a name, a line to look into, or data that may yet be the last word
    private MaskProgram? _program;
    private IMaskListener? _listener;
    private Place _place;
    private bool _isFirstLine;
    private bool _hasData;       // this event has data that the masker reads
    private bool _isDataLine;
    private bool _isWord;        // this event's data is the word at the end
    private int _passedBytes;

    /// <summary>Where in a line the stream is.</summary>
    private enum Place : byte
    {
        Start = 0,
        Field,
        FirstByte,
        Word,
        Data,
        Passing,
        AfterReturn,
    }

    /// <summary>Values that were masked in this stream.</summary>
    public int MaskedCount { get; private set; }

    /// <summary>Why the stream was refused; <see cref="MaskRefusal.None"/> when it was not.</summary>
    public MaskRefusal Refusal { get; private set; } = MaskRefusal.NotReset;

    /// <summary>The same as constant text.</summary>
    public string RefusedBecause => Refusals.TextOf(Refusal);

    private static ReadOnlySpan<byte> EndWord => "[DONE]"u8;

    /// <summary>Begins a stream under <paramref name="program"/>, of which <paramref name="listener"/>, if any, hears
    /// what is masked.</summary>
    public void Reset(MaskProgram program, IMaskListener? listener)
    {
        ArgumentNullException.ThrowIfNull(program);
        _program = program;
        _listener = listener;
        _found.Reset(program, listener);
        Refusal = MaskRefusal.None;
        _place = Place.Start;
        _isFirstLine = true;
        _hasData = false;
        _isDataLine = false;
        _isWord = false;
        _waiting.Clear();
        MaskedCount = 0;
    }

    /// <summary>Takes the next bytes and writes what may leave by now; what was written before a refusal holds nothing
    /// masked.</summary>
    [HotPath]
    public MaskStatus Write(ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(output);
        while (!input.IsEmpty && Refusal == MaskRefusal.None)
        {
            int taken = 1;
            if (_place is Place.Data or Place.Passing && input[0] is not ((byte)'\r' or (byte)'\n'))
            {
                taken = input.IndexOfAny((byte)'\r', (byte)'\n');
                if (taken < 0) taken = input.Length;
                Content(input[..taken], output);
            }
            else Byte(input[0], output);

            input = input[taken..];
        }

        return Refusal == MaskRefusal.None ? MaskStatus.NeedMore : MaskStatus.Refused;
    }

    /// <summary>The stream has ended. An event that no blank line ended must be whole all the same.</summary>
    [HotPath]
    public MaskStatus Finish(IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(output);
        if (_place is Place.Field) Refuse(MaskRefusal.CutShort);
        if (_place is Place.Word && Refusal == MaskRefusal.None) EndWordLine(output);
        if (_place is Place.Passing && Refusal == MaskRefusal.None) EndPassing(output);
        if (Refusal == MaskRefusal.None) EndEvent(output);
        if (Refusal != MaskRefusal.None) return MaskStatus.Refused;
        Refusal = MaskRefusal.AfterEnd;
        return MaskStatus.Done;
    }

    private void Content(ReadOnlySpan<byte> bytes, IBufferWriter<byte> output)
    {
        if (_place == Place.Data)
        {
            Feed(bytes, output);
            return;
        }

        _passedBytes += bytes.Length;
        if (_passedBytes > MaskLimits.EventFieldBytesMax) Refuse(MaskRefusal.EventFieldTooLong);
        else if (_program!.Detectors == DetectorSet.None) output.Write(bytes);
        else _waiting.Add(bytes);
    }

    private void Byte(byte next, IBufferWriter<byte> output)
    {
        if (_place == Place.AfterReturn)
        {
            _place = Place.Start;
            if (next == '\n')
            {
                EndOfLine(next, output);
                return;
            }
        }

        bool endsLine = next is (byte)'\r' or (byte)'\n';
        if (_place == Place.FirstByte)
        {
            _place = _hasData ? Place.Data : Place.Word;
            _hasData = true;
            if (next == ' ')
            {
                Frame(next, output);
                return;
            }
        }

        switch (_place)
        {
            case Place.Start when endsLine:
                EndEvent(output);
                _isDataLine = false;
                EndOfLine(next, output);
                break;
            case Place.Start or Place.Field:
                Field(next, endsLine, output);
                break;
            case Place.Word:
                Word(next, endsLine, output);
                break;
            case Place.Passing when endsLine:
                EndPassing(output);
                EndOfLine(next, output);
                break;
            case Place.Data when endsLine:
                EndOfLine(next, output);
                break;
            default:
                Feed([next], output);
                break;
        }
    }

    private void Field(byte next, bool endsLine, IBufferWriter<byte> output)
    {
        if (!endsLine && next != ':')
        {
            _place = Place.Field;
            _waiting.Add([next]);
            if (_waiting.Count > MaskLimits.EventFieldBytesMax) Refuse(MaskRefusal.EventFieldTooLong);
            return;
        }

        ReadOnlySpan<byte> name = _waiting.Bytes;
        if (_isFirstLine && name.StartsWith("\uFEFF"u8)) name = name[3..];
        _isFirstLine = false;
        _isDataLine = name.SequenceEqual("data"u8);
        bool passes = _isDataLine || name.SequenceEqual("event"u8) || name.SequenceEqual("id"u8)
            || name.SequenceEqual("retry"u8) || (name.IsEmpty && next == ':');
        if (!passes || (_isWord && _isDataLine) || (!_isDataLine && _hasData && _data.IsHolding))
        {
            Refuse(MaskRefusal.UnknownEventField);
            return;
        }

        if (_isDataLine && !_hasData)
        {
            _data.Reset(_program!, _listener);
            output.Write(_waiting.Bytes);
        }
        else if (_isDataLine) _data.Frame(_waiting.Bytes, output);
        else output.Write(_waiting.Bytes);

        _waiting.Clear();
        if (endsLine)
        {
            _hasData |= _isDataLine;
            EndOfLine(next, output);
            return;
        }

        Frame(next, output);
        _passedBytes = 0;
        _place = _isDataLine ? Place.FirstByte : Place.Passing;
    }

    private void Frame(byte next, IBufferWriter<byte> output)
    {
        ReadOnlySpan<byte> one = [next];
        if (_isDataLine && _hasData) _data.Frame(one, output);
        else output.Write(one);
    }

    // The data so far is the beginning of the word at the end, or nothing.
    private void Word(byte next, bool endsLine, IBufferWriter<byte> output)
    {
        if (!endsLine && _waiting.Count < EndWord.Length && next == EndWord[_waiting.Count])
        {
            _waiting.Add([next]);
            return;
        }

        if (endsLine) EndWordLine(output);
        else
        {
            Feed(_waiting.Bytes, output);
            _waiting.Clear();
            _place = Place.Data;
            Feed([next], output);
        }

        if (endsLine) EndOfLine(next, output);
    }

    private void EndWordLine(IBufferWriter<byte> output)
    {
        _isWord = _waiting.Count == EndWord.Length;
        if (_isWord) output.Write(_waiting.Bytes);
        else Feed(_waiting.Bytes, output);
        _waiting.Clear();
    }

    // A line that is no data, whole, behind its colon. A key that goes on in the next one cannot be followed.
    private void EndPassing(IBufferWriter<byte> output)
    {
        ReadOnlySpan<byte> text = _waiting.Bytes;
        var check = default(Utf8Check);
        if (check.Take(text) != text.Length || !check.IsWhole) Refuse(MaskRefusal.NotUtf8);
        int from = 0;
        var search = new ValueSearch(new(text), _program!.Detectors, besideTellingName: false);
        while (Refusal == MaskRefusal.None && search.TryNext(out Detection found))
        {
            output.Write(text[from..found.Start]);
            if (found.KeyEnd > 0 && !PrivateKeyBlock.IsWhole(text, found.KeyStart))
            {
                Refuse(MaskRefusal.ValueTooLong);
                return;
            }

            _found.Write(text.Slice(found.Start, found.Length), found, output);
            MaskedCount++;
            from = found.End;
        }

        if (Refusal == MaskRefusal.None) output.Write(text[from..]);
        _waiting.Clear();
    }

    private void Feed(ReadOnlySpan<byte> data, IBufferWriter<byte> output)
    {
        if (Refusal == MaskRefusal.None && _data.Write(data, output) == MaskStatus.Refused) Refuse(_data.Refusal);
    }

    private void EndOfLine(byte next, IBufferWriter<byte> output)
    {
        if (_isDataLine && !_isWord) Feed([next], output);
        else if (Refusal == MaskRefusal.None) output.Write([next]);
        _place = next == '\r' ? Place.AfterReturn : Place.Start;
    }

    private void EndEvent(IBufferWriter<byte> output)
    {
        if (_hasData && !_isWord)
        {
            if (_data.Finish(output) == MaskStatus.Refused) Refuse(_data.Refusal);
            MaskedCount += _data.MaskedCount;
        }

        _hasData = false;
        _isWord = false;
    }

    private void Refuse(MaskRefusal because)
    {
        if (Refusal == MaskRefusal.None) Refusal = because;
        _waiting.Clear();
    }
}
