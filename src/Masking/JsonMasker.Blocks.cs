using System.Buffers;
using System.Runtime.CompilerServices;

namespace Countersign.Masking;

/// <content>Whole blocks at a time: what no rule touches, and the hits that are simple.</content>
public sealed partial class JsonMasker
{
    private const int BlockBytesMin = 16;   // a shorter rest is sooner read byte by byte

    private BlockWidth _width = BlockScanner.WidthBest;
    private BlockScanner _blocks;
    private bool _runsBlocks;
    private bool _actsOnBlocks;
    private bool _actsOnFewBlocks;          // only names and JSON in strings are looked for
    private Hit _cutHit = Hit.None;         // of a masked string that the last block did not end
    private int _deadDepth;                 // containers open that no rule leads into, where only paths are looked for

    /// <summary>
    /// Moves over as many whole blocks as it can. It stops between tokens or inside a string that may leave, so that
    /// the scanner can go on byte by byte: over what is cut off, what is masked whole, and what is not JSON.
    /// </summary>
    private void RunBlocks(ReadOnlySpan<byte> input, ref int position, IBufferWriter<byte> output)
    {
        int left = input.Length - position;
        if (left < BlockBytesMin || !_runsBlocks || _isMasking || _valueAt != None || _held.Count > 0) return;
        bool hasHit = _hit != Hit.None && _scanner.Place is JsonPlace.Colon or JsonPlace.Value;
        if (hasHit || !_scanner.TryLend(ref _blocks)) return;
        _hit = Hit.None;
        _deadDepth = SkipsDead ? _paths.DeadDepth : 0;
        if (_deadDepth > 0) _paths.CloseDead(_deadDepth);
        bool goesOn = true;
        var run = new OutputRun(output);
        while (goesOn && left >= BlockScanner.Bytes)
        {
            goesOn = TakeBlock(input.Slice(position), BlockScanner.Bytes, input, ref position, ref run);
            left = input.Length - position;
        }

        if (goesOn && left >= BlockBytesMin)
        {
            Span<byte> padded = stackalloc byte[BlockScanner.Bytes];
            padded.Fill((byte)' ');
            input[position..].CopyTo(padded);
            TakeBlock(padded, left, input, ref position, ref run);
        }

        run.Flush();
        if (_deadDepth > 0) _paths.OpenDead(_deadDepth);
        if (_scanner.Place == JsonPlace.Refused) return;
        _scanner.TakeBack(_blocks);
        if (_cutHit != Hit.None) GoOnMasking();
    }

    // The scanner goes on inside a string that is masked, of which all that leaves before its end has left.
    private void GoOnMasking()
    {
        _hit = _cutHit;
        _cutHit = Hit.None;
        _isMasking = true;
        _maskDepth = _scanner.Depth;
        _scanner.DecodesKeys = false;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TakeBlock(
        scoped ReadOnlySpan<byte> block, int limit, ReadOnlySpan<byte> input, ref int position, ref OutputRun output)
    {
        int taken = _blocks.Take(block, limit, _width, _program.Names.Trails);
        if (taken == 0) return false;
        _hasNames |= _blocks.KeyCloses != 0;
        bool isIdle = !_actsOnBlocks
            || (_actsOnFewBlocks && _cutHit == Hit.None && _valueAt == None && _blocks.IsPlain);
        if (!isIdle) return Act(input, ref position, taken, ref output);
        position += taken;
        return true;
    }
}
