using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;
using Countersign.Masking.Detectors;

namespace Countersign.Masking;

/// <content>The rules, applied to a window that is sound.</content>
public sealed partial class JsonMasker
{
    private int _eventBlock;       // whose events come next,
    private ulong _events;         // those of them that are left,
    private ulong _eventBlocks;    // and the blocks behind it that have some

    /// <summary>Goes from one place before <paramref name="until"/> to the next at which a rule may have a say; false
    /// if the scanner must go on from the window's end.</summary>
    private bool ActOnEvents(ReadOnlySpan<byte> input, int until, ref OutputRun output)
    {
        BlockWindow window = _blocks!;
        while (true)
        {
            while (_events == 0)
            {
                if (_eventBlocks == 0) return true;
                _eventBlock = BitOperations.TrailingZeroCount(_eventBlocks);
                _eventBlocks &= _eventBlocks - 1;
                _events = window.Masks.Events[_eventBlock];
            }

            int bit = BitOperations.TrailingZeroCount(_events);
            int place = window.Start + _eventBlock * BlockWindow.BlockBytes + bit;
            if (place >= until) return true;
            _events &= _events - 1;
            if (place < _copyFrom) continue;   // of a value that was masked
            if ((window.Masks.Tokens[_eventBlock] >> bit & 1) != 0) ActOnOpening(input, place, ref output);
            else if (!ActOnClosing(input, place, bit, ref output)) return false;
        }
    }

    private bool ActOnClosing(ReadOnlySpan<byte> input, int close, int bit, ref OutputRun output)
    {
        BlockMasks masks = _blocks!.Masks;
        int block = _eventBlock;
        bool isEscaped = (masks.Escaped[block] >> bit & 1) != 0;
        if (!_program.HasPaths && _program.HasBareNames && (masks.Names[block] >> bit & 1) != 0)
        {
            bool isDone = !isEscaped && TryMaskBeside(input, close, bit, ref output);
            if (!isDone && !ActOnName(input, close, isEscaped, ref output)) return false;
            if (close < _copyFrom || close >= _blocks!.End) return true;
        }

        if ((masks.Telling[block] >> bit & 1) != 0 && !ActOnTelling(input, close, isEscaped, ref output)) return false;
        if ((masks.Detected[block] >> bit & 1) != 0) ActOnString(input, close, isEscaped, ref output);
        return true;
    }

    /// <summary>Judges the value of the string that ends at <paramref name="close"/>, if it is a name that tells of a
    /// secret.</summary>
    private bool ActOnTelling(ReadOnlySpan<byte> input, int close, bool isEscaped, ref OutputRun output)
    {
        BlockWindow window = _blocks!;
        if (!isEscaped && !TellingNames.MayEndKey(input[..close])) return true;
        int open = window.QuoteBefore(close);
        if (open < 0 || !IsKey(input, close) || !IsTelling(input[(open + 1)..close])) return true;
        int colon = window.NextToken(close + 1);
        int value = colon < window.End ? window.NextToken(colon + 1) : colon;
        if (value < window.End)
        {
            byte first = input[value];
            if (first is (byte)'{' or (byte)'[') return true;
            int end = first == '"' ? window.NextQuote(value + 1) + 1 : EndOfScalar(input, value);
            if (end <= window.End)
            {
                bool isValue = first is (byte)'"' or (byte)'-' or (>= (byte)'0' and <= (byte)'9');
                if (isValue && value >= _copyFrom) ActOnTold(input, value, end, ref output);
                return true;
            }
        }

        if (CanTakeAgain(input, open)) return true;
        window.GoBackBehindName(close + 1);
        return false;
    }

