using System.Numerics;

namespace Countersign.Masking;

/// <content>Paths, followed from token to token of a window that is sound.</content>
public sealed partial class JsonMasker
{
    private bool Walk(ReadOnlySpan<byte> input, ref OutputRun output)
    {
        MarkNames();
        BlockWindow window = _blocks!;
        TokenMasks masks = window.TokenMasks;
        int groups = window.Groups;
        int count = window.Count;
        int block = 0;
        ulong from = ulong.MaxValue << _maskedTokens % BlockWindow.BlockBytes;   // behind what is masked from before
        for (int group = _maskedTokens / BlockWindow.BlockBytes; group < groups; group++, from = ulong.MaxValue)
        {
            int at = group & BlockWindow.BlocksMax - 1;   // so that nothing is checked
            ulong opens = masks.Opens[at] & from;
            ulong closes = masks.Closes[at] & from;
            ulong keys = masks.Keys[at] & from;
            ulong elements = masks.Elements[at] & from;
            ulong named = masks.Named[at];
            int left = window.Count - group * BlockWindow.BlockBytes;
            ulong events = PathEvents(opens, closes, keys, elements, named, left);
            while (events != 0)
            {
                if (_deadDepth > 0)
                {
                    if (!WalkDead(input, group, opens, closes, named, ref events, ref block, ref output)) return false;
                    if (window.Count < count) return true;
                    continue;
                }

                int bit = BitOperations.TrailingZeroCount(events);
                int index = group * BlockWindow.BlockBytes + bit;
                if (index >= window.Count) return true;
                ulong one = 1UL << bit;
                events ^= one;
                if (index < _maskedTokens) continue;
                if ((closes & one) != 0) _paths.Close();
                else if ((keys & one) != 0)
                {
                    if (!WalkKey(input, index, (named & one) != 0, ref block, ref output)) return false;
                }
                else if ((elements & one) == 0 || WalkElement(input, index, ref block, ref output))
                {
                    bool stays = index < window.Count && index >= _maskedTokens;
                    if (stays && (opens & one) != 0) OpenContainer();
                }
                else return false;
                if (index >= window.Count) return true;
            }
        }

        return true;
    }

    // Takes off events what is in the containers which no path leads into: only names alone count there.
    private bool WalkDead(
        ReadOnlySpan<byte> input, int group, ulong opens, ulong closes, ulong named, ref ulong events, ref int block,
        ref OutputRun output)
    {
        int depth = _deadDepth;
        ulong upTo = BracketPairs.UpToClose(opens & events, closes & events, ref _deadDepth);
        ulong behind = upTo == 0 ? 0 : events & ~upTo;
        int depthBehind = _deadDepth;
        ulong names = _program.HasBareNames ? named & events & ~behind : 0;
        for (; names != 0; names &= names - 1)
        {
            int bit = BitOperations.TrailingZeroCount(names);
            int index = group * BlockWindow.BlockBytes + bit;
            if (index < _maskedTokens) continue;
            ulong before = events & ((1UL << bit) - 1);
            _deadDepth = depth + BitOperations.PopCount(opens & before) - BitOperations.PopCount(closes & before);
            if (!WalkKey(input, index, isNamed: true, ref block, ref output)) return false;
            if (index >= _blocks!.Count) return true;
        }

        _deadDepth = depthBehind;
        events = behind;
        return true;
    }

    // Of a member whose value is in the window and is no container, only the name counts, if any.
    private ulong PathEvents(ulong opens, ulong closes, ulong keys, ulong elements, ulong named, int count)
    {
        int closed = BitOperations.PopCount(closes);
        if (_deadDepth > closed && (named == 0 || !_program.HasBareNames))
        {
            // No path leads into what is open, and none of these tokens closes it or is a name that counts.
            _deadDepth += BitOperations.PopCount(opens) - closed;
            return 0;
        }

        ulong holding = opens >> 2 | named | ulong.MaxValue << Math.Clamp(count - 2, 0, 62);
        if (_program.WildcardSteps != 0) holding = ulong.MaxValue;
        return opens | closes | (keys & holding) | elements;
    }

    private void OpenContainer()
    {
        if (_paths.IsBelowDead) _deadDepth = 1;
        else _paths.Open();
    }

    private bool WalkKey(ReadOnlySpan<byte> input, int index, bool isNamed, ref int block, ref OutputRun output)
    {
        if (!isNamed && _paths.TryUnnamed()) return true;
        BlockWindow window = _blocks!;
        int open = window.PlaceOf(index, ref block);
        int close = window.NextQuote(open + 1);
        bool isEscaped = window.IsEscaped(close);
        int length = close - open - 1;
        if (!isEscaped && _program.Names.Short.TryFind(input, close, length, out NameHit name))
        {
            Hit hit = _deadDepth == 0 ? _paths.Member(name) : name.Bare;
            if (hit == Hit.None) return true;
            if (!ActOnEvents(input, open, ref output)) return false;
            int place = close - window.Start;
            bool isDone = TryMaskBeside(
                input, close, place / BlockWindow.BlockBytes, place % BlockWindow.BlockBytes, hit, ref output);
            return isDone || ActOnKey(input, open, close, isEscaped: false, ref output);
        }

        bool isNone = !isEscaped && !_program.Names.MayHold(input, close, length);
        if (isNone && (_deadDepth > 0 || _paths.TryUnnamed())) return true;
        return ActOnEvents(input, open, ref output) && ActOnKey(input, open, close, isEscaped, ref output);
    }

    private bool WalkElement(ReadOnlySpan<byte> input, int index, ref int block, ref OutputRun output)
    {
        if (_paths.IsAtRoot)
        {
            _paths.Root();
            return true;
        }

        Hit hit = _paths.Element();
        if (hit == Hit.None) return true;
        int start = _blocks!.PlaceOf(index, ref block);
        bool goesOn = ActOnEvents(input, start, ref output);   // before the hit is known: what is before is not hit
        _hit = hit;
        goesOn = goesOn && Mask(input, start, start, ref output);
        if (goesOn && start < _blocks.End) return true;

        // Who goes on counts it.
        _paths.BackOneElement();
        _hit = Hit.None;
        return goesOn;
    }

    /// <summary>Marks the tokens that may be names which are looked for.</summary>
    private void MarkNames()
    {
        BlockWindow window = _blocks!;
        Span<ulong> named = window.TokenMasks.Named[..window.Groups];
        for (int block = 0; block < window.Blocks; block++)
        {
            for (ulong closes = window.Masks.Names[block]; closes != 0; closes &= closes - 1)
            {
                int close = window.Start + block * BlockWindow.BlockBytes + BitOperations.TrailingZeroCount(closes);
                int open = window.QuoteBefore(close);
                if (open < 0 || open >= window.End) continue;
                int index = window.IndexOf(open);
                named[index / BlockWindow.BlockBytes] |= 1UL << index % BlockWindow.BlockBytes;
            }
        }
    }
}
