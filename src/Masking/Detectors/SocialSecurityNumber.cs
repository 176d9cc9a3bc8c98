namespace Countersign.Masking.Detectors;

/// <summary>
/// A United States social security number: three, two and four digits parted by the same space or dash twice, and
/// issuable: no area 000, 666 or from 900 on, no group 00, no serial 0000.
/// </summary>
internal static class SocialSecurityNumber
{
    private const int Length = 11;

    /// <summary>The length of the number at <paramref name="start"/>, or 0.</summary>
    public static int Match(ReadOnlySpan<byte> value, int start)
    {
        if (value.Length - start < Length) return 0;
        ReadOnlySpan<byte> text = value.Slice(start, Length);
        byte parting = text[3];
        if ((parting != '-' && parting != ' ') || text[6] != parting) return 0;
        int area = AsciiClass.IsDigit(text[0]) && AsciiClass.Two(text, 1) >= 0
            ? ((text[0] - '0') * 100) + AsciiClass.Two(text, 1)
            : 0;
        int group = AsciiClass.Two(text, 4);
        int high = AsciiClass.Two(text, 7);
        int low = AsciiClass.Two(text, 9);
        bool isIssuable = area is > 0 and < 900 and not 666 && group > 0 && high >= 0 && low >= 0 && high + low > 0;
        return isIssuable && StandsAlone(value, start) ? Length : 0;
    }

    // A longer number with dashes or a fraction is not looked into: 1-123-45-6789 and 123-45-6789-0 are part numbers.
    private static bool StandsAlone(ReadOnlySpan<byte> value, int start)
    {
        int end = start + Length;
        if (!AsciiClass.BeginsWord(value, start) || !AsciiClass.EndsWord(value, end)) return false;
        bool continues = start > 1 && value[start - 1] is (byte)'-' or (byte)'.';
        if (continues && AsciiClass.DigitAt(value, start - 2)) return false;
        return !(end < value.Length && value[end] == '-' && AsciiClass.DigitAt(value, end + 1));
    }
}