    /// <summary>Acts on the string that ends at <paramref name="close"/> if it is a member's name that is looked
    /// for.</summary>
    private bool ActOnName(ReadOnlySpan<byte> input, int close, bool isEscaped, ref OutputRun output)
    {
        BlockWindow window = _blocks!;
        int open = window.QuoteBefore(close);
        if (open < 0) return true;
        if (!isEscaped && !_program.Names.MayHold(input, close, close - open - 1)) return true;
        int colon = window.NextToken(close + 1);
        bool isKey = colon < window.End ? input[colon] == ':' : window.Place == JsonPlace.Colon;
        if (!isKey) return true;
        return ActOnKey(input, open, close, isEscaped, ref output);
    }

    private bool ActOnKey(ReadOnlySpan<byte> input, int open, int close, bool isEscaped, ref OutputRun output)
    {
        BlockWindow window = _blocks!;
        int length = close - open - 1;
        bool isComparable = length <= MaskLimits.KeyBytesMax;
        if (isEscaped || (!isComparable && _program.Names.FoldsSeparators))
        {
            window.GoBack(open);
            return false;
        }

        ReadOnlySpan<byte> name = input.Slice(open + 1, length);
        if (_deadDepth == 0) _hit = _paths.Member(name, isComparable);
        else _program.MatchMember(live: 0, name, isComparable, out _hit);
        if (_hit == Hit.None) return true;
        int colon = window.NextToken(close + 1);
        int value = colon < window.End ? window.NextToken(colon + 1) : colon;
        if (value < window.End) return Mask(input, open, value, ref output);
        if (CanTakeAgain(input, open)) return true;
        window.GoBackBehindName(close + 1);
        return false;
    }

    // What a window cuts may be whole in the next one.
    private bool CanTakeAgain(ReadOnlySpan<byte> input, int from)
    {
        BlockWindow window = _blocks!;
        bool canTake = from > window.Start && window.ReadTo < input.Length;
        if (!canTake) return false;
        window.GoBack(from);
        _hit = Hit.None;
        (_events, _eventBlocks) = (0, 0);   // those behind are the next one's
        return true;
    }

    /// <summary>Masks the value at <paramref name="start"/>, of the member or element that begins at
    /// <paramref name="member"/>; false if that is left to the scanner.</summary>
    private bool Mask(ReadOnlySpan<byte> input, int member, int start, ref OutputRun output)
    {
        BlockWindow window = _blocks!;
        byte first = input[start];
        bool isString = first == '"';
        bool isContainer = first is (byte)'{' or (byte)'[';
        if (isContainer && TryMaskContainer(input, start, _hit, ref output)) return true;
        int end = isString ? window.NextQuote(start + 1) : EndOfScalar(input, start);
        if (isContainer || end >= window.End)
        {
            if (CanTakeAgain(input, member)) return true;
            window.GoBack(start);
            return false;
        }

        if (!isString) end--;
        MaskAction action = _program.EffectOf(_hit).Action;
        bool isLiteral = first is (byte)'t' or (byte)'f';
        if (first == 'n')
        {
        }
        else if (!isLiteral && IsJudgedWhole(action, isString, end))
        {
            _valueAt = start;
            Judge(input, end + 1, isString, isRoot: false, output.Flush());
        }
        else
        {
            CopyOut(input, _copyFrom, start, ref output);
            if (action == MaskAction.Null) Put("null"u8, ref output);
            else if (action != MaskAction.KeepLast4 || isLiteral) Put(Redacted, ref output);
            else PutTail(input[start..(end + 1)], isString, ref output);
            _copyFrom = end + 1;
            MaskedCount++;
        }

        _hit = Hit.None;
        return true;
    }

    private bool TryMaskContainer(ReadOnlySpan<byte> input, int start, Hit hit, ref OutputRun output)
    {
        BlockWindow window = _blocks!;
        int close = window.IndexOfClose(window.IndexOf(start), 0);
        if (close < 0) return false;
        CopyOut(input, _copyFrom, start, ref output);
        EndMasked(close, (start - window.Start) / BlockWindow.BlockBytes, hit, ref output);
        return true;
    }

