namespace Countersign.Masking;

/// <summary>
/// The grammar of RFC 8259 over any number of texts in a row, resumable at every byte: bytes in, events and position
/// out. It knows nothing of masks; whoever drives it says whose text is wanted.
/// </summary>
internal struct JsonScanner
{
    private OpenContainers _open;
    private JsonText _text;
    private JsonNumber _number;
    private JsonPlace _place;
    private byte _literalBytes;
    private int _numberBytes;

    /// <summary>Set by the driver: keys come as text.</summary>
    public bool DecodesKeys { get; set; }

    /// <summary>Set by the driver when a value opens: this string or number comes as text.</summary>
    public bool DecodesValue { get; set; }

    /// <summary>Set by the driver: commas and the beginnings of members come as events.</summary>
    public bool ReportsMembers { get; set; }

    /// <summary>Set by the driver: how many bytes of long strings are looked at at once.</summary>
    public BlockWidth Width { get; set; }

    /// <summary>What the value is that opened or ended last.</summary>
    public JsonKind Kind { get; private set; }

    /// <summary>What holds the value that opened last.</summary>
    public JsonRole Role { get; private set; }

    /// <summary>Where in the input the last piece of text begins.</summary>
    public int TextStart { get; private set; }

    /// <summary>Where in the input the last piece of text ends.</summary>
    public int TextEnd { get; private set; }

    /// <summary>Why, once refused.</summary>
    public MaskRefusal Refusal { get; private set; }

    /// <summary>The code unit of the last escape.</summary>
    public readonly int Unit => _text.Unit;

    /// <summary>How many containers are open.</summary>
    public readonly int Depth => _open.Depth;

    /// <summary>Where in the text it is.</summary>
    public readonly JsonPlace Place => _place;

    /// <summary>True while a key is read.</summary>
    public readonly bool IsInKey => _place == JsonPlace.KeyText;

    /// <summary>Ready for a body.</summary>
    public void Reset()
    {
        this = default;
        _place = JsonPlace.Top;
    }

    /// <summary>Refuses all that follows.</summary>
    public JsonEvent Refuse(MaskRefusal because)
    {
        _place = JsonPlace.Refused;
        if (Refusal == MaskRefusal.None) Refusal = because;
        return JsonEvent.Refused;
    }

    /// <summary>Lends its place to a window of blocks; false if none can begin here.</summary>
    public readonly bool TryLend(BlockWindow window) =>
        !(_place == JsonPlace.StringText && !_text.IsBetween) && window.TryBegin(_place, _open);

    /// <summary>Goes on where the window stopped.</summary>
    public void TakeBack(BlockWindow window)
    {
        _place = window.Place;
        _open = OpenContainers.From(window.Kinds);
        Kind = JsonKind.String;   // if one is open; else the next value says
        DecodesValue = false;
    }

    /// <summary>Refuses for a reason that lies further back than any other.</summary>
    public void RefuseAfterAll(MaskRefusal because)
    {
        _place = JsonPlace.Refused;
        Refusal = because;
    }

