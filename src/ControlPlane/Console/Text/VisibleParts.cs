using System.Globalization;
using System.Text;

namespace Countersign.ControlPlane.Console.Text;

/// <summary>
/// Takes text that a caller wrote apart, so that it cannot deceive whoever approves it: what cannot be seen, what turns
/// the line and what looks like something else becomes visible and says what it is. Pure.
/// </summary>
internal static class VisibleParts
{
    // Combining marks on one letter beyond these are no script's habit; stacked, they cover neighbouring lines.
    private const int MarksOnLetterMax = 2;

    /// <summary>The text in parts, in order. Together their plain text and codes lose nothing of it.</summary>
    public static List<TextPart> Of(string text)
    {
        List<TextPart> parts = [];
        StringBuilder plain = new();
        bool[] marked = LookAlikes.Find(text);
        int[]? turned = Directions.Find(text);
        int marks = 0, turnedUntil = 0;
        bool wasTurned = false;
        for (int at = 0; at < text.Length;)
        {
            int length = char.IsSurrogatePair(text, at) ? 2 : 1;
            bool isWhole = length == 2 || !char.IsSurrogate(text[at]);
            int code = isWhole ? char.ConvertToUtf32(text, at) : text[at];
            UnicodeCategory category = isWhole
                ? CharUnicodeInfo.GetUnicodeCategory(code)
                : UnicodeCategory.Surrogate;
            marks = IsMark(category) ? marks + 1 : 0;
            TextPart? part = Special(code, category, marks > MarksOnLetterMax || (marks > 0 && at == 0));
            if (part is null && marked[at]) part = LookAlikes.Explain(code, text.Substring(at, length));
            if (turned is not null && at + turned[at] > turnedUntil) turnedUntil = at + turned[at];
            bool isTurned = at < turnedUntil;
            if (isTurned != wasTurned) Flush(plain, parts, wasTurned);
            wasTurned = isTurned;
            if (part is null) plain.Append(text, at, length);
            else
            {
                Flush(plain, parts, isTurned);
                parts.Add(part);
            }

            at += length;
        }

        Flush(plain, parts, wasTurned);
        return parts;
    }

    /// <summary>True when nothing in the text needs a mark.</summary>
    public static bool IsPlain(string text) => Of(text).TrueForAll(part => part.Kind == TextPartKind.Plain);

    /// <summary>The text in one line with codes in place of what is marked, for titles and labels.</summary>
    public static string Flat(string text)
    {
        StringBuilder flat = new();
        foreach (TextPart part in Of(text))
        {
            if (part.Kind is TextPartKind.Plain or TextPartKind.LookAlike) flat.Append(part.Text);
            else if (part.Kind == TextPartKind.Turned) flat.Append('\u2067').Append(part.Text).Append('\u2069');
            else flat.Append('[').Append(part.Text).Append(']');
        }

        return flat.ToString();
    }

    // What must not be shown as itself; null for what may be.
    private static TextPart? Special(int code, UnicodeCategory category, bool isStacked)
    {
        if (code == '\n') return new(TextPartKind.Space, "↵", "line end");
        if (code == '\r') return new(TextPartKind.Space, "␍", "carriage return");
        if (code == '\t') return new(TextPartKind.Space, "⇥", "tab");
        if (code == ' ') return null;
        if (IsDirection(code)) return new(TextPartKind.Direction, Name(code), "turns the direction of the text");
        if (IsInvisible(code)) return new(TextPartKind.Hidden, Name(code), "cannot be seen");
        return category switch
        {
            UnicodeCategory.Control => new(TextPartKind.Strange, Name(code), "control character"),
            UnicodeCategory.Format => new(TextPartKind.Hidden, Name(code), "cannot be seen"),
            UnicodeCategory.Surrogate => new(TextPartKind.Strange, Name(code), "half a character"),
            UnicodeCategory.PrivateUse => new(TextPartKind.Strange, Name(code), "means whatever a font wants"),
            UnicodeCategory.OtherNotAssigned => new(TextPartKind.Strange, Name(code), "no known character"),
            UnicodeCategory.LineSeparator => new(TextPartKind.Space, Name(code), "line end"),
            UnicodeCategory.ParagraphSeparator => new(TextPartKind.Space, Name(code), "line end"),
            UnicodeCategory.SpaceSeparator => new(TextPartKind.Space, Name(code), "a space that is not the usual one"),
            _ when isStacked => new(TextPartKind.Strange, Name(code), "one mark too many on a letter"),
            _ => null,
        };
    }

    // Unicode Standard Annex 9, table 4, and the marks that a single character carries.
    private static bool IsDirection(int code) =>
        code is 0x061C or 0x200E or 0x200F or (>= 0x202A and <= 0x202E) or (>= 0x2066 and <= 0x2069);

    // Default_Ignorable_Code_Point where the category alone does not tell, and letters without ink.
    private static bool IsInvisible(int code) => code is 0x034F or 0x115F or 0x1160 or 0x17B4 or 0x17B5 or 0x2800
        or 0x3164 or 0xFFA0 or (>= 0x180B and <= 0x180F) or (>= 0xFE00 and <= 0xFE0F) or 0xFFFC
        or (>= 0xE0000 and <= 0xE0FFF) or (>= 0x1D173 and <= 0x1D17A);

    private static bool IsMark(UnicodeCategory category) => category
        is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.SpacingCombiningMark;

    private static string Name(int code) => code switch
    {
        0x00A0 => "NBSP",
        0x00AD => "soft hyphen",
        0x200B => "ZWSP",
        0x200C => "ZWNJ",
        0x200D => "ZWJ",
        0x200E => "LRM",
        0x200F => "RLM",
        0x202A => "LRE",
        0x202B => "RLE",
        0x202C => "PDF",
        0x202D => "LRO",
        0x202E => "RLO",
        0x2060 => "word joiner",
        0x2066 => "LRI",
        0x2067 => "RLI",
        0x2068 => "FSI",
        0x2069 => "PDI",
        0xFEFF => "BOM",
        _ => "U+" + code.ToString("X4", CultureInfo.InvariantCulture),
    };

    private static void Flush(StringBuilder plain, List<TextPart> parts, bool isTurned)
    {
        if (plain.Length == 0) return;
        parts.Add(isTurned
            ? new TextPart(TextPartKind.Turned, plain.ToString(), "letters that run from right to left, beside others")
            : new TextPart(TextPartKind.Plain, plain.ToString(), ""));
        plain.Clear();
    }
}
