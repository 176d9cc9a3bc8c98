using System.Buffers;
using Countersign.Masking.Detectors;

namespace Countersign.Masking.Content;

/// <summary>Writes <c>***</c>, or stars and the last four characters of a text that is long enough.</summary>
internal sealed class StarredText(MaskAction action) : IFoundText
{
    /// <inheritdoc/>
    public void Write(ReadOnlySpan<byte> text, in Detection found, IBufferWriter<byte> output)
    {
        int count = action == MaskAction.KeepLast4 ? Characters(text) : 0;
        if (count < MaskLimits.KeepCharsMin)
        {
            output.Write("***"u8);
            return;
        }

        int stars = Math.Min(count - MaskLimits.KeptChars, MaskLimits.StarsMax);
        output.GetSpan(stars)[..stars].Fill((byte)'*');
        output.Advance(stars);
        output.Write(text[Tail(text)..]);
    }

    private static int Characters(ReadOnlySpan<byte> text)
    {
        int count = 0;
        foreach (byte one in text) count += (one & 0xC0) == 0x80 ? 0 : 1;
        return count;
    }

    private static int Tail(ReadOnlySpan<byte> text)
    {
        int place = text.Length;
        for (int kept = 0; kept < MaskLimits.KeptChars && place > 0; kept++)
        {
            place--;
            while (place > 0 && (text[place] & 0xC0) == 0x80) place--;
        }

        return place;
    }
}