    /// <summary>Moves on to the next event.</summary>
    public JsonEvent Next(ReadOnlySpan<byte> input, ref int position)
    {
        if (_place == JsonPlace.Refused) return JsonEvent.Refused;
        while (position < input.Length)
        {
            if (_place >= JsonPlace.KeyText) return ReadOn(input, ref position);
            byte next = input[position];
            if (next <= ' ' && IsBlank(next))
            {
                position = SkipBlanks(input, position + 1);
                if (_place == JsonPlace.BehindScalar) _place = JsonPlace.Top;
                continue;
            }

            switch (_place)
            {
                case JsonPlace.Comma:
                    if (next != ',') return Close(next, MaskRefusal.NotAComma, ref position);
                    position++;
                    _place = _open.IsArray ? JsonPlace.Element : JsonPlace.Key;
                    if (ReportsMembers) return JsonEvent.Comma;
                    continue;
                case JsonPlace.FirstKey or JsonPlace.Key:
                    if (next == '"')
                    {
                        position++;
                        _place = JsonPlace.KeyText;
                        return ReportsMembers ? JsonEvent.MemberBegins : ReadText(input, ref position);
                    }

                    return _place == JsonPlace.FirstKey
                        ? Close(next, MaskRefusal.NotAKey, ref position)
                        : Refuse(MaskRefusal.NotAKey);
                case JsonPlace.Colon:
                    if (next != ':') return Refuse(MaskRefusal.NotAColon);
                    position++;
                    _place = JsonPlace.Value;
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
        if (_place is JsonPlace.Top or JsonPlace.BehindScalar) return JsonEvent.NeedMore;
        bool endsNumber = _place == JsonPlace.Number && Depth == 0 && _number.IsWhole;
        return endsNumber ? End(JsonKind.Number) : Refuse(MaskRefusal.CutShort);
    }

    private JsonEvent BeginValue(byte next, ref int position)
    {
        switch (_place)
        {
            case JsonPlace.Value:
                Role = JsonRole.Member;
                break;
            case JsonPlace.FirstElement when next == ']':
                return Close(next, MaskRefusal.NotAValue, ref position);
            case JsonPlace.FirstElement or JsonPlace.Element:
                Role = JsonRole.Element;
                break;
            case JsonPlace.BehindScalar when next is not ((byte)'"' or (byte)'{' or (byte)'['):
                return Refuse(MaskRefusal.ValuesTouch);
            case JsonPlace.Top or JsonPlace.BehindScalar:
                Role = JsonRole.Root;
                break;
            default:
                return Refuse(MaskRefusal.NotAValue);
        }

        if (next == '"')
        {
            Kind = JsonKind.String;
            _place = JsonPlace.StringText;
        }
        else if (next is (byte)'{' or (byte)'[')
        {
            bool isArray = next == '[';
            if (!_open.TryOpen(isArray)) return Refuse(MaskRefusal.TooDeep);
            Kind = isArray ? JsonKind.Array : JsonKind.Object;
            _place = isArray ? JsonPlace.FirstElement : JsonPlace.FirstKey;
        }
        else if (!BeginScalar(next))
        {
            return Refuse(next == 0xEF && Role == JsonRole.Root ? MaskRefusal.ByteOrderMark : MaskRefusal.NotAValue);
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
            _numberBytes = 1;
            _place = JsonPlace.Number;
            return true;
        }

        if (next is not ((byte)'t' or (byte)'f' or (byte)'n')) return false;
        Kind = next == 't' ? JsonKind.True : next == 'f' ? JsonKind.False : JsonKind.Null;
        _literalBytes = 1;
        _place = JsonPlace.Literal;
        return true;
    }

    private JsonEvent ReadOn(ReadOnlySpan<byte> input, ref int position) => _place switch
    {
        JsonPlace.Number => ReadNumber(input, ref position),
        JsonPlace.Literal => ReadLiteral(input, ref position),
        _ => ReadText(input, ref position),
    };

    private JsonEvent ReadText(ReadOnlySpan<byte> input, ref int position)
    {
        bool decodes = _place == JsonPlace.KeyText ? DecodesKeys : DecodesValue;
        while (true)
        {
            TextStart = position;
            if (!decodes && input.Length - position >= StringBlocks.BytesMin && _text.IsBetween)
                position = StringBlocks.Skip(Width, input, position);
            TextStop stop = _text.IsInEscape
                ? _text.ReadEscape(input, ref position)
                : _text.ReadPlain(input, ref position);
            TextEnd = position;
            switch (stop)
            {
                case TextStop.Quote:
                    position++;
                    if (_place == JsonPlace.StringText) return End(JsonKind.String);
                    _place = JsonPlace.Colon;
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
                    return Refuse(MaskRefusal.BadEscape);
                default:
                    return Refuse(stop == TextStop.NotUtf8 ? MaskRefusal.NotUtf8 : MaskRefusal.ControlCharacter);
            }
        }
    }

    private JsonEvent ReadNumber(ReadOnlySpan<byte> input, ref int position)
    {
        TextStart = position;   // the first byte was passed, and was its driver's to keep, when the value opened
        int limit = Math.Min(input.Length, position + MaskLimits.NumberBytesMax - _numberBytes + 1);
        NumberStop stop = _number.Read(input[..limit], ref position);
        TextEnd = position;
        _numberBytes += TextEnd - TextStart;
        if (_numberBytes > MaskLimits.NumberBytesMax) return Refuse(MaskRefusal.NumberTooLong);
        if (stop == NumberStop.Ended) return End(JsonKind.Number);
        if (stop == NumberStop.Refused) return Refuse(MaskRefusal.BadNumber);
        return DecodesValue && TextEnd > TextStart ? JsonEvent.Text : JsonEvent.NeedMore;
    }

    private JsonEvent ReadLiteral(ReadOnlySpan<byte> input, ref int position)
    {
        ReadOnlySpan<byte> literal = Kind == JsonKind.True ? "true"u8 : Kind == JsonKind.False ? "false"u8 : "null"u8;
        while (_literalBytes < literal.Length)
        {
            if (position == input.Length) return JsonEvent.NeedMore;
            if (input[position] != literal[_literalBytes]) return Refuse(MaskRefusal.BadLiteral);
            _literalBytes++;
            position++;
        }

        return End(Kind);
    }

    private JsonEvent Close(byte next, MaskRefusal because, ref int position)
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
        if (Depth > 0) _place = JsonPlace.Comma;
        else _place = kind <= JsonKind.String ? JsonPlace.Top : JsonPlace.BehindScalar;
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
