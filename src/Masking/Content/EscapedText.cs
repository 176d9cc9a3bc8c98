using System.Buffers;

namespace Countersign.Masking.Content;

/// <summary>One character as it is written somewhere.</summary>
/// <param name="Value">The byte or code point that is meant.</param>
/// <param name="Length">The bytes that write it; 0 where the text is over, -1 where what follows would say.</param>
/// <param name="IsByte">True for a byte of some encoding, false for a code point.</param>
internal readonly record struct WrittenLetter(int Value, int Length, bool IsByte)
{
    public static WrittenLetter None => default;

    public static WrittenLetter Unknown => new(0, -1, false);

    public bool IsUnknown => Length < 0;
}

/// <summary>
/// Reads the characters of a text by what they mean where JSON strings and scripts (RFC 8259 section 7), HTML's
/// character references, or URLs (RFC 3986 section 2.1) write them, and each of these inside another.
/// </summary>
/// <param name="text">The bytes.</param>
/// <param name="isWhole">False if more may follow.</param>
internal readonly ref struct EscapedText(ReadOnlySpan<byte> text, bool isWhole)
{
    /// <summary>How deep one way of writing is looked for inside another.</summary>
    public const int NestingMax = 4;

    /// <summary>Backslashes before one character: a string that is so deep inside others has no more.</summary>
    public const int BackslashesMax = (1 << NestingMax) - 1;

    /// <summary>Digits of a character reference that are read.</summary>
    public const int DigitsMax = 8;

    /// <summary>What can begin a character that is written otherwise than as itself.</summary>
    public static SearchValues<byte> Beginnings { get; } = SearchValues.Create("\\&%"u8);

    private readonly ReadOnlySpan<byte> _text = text;

    /// <summary>What came of reading digits.</summary>
    private enum Digits : byte
    {
        /// <summary>There are not enough, or one of them is written in another way.</summary>
        None = 0,

        /// <summary>They were read.</summary>
        Read,

        /// <summary>What follows would say.</summary>
        Unknown,
    }

    /// <summary>Reads the character at <paramref name="at"/>.</summary>
    /// <param name="at">Where.</param>
    /// <param name="depth">How deep to look: 0 reads bytes as they are.</param>
    public WrittenLetter Read(int at, int depth)
    {
        if (at >= _text.Length) return isWhole ? WrittenLetter.None : WrittenLetter.Unknown;
        if (depth == 0) return new(_text[at], 1, true);
        WrittenLetter first = Read(at, depth - 1);
        if (first.Length <= 0) return first;
        return first.Value switch
        {
            '\\' => ReadString(at, first, depth - 1),
            '%' => ReadPercent(at, first, depth - 1),
            '&' => ReadReference(at, first, depth - 1),
            _ => first,
        };
    }

    // What a backslash has no meaning for in JSON it has none for in a script either: it is the letter itself.
    private WrittenLetter ReadString(int at, WrittenLetter first, int depth)
    {
        int end = at + first.Length;
        WrittenLetter letter = Read(end, depth);
        if (letter.IsUnknown) return letter;

        // Another way of writing may stand between the backslash and what it is for: a deeper look says so.
        if (letter.Length == 0 || letter.Value is '%' or '&') return first;
        end += letter.Length;
        if (letter.Value is not ('u' or 'x'))
            return new(letter.Value < 0x80 ? Named(letter.Value) : letter.Value, end - at, letter.IsByte);
        int digits = letter.Value == 'u' ? 4 : 2;
        Digits read = ReadDigits(ref end, depth, 16, digits, digits, out int value);
        if (read == Digits.Unknown) return WrittenLetter.Unknown;
        return read == Digits.Read ? new(value, end - at, digits == 2) : first;
    }

    /// <summary>What a letter means behind a backslash, <c>u</c> and <c>x</c> apart.</summary>
    public static int Named(int letter) => letter switch
    {
        'b' => '\b',
        't' => '\t',
        'n' => '\n',
        'f' => '\f',
        'r' => '\r',
        _ => letter,
    };

    private WrittenLetter ReadPercent(int at, WrittenLetter first, int depth)
    {
        int end = at + first.Length;
        Digits read = ReadDigits(ref end, depth, 16, 2, 2, out int value);
        if (read == Digits.Unknown) return WrittenLetter.Unknown;
        return read == Digits.Read ? new(value, end - at, true) : first;
    }

    // HTML 13.2.5.72 and on: a name, or a number of either kind; most readers forgive a semicolon that is not there.
    private WrittenLetter ReadReference(int at, WrittenLetter first, int depth)
    {
        int end = at + first.Length;
        WrittenLetter letter = Read(end, depth);
        if (letter.IsUnknown) return letter;
        if (letter.Value != '#' || letter.Length == 0) return ReadName(at, first, depth);
        end += letter.Length;
        letter = Read(end, depth);
        if (letter.IsUnknown) return letter;
        bool isHex = letter is { Length: > 0, Value: 'x' or 'X' };
        if (isHex) end += letter.Length;
        Digits read = ReadDigits(ref end, depth, isHex ? 16 : 10, 1, DigitsMax, out int value);
        if (read == Digits.Unknown) return WrittenLetter.Unknown;
        if (read != Digits.Read) return first;
        letter = Read(end, depth);
        if (letter.IsUnknown) return letter;
        if (IsBeginning(letter)) return first;
        if (letter is { Length: > 0, Value: ';' }) end += letter.Length;
        return new(value, end - at, false);
    }

    private WrittenLetter ReadName(int at, WrittenLetter first, int depth)
    {
        Span<byte> name = stackalloc byte[HtmlNames.LengthMax];
        int end = at + first.Length;
        for (int length = 0; length <= name.Length; length++)
        {
            WrittenLetter letter = Read(end, depth);
            if (letter.IsUnknown) return letter;
            bool isLetter = letter.Length > 0 && letter.Value < 0x80 && char.IsAsciiLetter((char)letter.Value);
            if (!isLetter)
            {
                if (IsBeginning(letter)) return first;
                bool isClosed = letter is { Length: > 0, Value: ';' };
                int value = HtmlNames.Find(name[..length], isClosed);
                return value < 0 ? first : new(value, end + (isClosed ? letter.Length : 0) - at, false);
            }

            if (length == name.Length) break;
            name[length] = (byte)letter.Value;
            end += letter.Length;
        }

        return first;
    }

    // What a deeper look may read as something else.
    private static bool IsBeginning(WrittenLetter letter) => letter is { Length: > 0, Value: '\\' or '%' or '&' };

    private Digits ReadDigits(ref int at, int depth, int radix, int countMin, int countMax, out int value)
    {
        value = 0;
        for (int count = 0; ; count++)
        {
            if (count == countMax) return Digits.Read;
            WrittenLetter letter = Read(at, depth);
            if (letter.IsUnknown) return Digits.Unknown;
            int digit = letter.Length > 0 ? DigitOf(letter.Value, radix) : -1;
            if (digit < 0) return count >= countMin ? Digits.Read : Digits.None;
            value = unchecked((value * radix) + digit);
            at += letter.Length;
        }
    }

    /// <summary>The value of a digit; -1 for what is none.</summary>
    public static int DigitOf(int letter, int radix) => letter switch
    {
        >= '0' and <= '9' => letter - '0',
        >= 'a' and <= 'f' when radix == 16 => letter - 'a' + 10,
        >= 'A' and <= 'F' when radix == 16 => letter - 'A' + 10,
        _ => -1,
    };
}
