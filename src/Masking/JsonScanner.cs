namespace Countersign.Masking;

/// <summary>What the scanner met. Zero is an error.</summary>
internal enum JsonEvent : byte
{
    /// <summary>Not JSON; <see cref="JsonScanner.RefusedBecause"/> says why, the position is the first bad
    /// byte.</summary>
    Refused = 0,

    /// <summary>The input ended.</summary>
    NeedMore,

    /// <summary>A piece of a decoded key, string or number: <see cref="JsonScanner.TextStart"/> to TextEnd of this
    /// input.</summary>
    Text,

    /// <summary>An escape in a decoded key or string: <see cref="JsonScanner.Unit"/>.</summary>
    Unit,

    /// <summary>A key ended, with a last piece of text.</summary>
    Key,

    /// <summary>The first byte of a value was passed.</summary>
    ValueOpens,

    /// <summary>The last byte of a value was passed; of a decoded string or number there is a last piece of
    /// text.</summary>
    ValueEnds,
}

/// <summary>What a value is.</summary>
internal enum JsonKind : byte
{
    Object = 0,
    Array,
    String,
    Number,
    True,
    False,
    Null,
}

/// <summary>What holds a value.</summary>
internal enum JsonRole : byte
{
    Root = 0,
    Member,
    Element,
}

/// <summary>
/// The grammar of RFC 8259 over any number of texts in a row, resumable at every byte: bytes in, events and position
/// out. It knows nothing of masks; whoever drives it says whose text is wanted.
/// </summary>
internal struct JsonScanner
{
    private OpenContainers _open;
    private JsonText _text;
    private JsonNumber _number;
    private Place _place;
    private byte _literalBytes;

    /// <summary>Zero refuses: a scanner that was never reset takes nothing.</summary>
    private enum Place : byte
    {
        Refused = 0,
        Top,
        BehindScalar,
        FirstKey,
        Key,
        Colon,
        Value,
        FirstElement,
        Element,
        Comma,
        KeyText,
        StringText,
        Number,
        Literal,
    }

    /// <summary>Set by the driver: keys come as text.</summary>
    public bool DecodesKeys { get; set; }

    /// <summary>Set by the driver when a value opens: this string or number comes as text.</summary>
    public bool DecodesValue { get; set; }

    /// <summary>What the value is that opened or ended last.</summary>
    public JsonKind Kind { get; private set; }

    /// <summary>What holds the value that opened last.</summary>
    public JsonRole Role { get; private set; }

    /// <summary>Where in the input the last piece of text begins.</summary>
    public int TextStart { get; private set; }

    /// <summary>Where in the input the last piece of text ends.</summary>
    public int TextEnd { get; private set; }

    /// <summary>Constant text once refused.</summary>
    public string? RefusedBecause { get; private set; }

    /// <summary>The code unit of the last escape.</summary>
    public readonly int Unit => _text.Unit;

    /// <summary>How many containers are open.</summary>
    public readonly int Depth => _open.Depth;

    /// <summary>True while a key is read.</summary>
    public readonly bool IsInKey => _place == Place.KeyText;

    /// <summary>Ready for a body.</summary>
    public void Reset()
    {
        this = default;
        _place = Place.Top;
    }

    /// <summary>Refuses all that follows.</summary>
    public JsonEvent Refuse(string because)
    {
        _place = Place.Refused;
        RefusedBecause ??= because;
        return JsonEvent.Refused;
    }

    /// <summary>Moves on to the next event.</summary>
    public JsonEvent Next(ReadOnlySpan<byte> input, ref int position)
    {
        if (_place == Place.Refused) return JsonEvent.Refused;
        while (position < input.Length)
        {
            if (_place >= Place.KeyText) return ReadOn(input, ref position);
            byte next = input[position];
            if (next <= ' ' && IsBlank(next))
            {
                position = SkipBlanks(input, position + 1);
                if (_place == Place.BehindScalar) _place = Place.Top;
                continue;
            }

            switch (_place)
            {
                case Place.Comma:
                    if (next != ',') return Close(next, Refusals.NotAComma, ref position);
                    position++;
                    _place = _open.IsArray ? Place.Element : Place.Key;
                    continue;
                case Place.FirstKey or Place.Key:
                    if (next == '"')
                    {
                        position++;
                        _place = Place.KeyText;
                        return ReadText(input, ref position);
                    }

                    return _place == Place.FirstKey
                        ? Close(next, Refusals.NotAKey, ref position)
                        : Refuse(Refusals.NotAKey);
                case Place.Colon:
                    if (next != ':') return Refuse(Refusals.NotAColon);
                    position++;
                    _place = Place.Value;
                    continue;
                default:
                    return BeginValue(next, ref position);
            }
        }

        return JsonEvent.NeedMore;
    }

    /// <summary>
    /// The body has ended. A number at the top ends only now (<see cref="JsonEvent.ValueEnds"/>, ask again);
    /// <see cref="JsonEvent.NeedMore"/> means that nothing is open.
    /// </summary>
    public JsonEvent Finish()
    {
        TextStart = TextEnd = 0;
        if (_place is Place.Top or Place.BehindScalar) return JsonEvent.NeedMore;
        bool endsNumber = _place == Place.Number && Depth == 0 && _number.IsWhole;
        return endsNumber ? End(JsonKind.Number) : Refuse(Refusals.CutShort);
    }

