using System.Globalization;
using System.Text;

namespace Countersign.Policy.Approvals;

/// <summary>
/// What callers wrote, for terminals and messages: nothing in it steers a terminal, turns the line, hides, or passes
/// for an ordinary space. Such characters show as their code, <c>\u{202e}</c>.
/// </summary>
public static class SafeText
{
    /// <summary>The text on one line.</summary>
    public static string Show(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        StringBuilder? shown = null;
        for (int at = 0; at < text.Length;)
        {
            bool isPair = at + 1 < text.Length && char.IsSurrogatePair(text[at], text[at + 1]);
            int length = isPair ? 2 : 1;
            int code = isPair ? char.ConvertToUtf32(text[at], text[at + 1]) : text[at];
            if (Deceives(code))
            {
                shown ??= new StringBuilder(text, 0, at, text.Length + 16);
                shown.Append(CultureInfo.InvariantCulture, $"\\u{{{code:x}}}");
            }
            else
            {
                shown?.Append(text, at, length);
            }

            at += length;
        }

        return shown?.ToString() ?? text;
    }

    /// <summary>As <see cref="Show"/>, but no longer than so many characters; says how many are not shown.</summary>
    public static string Show(string text, int charactersMax)
    {
        string shown = Show(text);
        if (shown.Length <= charactersMax) return shown;
        int end = char.IsHighSurrogate(shown[charactersMax - 1]) ? charactersMax - 1 : charactersMax;
        return string.Create(
            CultureInfo.InvariantCulture, $"{shown.AsSpan(0, end)}… ({shown.Length - end} more characters)");
    }

    /// <summary>
    /// True for a code point that steers, turns, hides or passes for an ordinary space: control and format characters,
    /// half a surrogate pair, what no font is sure to have, and every space but the ordinary one.
    /// </summary>
    public static bool Deceives(int code) => code != ' ' && (CharUnicodeInfo.GetUnicodeCategory(code)
        // The rest are letters and marks without ink, by the standard's Default_Ignorable_Code_Point, which no category
        // tells, and the blank of Braille.
        is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate
        or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned or UnicodeCategory.SpaceSeparator
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        || code is 0x034F or 0x115F or 0x1160 or 0x17B4 or 0x17B5 or 0x2800 or 0x3164 or 0xFFA0
            or (>= 0x180B and <= 0x180F) or (>= 0xFE00 and <= 0xFE0F) or (>= 0xE0000 and <= 0xE0FFF));
}
