using System.Buffers;
using System.Numerics;
using Countersign.Masking.Detectors;

namespace Countersign.Masking;

/// <content>Windows of blocks: what no rule touches, and the hits that are simple.</content>
public sealed partial class JsonMasker
{
    private const int BlockBytesMin = 16;   // a shorter rest is sooner read byte by byte
    private const int BlocksMin = 4;

    private BlockWidth _width = BlockWindow.WidthBest;
    private BlockWindow? _blocks;
    private int _blocksNext = BlockWindow.BlocksMax;
    private int _blocksFrom;                // bytes before this place were found to be none for blocks
    private bool _runsBlocks;
    private bool _actsOnBlocks;
    private bool _watches;                  // values are looked into
    private int _deadDepth;                 // containers open that no path leads into
    private int _maskedTokens;              // tokens at the window's begin, up to the last container that was masked

    /// <summary>
    /// Moves over as many windows of blocks as it can. It stops between tokens or inside a string that may leave, so
    /// that the scanner can go on byte by byte: over what is cut off, and what is not JSON.
    /// </summary>
    private void RunBlocks(ReadOnlySpan<byte> input, ref int position, IBufferWriter<byte> output)
    {
        bool isTooShort = input.Length - position < BlockBytesMin || position < _blocksFrom;
        bool isInMasked = _isMasking && _scanner.Depth > _maskDepth;
        if (isTooShort || !_runsBlocks || _isMasking != isInMasked || _valueAt != None) return;
        if (_held.Count > 0) Release(input, _held.Count, output);   // it was judged, and stays
        bool isNext = _scanner.Place is JsonPlace.Colon or JsonPlace.Value;
        BlockWindow window = _blocks ??= new BlockWindow(_width);
        bool hasHit = !isInMasked && isNext && (_hit != Hit.None || _isUnderTellingName);
        if (hasHit || !_scanner.TryLend(window)) return;
        if (!isInMasked) _hit = Hit.None;
        _deadDepth = _program.HasPaths ? _paths.DeadDepth : 0;
        if (_deadDepth > 0) _paths.CloseDead(_deadDepth);
        bool goesOn = true;
        var run = new OutputRun(output);
        while (goesOn && input.Length - position >= BlockBytesMin)
        {
            if (!window.Take(input, position, _blocksNext, _program))
            {
                _blocksFrom = window.ReadTo;
                break;
            }

            goesOn = !_actsOnBlocks || Act(input, ref run);
            position = window.End;
            if (_level > 0) _hasNames |= window.HasNames;

            // Where much is left to the scanner, what lies behind it would be read again and again.
            int used = (position - window.Start) / BlockWindow.BlockBytes * 2;
            _blocksNext = Math.Clamp(goesOn ? _blocksNext * 2 : used, BlocksMin, BlockWindow.BlocksMax);
        }

        run.Flush();
        bool isBehindName = window.Place is JsonPlace.Colon or JsonPlace.Value;
        if (isBehindName && (_program.Detectors & DetectorSet.HighEntropy) != 0) FindName(input, position);
        if (_deadDepth > 0) _paths.OpenDead(_deadDepth);
        _scanner.TakeBack(window);
    }

    /// <summary>Applies the rules to a window that is sound; false if the scanner must go on from its end, which may
    /// come earlier then.</summary>
    private bool Act(ReadOnlySpan<byte> input, ref OutputRun output)
    {
        _maskedTokens = 0;
        if (_isMasking && !PassMasked(ref output)) return true;
        bool isWhole = !_watches || CutWatched(input);
        _eventBlock = -1;
        _eventBlocks = _blocks!.Eventful;
        _events = 0;
        bool goesOn = !_program.HasPaths || Walk(input, ref output);
        return goesOn && ActOnEvents(input, _blocks.End, ref output) && isWhole;
    }

    // Over what of the window is in the container that is masked; false if that goes on behind it.
    private bool PassMasked(ref OutputRun output)
    {
        BlockWindow window = _blocks!;
        int close = window.IndexOfClose(0, BitOperations.Log2(window.KindsBefore) - _maskDepth);
        if (close < 0)
        {
            _copyFrom = window.End;
            return false;
        }

        EndMasked(close, block: 0, _hit, ref output);
        _isMasking = false;
        _scanner.DecodesKeys = true;
        return true;
    }

    // Puts what a masked container leaves, of which token close, in this block or behind it, is the last.
    private void EndMasked(int close, int block, Hit hit, ref OutputRun output)
    {
        Put(_program.EffectOf(hit).Action == MaskAction.Null ? "null"u8 : Redacted, ref output);
        _copyFrom = _blocks!.PlaceOf(close, ref block) + 1;
        _maskedTokens = close + 1;
        _hit = Hit.None;
        MaskedCount++;
    }

    // A string that goes on behind the window and may be looked into begins the next one.
    private bool CutWatched(ReadOnlySpan<byte> input)
    {
        BlockWindow window = _blocks!;
        if (window.Place != JsonPlace.StringText) return true;
        int open = window.QuoteBefore(window.End);
        if (open < 0) return true;
        bool isJson = open + 1 == window.End || JsonOpening.MayBegin(input[open + 1]);
        if (!isJson && _program.Detectors == DetectorSet.None) return true;
        bool isLast = window.ReadTo >= input.Length;

        // JSON of which this window has much is longer than the next one: the scanner moves over it sooner.
        bool isLong = isJson && (window.End - open) * 2 >= window.End - window.Start;
        window.GoBack(open);
        return open > window.Start && !isLast && !isLong;
    }
}
