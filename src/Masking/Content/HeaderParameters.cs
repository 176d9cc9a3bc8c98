namespace Countersign.Masking.Content;

/// <summary>Reads <c>value; name=value; name="value"</c> (RFC 9110 section 5.6.6). A quoted pair makes it malformed:
/// two readers take it two ways.</summary>
internal ref struct HeaderParameters
{
    private readonly ReadOnlySpan<byte> _field;
    private int _place;

    public HeaderParameters(ReadOnlySpan<byte> field)
    {
        _field = field;
        SkipBlanks();
        int start = _place;
        while (_place < field.Length && (IsToken(field[_place]) || field[_place] == '/')) _place++;
        First = field[start.._place];
        SkipBlanks();
        IsMalformed = First.IsEmpty || (_place < field.Length && field[_place] != ';');
    }

    /// <summary>What stands before the parameters.</summary>
    public ReadOnlySpan<byte> First { get; }

    public ReadOnlySpan<byte> Name { get; private set; }

    public ReadOnlySpan<byte> Value { get; private set; }

    /// <summary>Where the value begins in the field.</summary>
    public int ValueStart { get; private set; }

    /// <summary>True once what was read is not well-formed.</summary>
    public bool IsMalformed { get; private set; }

    /// <summary>Reads the next parameter; false at the end, and where the field is malformed.</summary>
    public bool MoveNext()
    {
        if (IsMalformed) return false;
        SkipBlanks();
        while (_place < _field.Length && _field[_place] == ';')
        {
            _place++;
            SkipBlanks();
        }

        if (_place == _field.Length) return false;
        int start = _place;
        while (_place < _field.Length && IsToken(_field[_place])) _place++;
        Name = _field[start.._place];
        bool isNamed = Name.Length > 0 && _place < _field.Length && _field[_place++] == '=';
        IsMalformed = !isNamed || !ReadValue();
        SkipBlanks();
        if (_place < _field.Length && _field[_place] != ';') IsMalformed = true;
        return !IsMalformed;
    }

    private bool ReadValue()
    {
        bool isQuoted = _place < _field.Length && _field[_place] == '"';
        if (isQuoted) _place++;
        ValueStart = _place;
        while (_place < _field.Length && (isQuoted ? IsQuotable(_field[_place]) : IsToken(_field[_place]))) _place++;
        Value = _field[ValueStart.._place];
        if (!isQuoted) return Value.Length > 0;
        return _place < _field.Length && _field[_place++] == '"';
    }

    private void SkipBlanks()
    {
        while (_place < _field.Length && _field[_place] is (byte)' ' or (byte)'\t') _place++;
    }

    private static bool IsQuotable(byte one) => one is >= 0x20 and not ((byte)'"' or (byte)'\\' or 0x7F);

    private static bool IsToken(byte one) =>
        char.IsAsciiLetterOrDigit((char)one) || "!#$%&'*+-.^_`|~"u8.Contains(one);
}
