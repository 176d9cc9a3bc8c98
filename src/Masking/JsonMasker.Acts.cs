using System.Numerics;
using System.Runtime.CompilerServices;
using Countersign.Masking.Detectors;

namespace Countersign.Masking;

/// <content>The rules, applied to a block that is sound.</content>
public sealed partial class JsonMasker
{
    private const int DetectedBytesMin = 5;   // nothing shorter is detected in a string,
    private const int DetectedDigitsMin = 7;  // nor in a number

    private const int Again = None - 1;       // a block that begins at _stopAt may hold what this one cut
    private int _stopAt;                      // the bit from which the scanner must go on

    private bool SkipsDead => _program.HasPaths && !_program.HasBareNames;

    /// <summary>Goes from one place to the next at which a rule may have a say; false if the scanner must go on from
    /// <paramref name="position"/>.</summary>
    private bool Act(ReadOnlySpan<byte> input, ref int position, int taken, ref OutputRun output)
    {
        bool watches = _program.NestedDepth > 0 || _program.Detectors != DetectorSet.None;
        ulong events = Fields();
        if (_cutHit != Hit.None)
        {
            if (_blocks.StringCloses == 0)
            {
                position += taken;
                return true;
            }

            EndCut(position + BitOperations.TrailingZeroCount(_blocks.StringCloses) + 1, ref output);
        }

        if (watches) events |= Watched(input, position);
        while (events != 0)
        {
            int bit = BitOperations.TrailingZeroCount(events);
            ulong one = events & (0 - events);
            int done = bit;
            if ((_blocks.KeyCloses & one) != 0) done = ActOnKey(input, position, bit, ref output);
            else if ((_blocks.Opens & one) != 0) done = ActOnOpen(bit);
            else if ((_blocks.Closes & one) != 0) ActOnClose();
            else if ((_blocks.StringCloses & one) != 0 || (_blocks.ValueStarts & one) == 0)
            {
                if (!JudgeInBlock(input, ref position, bit, ref output)) return false;
            }
            else if (_deadDepth == 0) done = ActOnElement(input, position, bit, ref output);

            if (done < 0)
            {
                position += _stopAt;
                return done == Again;
            }

            events = done == BlockScanner.Bytes - 1 ? 0 : events & (ulong.MaxValue << (done + 1));
        }

        if (watches) WatchLast(input, position);
        position += taken;
        return true;
    }

    private ulong Fields()
    {
        if (!_program.HasPaths) return _program.HasBareNames ? _blocks.KeyCandidates : 0;
        int closed = BitOperations.PopCount(_blocks.Closes);
        if (_deadDepth <= closed)
        {
            // Of a member whose value is no container, only the name counts, if any.
            ulong plain = _program.WildcardSteps != 0 ? 0 : (_blocks.ValueStarts & ~_blocks.Opens) >> 2;
            ulong keys = _blocks.KeyCandidates | (_blocks.KeyCloses & ~plain);
            return _blocks.Opens | _blocks.Closes | keys | (_blocks.ValueStarts & _blocks.InArray);
        }

        // No path leads into what is open, and the block does not close it.
        _deadDepth += BitOperations.PopCount(_blocks.Opens) - closed;
        return 0;
    }

    private int ActOnKey(ReadOnlySpan<byte> input, int position, int close, ref OutputRun output)
    {
        if (_deadDepth > 0) return close;
        int open = BitOperations.Log2(_blocks.KeyOpens & ((1UL << close) - 1));
        int length = close - open - 1;
        bool isEscaped = (_blocks.Slashes & ((1UL << close) - (1UL << open))) != 0;
        if (isEscaped) return Stop(open, JsonPlace.Key, Hit.None);
        bool mayHold = (_blocks.KeyCandidates >> close & 1) != 0
            && _program.Names.MayHold(input, position + close, length);
        if (!mayHold && (!_program.HasPaths || _paths.TryUnnamed())) return close;
        Hit hit = _paths.Member(input.Slice(position + open + 1, length), comparable: true);
        if (hit == Hit.None) return close;
        ulong starts = close == BlockScanner.Bytes - 1 ? 0 : _blocks.ValueStarts & (ulong.MaxValue << (close + 1));
        if (starts == 0) return open > 0 ? TakeAgain(open, JsonPlace.Key) : Stop(close + 1, JsonPlace.Colon, hit);
        int start = BitOperations.TrailingZeroCount(starts);
        return CanMask(start, hit) ? MaskInBlock(input, position, start, hit, ref output)
            : open > 0 && IsCut(start) ? TakeAgain(open, JsonPlace.Key)
            : Stop(start, JsonPlace.Value, hit);
    }

