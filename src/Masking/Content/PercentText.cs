using System.Buffers;

namespace Countersign.Masking.Content;

/// <summary>
/// The encoding of names and values of <c>application/x-www-form-urlencoded</c> (WHATWG URL section 5), read strictly:
/// a percent sign has two hexadecimal digits after it, and nothing is raw that would end a line or that text never has.
/// </summary>
internal static class PercentText
{
    private static readonly SearchValues<byte> Special = SearchValues.Create(
        [(byte)'%', (byte)'+', 0x7F, .. Enumerable.Range(0, 0x21).Select(one => (byte)one)]);

    /// <summary>Decodes all of <paramref name="raw"/>; false if it is malformed. <paramref name="decoded"/> must be as
    /// long.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> raw, Span<byte> decoded, out int written)
    {
        written = 0;
        while (true)
        {
            int plain = raw.IndexOfAny(Special);
            if (plain < 0) plain = raw.Length;
            raw[..plain].CopyTo(decoded[written..]);
            written += plain;
            if (plain == raw.Length) return true;
            raw = raw[plain..];
            if (!TryOne(raw, out byte one, out int taken)) return false;
            decoded[written++] = one;
            raw = raw[taken..];
        }
    }

    /// <summary>How many raw bytes the first <paramref name="count"/> decoded bytes came from; <paramref name="raw"/>
    /// is well-formed.</summary>
    public static int RawLength(ReadOnlySpan<byte> raw, int count)
    {
        int place = 0;
        for (int taken = 0; taken < count; taken++) place += raw[place] == '%' ? 3 : 1;
        return place;
    }

    /// <summary>Writes <paramref name="text"/> encoded, stars as they are.</summary>
    public static void Encode(ReadOnlySpan<byte> text, IBufferWriter<byte> output)
    {
        foreach (byte one in text)
        {
            bool isPlain = char.IsAsciiLetterOrDigit((char)one) || "*-._"u8.Contains(one);
            Span<byte> room = output.GetSpan(3);
            room[0] = one;
            if (one == ' ') room[0] = (byte)'+';
            if (!isPlain && one != ' ')
            {
                room[0] = (byte)'%';
                room[1] = "0123456789ABCDEF"u8[one >> 4];
                room[2] = "0123456789ABCDEF"u8[one & 15];
            }

            output.Advance(isPlain || one == ' ' ? 1 : 3);
        }
    }

    private static bool TryOne(ReadOnlySpan<byte> raw, out byte one, out int taken)
    {
        one = (byte)' ';
        taken = 1;
        if (raw[0] == '+') return true;
        if (raw[0] != '%' || raw.Length < 3) return false;
        taken = 3;
        if (!char.IsAsciiHexDigit((char)raw[1]) || !char.IsAsciiHexDigit((char)raw[2])) return false;
        one = (byte)((Digit(raw[1]) << 4) | Digit(raw[2]));
        return true;
    }

    private static int Digit(byte hex) => hex <= '9' ? hex - '0' : (hex | 0x20) - 'a' + 10;
}