    private bool IsJudgedWhole(MaskAction action, bool isString, int end) => action == MaskAction.Tokenize
        || (action == MaskAction.KeepLast4 && isString && _blocks!.IsEscaped(end));

    private static int EndOfScalar(ReadOnlySpan<byte> input, int start)
    {
        int end = start + 1;
        while (end < input.Length && input[end] is not ((byte)',' or (byte)'}' or (byte)']') and > (byte)' ') end++;
        return end;
    }

    // Out of line, as is what judges: else all that acts on a window would clear this much of the stack.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void PutTail(ReadOnlySpan<byte> value, bool isString, ref OutputRun output)
    {
        Span<byte> tail = stackalloc byte[TailText.BytesMax];
        if (isString) _tail.AddPlain(value[1..^1]);
        else _tail.AddNumber(value);
        Put(TakeTail(tail), ref output);
        tail.Clear();
    }

    private void CopyOut(ReadOnlySpan<byte> input, int from, int to, ref OutputRun output)
    {
        if (from >= to) return;
        if (_edits is null) output.Add(input[from..to]);
        else _edits.AddKept(from, to - from);
    }

    private void Put(scoped ReadOnlySpan<byte> text, ref OutputRun output)
    {
        if (_edits is null) output.Add(text);
        else _edits.AddText(text);
    }

    /// <summary>Looks into the value at <paramref name="start"/>: a string that may hold JSON, or a number in which
    /// something may be detected.</summary>
    private void ActOnOpening(ReadOnlySpan<byte> input, int start, ref OutputRun output)
    {
        BlockWindow window = _blocks!;
        bool isString = input[start] == '"';
        int end = isString ? window.NextQuote(start + 1) : EndOfScalar(input, start) - 1;
        if (end >= window.End) return;   // a string that goes on and holds no JSON
        if (isString && (!JsonOpening.MayBegin(input[start + 1]) || IsKey(input, end))) return;
        if (isString) JudgeWhole(input, start, end + 1, isTelling: false, ref output);
        else ActOnNumber(input, start, end + 1, ref output);
    }

    private bool IsKey(ReadOnlySpan<byte> input, int close)
    {
        byte behind = close + 1 < _blocks!.End ? input[close + 1] : (byte)' ';
        if (behind is (byte)':' or (byte)',') return behind == ':';
        int next = _blocks.NextToken(close + 1);
        return next < _blocks.End ? input[next] == ':' : _blocks.Place == JsonPlace.Colon;
    }

    // Whether the name of the value that begins, or is to begin, at start tells of a secret, if it is a member.
    private void FindName(ReadOnlySpan<byte> input, int start)
    {
        int close = BehindBlanks(input, start);
        if (close > 0 && input[close - 1] == ':') close = BehindBlanks(input, close - 1);
        if (close == 0) return;   // the name came earlier, and was looked at then
        if (input[--close] != '"')
        {
            _isUnderTellingName = false;
            return;
        }

        int open = close - 1;
        while (open >= 0 && (input[open] != '"' || IsEscaped(input, open))) open--;
        if (open >= 0) _isUnderTellingName = IsTelling(input[(open + 1)..close]);
    }

    private static int BehindBlanks(ReadOnlySpan<byte> input, int place)
    {
        while (place > 0 && input[place - 1] <= ' ') place--;
        return place;
    }

    private static bool IsTelling(ReadOnlySpan<byte> name)
    {
        Span<byte> decoded = stackalloc byte[BlockWindow.BlockBytes];
        bool isEscaped = name.Length <= decoded.Length && name.Contains((byte)'\\');
        return TellingNames.IsTelling(isEscaped ? decoded[..JsonEscapes.Decode(name, decoded)] : name);
    }

    private static bool IsEscaped(ReadOnlySpan<byte> input, int quote)
    {
        int slashes = 0;
        while (quote > slashes && input[quote - 1 - slashes] == '\\') slashes++;
        return (slashes & 1) != 0;
    }
}
