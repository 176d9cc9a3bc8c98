using System.Globalization;
using System.Numerics;
using System.Text.RegularExpressions;
using YamlDotNet.Core;

namespace Countersign.Policy;

/// <summary>
/// What two readers of one text could take for two texts, looked for before it is parsed: characters that end a line
/// for one reader and stand in a comment for another, that a terminal does not show or shows elsewhere, and numbers
/// that YAML 1.1 and 1.2 read differently.
/// </summary>
internal static partial class RawText
{
    /// <summary>How many are reported of one text.</summary>
    private const int FaultsMax = 100;

    private const string Hides = "it hides or moves what is shown";

    /// <summary>
    /// Reports every character that no policy may have, in comments too, by line and column. False if there is any.
    /// </summary>
    public static bool Check(string text, PolicyErrors errors, string file)
    {
        int line = 1;
        int lineStart = 0;
        int faults = 0;
        for (int at = 0; at < text.Length && faults < FaultsMax; at++)
        {
            char one = text[at];
            if (one is (>= ' ' and < '\u007F') or '\t') continue;
            if (one == '\n')
            {
                line++;
                lineStart = at + 1;
                continue;
            }

            if (FaultOf(one, at + 1 < text.Length && text[at + 1] == '\n') is not { } fault) continue;
            faults++;
            errors.Add(file, line, at - lineStart + 1, fault);
        }

        return faults == 0;
    }

    /// <summary>
    /// The first tab that indents something behind a place; null if there is none. YamlDotNet 16.3 reports one at the
    /// beginning of the document.
    /// </summary>
    public static (int Line, int Column)? FindTab(string text, Mark behind)
    {
        int line = 0;
        foreach (ReadOnlySpan<char> one in text.AsSpan().EnumerateLines())
        {
            if (++line < behind.Line) continue;
            int content = one.IndexOfAnyExcept(' ', '\t');
            if (content < 0 || one[content] == '#') continue;
            int tab = one[..content].IndexOf('\t');
            if (tab >= 0 && (line > behind.Line || tab + 1 >= behind.Column)) return (line, tab + 1);
        }

        return null;
    }

    private static string? FaultOf(char one, bool isBeforeLineFeed)
    {
        string? what = one switch
        {
            '\r' => isBeforeLineFeed ? null : "a carriage return without a line feed: some readers end the line here",
            '\u0085' => "a next line: some readers end the line here, and with it a comment",
            '\u2028' => "a line separator: some readers end the line here, and with it a comment",
            '\u2029' => "a paragraph separator: some readers end the line here, and with it a comment",
            '\0' => "a null character",
            < ' ' or (>= '\u007F' and < '\u00A0') => "a control character",
            '\u200E' or '\u200F' or '\u061C' => $"a direction mark: {Hides}",
            >= '\u202A' and <= '\u202E' => $"a change of direction: {Hides}",
            >= '\u2066' and <= '\u2069' => $"an isolation of direction: {Hides}",
            _ => null,
        };
        return what is null ? null : string.Create(
            CultureInfo.InvariantCulture, $"U+{(int)one:X4} is not allowed, {what}");
    }

    /// <summary>
    /// What is wrong with a plain value that some readers take for another number than others, or for text; null if
    /// nothing is.
    /// </summary>
    public static string? NumberFault(string text)
    {
        int sign = text.StartsWith('+') || text.StartsWith('-') ? 1 : 0;
        bool mayBe = text.Length > sign + 1 && char.IsAsciiDigit(text[sign]);
        if (!mayBe || !TwoWays().IsMatch(text)) return null;
        string meant = Decimal(text) is { } value ? $"write {value}" : "write it in decimal";
        return $"readers of YAML differ on the number '{text}': {meant}, or quote it if it is meant as text";
    }

    /// <summary>The number that was meant, in decimal; null where that is not plain.</summary>
    private static string? Decimal(string text)
    {
        if (text.Length > 64) return null;
        string sign = text[0] == '-' ? "-" : "";
        string digits = text.TrimStart('+', '-').Replace("_", "", StringComparison.Ordinal);
        BigInteger value = 0;
        if (digits.Contains(':', StringComparison.Ordinal))
        {
            foreach (string part in digits.Split(':'))
            {
                if (!int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int minutes)) return null;
                value = (value * 60) + minutes;
            }

            return sign + value;
        }

        int radix = digits.Length > 1 ? digits[1] switch { 'x' => 16, 'o' => 8, 'b' => 2, _ => 10 } : 10;
        foreach (char digit in radix == 10 ? digits : digits[2..])
        {
            if (!char.IsAsciiHexDigit(digit)) return null;
            value = (value * radix) + Convert.ToInt32(digit.ToString(), 16);
        }

        return sign + value;
    }

    // Leading zeros, which are octal in 1.1; 0o in 1.2; 0x, 0b; digits in groups; base 60.
    [GeneratedRegex(
        @"^[-+]?(0[0-9_][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?|0o[0-7_]+|0x[0-9a-fA-F_]+|0b[01_]+"
        + @"|[0-9]+_[0-9_]*(\.[0-9_]*)?|[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?)\z",
        RegexOptions.CultureInvariant)]
    private static partial Regex TwoWays();
}
