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
        BlockWindow window = _blocks!;
        int length = BitOperations.LeadingZeroCount(window.QuotesBefore(_eventBlock, bit));
        int value = close + 2;
        bool isHit = _program.Names.Short.TryFind(input, close, length, out Hit hit)
            && value + 1 < window.End && input[close + 1] == ':';
        if (!isHit) return false;
        if (input[value] == ' ') value++;
        ulong quotes = window.QuotesBehind(_eventBlock, bit) >> (value - close);
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
