using System.Buffers.Text;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace Countersign.Policy.Conditions;

/// <summary>
/// The one text of a number, whichever way JSON writes it (RFC 8259, section 6): exact, by its digits and never by a
/// double, without a sign of zero and without zeros that say nothing. Separations compare objects by it.
/// </summary>
internal static class NumberText
{
    /// <summary>What <see cref="Write"/> answers for text that JSON would not take as a number.</summary>
    public const int NoNumber = -1;

    /// <summary>What <see cref="Write"/> answers for a number of more than 1,000 digits of exponent.</summary>
    public const int Unreadable = -2;

    /// <summary>What the text may be longer by than what was written.</summary>
    public const int RoomMore = PlainPowerMax + 16;

    /// <summary>Beyond any double: larger and smaller numbers keep their exponent.</summary>
    private const int PlainPowerMax = 400;

    /// <summary>What a long holds, with room for as many digits as a text may have.</summary>
    private const int LongDigitsMax = 18;

    private const int ExponentDigitsMax = 1_000;

    /// <summary>
    /// What names an object: the one text of a number, and any other text as it is. Null if it is a number whose
    /// exponent is too long.
    /// </summary>
    public static string? NameOf(ReadOnlySpan<byte> text)
    {
        byte[] room = new byte[text.Length + RoomMore];
        int length = Write(text, room);
        return length switch
        {
            NoNumber => Encoding.UTF8.GetString(text),
            Unreadable => null,
            _ => Encoding.UTF8.GetString(room, 0, length),
        };
    }

    /// <summary>Writes the one text of a number.</summary>
    /// <param name="number">As it was written.</param>
    /// <param name="room">Longer than it by <see cref="RoomMore"/> bytes.</param>
    /// <returns>How long the text is, <see cref="NoNumber"/> or <see cref="Unreadable"/>.</returns>
    public static int Write(ReadOnlySpan<byte> number, Span<byte> room)
    {
        if (!TrySplit(number, out Range whole, out Range fraction, out Range exponent)) return NoNumber;
        int sign = number[0] == (byte)'-' ? 1 : 0;
        room[0] = (byte)'-';
        Span<byte> digits = room[sign..];
        int count = Digits(number[whole], number[fraction], digits, out long power);
        if (count == 0)
        {
            room[0] = (byte)'0';
            return 1;
        }

        ReadOnlySpan<byte> shift = number[exponent];
        bool isDown = shift.StartsWith("-"u8);
        shift = shift.TrimStart("+-"u8).TrimStart((byte)'0');
        if (shift.Length > ExponentDigitsMax) return Unreadable;
        if (shift.Length > LongDigitsMax) return sign + WriteFar(digits, count, power, isDown, shift);
        if (Utf8Parser.TryParse(shift, out long more, out _)) power += isDown ? -more : more;
        return sign + (Math.Abs(power) <= PlainPowerMax
            ? WritePlain(digits, count, (int)power) : WriteExponent(digits, count, power));
    }

    /// <summary>The parts of what JSON takes as a number; false if it takes it as none.</summary>
    private static bool TrySplit(
        ReadOnlySpan<byte> text, out Range whole, out Range fraction, out Range exponent)
    {
        int at = text.StartsWith("-"u8) ? 1 : 0;
        whole = DigitsAt(text, ref at);
        (fraction, exponent) = (at..at, at..at);
        int length = whole.End.Value - whole.Start.Value;
        if (length == 0 || (length > 1 && text[whole.Start] == (byte)'0')) return false;
        if (at < text.Length && text[at] == (byte)'.')
        {
            at++;
            fraction = DigitsAt(text, ref at);
            if (fraction.Start.Equals(fraction.End)) return false;
        }

        if (at == text.Length || text[at] is not ((byte)'e' or (byte)'E')) return at == text.Length;
        int sign = ++at;
        if (at < text.Length && text[at] is (byte)'+' or (byte)'-') at++;
        Range shift = DigitsAt(text, ref at);
        exponent = sign..at;
        return !shift.Start.Equals(shift.End) && at == text.Length;
    }

    private static Range DigitsAt(ReadOnlySpan<byte> text, ref int at)
    {
        int from = at;
        while (at < text.Length && text[at] is >= (byte)'0' and <= (byte)'9') at++;
        return from..at;
    }

    /// <summary>The digits without zeros at either end, and the power of ten of the last; 0 for zero.</summary>
    private static int Digits(
        ReadOnlySpan<byte> whole, ReadOnlySpan<byte> fraction, Span<byte> digits, out long power)
    {
        whole.CopyTo(digits);
        fraction.CopyTo(digits[whole.Length..]);
        Span<byte> all = digits[..(whole.Length + fraction.Length)];
        Span<byte> known = all.TrimEnd((byte)'0');
        power = all.Length - known.Length - fraction.Length;
        known = known.TrimStart((byte)'0');
        known.CopyTo(digits);
        return known.Length;
    }

    private static int WritePlain(Span<byte> digits, int count, int power)
    {
        if (power >= 0)
        {
            digits.Slice(count, power).Fill((byte)'0');
            return count + power;
        }

        int whole = count + power;
        if (whole > 0)
        {
            digits[whole..count].CopyTo(digits[(whole + 1)..]);
            digits[whole] = (byte)'.';
            return count + 1;
        }

        int before = 2 - whole;
        digits[..count].CopyTo(digits[before..]);
        digits[..before].Fill((byte)'0');
        digits[1] = (byte)'.';
        return before + count;
    }

    private static int WriteExponent(Span<byte> digits, int count, long power)
    {
        digits[count] = (byte)'e';
        Utf8Formatter.TryFormat(power, digits[(count + 1)..], out int length);
        return count + 1 + length;
    }

    private static int WriteFar(Span<byte> digits, int count, long power, bool isDown, ReadOnlySpan<byte> shift)
    {
        BigInteger more = BigInteger.Parse(Encoding.UTF8.GetString(shift), CultureInfo.InvariantCulture);
        string far = (isDown ? power - more : power + more).ToString(CultureInfo.InvariantCulture);
        digits[count] = (byte)'e';
        return count + 1 + Encoding.UTF8.GetBytes(far, digits[(count + 1)..]);
    }
}
