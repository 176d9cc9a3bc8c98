using System.Buffers.Text;
using System.Globalization;

namespace Countersign.Policy.Conditions;

/// <summary>
/// JSON numbers as values: whole ones within 64 bits are ints, all others doubles. A number that a double would
/// change is an error (decision 0029): 50.000000000000001 must not pass for 50.
/// </summary>
internal static class JsonNumbers
{
    /// <summary>More digits than any double is written with.</summary>
    private const int DigitsMax = 32;

    [HotPath]
    public static ConditionValue Read(ReadOnlySpan<byte> number)
    {
        if (Utf8Parser.TryParse(number, out long whole, out int read) && read == number.Length)
        {
            // -0 is a double's zero: an int has none, and they are equal.
            return ConditionValue.Of(whole);
        }

        bool isRead = Utf8Parser.TryParse(number, out double value, out read) && read == number.Length;
        return isRead && double.IsFinite(value) && IsExact(number, value)
            ? ConditionValue.Of(value) : ConditionValue.Failed(ConditionFault.InexactNumber);
    }

    /// <summary>True if the shortest way to write the double is the same number as what was written.</summary>
    [HotPath]
    private static bool IsExact(ReadOnlySpan<byte> written, double value)
    {
        Span<byte> text = stackalloc byte[64];
        Span<byte> digits = stackalloc byte[DigitsMax];
        Span<byte> shortest = stackalloc byte[DigitsMax];
        if (!value.TryFormat(text, out int length, default, CultureInfo.InvariantCulture)) return false;
        int count = Normalize(written, digits, out long exponent);
        int shortestCount = Normalize(text[..length], shortest, out long shortestExponent);
        return count >= 0 && count == shortestCount && (count == 0 || exponent == shortestExponent)
            && digits[..count].SequenceEqual(shortest[..count]);
    }

    /// <summary>
    /// The digits without zeros at either end, and the power of ten of the first; -1 for more than there is room for.
    /// </summary>
    [HotPath]
    private static int Normalize(ReadOnlySpan<byte> number, Span<byte> digits, out long exponent)
    {
        exponent = 0;
        int count = 0;
        int zeros = 0;
        bool isPastPoint = false;
        int index = 0;
        for (; index < number.Length && number[index] is not ((byte)'e' or (byte)'E'); index++)
        {
            byte one = number[index];
            if (one is (byte)'-' or (byte)'+') continue;
            if (one == (byte)'.')
            {
                isPastPoint = true;
                continue;
            }

            if (count == 0 && one == (byte)'0')
            {
                if (isPastPoint) exponent--;
                continue;
            }

            // Zeros count when another digit follows them.
            if (!isPastPoint) exponent++;
            if (one == (byte)'0')
            {
                zeros++;
                continue;
            }

            if (count + zeros >= digits.Length) return -1;
            digits.Slice(count, zeros).Fill((byte)'0');
            count += zeros;
            zeros = 0;
            digits[count++] = one;
        }

        if (index == number.Length) return count;
        ReadOnlySpan<byte> power = number[(index + 1)..];
        if (power[0] == (byte)'+') power = power[1..];
        if (!Utf8Parser.TryParse(power, out int shift, out int read) || read != power.Length) return -1;
        exponent += shift;
        return count;
    }
}
