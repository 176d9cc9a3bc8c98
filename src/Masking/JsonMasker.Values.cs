using System.Buffers;
using Countersign.Masking.Detectors;

namespace Countersign.Masking;

/// <content>Values that open and end, and what of them leaves.</content>
public sealed partial class JsonMasker
{
    private readonly bool[] _keepsSome = new bool[MaskLimits.DepthMax + 1];   // of each open container

    private bool OpenValue(ReadOnlySpan<byte> input, ref int position, IBufferWriter<byte> output)
    {
        int start = position - 1;
        JsonKind kind = _scanner.Kind;
        if (_scanner.Role == JsonRole.Element)
        {
            _hit = _paths.Element();
            _location?.Element();
            _isUnderTellingName = false;
            if (_program.Drops) MarkMember(start, _scanner.Depth - (kind <= JsonKind.Array ? 1 : 0));
        }
        else if (_scanner.Role == JsonRole.Root)
        {
            _hit = _paths.Root();
            _location?.Root();
            _isUnderTellingName = false;
        }

        if (IsTooLong(start, out int end)) return Refuse(ref position, end);
        if (_hit == Hit.None)
        {
            Pass(kind, start, input);
            return true;
        }

        MaskAction action = ActionOf(_hit, _scanner.Role == JsonRole.Root);
        if (action == MaskAction.Tokenize && kind is JsonKind.String or JsonKind.Number) _valueAt = PlaceOf(start);
        else BeginMask(input, start, action, output);
        return true;
    }

    private void Pass(JsonKind kind, int start, ReadOnlySpan<byte> input)
    {
        if (kind <= JsonKind.Array)
        {
            Keep(_scanner.Depth - 1);
            _keepsSome[_scanner.Depth] = false;
            _paths.Open();
            _location?.Open();
            return;
        }

        bool isWatched = kind == JsonKind.String
            ? _program.Detectors != DetectorSet.None || _program.NestedDepth > 0
            : kind == JsonKind.Number && _program.Detectors != DetectorSet.None;
        if (!isWatched)
        {
            Keep(_scanner.Depth);
            return;
        }

        _valueAt = PlaceOf(start);
        if (kind != JsonKind.String || _program.Detectors != DetectorSet.None) return;
        _peeks = start + 1 == input.Length;
        if (!_peeks) Peek(input[start + 1]);
    }

    // Where only JSON in strings is looked for, the first byte tells most strings that are none.
    private void Peek(byte first)
    {
        _peeks = false;
        if (JsonOpening.MayBegin(first)) return;
        _valueAt = None;
        Keep(_scanner.Depth);
    }

    private void BeginMask(ReadOnlySpan<byte> input, int start, MaskAction action, IBufferWriter<byte> output)
    {
        JsonKind kind = _scanner.Kind;
        bool isContainer = kind <= JsonKind.Array;
        int depth = isContainer ? _scanner.Depth - 1 : _scanner.Depth;
        int from = action == MaskAction.Drop ? _memberAt : PlaceOf(start);
        _memberAt = None;
        if (action != MaskAction.Drop) Keep(depth);
        Release(input, from, output);
        _held.Clear();   // of a member that goes, its name
        _isMasking = true;
        _maskDepth = depth;
        _scanner.DecodesKeys = false;
        _scanner.DecodesValue = action == MaskAction.KeepLast4 && kind is JsonKind.String or JsonKind.Number;
        if (_scanner.DecodesValue && kind == JsonKind.Number) _tail.AddNumber(input.Slice(start, 1));
    }

    private void EndValue(ReadOnlySpan<byte> input, int position, IBufferWriter<byte> output)
    {
        if (_isMasking)
        {
            if (_scanner.Depth == _maskDepth) EndMask(input, position, output);
        }
        else if (_valueAt != None)
        {
            Judge(input, position, _scanner.Kind == JsonKind.String, _scanner.Depth == 0, output);
        }
        else if (_scanner.Kind <= JsonKind.Array && !_program.IsEmpty)
        {
            _paths.Close();
            _location?.Close();
        }
    }

