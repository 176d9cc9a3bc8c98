namespace Countersign.Masking;

/// <summary>Why the reading of string content stopped. Zero is an error.</summary>
internal enum TextStop : byte
{
    /// <summary>A control character, which JSON wants escaped.</summary>
    Control = 0,

    /// <summary>Not UTF-8 (RFC 3629): overlong, a surrogate, beyond U+10FFFF, cut short or out of place.</summary>
    NotUtf8,

    /// <summary>Not an escape of RFC 8259 section 7.</summary>
    BadEscape,

    /// <summary>The input ended.</summary>
    NeedMore,

    /// <summary>At the closing quote.</summary>
    Quote,

    /// <summary>At a backslash.</summary>
    Backslash,

    /// <summary>Behind a whole escape.</summary>
    Unit,
}

/// <summary>The content of one JSON string (RFC 8259 section 7), resumable at every byte. Bytes in, position
/// out.</summary>
internal struct JsonText
{
    private const byte HexDigits = 4;

    private byte _escapeLeft;      // 0 outside an escape, 5 behind its backslash, 4 to 1 hexadecimal digits to come
    private byte _continuations;   // bytes that the UTF-8 sequence still needs
    private byte _low;             // the range of the next of them
    private byte _high;
    private int _unit;

    /// <summary>True between a backslash and the end of its escape.</summary>
    public readonly bool IsInEscape => _escapeLeft != 0;

    /// <summary>True between two characters.</summary>
    public readonly bool IsBetween => _escapeLeft == 0 && _continuations == 0;

    /// <summary>The UTF-16 code unit that the last whole escape stands for.</summary>
    public readonly int Unit => _unit;

    /// <summary>The byte behind <paramref name="position"/> was a backslash.</summary>
    public void BeginEscape() => _escapeLeft = HexDigits + 1;

    /// <summary>Moves over content without escapes, to what stops it.</summary>
    public TextStop ReadPlain(ReadOnlySpan<byte> input, ref int position)
    {
        while (true)
        {
            if (_continuations == 0) position += PlainRun.Length(input[position..]);
            if (position >= input.Length) return TextStop.NeedMore;
            byte next = input[position];
            if (next < 0x80)
            {
                if (_continuations != 0) return TextStop.NotUtf8;
                if (next == '"') return TextStop.Quote;
                return next == '\\' ? TextStop.Backslash : TextStop.Control;
            }

            if (!ReadMultibyte(input, ref position)) return TextStop.NotUtf8;
        }
    }

    /// <summary>Moves over an escape whose backslash was passed.</summary>
    public TextStop ReadEscape(ReadOnlySpan<byte> input, ref int position)
    {
        while (position < input.Length)
        {
            byte next = input[position];
            if (_escapeLeft > HexDigits)
            {
                if (next == 'u')
                {
                    _escapeLeft = HexDigits;
                    _unit = 0;
                    position++;
                    continue;
                }

                int unit = UnitOf(next);
                if (unit == 0) return TextStop.BadEscape;
                _unit = unit;
                _escapeLeft = 0;
                position++;
                return TextStop.Unit;
            }

            if (!char.IsAsciiHexDigit((char)next)) return TextStop.BadEscape;
            _unit = (_unit << 4) | (next <= '9' ? next - '0' : (next | 0x20) - 'a' + 10);
            position++;
            if (--_escapeLeft == 0) return TextStop.Unit;
        }

        return TextStop.NeedMore;
    }

    private static int UnitOf(byte escaped) => escaped switch
    {
        (byte)'"' or (byte)'\\' or (byte)'/' => escaped,
        (byte)'b' => '\b',
        (byte)'f' => '\f',
        (byte)'n' => '\n',
        (byte)'r' => '\r',
        (byte)'t' => '\t',
        _ => 0,
    };

    private bool ReadMultibyte(ReadOnlySpan<byte> input, ref int position)
    {
        int place = position;
        byte continuations = _continuations;
        byte low = _low;
        byte high = _high;
        bool isValid = true;
        for (; place < input.Length && input[place] >= 0x80; place++)
        {
            byte next = input[place];
            if (continuations == 0)
            {
                isValid = Lead(next, out continuations, out low, out high);
            }
            else
            {
                isValid = next >= low && next <= high;
                continuations--;
                low = 0x80;
                high = 0xBF;
            }

            if (!isValid) break;
        }

        position = place;
        _continuations = continuations;
        _low = low;
        _high = high;
        return isValid;
    }

    // RFC 3629 section 4: what the second byte may be depends on the first.
    private static bool Lead(byte lead, out byte continuations, out byte low, out byte high)
    {
        low = 0x80;
        high = 0xBF;
        continuations = 0;
        if (lead < 0xC2 || lead > 0xF4) return false;
        if (lead < 0xE0)
        {
            continuations = 1;
        }
        else if (lead < 0xF0)
        {
            continuations = 2;
            if (lead == 0xE0) low = 0xA0;
            if (lead == 0xED) high = 0x9F;
        }
        else
        {
            continuations = 3;
            if (lead == 0xF0) low = 0x90;
            if (lead == 0xF4) high = 0x8F;
        }

        return true;
    }
}
