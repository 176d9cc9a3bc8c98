namespace Countersign.Masking.Content;

/// <summary>
/// Says by an escape's first bytes whether what it may mean is in a secret at all. Most are none of its characters (a
/// quote, the end of a line), and need no closer look.
/// </summary>
internal static class EscapeMeaning
{
    /// <summary>False if nothing that is written at a place is a character of a secret.</summary>
    /// <param name="secret">The secret.</param>
    /// <param name="text">The text.</param>
    /// <param name="at">Where the escape begins: at one of <see cref="EscapedText.Beginnings"/>.</param>
    /// <param name="after">The byte behind it; of several backslashes, behind the last.</param>
    public static bool MayBeIn(KnownSecret secret, ReadOnlySpan<byte> text, int at, int after)
    {
        byte first = text[at];
        if (after >= text.Length || secret.Has(first)) return true;
        ReadOnlySpan<byte> rest = text[after..];
        return EscapedText.Beginnings.Contains(rest[0]) || first switch
        {
            (byte)'\\' => MayBeNamed(secret, rest, after - at),
            (byte)'%' => MayBeHex(secret, rest, 2),
            _ => rest[0] == (byte)'#' ? MayBeNumber(secret, rest[1..]) : MayBeName(secret, rest),
        };
    }

    // However many backslashes there are: the last ones mean a backslash, or what the letter behind them is for.
    private static bool MayBeNamed(KnownSecret secret, ReadOnlySpan<byte> rest, int backslashes) => rest[0] switch
    {
        (byte)'u' => backslashes > 1 || MayBeHex(secret, rest[1..], 4),
        (byte)'x' => true,
        _ => secret.Has(EscapedText.Named(rest[0])),
    };

    private static bool MayBeHex(KnownSecret secret, ReadOnlySpan<byte> digits, int count)
    {
        int value = 0;
        for (int index = 0; index < count; index++)
        {
            if (!IsTold(digits, index)) return true;
            int digit = EscapedText.DigitOf(digits[index], 16);
            if (digit < 0) return false;
            value = (value << 4) | digit;
        }

        return MayMean(secret, value);
    }

    private static bool MayBeNumber(KnownSecret secret, ReadOnlySpan<byte> rest)
    {
        if (!IsTold(rest, 0)) return true;
        bool isHex = rest[0] is (byte)'x' or (byte)'X';
        int value = 0, radix = isHex ? 16 : 10, start = isHex ? 1 : 0, end = start;
        while (end < start + EscapedText.DigitsMax)
        {
            if (!IsTold(rest, end)) return true;
            int digit = EscapedText.DigitOf(rest[end], radix);
            if (digit < 0) break;
            value = unchecked((value * radix) + digit);
            end++;
        }

        return end > start && (!IsTold(rest, end) || MayMean(secret, value));
    }

    private static bool MayBeName(KnownSecret secret, ReadOnlySpan<byte> rest)
    {
        int length = 0;
        while (length <= HtmlNames.LengthMax)
        {
            if (!IsTold(rest, length)) return true;
            if (!char.IsAsciiLetter((char)rest[length])) break;
            length++;
        }

        return length <= HtmlNames.LengthMax
            && MayMean(secret, HtmlNames.Find(rest[..length], isClosed: rest[length] == (byte)';'));
    }

    // What follows is there, and written as itself.
    private static bool IsTold(ReadOnlySpan<byte> rest, int index) =>
        index < rest.Length && !EscapedText.Beginnings.Contains(rest[index]);

    private static bool MayMean(KnownSecret secret, int value) =>
        value is '\\' or '%' or '&' || (value >= 0 && secret.Has(value));
}