    private int ActOnOpen(int bit)
    {
        if (_deadDepth > 0)
        {
            _deadDepth++;
            return bit;
        }

        if (_paths.IsAtRoot)
        {
            _paths.Root();
        }
        else if ((_blocks.InArray >> bit & 1) != 0)
        {
            Hit hit = _paths.Element();
            if (hit != Hit.None) return StopAtElement(bit);
        }

        if (SkipsDead && _paths.IsBelowDead) _deadDepth = 1;
        else _paths.Open();
        return bit;
    }

    private void ActOnClose()
    {
        if (_deadDepth > 0) _deadDepth--;
        else _paths.Close();
    }

    private int ActOnElement(ReadOnlySpan<byte> input, int position, int bit, ref OutputRun output)
    {
        Hit hit = _paths.Element();
        if (hit == Hit.None) return bit;
        return CanMask(bit, hit) ? MaskInBlock(input, position, bit, hit, ref output) : StopAtElement(bit);
    }

    private int Stop(int bit, JsonPlace place, Hit hit)
    {
        _hit = hit;
        _stopAt = bit;
        _blocks.GoBack(bit, place);
        return None;
    }

    private int StopAtElement(int bit)
    {
        _paths.BackOneElement();   // who goes on counts it
        return Stop(bit, JsonPlace.Element, Hit.None);
    }

    private int TakeAgain(int bit, JsonPlace place)
    {
        Stop(bit, place, Hit.None);
        return Again;
    }

    private ulong EndsFrom(int start) =>
        ((_blocks.StringOpens >> start & 1) != 0 ? _blocks.StringCloses : _blocks.ScalarEnds)
            & (ulong.MaxValue << start);

    private bool IsCut(int start) => (_blocks.Opens >> start & 1) == 0 && EndsFrom(start) == 0;

    // Not containers, nor of a string what must be decoded or be seen whole.
    private bool CanMask(int start, Hit hit)
    {
        MaskAction action = _program.EffectOf(hit).Action;
        if (action is MaskAction.Redact or MaskAction.Null) return (_blocks.Opens >> start & 1) == 0;
        ulong one = 1UL << start;
        ulong ends = EndsFrom(start);
        return action == MaskAction.KeepLast4 && ends != 0 && (_blocks.Opens & one) == 0
            && (_blocks.Slashes & ((ends & (0 - ends)) - one)) == 0;
    }

    /// <summary>Masks a string or scalar; returns its last bit in the block.</summary>
    private int MaskInBlock(ReadOnlySpan<byte> input, int position, int start, Hit hit, ref OutputRun output)
    {
        bool isString = (_blocks.StringOpens >> start & 1) != 0;
        ulong ends = EndsFrom(start);
        if (ends == 0)
        {
            CopyOut(input, _copyFrom, position + start, ref output);
            _cutHit = hit;
            return BlockScanner.Bytes - 1;
        }

        MaskAction action = _program.EffectOf(hit).Action;
        int end = BitOperations.TrailingZeroCount(ends);
        byte first = input[position + start];
        if (first == 'n') return end;
        CopyOut(input, _copyFrom, position + start, ref output);
        if (action == MaskAction.Null) Put("null"u8, ref output);
        else if (action != MaskAction.KeepLast4 || first is (byte)'t' or (byte)'f') Put("\"***\""u8, ref output);
        else
        {
            if (isString) _tail.AddPlain(input.Slice(position + start + 1, end - start - 1));
            else _tail.AddNumber(input.Slice(position + start, end - start + 1));
            PutTail(ref output);
        }

        _copyFrom = position + end + 1;
        MaskedCount++;
        return end;
    }

    // Out of line, as is what judges: else all that acts on a block would clear this much of the stack.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void PutTail(ref OutputRun output)
    {
        Span<byte> tail = stackalloc byte[TailText.BytesMax];
        Put(TakeTail(tail), ref output);
        tail.Clear();
    }

