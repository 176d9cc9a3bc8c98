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
            _ => rest[0] == (byte)'#' || char.IsAsciiLetter((char)rest[0]),
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
            if (index == digits.Length || EscapedText.Beginnings.Contains(digits[index])) return true;
            int digit = EscapedText.DigitOf(digits[index], 16);
            if (digit < 0) return false;
            value = (value << 4) | digit;
        }

        return value is '\\' or '%' or '&' || secret.Has(value);
    }
}
