using System.Buffers;
using System.Globalization;
using System.Text;

namespace Countersign.Policy.Conditions;

/// <summary>A condition's text to tokens (cel-spec, doc/langdef.md, Syntax).</summary>
internal sealed class ConditionLexer(string text)
{
    private static readonly string[] LongMarks = ["==", "!=", "<=", ">=", "&&", "||"];
    private const string ShortMarks = "<>+-*/%!?:.,()[]{}";

    private int _at;

    public ConditionToken Next()
    {
        SkipSpace();
        if (_at >= text.Length) return new ConditionToken(TokenKind.End, text.Length, "", default);
        char first = text[_at];
        if (char.IsAsciiDigit(first) || (first == '.' && char.IsAsciiDigit(Peek(1)))) return ReadNumber();
        if (StringPrefix() is var prefix && prefix >= 0) return ReadString(prefix);
        if (char.IsAsciiLetter(first) || first == '_') return ReadName();
        if (first == '`') return ReadQuotedName();
        foreach (string mark in LongMarks)
        {
            if (string.CompareOrdinal(text, _at, mark, 0, 2) == 0) return Take(TokenKind.Mark, mark);
        }

        if (ShortMarks.Contains(first)) return Take(TokenKind.Mark, first.ToString());
        string hint = first switch { '&' => "; write &&", '|' => "; write ||", '=' => "; write ==", _ => "" };
        throw new ConditionSyntaxException(_at, $"'{first}' means nothing here{hint}");
    }

    private ConditionToken Take(TokenKind kind, string written)
    {
        ConditionToken token = new(kind, _at, written, default);
        _at += written.Length;
        return token;
    }

    private char Peek(int ahead) => _at + ahead < text.Length ? text[_at + ahead] : '\0';

    private void SkipSpace()
    {
        while (_at < text.Length)
        {
            if (text[_at] is ' ' or '\t' or '\n' or '\r' or '\f')
            {
                _at++;
            }
            else if (text[_at] == '/' && Peek(1) == '/')
            {
                int end = text.IndexOf('\n', _at);
                _at = end < 0 ? text.Length : end;
            }
            else
            {
                return;
            }
        }
    }

    private ConditionToken ReadName()
    {
        int start = _at;
        while (_at < text.Length && (char.IsAsciiLetterOrDigit(text[_at]) || text[_at] == '_')) _at++;
        string name = text[start.._at];
        ConditionValue value = name switch
        {
            "true" => ConditionValue.Of(true),
            "false" => ConditionValue.Of(false),
            "null" => ConditionValue.Null,
            _ => default,
        };
        if (name == "in") return new ConditionToken(TokenKind.Mark, start, name, default);
        TokenKind kind = value.Kind == ValueKind.None ? TokenKind.Name : TokenKind.Literal;
        return new ConditionToken(kind, start, name, value);
    }

    /// <summary>A field's name between backquotes, which may hold what other names may not.</summary>
    private ConditionToken ReadQuotedName()
    {
        int start = _at;
        int end = text.IndexOf('`', start + 1);
        string name = end < 0 ? "" : text[(start + 1)..end];
        bool isName = name.Length > 0 && name.All(one => char.IsAsciiLetterOrDigit(one) || "_./- ".Contains(one));
        if (!isName) throw new ConditionSyntaxException(start, "between backquotes stands the name of a field");
        _at = end + 1;
        return new ConditionToken(TokenKind.QuotedName, start, name, default);
    }

    private ConditionToken ReadNumber()
    {
        int start = _at;
        bool isHex = text[_at] == '0' && Peek(1) is 'x' or 'X' && char.IsAsciiHexDigit(Peek(2));
        bool isDouble = false;
        if (isHex)
        {
            _at += 2;
            while (char.IsAsciiHexDigit(Peek(0))) _at++;
        }
        else
        {
            SkipDigits();
            if (Peek(0) == '.' && char.IsAsciiDigit(Peek(1)))
            {
                isDouble = true;
                _at++;
                SkipDigits();
            }

            int sign = Peek(1) is '+' or '-' ? 1 : 0;
            if (Peek(0) is 'e' or 'E' && char.IsAsciiDigit(Peek(1 + sign)))
            {
                isDouble = true;
                _at += 1 + sign;
                SkipDigits();
            }
        }

        bool isUnsigned = !isDouble && Peek(0) is 'u' or 'U';
        if (isUnsigned) _at++;
        if (char.IsAsciiLetterOrDigit(Peek(0)) || Peek(0) == '_')
        {
            throw new ConditionSyntaxException(start, $"'{text[start..(_at + 1)]}' is not a number");
        }

        string written = text[start.._at];
        if (!isUnsigned) return new ConditionToken(TokenKind.Number, start, written, default);
        ReadOnlySpan<char> digits = isHex ? written.AsSpan(2..^1) : written.AsSpan(..^1);
        NumberStyles style = isHex ? NumberStyles.AllowHexSpecifier : NumberStyles.None;
        return ulong.TryParse(digits, style, CultureInfo.InvariantCulture, out ulong value)
            ? new ConditionToken(TokenKind.Literal, start, written, ConditionValue.Of(value))
            : throw new ConditionSyntaxException(start, $"{written} is out of a uint's range");
    }

    private void SkipDigits()
    {
        while (char.IsAsciiDigit(Peek(0))) _at++;
    }

