using System.Buffers.Text;

namespace Countersign.Policy.Conditions;

/// <summary>Timestamps as RFC 3339 writes them, and durations such as <c>1h30m</c> or <c>-1.5s</c>.</summary>
internal static class TimeText
{
    private const int NanosPerSecond = Arithmetic.NanosPerSecond;

    private static ConditionValue NotConverted => ConditionValue.Failed(ConditionFault.NotConverted);

    /// <summary>RFC 3339, to the nanosecond; within years 1 to 9999 in UTC.</summary>
    public static ConditionValue ReadTimestamp(ReadOnlySpan<byte> text)
    {
        if (text.Length < 20 || text[4] != '-' || text[7] != '-' || text[13] != ':' || text[16] != ':'
            || text[10] is not ((byte)'T' or (byte)'t'))
        {
            return NotConverted;
        }

        int year = Number(text[..4]);
        int month = Number(text[5..7]);
        int day = Number(text[8..10]);
        int hour = Number(text[11..13]);
        int minute = Number(text[14..16]);
        int second = Number(text[17..19]);
        bool isDate = year >= 1 && month is >= 1 and <= 12 && day >= 1 && day <= DateTime.DaysInMonth(year, month);
        if (!isDate || hour is < 0 or > 23 || minute is < 0 or > 59 || second is < 0 or > 59) return NotConverted;
        text = text[19..];
        if (!TryReadFraction(ref text, out int nanos) || !TryReadOffset(text, out int offset)) return NotConverted;
        DateTime local = new(year, month, day, hour, minute, second, DateTimeKind.Utc);
        long seconds = ((local.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerSecond) - offset;
        return seconds is >= Arithmetic.SecondsMin and <= Arithmetic.SecondsMax
            ? ConditionValue.OfTimestamp(seconds, nanos) : ConditionValue.Failed(ConditionFault.Overflow);
    }

    /// <summary>Numbers with units h, m, s, ms, us and ns, one after the other; a bare 0 too.</summary>
    public static ConditionValue ReadDuration(ReadOnlySpan<byte> text)
    {
        bool isNegative = text.StartsWith("-"u8);
        if (isNegative || text.StartsWith("+"u8)) text = text[1..];
        if (text.SequenceEqual("0"u8)) return ConditionValue.OfDuration(0);
        if (text.IsEmpty) return NotConverted;
        Int128 total = 0;
        while (!text.IsEmpty)
        {
            if (!TryReadPart(ref text, out Int128 nanos)) return NotConverted;
            total += nanos;
            if (total > (Int128)long.MaxValue + 1) return ConditionValue.Failed(ConditionFault.Overflow);
        }

        if (isNegative) total = -total;
        return total <= long.MaxValue
            ? ConditionValue.OfDuration((long)total) : ConditionValue.Failed(ConditionFault.Overflow);
    }

    /// <summary>RFC 3339 in UTC, with as many digits of a second as it takes. At most 30 bytes.</summary>
    public static int WriteTimestamp(in ConditionValue timestamp, Span<byte> to)
    {
        DateTime time = DateTime.UnixEpoch.AddTicks(timestamp.Seconds * TimeSpan.TicksPerSecond);
        time.TryFormat(to, out int length, "yyyy-MM-dd'T'HH:mm:ss", System.Globalization.CultureInfo.InvariantCulture);
        length += WriteFraction(timestamp.Nanos, to[length..]);
        to[length++] = (byte)'Z';
        return length;
    }

    /// <summary>Seconds and a fraction, with <c>s</c>. At most 22 bytes.</summary>
    public static int WriteDuration(long nanos, Span<byte> to)
    {
        (long seconds, long rest) = Math.DivRem(nanos, NanosPerSecond);
        int length = 0;
        if (nanos < 0 && seconds == 0) to[length++] = (byte)'-';
        Utf8Formatter.TryFormat(seconds, to[length..], out int digits);
        length += digits;
        length += WriteFraction((int)Math.Abs(rest), to[length..]);
        to[length++] = (byte)'s';
        return length;
    }

    private static int WriteFraction(int nanos, Span<byte> to)
    {
        if (nanos == 0) return 0;
        to[0] = (byte)'.';
        Utf8Formatter.TryFormat(nanos, to[1..], out int length, new System.Buffers.StandardFormat('D', 9));
        while (to[length] == (byte)'0') length--;
        return length + 1;
    }

    /// <summary>-1 if it is not all digits; of at most nine.</summary>
    private static int Number(ReadOnlySpan<byte> digits)
    {
        int number = 0;
        foreach (byte digit in digits)
        {
            if (digit is < (byte)'0' or > (byte)'9') return -1;
            number = (number * 10) + (digit - '0');
        }

        return number;
    }

    private static bool TryReadFraction(ref ReadOnlySpan<byte> text, out int nanos)
    {
        nanos = 0;
        if (text.IsEmpty || text[0] != (byte)'.') return true;
        int digits = text[1..].IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        if (digits is < 1 or > 9) return false;
        nanos = Number(text.Slice(1, digits));
        for (int missing = digits; missing < 9; missing++) nanos *= 10;
        text = text[(1 + digits)..];
        return true;
    }

    private static bool TryReadOffset(ReadOnlySpan<byte> text, out int seconds)
    {
        seconds = 0;
        if (text.Length == 1) return text[0] is (byte)'Z' or (byte)'z';
        if (text.Length != 6 || text[0] is not ((byte)'+' or (byte)'-') || text[3] != ':') return false;
        int hours = Number(text[1..3]);
        int minutes = Number(text[4..]);
        seconds = ((hours * 60) + minutes) * (text[0] == '-' ? -60 : 60);
        return hours is >= 0 and <= 23 && minutes is >= 0 and <= 59;
    }

    private static bool TryReadPart(ref ReadOnlySpan<byte> text, out Int128 nanos)
    {
        nanos = 0;
        Int128 whole = 0;
        Int128 fraction = 0;
        Int128 scale = 1;
        int digits = 0;
        bool isPastPoint = false;
        int index = 0;
        for (; index < text.Length && (text[index] == '.' || text[index] is >= (byte)'0' and <= (byte)'9'); index++)
        {
            if (text[index] == '.')
            {
                if (isPastPoint) return false;
                isPastPoint = true;
                continue;
            }

            digits++;
            int digit = text[index] - '0';
            if (!isPastPoint) whole = (whole * 10) + digit;
            else if (scale < 1_000_000_000_000_000) (fraction, scale) = ((fraction * 10) + digit, scale * 10);
            if (whole > (Int128)long.MaxValue + 1) return false;
        }

        text = text[index..];
        if (digits == 0 || !TryReadUnit(ref text, out long unit)) return false;
        nanos = (whole * unit) + (fraction * unit / scale);
        return true;
    }

    private static bool TryReadUnit(ref ReadOnlySpan<byte> text, out long nanos)
    {
        int length = text.Length > 1 && text[1] == 's' && text[0] is (byte)'m' or (byte)'u' or (byte)'n' ? 2 : 1;
        if (text.Length < length)
        {
            nanos = 0;
            return false;
        }

        nanos = text[..length] switch
        {
            [(byte)'h'] => 3_600L * NanosPerSecond,
            [(byte)'m'] => 60L * NanosPerSecond,
            [(byte)'s'] => NanosPerSecond,
            [(byte)'m', _] => 1_000_000,
            [(byte)'u', _] => 1_000,
            [(byte)'n', _] => 1,
            _ => 0,
        };
        text = text[length..];
        return nanos > 0;
    }
}
