namespace Countersign.Masking.Detectors;

/// <summary>Finds payment cards and e-mail addresses in a decoded value, or in a number's text.</summary>
internal static class ValueDetector
{
    private const int CardDigitsMin = 12;
    private const int CardDigitsMax = 19;

    /// <summary>The first detection of the <paramref name="wanted"/> kinds that begins at or behind
    /// <paramref name="from"/>.</summary>
    public static bool TryFind(
        ReadOnlySpan<byte> value, DetectorSet wanted, int from, bool besideTellingName, out Detection found)
    {
        for (int start = from; start < value.Length; start++)
        {
            int length = (wanted & DetectorSet.PaymentCard) != 0 ? CardAt(value, start) : 0;
            if (length > 0)
            {
                found = new Detection(start, length, DetectorSet.PaymentCard);
                return true;
            }

            length = (wanted & DetectorSet.Email) != 0 ? EmailAt(value, start) : 0;
            if (length > 0)
            {
                found = new Detection(start, length, DetectorSet.Email);
                return true;
            }
        }

        found = default;
        return false;
    }

    private static int CardAt(ReadOnlySpan<byte> value, int start)
    {
        if (!IsDigit(value[start]) || (start > 0 && IsDigit(value[start - 1]))) return 0;
        Span<byte> digits = stackalloc byte[CardDigitsMax];
        int count = 0;
        int place = start;
        while (place < value.Length && IsDigit(value[place]))
        {
            if (count == CardDigitsMax) return 0;
            digits[count++] = (byte)(value[place++] - '0');
            bool isGrouped = place + 1 < value.Length && value[place] is (byte)' ' or (byte)'-'
                && IsDigit(value[place + 1]);
            if (isGrouped) place++;
        }

        return count >= CardDigitsMin && digits[0] is >= 2 and <= 6 && PassesLuhn(digits[..count]) ? place - start : 0;
    }

    private static bool PassesLuhn(ReadOnlySpan<byte> digits)
    {
        int sum = 0;
        for (int place = 0; place < digits.Length; place++)
        {
            int digit = digits[digits.Length - 1 - place] << (place & 1);
            sum += digit > 9 ? digit - 9 : digit;
        }

        return sum % 10 == 0;
    }

    private static int EmailAt(ReadOnlySpan<byte> value, int start)
    {
        if (!IsLocal(value[start]) || (start > 0 && IsLocal(value[start - 1]))) return 0;
        int at = start;
        while (at < value.Length && IsLocal(value[at])) at++;
        if (at == value.Length || value[at] != '@') return 0;
        int end = at + 1;
        while (end < value.Length && IsHost(value[end])) end++;
        while (value[end - 1] == '.') end--;
        int dot = value[..end].LastIndexOf((byte)'.');
        return dot > at + 1 && end - dot > 2 ? end - start : 0;
    }

    private static bool IsHost(byte next) =>
        char.IsAsciiLetterOrDigit((char)next) || next is (byte)'-' or (byte)'.';

    private static bool IsDigit(byte next) => (uint)(next - '0') <= 9;

    private static bool IsLocal(byte next) =>
        char.IsAsciiLetterOrDigit((char)next) || next is (byte)'.' or (byte)'_' or (byte)'-' or (byte)'+' or (byte)'%';
}