    /// <summary>The value of a number token, with the sign before it.</summary>
    public static ConditionValue NumberOf(in ConditionToken token, bool isNegative)
    {
        string written = token.Text;
        bool isHex = written.Length > 2 && written[1] is 'x' or 'X';
        if (!isHex && written.AsSpan().ContainsAny(".eE"))
        {
            double value = double.Parse(written, NumberStyles.Float, CultureInfo.InvariantCulture);
            return double.IsFinite(value)
                ? ConditionValue.Of(isNegative ? -value : value)
                : throw new ConditionSyntaxException(token.Offset, $"{written} is out of a double's range");
        }

        NumberStyles style = isHex ? NumberStyles.AllowHexSpecifier : NumberStyles.None;
        ReadOnlySpan<char> digits = isHex ? written.AsSpan(2) : written;
        bool isRead = ulong.TryParse(digits, style, CultureInfo.InvariantCulture, out ulong size);
        ulong max = isNegative ? 1UL << 63 : long.MaxValue;
        if (!isRead || size > max)
        {
            throw new ConditionSyntaxException(token.Offset, $"{written} is out of an int's range");
        }

        return ConditionValue.Of(unchecked(isNegative ? -(long)size : (long)size));
    }

    /// <summary>How many letters stand before a quote here; -1 if this is no string.</summary>
    private int StringPrefix()
    {
        int letters = 0;
        bool isRaw = false;
        bool isBytes = false;
        while (letters < 2)
        {
            char letter = Peek(letters);
            if (letter is 'r' or 'R' && !isRaw) isRaw = true;
            else if (letter is 'b' or 'B' && !isBytes) isBytes = true;
            else break;
            letters++;
        }

        return Peek(letters) is '"' or '\'' ? letters : -1;
    }

    private ConditionToken ReadString(int prefix)
    {
        int start = _at;
        bool isRaw = text.AsSpan(_at, prefix).ContainsAny('r', 'R');
        bool isBytes = text.AsSpan(_at, prefix).ContainsAny('b', 'B');
        _at += prefix;
        char quote = text[_at];
        bool isTriple = Peek(1) == quote && Peek(2) == quote;
        _at += isTriple ? 3 : 1;
        List<byte> bytes = [];
        while (true)
        {
            if (_at >= text.Length || (!isTriple && text[_at] is '\n' or '\r'))
            {
                throw new ConditionSyntaxException(start, "the string is not closed");
            }

            bool isEnd = text[_at] == quote && (!isTriple || (Peek(1) == quote && Peek(2) == quote));
            if (isEnd) break;
            if (text[_at] == '\\' && !isRaw) ReadEscape(bytes, isBytes);
            else ReadCharacter(bytes);
        }

        _at += isTriple ? 3 : 1;
        byte[] value = [.. bytes];
        ConditionValue literal = isBytes ? ConditionValue.OfBytes(value) : ConditionValue.OfText(value);
        return new ConditionToken(TokenKind.Literal, start, text[start.._at], literal);
    }

    private void ReadCharacter(List<byte> bytes)
    {
        if (Rune.DecodeFromUtf16(text.AsSpan(_at), out Rune rune, out int length) != OperationStatus.Done)
        {
            throw new ConditionSyntaxException(_at, "half of a surrogate pair");
        }

        _at += length;
        Add(bytes, rune);
    }

    private void ReadEscape(List<byte> bytes, bool isBytes)
    {
        int start = _at;
        char kind = Peek(1);
        _at += 2;
        switch (kind)
        {
            case '\\' or '?' or '"' or '\'' or '`':
                bytes.Add((byte)kind);
                return;
            case 'a' or 'b' or 'f' or 'n' or 'r' or 't' or 'v':
                bytes.Add("\a\b\f\n\r\t\v"u8["abfnrtv".IndexOf(kind, StringComparison.Ordinal)]);
                return;
            case 'x' or 'X':
                AddCode(bytes, ReadCode(start, 2, 16), isBytes, start);
                return;
            case 'u' or 'U' when !isBytes:
                AddCode(bytes, ReadCode(start, kind == 'u' ? 4 : 8, 16), false, start);
                return;
            case >= '0' and <= '3':
                _at--;
                AddCode(bytes, ReadCode(start, 3, 8), isBytes, start);
                return;
            default:
                throw new ConditionSyntaxException(start, $"'\\{kind}' is no escape; write \\\\ for a backslash");
        }
    }

    private long ReadCode(int start, int digits, int radix)
    {
        long code = 0;
        for (int index = 0; index < digits; index++)
        {
            int digit = char.IsAsciiHexDigit(Peek(0)) ? Convert.ToInt32(Peek(0).ToString(), 16) : radix;
            if (digit >= radix) throw new ConditionSyntaxException(start, "the escape has too few digits");
            code = (code * radix) + digit;
            _at++;
        }

        return code;
    }

    private static void AddCode(List<byte> bytes, long code, bool isOctet, int start)
    {
        if (isOctet) bytes.Add((byte)code);
        else if (code <= int.MaxValue && Rune.IsValid((int)code)) Add(bytes, new Rune((int)code));
        else throw new ConditionSyntaxException(start, "the escape is no Unicode code point");
    }

    private static void Add(List<byte> bytes, Rune rune)
    {
        Span<byte> utf8 = stackalloc byte[4];
        foreach (byte one in utf8[..rune.EncodeToUtf8(utf8)]) bytes.Add(one);
    }
}
