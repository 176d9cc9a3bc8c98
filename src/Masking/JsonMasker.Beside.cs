using System.Numerics;
using System.Runtime.CompilerServices;

namespace Countersign.Masking;

/// <content>The hit that most hits are: a short name, a colon, and a short string that goes.</content>
public sealed partial class JsonMasker
{
    /// <summary>Redacts the string beside the name that ends at <paramref name="close"/>, byte <paramref name="bit"/>
    /// of the block whose events are acted on; false if this is not such a hit, or may be none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryRedactBeside(ReadOnlySpan<byte> input, int close, int bit, ref OutputRun output)
    {
        int length = BitOperations.LeadingZeroCount(_blocks!.QuotesBefore(_eventBlock, bit));
        return _program.Names.Short.TryFind(input, close, length, out NameHit hit)
            && TryRedactBeside(input, close, _eventBlock, bit, hit.Bare, ref output);
    }

    /// <summary>The same where <paramref name="hit"/> is what is said of the name.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryRedactBeside(
        ReadOnlySpan<byte> input, int close, int block, int bit, Hit hit, ref OutputRun output)
    {
        BlockWindow window = _blocks!;
        int value = close + 2;
        if (hit == Hit.None || value + 1 >= window.End || input[close + 1] != ':') return false;
        if (input[value] == ' ') value++;
        ulong quotes = window.QuotesBehind(block, bit) >> (value - close);
        int end = value + 1 + BitOperations.TrailingZeroCount(quotes);
        bool goes = quotes != 0 && input[value] == '"' && end < window.End
            && _program.EffectOf(hit).Action == MaskAction.Redact;
        if (!goes) return false;
        output.AddRedacted(input, _copyFrom, value);
        _copyFrom = end + 1;
        MaskedCount++;
        return true;
    }
}
