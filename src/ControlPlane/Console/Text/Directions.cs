using System.Globalization;

namespace Countersign.ControlPlane.Console.Text;

/// <summary>
/// Finds the letters that a browser shows from right to left (Unicode Standard Annex 9). Beside digits or other letters
/// they move what stands around them, without any control character: such runs are shown apart from it.
/// </summary>
internal static class Directions
{
    /// <summary>
    /// For every index where such a run begins, its length; null where nothing is moved, since the text has one
    /// direction alone. Words of a run are joined by one space.
    /// </summary>
    public static int[]? Find(string text)
    {
        bool hasTurned = false, hasOther = false;
        for (int at = 0; at < text.Length; at += LengthAt(text, at))
        {
            bool isTurned = IsTurned(text, at);
            hasTurned |= isTurned;
            hasOther |= !isTurned && IsLetterOrNumber(text, at);
        }

        if (!hasTurned || !hasOther) return null;
        int[] runs = new int[text.Length];
        for (int at = 0; at < text.Length;)
        {
            int end = EndOf(text, at);
            if (end > at) runs[at] = end - at;
            at = end > at ? end : at + LengthAt(text, at);
        }

        return runs;
    }

    private static int EndOf(string text, int from)
    {
        if (!IsTurned(text, from)) return from;
        int end = from;
        while (end < text.Length)
        {
            bool isSpace = text[end] == ' ' && end + 1 < text.Length && IsTurned(text, end + 1);
            bool isMark = CharUnicodeInfo.GetUnicodeCategory(text, end) == UnicodeCategory.NonSpacingMark;
            if (!isSpace && !isMark && !IsTurned(text, end)) break;
            end += LengthAt(text, end);
        }

        return end;
    }

    // The blocks of such scripts: their letters and digits, and their marks, which turn nothing, but belong to them.
    private static bool IsTurned(string text, int at)
    {
        int code = char.IsSurrogatePair(text, at) ? char.ConvertToUtf32(text, at) : text[at];
        bool isBlock = code is (>= 0x0590 and <= 0x08FF) or (>= 0xFB1D and <= 0xFDFF) or (>= 0xFE70 and <= 0xFEFC)
            or (>= 0x10800 and <= 0x10FFF) or (>= 0x1E800 and <= 0x1EFFF);
        return isBlock && CharUnicodeInfo.GetUnicodeCategory(text, at) is not (
            UnicodeCategory.Format or UnicodeCategory.OtherNotAssigned or UnicodeCategory.DecimalDigitNumber);
    }

    private static bool IsLetterOrNumber(string text, int at) => CharUnicodeInfo.GetUnicodeCategory(text, at)
        is <= UnicodeCategory.OtherLetter or UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber
        or UnicodeCategory.OtherNumber;

    private static int LengthAt(string text, int at) => char.IsSurrogatePair(text, at) ? 2 : 1;
}
