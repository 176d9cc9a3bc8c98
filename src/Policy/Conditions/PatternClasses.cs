using System.Globalization;

namespace Countersign.Policy.Conditions;

/// <summary>The classes and escapes of RE2, in ASCII as RE2 has them.</summary>
internal static class PatternClasses
{
    /// <summary>What a class letter stands for; of an upper-case one what it leaves out. Null if it is none.</summary>
    public static List<(int From, int To)>? Ranges(char letter) => letter switch
    {
        'd' or 'D' => [('0', '9')],
        's' or 'S' => [('\t', '\n'), ('\f', '\r'), (' ', ' ')],
        'w' or 'W' => [('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
        _ => null,
    };

    /// <summary>A class of POSIX; null if there is none of this name.</summary>
    public static List<(int From, int To)>? Named(string name) => name switch
    {
        "alnum" => [('0', '9'), ('A', 'Z'), ('a', 'z')],
        "alpha" => [('A', 'Z'), ('a', 'z')],
        "ascii" => [(0, 0x7F)],
        "blank" => [('\t', '\t'), (' ', ' ')],
        "cntrl" => [(0, 0x1F), (0x7F, 0x7F)],
        "digit" => [('0', '9')],
        "graph" => [('!', '~')],
        "lower" => [('a', 'z')],
        "print" => [(' ', '~')],
        "punct" => [('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        "space" => [('\t', '\r'), (' ', ' ')],
        "upper" => [('A', 'Z')],
        "word" => [('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
        "xdigit" => [('0', '9'), ('A', 'F'), ('a', 'f')],
        _ => null,
    };

    /// <summary>The code point that the escape at <paramref name="at"/> writes; -1, and nothing is read, if it writes
    /// none.</summary>
    public static int ReadEscapedCode(string pattern, ref int at)
    {
        char one = pattern[at + 1];
        int index = "afnrtv".IndexOf(one, StringComparison.Ordinal);
        if (index >= 0)
        {
            at += 2;
            return "\a\f\n\r\t\v"[index];
        }

        if (one == 'x') return ReadHex(pattern, ref at);
        bool isMark = char.IsAscii(one) && !char.IsAsciiLetterOrDigit(one) && !char.IsControl(one);
        if (!isMark) return -1;
        at += 2;
        return one;
    }

    private static int ReadHex(string pattern, ref int at)
    {
        int start = at + 2;
        bool isBraced = start < pattern.Length && pattern[start] == '{';
        int end = isBraced ? pattern.IndexOf('}', start) : start + 2;
        if (end < 0 || end > pattern.Length) return -1;
        ReadOnlySpan<char> digits = isBraced ? pattern.AsSpan(start + 1, end - start - 1) : pattern.AsSpan(start, 2);
        bool isRead = digits.Length is > 0 and <= 6
            && int.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code)
            && code <= 0x10FFFF;
        if (!isRead) return -1;
        at = isBraced ? end + 1 : end;
        return int.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
    }
}