    private void EndMask(ReadOnlySpan<byte> input, int position, IBufferWriter<byte> output)
    {
        if (_scanner.DecodesValue) TakeText(input, JsonEvent.Text);
        MaskAction action = ActionOf(_hit, _maskDepth == 0);
        bool isNull = _scanner.Kind == JsonKind.Null;
        if (action != MaskAction.Drop)
        {
            if (isNull) KeepNull(position, output);
            else if (action == MaskAction.Null) Put("null"u8, output);
            else if (!_scanner.DecodesValue) Put(Redacted, output);
            else PutTail(isInString: false, output);
        }

        if (!isNull || action == MaskAction.Drop) Count(_hit, action, DetectorSet.None);
        _isMasking = false;
        _scanner.DecodesKeys = true;
        _scanner.DecodesValue = false;
        _copyFrom = position;
    }

    // As it is written: in a string not always by its four letters. There it was seen whole.
    private void KeepNull(int end, IBufferWriter<byte> output)
    {
        ReadOnlySpan<byte> literal = "null"u8;
        if (_edits is null) output.Write(literal);
        else _edits.AddKept(end - literal.Length, literal.Length);
    }

    // A body's whole value has nothing to be dropped from.
    private MaskAction ActionOf(Hit hit, bool isRoot)
    {
        MaskAction action = _program.EffectOf(hit).Action;
        return action == MaskAction.Drop && isRoot ? MaskAction.Null : action;
    }

    private void Count(Hit hit, MaskAction action, DetectorSet detector)
    {
        MaskedCount++;
        if (_listener is not null) Tell(hit == Hit.None ? None : _program.EffectOf(hit).Rule, action, detector);
    }

    private int PlaceOf(int position) => _held.Count + position;

    // The member under way stays.
    private void Keep(int depth)
    {
        _memberAt = None;
        _keepsSome[depth] = true;
    }

    // A container's first member goes alone; every later one with the comma before it.
    private void MarkMember(int start, int depth)
    {
        if (!_isMasking && !_keepsSome[depth]) _memberAt = PlaceOf(start);
    }

    private void MarkComma(ReadOnlySpan<byte> input, int comma, IBufferWriter<byte> output)
    {
        if (_isMasking) return;
        if (_keepsSome[_scanner.Depth])
        {
            _memberAt = PlaceOf(comma);
            return;
        }

        // All before it went, so that it separates nothing.
        Release(input, PlaceOf(comma), output);
        _copyFrom = comma + 1;
    }

    /// <summary>True if more is held than may be; <paramref name="end"/> is the first place too far.</summary>
    private bool IsTooLong(int position, out int end)
    {
        end = _valueAt != None ? _valueAt + _program.Options.ValueBytesMax : _memberAt + MaskLimits.GapBytesMax;
        return (_valueAt != None || _memberAt != None) && PlaceOf(position) > end;
    }

    private bool Refuse(ref int position, int end)
    {
        MaskRefusal because = _valueAt != None ? MaskRefusal.ValueTooLong : MaskRefusal.GapTooLong;
        _scanner.RefuseAfterAll(because);
        position = end - _held.Count;
        return false;
    }

    /// <summary>The input has ended: lets go what may leave and holds the rest.</summary>
    private void Settle(ReadOnlySpan<byte> input, ref int position, IBufferWriter<byte> output)
    {
        if (IsTooLong(position, out int end)) Refuse(ref position, end);
        if (_isMasking) return;
        int mark = _memberAt != None ? _memberAt : _valueAt;
        bool isRefused = _scanner.Place == JsonPlace.Refused;
        Release(input, mark == None ? PlaceOf(position) : mark, output);
        if (mark == None || isRefused) return;
        _held.Add(input[_copyFrom..position]);
        if (_memberAt != None) _memberAt -= mark;
        if (_valueAt != None) _valueAt -= mark;
    }

    /// <summary>Writes what comes before <paramref name="place"/> and has not left yet.</summary>
    private void Release(ReadOnlySpan<byte> input, int place, IBufferWriter<byte> output)
    {
        int held = _held.Count;
        if (held > 0)
        {
            Put(_held.Bytes[..Math.Min(place, held)], output);
            if (place < held) _held.RemoveFirst(place);
            else _held.Clear();
        }

        if (place <= held) return;
        CopyOut(input, _copyFrom, place - held, output);
        _copyFrom = place - held;
    }

    private void CopyOut(ReadOnlySpan<byte> input, int from, int to, IBufferWriter<byte> output)
    {
        if (from >= to) return;
        if (_edits is null) output.Write(input[from..to]);
        else _edits.AddKept(from, to - from);
    }

    private void Put(ReadOnlySpan<byte> text, IBufferWriter<byte> output)
    {
        if (text.IsEmpty) return;
        if (_edits is null) output.Write(text);
        else _edits.AddText(text);
    }
}
