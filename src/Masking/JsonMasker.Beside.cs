using System.Numerics;
using System.Runtime.CompilerServices;
using System.Text;

namespace Countersign.Masking;

/// <content>The hit that most hits are: a short name, a colon, and a short string or a container.</content>
public sealed partial class JsonMasker
{
    private static ReadOnlySpan<byte> Redacted => "\"***\""u8;

    // As many as MaskLimits.StarsMax.
    private static ReadOnlySpan<byte> Stars => "********************************"u8;

    /// <summary>Masks the value beside the name that ends at <paramref name="close"/>, byte <paramref name="bit"/>
    /// of the block whose events are acted on; false if this is not such a hit, or may be none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryMaskBeside(ReadOnlySpan<byte> input, int close, int bit, ref OutputRun output)
    {
        int length = BitOperations.LeadingZeroCount(_blocks!.QuotesBefore(_eventBlock, bit));
        return _program.Names.Short.TryFind(input, close, length, out NameHit hit)
            && TryMaskBeside(input, close, _eventBlock, bit, hit.Bare, ref output);
    }

    /// <summary>The same where <paramref name="hit"/> is what is said of the name.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryMaskBeside(
        ReadOnlySpan<byte> input, int close, int block, int bit, Hit hit, ref OutputRun output)
    {
        BlockWindow window = _blocks!;
        int value = close + 2;
        if (hit == Hit.None || value + 1 >= window.End || input[close + 1] != ':') return false;
        if (input[value] == ' ') value++;
        ulong quotes = window.QuotesBehind(block, bit) >> (value - close);
        int end = value + 1 + BitOperations.TrailingZeroCount(quotes);
        byte first = input[value];
        if (first is (byte)'{' or (byte)'[') return TryMaskContainer(input, value, hit, ref output);
        if (quotes == 0 || first != '"' || end >= window.End) return false;
        MaskAction action = _program.EffectOf(hit).Action;
        if (action == MaskAction.KeepLast4) return TryKeepLast4(input, value, end, ref output);
        if (action != MaskAction.Redact) return false;
        if (_edits is null) output.AddRedacted(input, _copyFrom, value);
        else EditRedacted(value);
        _copyFrom = end + 1;
        MaskedCount++;
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void EditRedacted(int value)
    {
        _edits!.AddKept(_copyFrom, value - _copyFrom);
        _edits.AddText(Redacted);
    }

    // Of plain ASCII each byte is a character, and leaves as it came.
    private bool TryKeepLast4(ReadOnlySpan<byte> input, int value, int end, ref OutputRun output)
    {
        ReadOnlySpan<byte> text = input[(value + 1)..end];
        bool isPlain = text.Length >= MaskLimits.KeepCharsMin && Ascii.IsValid(text) && !_blocks!.IsEscaped(end);
        if (!isPlain) return false;
        int stars = Math.Min(text.Length - MaskLimits.KeptChars, MaskLimits.StarsMax);
        CopyOut(input, _copyFrom, value, ref output);
        Put("\""u8, ref output);   // not the one that is there: in a string it may be written in another way
        Put(Stars[..stars], ref output);
        Put(text[^MaskLimits.KeptChars..], ref output);
        Put("\""u8, ref output);
        _copyFrom = end + 1;
        MaskedCount++;
        return true;
    }
}
