namespace Countersign.Masking.Content;

/// <summary>
/// Looks at how a body that is no JSON begins, byte by byte: a byte order mark, UTF-16, or what only JSON begins with
/// makes its content type a lie. A line that begins with a bracket or a quote is fine unless JSON goes on in it.
/// </summary>
internal struct BodyOpening
{
    private Step _step;
    private int _looked;
    private int _character;   // the bytes of one that is begun and may be a blank
    private byte _first;      // of the scalar under way
    private int _length;      // of the same
    private byte _last;

    private enum Step : byte
    {
        Start = 0,
        AfterBrace,
        AfterBracket,
        AfterQuote,
        InQuoteEscape,
        InScalar,
        AfterScalar,
        AfterArray,
        Fine,
        Lie,
    }

    /// <summary>True once the body may be what it says, whatever follows.</summary>
    public readonly bool IsFine => _step == Step.Fine;

    /// <summary>True once the body is not what it says.</summary>
    public readonly bool IsLie => _step == Step.Lie;

    /// <summary>True if the body is not what it says should it end here.</summary>
    public readonly bool IsLieAtEnd => _step is Step.Lie or Step.AfterArray;

    /// <summary>Takes bytes until it is known.</summary>
    public void Take(ReadOnlySpan<byte> bytes)
    {
        foreach (byte one in bytes)
        {
            if (_step >= Step.Fine) return;
            _step = ++_looked > ContentLimits.OpeningBytesMax ? Step.Lie : Next(one);
        }
    }

    private Step Next(byte one)
    {
        // The first bytes of the marks of UTF-8, UTF-16 and UTF-32; plain text begins with none of these characters.
        if (one is 0 or 0xFE or 0xFF || (_step == Step.Start && _character == 0 && one == 0xEF)) return Step.Lie;
        if (_character != 0 || one is 0xC2 or 0xE2 or 0xEF) return NextOfCharacter(one);
        bool isBlank = one is (byte)' ' or (>= (byte)'\t' and <= (byte)'\r');
        return isBlank ? AfterBlank() : NextSign(one);
    }

    // What readers pass over beside white space: U+00A0, U+2028, U+2029, U+FEFF.
    private Step NextOfCharacter(byte one)
    {
        _character = _character << 8 | one;
        if (_character is 0xC2 or 0xE2 or 0xE280 or 0xEF or 0xEFBB) return _step;
        bool isBlank = _character is 0xC2A0 or 0xE280A8 or 0xE280A9 or 0xEFBBBF;
        _character = 0;
        return isBlank ? AfterBlank() : Step.Fine;
    }

    private readonly Step AfterBlank() => _step switch
    {
        Step.InScalar => IsScalar ? Step.AfterScalar : Step.Fine,
        Step.InQuoteEscape => Step.Fine,
        _ => _step,
    };

    private Step NextSign(byte one)
    {
        switch (_step)
        {
            case Step.Start or Step.AfterArray:
                return one switch
                {
                    (byte)'{' => Step.AfterBrace,
                    (byte)'[' => Step.AfterBracket,
                    (byte)'"' => Step.AfterQuote,
                    _ => Step.Fine,
                };
            case Step.AfterBrace:
                return one is (byte)'"' or (byte)'}' ? Step.Lie : Step.Fine;
            case Step.AfterBracket:
                (_first, _last, _length) = (one, one, 1);
                if (one is (byte)'"' or (byte)'{' or (byte)'[' or (byte)']') return Step.Lie;
                return one == '-' || char.IsAsciiDigit((char)one) || !Word.IsEmpty ? Step.InScalar : Step.Fine;
            case Step.AfterQuote:
                return one switch
                {
                    (byte)'{' or (byte)'[' => Step.Lie,
                    (byte)'\\' => Step.InQuoteEscape,
                    _ => Step.Fine,
                };
            case Step.InQuoteEscape:
                return one == 'u' ? Step.Lie : "\"\\nrtf"u8.Contains(one) ? Step.AfterQuote : Step.Fine;
            case Step.InScalar when one is not ((byte)',' or (byte)']'):
                return GoesOn(one) ? Step.InScalar : Step.Fine;
            default:   // the scalar has ended
                if (_step == Step.InScalar && !IsScalar) return Step.Fine;
                return one == ',' ? Step.Lie : one == ']' ? Step.AfterArray : Step.Fine;
        }
    }

    private readonly ReadOnlySpan<byte> Word => _first switch
    {
        (byte)'t' => "true"u8,
        (byte)'f' => "false"u8,
        (byte)'n' => "null"u8,
        _ => default,
    };

    private readonly bool IsScalar => Word.IsEmpty ? char.IsAsciiDigit((char)_last) : _length == Word.Length;

    // Of a number only dates are told apart: no dash stands in it but before its exponent.
    private bool GoesOn(byte one)
    {
        bool isSign = (one is (byte)'-' or (byte)'+') && _last is (byte)'e' or (byte)'E';
        bool goesOn = Word.IsEmpty
            ? isSign || char.IsAsciiDigit((char)one) || one is (byte)'.' or (byte)'e' or (byte)'E'
            : _length < Word.Length && Word[_length] == one;
        (_last, _length) = (one, _length + 1);
        return goesOn;
    }
}
