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
    private int _deadDepth;                 // containers open that no rule leads into, where only paths are looked for

    private bool SkipsDead => _program.HasPaths && !_program.HasBareNames;

    /// <summary>
    /// Moves over as many windows of blocks as it can. It stops between tokens or inside a string that may leave, so
    /// that the scanner can go on byte by byte: over what is cut off, what is masked whole, and what is not JSON.
    /// </summary>
    private void RunBlocks(ReadOnlySpan<byte> input, ref int position, IBufferWriter<byte> output)
    {
        bool isTooShort = input.Length - position < BlockBytesMin || position < _blocksFrom;
        if (isTooShort || !_runsBlocks || _isMasking || _valueAt != None) return;
        if (_held.Count > 0) Release(input, _held.Count, output);   // it was judged, and stays
        bool hasHit = (_hit != Hit.None || _isUnderTellingName) && _scanner.Place is JsonPlace.Colon or JsonPlace.Value;
        BlockWindow window = _blocks ??= new BlockWindow(_width);
        if (hasHit || !_scanner.TryLend(window)) return;
        _hit = Hit.None;
        _deadDepth = SkipsDead ? _paths.DeadDepth : 0;
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
        bool isWhole = !_watches || CutWatched(input);
        _eventBlock = -1;
        _eventBlocks = _blocks!.Eventful;
        _events = 0;
        bool goesOn = !_program.HasPaths || Walk(input, ref output);
        return goesOn && ActOnEvents(input, _blocks.End, ref output) && isWhole;
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
