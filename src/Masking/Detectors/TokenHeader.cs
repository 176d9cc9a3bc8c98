namespace Countersign.Masking.Detectors;

/// <summary>
/// Reads a token's header. The library's reader throws on what is not JSON, and a text full of such must cost no more
/// than its bytes.
/// </summary>
internal ref struct TokenHeader
{
    private const int DepthMax = 16;

    private readonly ReadOnlySpan<byte> _json;
    private int _place;
    private bool _hasAlgorithm;

    private TokenHeader(ReadOnlySpan<byte> json) => _json = json;

    /// <summary>True if <paramref name="json"/> is a JSON object with a member <c>alg</c>.</summary>
    public static bool HasAlgorithm(ReadOnlySpan<byte> json)
    {
        var header = new TokenHeader(json);
        header.SkipBlanks();
        if (header.Peek() != '{' || !header.Object(1)) return false;
        header.SkipBlanks();
        return header._place == json.Length && header._hasAlgorithm;
    }

    private readonly int Peek() => _place < _json.Length ? _json[_place] : -1;

    private void SkipBlanks()
    {
        while (_place < _json.Length && AsciiClass.IsBlank(_json[_place])) _place++;
    }

    private bool Take(byte one)
    {
        SkipBlanks();
        if (Peek() != one) return false;
        _place++;
        return true;
    }

    private bool Object(int depth)
    {
        _place++;
        if (Take((byte)'}')) return true;
        do
        {
            SkipBlanks();
            int start = _place;
            if (!Text()) return false;
            if (depth == 1 && _json[start.._place].SequenceEqual("\"alg\""u8)) _hasAlgorithm = true;
            if (!Take((byte)':') || !Value(depth)) return false;
        }
        while (Take((byte)','));
        return Take((byte)'}');
    }

    private bool Array(int depth)
    {
        _place++;
        if (Take((byte)']')) return true;
        do
        {
            if (!Value(depth)) return false;
        }
        while (Take((byte)','));
        return Take((byte)']');
    }

    private bool Value(int depth)
    {
        SkipBlanks();
        switch (Peek())
        {
            case '{': return depth < DepthMax && Object(depth + 1);
            case '[': return depth < DepthMax && Array(depth + 1);
            case '"': return Text();
            case 't': return Word("true"u8);
            case 'f': return Word("false"u8);
            case 'n': return Word("null"u8);
            default: return Number();
        }
    }

    private bool Word(ReadOnlySpan<byte> word)
    {
        if (!_json[_place..].StartsWith(word)) return false;
        _place += word.Length;
        return true;
    }

    private bool Text()
    {
        if (Peek() != '"') return false;
        for (_place++; _place < _json.Length; _place++)
        {
            byte one = _json[_place];
            if (one == '"')
            {
                _place++;
                return true;
            }

            if (one < 0x20) return false;
            if (one == '\\' && !Escape()) return false;
        }

        return false;
    }

    private bool Escape()
    {
        _place++;
        if (Peek() != 'u') return Peek() >= 0 && "\"\\/bfnrt"u8.Contains(_json[_place]);
        for (int digit = 0; digit < 4; digit++)
        {
            _place++;
            if (Peek() < 0 || !char.IsAsciiHexDigit((char)_json[_place])) return false;
        }

        return true;
    }

    private bool Number()
    {
        if (Peek() == '-') _place++;
        int start = _place;
        if (!Digits() || (_json[start] == '0' && _place - start > 1)) return false;
        if (Peek() == '.')
        {
            _place++;
            if (!Digits()) return false;
        }

        if (Peek() is not ('e' or 'E')) return true;
        _place++;
        if (Peek() is '+' or '-') _place++;
        return Digits();
    }

    private bool Digits()
    {
        int start = _place;
        while (AsciiClass.DigitAt(_json, _place)) _place++;
        return _place > start;
    }
}