    private JsonEvent BeginValue(byte next, ref int position)
    {
        switch (_place)
        {
            case Place.Value:
                Role = JsonRole.Member;
                break;
            case Place.FirstElement when next == ']':
                return Close(next, Refusals.NotAValue, ref position);
            case Place.FirstElement or Place.Element:
                Role = JsonRole.Element;
                break;
            case Place.BehindScalar when next is not ((byte)'"' or (byte)'{' or (byte)'['):
                return Refuse(Refusals.ValuesTouch);
            case Place.Top or Place.BehindScalar:
                Role = JsonRole.Root;
                break;
            default:
                return Refuse(Refusals.NotAValue);
        }

        if (next == '"')
        {
            Kind = JsonKind.String;
            _place = Place.StringText;
        }
        else if (next is (byte)'{' or (byte)'[')
        {
            bool isArray = next == '[';
            if (!_open.TryOpen(isArray)) return Refuse(Refusals.TooDeep);
            Kind = isArray ? JsonKind.Array : JsonKind.Object;
            _place = isArray ? Place.FirstElement : Place.FirstKey;
        }
        else if (!BeginScalar(next))
        {
            return Refuse(next == 0xEF && Role == JsonRole.Root ? Refusals.ByteOrderMark : Refusals.NotAValue);
        }

        position++;
        DecodesValue = false;
        return JsonEvent.ValueOpens;
    }

    private bool BeginScalar(byte next)
    {
        if (next == '-' || (uint)(next - '0') <= 9)
        {
            Kind = JsonKind.Number;
            _number.Begin(next);
            _place = Place.Number;
            return true;
        }

        if (next is not ((byte)'t' or (byte)'f' or (byte)'n')) return false;
        Kind = next == 't' ? JsonKind.True : next == 'f' ? JsonKind.False : JsonKind.Null;
        _literalBytes = 1;
        _place = Place.Literal;
        return true;
    }

    private JsonEvent ReadOn(ReadOnlySpan<byte> input, ref int position) => _place switch
    {
        Place.Number => ReadNumber(input, ref position),
        Place.Literal => ReadLiteral(input, ref position),
        _ => ReadText(input, ref position),
    };

    private JsonEvent ReadText(ReadOnlySpan<byte> input, ref int position)
    {
        bool decodes = _place == Place.KeyText ? DecodesKeys : DecodesValue;
        while (true)
        {
            TextStart = position;
            TextStop stop = _text.IsInEscape
                ? _text.ReadEscape(input, ref position)
                : _text.ReadPlain(input, ref position);
            TextEnd = position;
            switch (stop)
            {
                case TextStop.Quote:
                    position++;
                    if (_place == Place.StringText) return End(JsonKind.String);
                    _place = Place.Colon;
                    return JsonEvent.Key;
                case TextStop.Backslash:
                    position++;
                    _text.BeginEscape();
                    if (decodes && TextEnd > TextStart) return JsonEvent.Text;
                    continue;
                case TextStop.Unit:
                    if (decodes) return JsonEvent.Unit;
                    continue;
                case TextStop.NeedMore:
                    return decodes && TextEnd > TextStart && !_text.IsInEscape ? JsonEvent.Text : JsonEvent.NeedMore;
                case TextStop.BadEscape:
                    return Refuse(Refusals.BadEscape);
                default:
                    return Refuse(stop == TextStop.NotUtf8 ? Refusals.NotUtf8 : Refusals.ControlCharacter);
            }
        }
    }

    private JsonEvent ReadNumber(ReadOnlySpan<byte> input, ref int position)
    {
        TextStart = position;   // the first byte was passed, and was its driver's to keep, when the value opened
        NumberStop stop = _number.Read(input, ref position);
        TextEnd = position;
        if (stop == NumberStop.Ended) return End(JsonKind.Number);
        if (stop == NumberStop.Refused) return Refuse(Refusals.BadNumber);
        return DecodesValue && TextEnd > TextStart ? JsonEvent.Text : JsonEvent.NeedMore;
    }

    private JsonEvent ReadLiteral(ReadOnlySpan<byte> input, ref int position)
    {
        ReadOnlySpan<byte> literal = Kind == JsonKind.True ? "true"u8 : Kind == JsonKind.False ? "false"u8 : "null"u8;
        while (_literalBytes < literal.Length)
        {
            if (position == input.Length) return JsonEvent.NeedMore;
            if (input[position] != literal[_literalBytes]) return Refuse(Refusals.BadLiteral);
            _literalBytes++;
            position++;
        }

        return End(Kind);
    }

    private JsonEvent Close(byte next, string because, ref int position)
    {
        bool isArray = _open.IsArray;
        if (Depth == 0 || next != (isArray ? ']' : '}')) return Refuse(because);
        position++;
        _open.Close();
        return End(isArray ? JsonKind.Array : JsonKind.Object);
    }

    private JsonEvent End(JsonKind kind)
    {
        Kind = kind;
        if (Depth > 0) _place = Place.Comma;
        else _place = kind is JsonKind.Object or JsonKind.Array or JsonKind.String ? Place.Top : Place.BehindScalar;
        return JsonEvent.ValueEnds;
    }

    private static bool IsBlank(byte next) => next is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t';

    private static int SkipBlanks(ReadOnlySpan<byte> input, int position)
    {
        if (position >= input.Length || !IsBlank(input[position])) return position;
        int more = input[position..].IndexOfAnyExcept(" \n\r\t"u8);
        return more < 0 ? input.Length : position + more;
    }
}