    private void EndCut(int end, ref OutputRun output)
    {
        Put(_program.EffectOf(_cutHit).Action == MaskAction.Null ? "null"u8 : "\"***\""u8, ref output);
        _cutHit = Hit.None;
        _copyFrom = end;
        MaskedCount++;
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

    /// <summary>The ends of values in which something may be found, or JSON may be.</summary>
    private ulong Watched(ReadOnlySpan<byte> input, int position)
    {
        DetectorSet wanted = _program.Detectors;
        ulong ends = _valueAt != None ? _blocks.StringCloses & (0 - _blocks.StringCloses) : 0;
        ulong holdsJson = _blocks.StringOpens & _blocks.Begins >> 1;
        ulong opens = wanted == DetectorSet.None ? holdsJson : _blocks.StringOpens;
        for (; opens != 0; opens &= opens - 1)
        {
            int open = BitOperations.TrailingZeroCount(opens);
            ulong closes = _blocks.StringCloses & (ulong.MaxValue << open);
            if (closes == 0) break;
            int close = BitOperations.TrailingZeroCount(closes);
            bool isCandidate = (holdsJson >> open & 1) != 0
                || (_blocks.Slashes & ((1UL << close) - (1UL << open))) != 0
                || (close - open > DetectedBytesMin
                    && ValueFilter.Possible(input.Slice(position + open + 1, close - open - 1), wanted) != 0);
            if (isCandidate) ends |= 1UL << close;
        }

        ulong scalars = wanted == DetectorSet.None ? 0 : _blocks.ScalarEnds;
        for (; scalars != 0; scalars &= scalars - 1)
        {
            int end = BitOperations.TrailingZeroCount(scalars);
            int start = BitOperations.Log2(_blocks.ValueStarts & (ulong.MaxValue >> (63 - end)));
            bool isCandidate = end - start + 1 >= DetectedDigitsMin
                && ValueFilter.Possible(input.Slice(position + start, end - start + 1), wanted) != 0;
            if (isCandidate) ends |= 1UL << end;
        }

        return ends;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool JudgeInBlock(ReadOnlySpan<byte> input, ref int position, int end, ref OutputRun output)
    {
        bool isString = (_blocks.StringCloses >> end & 1) != 0;
        if (_valueAt == None)
        {
            ulong starts = _blocks.ValueStarts & (ulong.MaxValue >> (63 - end));
            int start = BitOperations.Log2(starts);
            _valueAt = position + start;
            if ((_program.Detectors & DetectorSet.HighEntropy) != 0) FindName(input, position, start);
        }

        if (IsTooLong(position + end + 1, out int tooFar)) return Refuse(ref position, tooFar);
        Judge(input, position + end + 1, isString, isRoot: false, output.Flush());
        return true;
    }

    // The string that the block ends in goes on.
    private void WatchLast(ReadOnlySpan<byte> input, int position)
    {
        if (_cutHit != Hit.None || !_blocks.IsInString || _blocks.StringOpens <= _blocks.StringCloses) return;
        int open = BitOperations.Log2(_blocks.StringOpens);
        bool holdsJson = _program.NestedDepth > 0 && MayBeginJson(input[position + open + 1]);
        if (holdsJson || _program.Detectors != DetectorSet.None) _valueAt = position + open;
    }

    private void FindName(ReadOnlySpan<byte> input, int position, int start)
    {
        if ((_blocks.InArray >> start & 1) != 0)
        {
            _isUnderTellingName = false;
            return;
        }

        // Before a member's value stand white space, a colon, white space and the name.
        int close = position + start;
        while (close > 0 && input[close - 1] != '"') close--;
        int open = close - 2;
        while (open >= 0 && (input[open] != '"' || IsEscaped(input, open))) open--;
        if (open < 0) return;   // the name came earlier, and was looked at then
        ReadOnlySpan<byte> name = input[(open + 1)..(close - 1)];
        Span<byte> decoded = stackalloc byte[BlockScanner.Bytes];
        bool isEscaped = name.Length <= decoded.Length && name.Contains((byte)'\\');
        _isUnderTellingName = TellingNames.IsTelling(isEscaped ? decoded[..JsonEscapes.Decode(name, decoded)] : name);
    }

    private static bool IsEscaped(ReadOnlySpan<byte> input, int quote)
    {
        int slashes = 0;
        while (quote > slashes && input[quote - 1 - slashes] == '\\') slashes++;
        return (slashes & 1) != 0;
    }
}
