using System.Globalization;
using System.Text;

namespace Countersign.Masking;

/// <summary>Reads a path of the supported subset of RFC 9535 (section 2.5). Runs when policy is read, never per
/// call.</summary>
internal sealed class PathParser
{
    private readonly string _path;
    private readonly StringBuilder _name = new();
    private int _position = 1;
    private string? _error;

    private PathParser(string path) => _path = path;

    private char Next => _position < _path.Length ? _path[_position] : '\0';

    private bool IsAtEnd => _position >= _path.Length;

    /// <summary>Adds the steps of <paramref name="path"/>, which begins with <c>$</c>; returns what is wrong with it,
    /// or null.</summary>
    public static string? Parse(string path, List<PathStep> steps)
    {
        int before = steps.Count;
        var parser = new PathParser(path);
        while (!parser.IsAtEnd && parser._error is null)
        {
            int start = parser._position;
            PathStep step = parser.ReadSegment();
            if (steps.Count - before == MaskLimits.PathStepsMax)
            {
                parser.Fail(start, "a path has at most " + MaskField.Text(MaskLimits.PathStepsMax) + " segments");
            }

            steps.Add(step);
        }

        return parser._error;
    }

    private PathStep ReadSegment()
    {
        SkipBlanks();
        if (IsAtEnd) return Fail(_position - 1, "a path cannot end with white space");
        bool descends = false;
        if (Next == '.')
        {
            _position++;
            descends = Next == '.';
            if (descends) _position++;
            if (descends && Next == '[') return ReadBracket(descends);
            if (Next != '*') return ReadShorthand(descends);
            _position++;
            return new PathStep(PathStepKind.Wildcard, descends, "");
        }

        return Next == '[' ? ReadBracket(descends) : Fail(_position, "expected '.', '..' or '[' here");
    }

    private PathStep ReadShorthand(bool descends)
    {
        int start = _position;
        while (IsShorthand(Next, first: _position == start)) _position++;
        if (_position == start)
        {
            return IsAtEnd
                ? Fail(start, "a name or '*' is missing after the dot")
                : Fail(start, "a name after a dot cannot begin so; write ['name']");
        }

        string name = _path[start.._position];
        if (!IsAtEnd && Next is not ('.' or '[') && !IsBlank(Next))
        {
            return Fail(_position, "this character cannot stand in a name after a dot; write ['name']");
        }

        return Named(name, descends, start);
    }

    private PathStep ReadBracket(bool descends)
    {
        _position++;
        SkipBlanks();
        int start = _position;
        PathStep step;
        if (Next == '*')
        {
            _position++;
            step = new PathStep(PathStepKind.Wildcard, descends, "");
        }
        else if (Next is '\'' or '"') step = ReadQuoted(descends);
        else if (char.IsAsciiDigit(Next) || Next == ':') step = ReadSlice(descends);
        else return Fail(start, Unsupported());

        if (_error is not null) return step;
        SkipBlanks();
        if (Next == ',')
        {
            return Fail(_position, "several selectors in one bracket are not supported; write one rule for each");
        }

        if (Next != ']' || IsAtEnd) return Fail(_position, "expected ']' here");
        _position++;
        return step;
    }

    private string Unsupported() => Next switch
    {
        '?' => "filters are not supported",
        '-' => "an index from the end is not supported: it is not known before the array has ended",
        _ => "expected a quoted name, an index or '*' here",
    };

    // start:end:step, each may be missing (RFC 9535 section 2.3.4); a number alone is an index.
    private PathStep ReadSlice(bool descends)
    {
        int start = _position;
        long first = Next == ':' ? 0 : ReadInteger();
        SkipBlanks();
        if (_error is not null) return default;
        if (Next != ':') return new PathStep(PathStepKind.Slice, descends, "", first, first + 1);
        _position++;
        SkipBlanks();
        long end = Next is ':' or ']' ? long.MaxValue : ReadInteger();
        SkipBlanks();
        long stride = 1;
        if (_error is null && Next == ':')
        {
            _position++;
            SkipBlanks();
            if (Next != ']') stride = ReadInteger();
        }

        if (_error is not null) return default;
        return stride > 0 && end > first
            ? new PathStep(PathStepKind.Slice, descends, "", first, end, stride)
            : Fail(start, "this slice selects nothing");
    }

    private long ReadInteger()
    {
        int start = _position;
        if (Next == '-')
        {
            Fail(start, "an index from the end is not supported: it is not known before the array has ended");
            return 0;
        }

        while (char.IsAsciiDigit(Next)) _position++;
        ReadOnlySpan<char> digits = _path.AsSpan(start, _position - start);
        bool isSmall = long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long index);
        if (digits.IsEmpty) Fail(start, "expected an index here");
        else if (digits.Length > 1 && digits[0] == '0') Fail(start, "an index cannot begin with 0");
        else if (!isSmall || index > MaskLimits.IndexMax) Fail(start, "the index is beyond 2^53 - 1");
        return index;
    }

    private PathStep ReadQuoted(bool descends)
    {
        int start = _position;
        char quote = Next;
        _position++;
        _name.Clear();
        while (Next != quote)
        {
            if (IsAtEnd) return Fail(start, "the quoted name does not end");
            if (Next < ' ') return Fail(_position, "a control character must be escaped");
            if (Next == '\\')
            {
                if (!ReadEscape(quote)) return default;
            }
            else
            {
                _name.Append(Next);
                _position++;
            }
        }

        _position++;
        return Named(_name.ToString(), descends, start);
    }

    private bool ReadEscape(char quote)
    {
        int start = _position;
        _position++;
        char escaped = Next;
        _position++;
        char plain = escaped switch
        {
            'b' => '\b',
            'f' => '\f',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            '/' or '\\' => escaped,
            _ when escaped == quote => quote,
            _ => '\0',
        };
        if (plain != '\0')
        {
            _name.Append(plain);
            return true;
        }

        if (escaped == 'u' && _position + 4 <= _path.Length
            && ushort.TryParse(
                _path.AsSpan(_position, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture,
                out ushort unit))
        {
            _name.Append((char)unit);
            _position += 4;
            return true;
        }

        Fail(start, "this is no escape of a quoted name");
        return false;
    }

    private PathStep Named(string name, bool descends, int start)
    {
        // Where an escape made the surrogate the place inside the name says little, so the name's start is given.
        if (MaskField.LoneSurrogate(name) >= 0) return Fail(start, "half of a surrogate pair is no character");
        return Encoding.UTF8.GetByteCount(name) <= MaskLimits.KeyBytesMax
            ? new PathStep(PathStepKind.Name, descends, name)
            : Fail(start, "the name is longer than " + MaskField.Text(MaskLimits.KeyBytesMax) + " bytes of UTF-8");
    }

    private PathStep Fail(int position, string wrong)
    {
        _error ??= MaskField.At(position, wrong);
        return default;
    }

    private void SkipBlanks()
    {
        while (IsBlank(Next)) _position++;
    }

    private static bool IsBlank(char next) => next is ' ' or '\t' or '\n' or '\r';

    private static bool IsShorthand(char next, bool first) =>
        char.IsAsciiLetter(next) || next == '_' || next >= '\u0080' || (!first && char.IsAsciiDigit(next));
}
