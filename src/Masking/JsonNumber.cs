namespace Countersign.Masking;

/// <summary>How the reading of a number ended. Zero is an error.</summary>
internal enum NumberStop : byte
{
    /// <summary>Not a number of RFC 8259 section 6.</summary>
    Refused = 0,

    /// <summary>The input ended; the number may go on.</summary>
    NeedMore,

    /// <summary>At the first byte that is not the number's.</summary>
    Ended,
}

/// <summary>One JSON number (RFC 8259 section 6), resumable at every byte.</summary>
internal struct JsonNumber
{
    private Part _part;

    private enum Part : byte
    {
        Minus = 0,
        Zero,
        Whole,
        Point,
        Fraction,
        Exponent,
        ExponentSign,
        ExponentDigits,
    }

    /// <summary>True if what was read so far is a number.</summary>
    public readonly bool IsWhole => _part is Part.Zero or Part.Whole or Part.Fraction or Part.ExponentDigits;

    /// <summary>Begins with the first byte: a minus or a digit.</summary>
    public void Begin(byte first) => _part = first == '-' ? Part.Minus : first == '0' ? Part.Zero : Part.Whole;

    /// <summary>Moves over the number.</summary>
    public NumberStop Read(ReadOnlySpan<byte> input, ref int position)
    {
        Part part = _part;
        int place = position;
        bool goesOn = true;
        while (place < input.Length)
        {
            byte next = input[place];
            bool isDigit = (uint)(next - '0') <= 9;
            if (!(isDigit && part is Part.Whole or Part.Fraction or Part.ExponentDigits))
            {
                goesOn = isDigit ? Digit(next, ref part) : Mark(next, ref part);
                if (!goesOn) break;
            }

            place++;
        }

        _part = part;
        position = place;
        if (goesOn) return NumberStop.NeedMore;
        return IsWhole ? NumberStop.Ended : NumberStop.Refused;
    }

    private static bool Digit(byte digit, ref Part part)
    {
        switch (part)
        {
            case Part.Minus:
                part = digit == '0' ? Part.Zero : Part.Whole;
                return true;
            case Part.Point:
                part = Part.Fraction;
                return true;
            case Part.Exponent or Part.ExponentSign:
                part = Part.ExponentDigits;
                return true;
            default:
                return part != Part.Zero;   // 01 ends behind its 0, and nothing accepts the 1
        }
    }

    private static bool Mark(byte mark, ref Part part)
    {
        if (mark == '.' && part is Part.Zero or Part.Whole)
        {
            part = Part.Point;
            return true;
        }

        if ((mark | 0x20) == 'e' && part is Part.Zero or Part.Whole or Part.Fraction)
        {
            part = Part.Exponent;
            return true;
        }

        if ((mark == '+' || mark == '-') && part == Part.Exponent)
        {
            part = Part.ExponentSign;
            return true;
        }

        return false;
    }
}
