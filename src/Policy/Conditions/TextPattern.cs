using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Countersign.Policy.Conditions;

/// <summary>
/// A pattern in RE2's syntax, turned into one that .NET matches without backtracking and that means the same: <c>$</c>
/// is the very end, classes are ASCII, and a character is a code point. What cannot be said exactly is refused.
/// </summary>
internal sealed class TextPattern
{
    private const string Pair = "[\\uD800-\\uDBFF][\\uDC00-\\uDFFF]";
    private const string Surrogates = "\\uD800-\\uDFFF";

    private readonly string _pattern;
    private readonly int _offset;
    private readonly StringBuilder _out = new();
    private int _at;
    private bool _dotIsAll;
    private bool _isMultiline;
    private bool _isFolded;

    private TextPattern(string pattern, int offset)
    {
        _pattern = pattern;
        _offset = offset;
    }

    /// <exception cref="ConditionSyntaxException">The pattern is broken, too large or not supported.</exception>
    public static Regex Compile(string pattern, int offset)
    {
        TextPattern reading = new(pattern, offset);
        if (pattern.Length > ConditionLimits.PatternCharactersMax)
        {
            throw reading.Fault($"it is longer than {ConditionLimits.PatternCharactersMax} characters");
        }

        reading.ReadAlternatives(0);
        if (reading._at < pattern.Length) throw reading.Fault("a ) closes nothing");
        try
        {
            return new Regex(
                reading._out.ToString(), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (Exception broken) when (broken is ArgumentException or NotSupportedException)
        {
            throw reading.Fault("a repetition repeats nothing");
        }
    }

    private ConditionSyntaxException Fault(string why) => new(_offset, $"the pattern cannot be used: {why}");

    private bool Is(char one) => _at < _pattern.Length && _pattern[_at] == one;

    private long ReadAlternatives(int depth)
    {
        if (depth > 50) throw Fault("it nests too deep");
        (bool dotIsAll, bool isMultiline, bool isFolded) = (_dotIsAll, _isMultiline, _isFolded);
        long size = 0;
        while (true)
        {
            while (_at < _pattern.Length && !Is('|') && !Is(')')) size += ReadRepeated(depth);
            if (!Is('|')) break;
            _out.Append('|');
            _at++;
        }

        (_dotIsAll, _isMultiline, _isFolded) = (dotIsAll, isMultiline, isFolded);
        return size;
    }

    /// <summary>One atom and its repetition; how large it is written out.</summary>
    private long ReadRepeated(int depth)
    {
        long size = ReadAtom(depth);
        if (_at == _pattern.Length) return size;
        int max = 1;
        if (_pattern[_at] is '*' or '+' or '?') _out.Append(_pattern[_at++]);
        else if (!TryReadCounts(out max)) return size;
        if (Is('?')) _out.Append(_pattern[_at++]);
        bool isRepeated = _at < _pattern.Length && (_pattern[_at] is '*' or '+' or '?' || IsCountLike());
        if (isRepeated) throw Fault("a repetition is repeated");
        size *= Math.Max(1, max);
        return size <= ConditionLimits.PatternRepeatsMax ? size
            : throw Fault($"it repeats more than {ConditionLimits.PatternRepeatsMax} times");
    }

    /// <summary>
    /// A brace before a digit is a count, or nothing: what RE2 would take for text there reads like one, and a rule
    /// that means something else than it says is worse than none. Other braces are text.
    /// </summary>
    private bool TryReadCounts(out int max)
    {
        max = 1;
        if (!IsCountLike()) return false;
        Match counts = Counts.Match(_pattern, _at);
        bool isCount = counts.Success && counts.Index == _at;
        if (!isCount) throw Fault("'{' before a digit begins no count; text needs '\\{'");
        max = int.Parse(counts.Groups[3].Length > 0 ? counts.Groups[3].ValueSpan : counts.Groups[1].ValueSpan,
            CultureInfo.InvariantCulture);
        bool isUpsideDown = max < int.Parse(counts.Groups[1].ValueSpan, CultureInfo.InvariantCulture);
        if (isUpsideDown) throw Fault("a count is upside down");
        if (max > ConditionLimits.PatternRepeatsMax)
            throw Fault($"it repeats more than {ConditionLimits.PatternRepeatsMax} times");
        _out.Append(counts.ValueSpan);
        _at += counts.Length;
        return true;
    }

    private bool IsCountLike() => Is('{') && _at + 1 < _pattern.Length && char.IsAsciiDigit(_pattern[_at + 1]);

    private static readonly Regex Counts = new(
        @"\{(0|[1-9][0-9]{0,8})(,(0|[1-9][0-9]{0,8})?)?\}",
        RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);

    private long ReadAtom(int depth)
    {
        char one = _pattern[_at];
        switch (one)
        {
            case '(':
                return ReadGroup(depth);
            case '[':
                ReadClass();
                return 1;
            case '.':
                _at++;
                _out.Append(_dotIsAll ? $"(?:[^{Surrogates}]|{Pair})" : $"(?:[^\\n{Surrogates}]|{Pair})");
                return 1;
            case '^':
                _at++;
                _out.Append(_isMultiline ? "(?m:^)" : "\\A");
                return 1;
            case '$':
                _at++;
                _out.Append(_isMultiline ? "(?m:$)" : "\\z");
                return 1;
            case '*' or '+' or '?':
            case '{' when IsCountLike():
                throw Fault("a repetition repeats nothing");
            case '\\':
                return ReadEscape();
            default:
                AppendRune();
                return 1;
        }
    }

    private void AppendRune()
    {
        if (!Rune.TryGetRuneAt(_pattern, _at, out Rune rune)) throw Fault("it has half of a surrogate pair");
        _at += rune.Utf16SequenceLength;
        AppendRune(rune.Value);
    }

    private void AppendRune(int code)
    {
        if (!Rune.IsValid(code)) throw Fault("a number is no Unicode code point");
        if (_isFolded && PatternFolds.OrbitOf(code) is not null)
        {
            AppendClass([(code, code)], isNegated: false);
            return;
        }

        string units = new Rune(code).ToString();
        if (units.Length > 1) _out.Append("(?:");
        foreach (char unit in units) AppendUnit(unit);
        if (units.Length > 1) _out.Append(')');
    }

    private void AppendUnit(int unit) => _out.Append(CultureInfo.InvariantCulture, $"\\u{unit:X4}");

    private long ReadGroup(int depth)
    {
        _at++;
        (bool dotIsAll, bool isMultiline, bool isFolded) = (_dotIsAll, _isMultiline, _isFolded);
        if (!Is('?')) _out.Append("(?:");
        else if (ReadGroupHead()) return 0;
        long size = ReadAlternatives(depth + 1);
        if (!Is(')')) throw Fault("a ( is not closed");
        _at++;
        _out.Append(')');
        (_dotIsAll, _isMultiline, _isFolded) = (dotIsAll, isMultiline, isFolded);
        return size;
    }

    /// <summary>What follows <c>(?</c>. True if it is flags for the rest of the group, which end here.</summary>
    private bool ReadGroupHead()
    {
        Match head = GroupHead.Match(_pattern, _at);
        if (!head.Success || head.Index != _at) throw Fault("only (?:, (?flags), (?flags: and (?P<name> are supported");
        _at += head.Length;
        if (head.Groups[1].Length > 0)
        {
            _out.Append("(?:");
            return false;
        }

        bool isOn = true;
        _out.Append("(?");
        foreach (char flag in head.Groups[2].ValueSpan)
        {
            if (flag == '-') isOn = false;
            else if (flag == 's') _dotIsAll = isOn;
            else if (flag == 'm') _isMultiline = isOn;
            else _out.Append((_isFolded = isOn) ? "i" : "-i");
        }

        if (head.ValueSpan[^1] == ':')
        {
            _out.Append(':');
            return false;
        }

        if (_out[^1] == '?') _out.Length -= 2;
        else _out.Append(')');
        return true;
    }

    private static readonly Regex GroupHead = new(
        @"\?(P?<[A-Za-z_][A-Za-z0-9_]*>)|\?([ims]*(?:-[ims]+)?)[:)]",
        RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);

    private long ReadEscape()
    {
        if (_at + 1 == _pattern.Length) throw Fault("it ends in a backslash");
        char one = _pattern[_at + 1];
        if (one == 'Q') return ReadQuoted();
        if (one is 'A' or 'z')
        {
            _at += 2;
            _out.Append('\\').Append(one);
            return 1;
        }

        if (PatternClasses.Ranges(one) is { } ranges)
        {
            _at += 2;
            AppendClass(ranges, char.IsUpper(one));
            return 1;
        }

        AppendRune(ReadEscapedCode());
        return 1;
    }

    private long ReadQuoted()
    {
        int end = _pattern.IndexOf("\\E", _at, StringComparison.Ordinal);
        int stop = end < 0 ? _pattern.Length : end;
        _at += 2;
        long size = 0;
        for (; _at < stop; size++) AppendRune();
        _at = end < 0 ? stop : end + 2;
        return size;
    }

    private int ReadEscapedCode()
    {
        int code = PatternClasses.ReadEscapedCode(_pattern, ref _at);
        return code >= 0 ? code
            : throw Fault($"'\\{_pattern[_at + 1]}' is not supported");
    }

    private void ReadClass()
    {
        _at++;
        bool isNegated = Is('^');
        if (isNegated) _at++;
        List<(int From, int To)> ranges = [];
        for (bool isFirst = true; isFirst || !Is(']'); isFirst = false)
        {
            if (_at >= _pattern.Length) throw Fault("a [ is not closed");
            if (!TryReadNamed(ranges)) ReadRange(ranges);
        }

        _at++;
        AppendClass(ranges, isNegated);
    }

    /// <summary><c>\d</c> and its like, and <c>[:alpha:]</c> and its like, within a class.</summary>
    private bool TryReadNamed(List<(int From, int To)> ranges)
    {
        if (Is('\\') && _at + 1 < _pattern.Length && PatternClasses.Ranges(_pattern[_at + 1]) is { } known)
        {
            bool isNegated = char.IsUpper(_pattern[_at + 1]);
            _at += 2;
            ranges.AddRange(isNegated ? throw Fault("\\D, \\S and \\W cannot stand within a class") : known);
            return true;
        }

        if (string.CompareOrdinal(_pattern, _at, "[:", 0, 2) != 0) return false;
        int end = _pattern.IndexOf(":]", _at, StringComparison.Ordinal);
        string name = end < 0 ? "" : _pattern[(_at + 2)..end];
        ranges.AddRange(PatternClasses.Named(name) ?? throw Fault($"there is no class [:{name}:]"));
        _at = end + 2;
        return true;
    }

    private void ReadRange(List<(int From, int To)> ranges)
    {
        int from = ReadClassCode();
        int to = from;
        if (Is('-') && _at + 1 < _pattern.Length && _pattern[_at + 1] != ']')
        {
            _at++;
            to = ReadClassCode();
        }

        if (to < from) throw Fault("a range is upside down");
        ranges.Add((from, to));
    }

    private int ReadClassCode()
    {
        if (_at >= _pattern.Length) throw Fault("a [ is not closed");
        int code = Is('\\') && _at + 1 < _pattern.Length ? ReadEscapedCode() : _pattern[_at++];
        bool isWhole = code < char.MaxValue && !char.IsSurrogate((char)code);
        return isWhole ? code : throw Fault("characters beyond U+FFFF cannot stand within a class");
    }

    private void AppendClass(List<(int From, int To)> ranges, bool isNegated)
    {
        if (_isFolded) PatternFolds.Widen(ranges);
        _out.Append(isNegated ? "(?:[^" : "[");
        foreach ((int from, int to) in ranges)
        {
            AppendUnit(from);
            _out.Append('-');
            AppendUnit(to);
        }

        _out.Append(isNegated ? $"{Surrogates}]|{Pair})" : "]");
    }
}
