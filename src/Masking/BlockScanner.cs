using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Countersign.Masking;

/// <summary>
/// The whole grammar of JSON over 64 bytes at once, in bit masks: every token's place, and whether each stands where it
/// may. It takes a block up to a place at which the byte-by-byte scanner could go on, and nothing of one that is not
/// sound: that scanner then says what is wrong and where. How it works: docs/decisions/0019.
/// </summary>
internal struct BlockScanner
{
    public const int Bytes = 64;
    public const int DepthMax = 60;   // the kinds of open containers are one word, with a bit above the outermost

    private const ulong All = ulong.MaxValue;

    // What may come next, each 0 or 1: where the last token asks for it and only white space followed.
    private ulong _value;
    private ulong _key;
    private ulong _colon;
    private ulong _comma;
    private ulong _top;
    private ulong _close;      // behind an opening bracket, where its container may also close

    private ulong _inString;   // all ones or zero
    private ulong _kindsBefore;
    private ulong _squares;    // brackets of arrays

    /// <summary>Kinds of the open containers, the innermost lowest, 1 for an array; above them a 1.</summary>
    public ulong Kinds { get; private set; }

    /// <summary>True if the last block ended inside a value's string.</summary>
    public readonly bool IsInString => _inString != 0;

    /// <summary>True if no name in the last block is looked for, and no string that begins in it holds
    /// JSON.</summary>
    public readonly bool IsPlain => (KeyCandidates | (StringOpens & Begins >> 1)) == 0;

    /// <summary>Quotes that open a member's name.</summary>
    public ulong KeyOpens { get; private set; }

    /// <summary>Quotes that close one.</summary>
    public ulong KeyCloses { get; private set; }

    /// <summary>Those of them behind which a name may have ended that is looked for, or was escaped.</summary>
    public ulong KeyCandidates { get; private set; }

    /// <summary>Quotes that open a string which is a value.</summary>
    public ulong StringOpens { get; private set; }

    /// <summary>Quotes that close a string which is a value.</summary>
    public ulong StringCloses { get; private set; }

    /// <summary>The first byte of each value.</summary>
    public ulong ValueStarts { get; private set; }

    /// <summary>The last byte of each number and literal.</summary>
    public ulong ScalarEnds { get; private set; }

    /// <summary>Where containers open.</summary>
    public ulong Opens { get; private set; }

    /// <summary>Where they close.</summary>
    public ulong Closes { get; private set; }

    /// <summary>What stands in an array, or in no container.</summary>
    public ulong InArray { get; private set; }

    /// <summary>Bytes with which a string may begin that holds JSON: brackets, spaces, escapes, and beyond
    /// ASCII.</summary>
    public ulong Begins { get; private set; }

    /// <summary>Backslashes.</summary>
    public ulong Slashes { get; private set; }

    /// <summary>The widest that this machine has instructions for.</summary>
    public static BlockWidth WidthBest { get; } = Vector512.IsHardwareAccelerated ? BlockWidth.Bits512
        : Vector256.IsHardwareAccelerated ? BlockWidth.Bits256
        : Vector128.IsHardwareAccelerated ? BlockWidth.Bits128 : BlockWidth.Scalar;

    /// <summary>Begins at <paramref name="place"/>; false if that is inside a token, or too deep.</summary>
    public bool TryBegin(JsonPlace place, OpenContainers open)
    {
        bool isBetween = place is JsonPlace.Top or JsonPlace.StringText
            or (>= JsonPlace.FirstKey and <= JsonPlace.Comma);
        bool isTopString = place == JsonPlace.StringText && open.Depth == 0;   // no comma may follow that
        if (!isBetween || isTopString || open.Depth > DepthMax) return false;
        Kinds = open.Kinds;
        Expect(place);
        return true;
    }

    /// <summary>What the scanner that goes on must expect.</summary>
    public readonly JsonPlace Place()
    {
        if (_inString != 0) return JsonPlace.StringText;
        if (_comma != 0) return JsonPlace.Comma;
        if (_key != 0) return _close != 0 ? JsonPlace.FirstKey : JsonPlace.Key;
        if (_colon != 0) return JsonPlace.Colon;
        if (_value == 0) return JsonPlace.Top;
        if (_close != 0) return JsonPlace.FirstElement;
        return (Kinds & 1) != 0 ? JsonPlace.Element : JsonPlace.Value;
    }

    /// <summary>Goes back into the last block, to before <paramref name="bit"/>.</summary>
    public void GoBack(int bit, JsonPlace place)
    {
        ulong before = bit == Bytes ? All : (1UL << bit) - 1;
        ulong kinds = _kindsBefore;
        for (ulong left = (Opens | Closes) & before; left != 0; left &= left - 1)
        {
            ulong one = left & (0 - left);
            kinds = (Opens & one) != 0 ? kinds << 1 | ((_squares & one) != 0 ? 1UL : 0) : kinds >> 1;
        }

        Kinds = kinds;
        Expect(place);
    }

    private void Expect(JsonPlace place)
    {
        _value = place is JsonPlace.Value or JsonPlace.Element or JsonPlace.FirstElement ? 1UL : 0;
        _key = place is JsonPlace.Key or JsonPlace.FirstKey ? 1UL : 0;
        _close = place is JsonPlace.FirstKey or JsonPlace.FirstElement ? 1UL : 0;
        _colon = place == JsonPlace.Colon ? 1UL : 0;
        _comma = place == JsonPlace.Comma ? 1UL : 0;
        _top = place == JsonPlace.Top ? 1UL : 0;
        _inString = place == JsonPlace.StringText ? All : 0;
    }

    /// <summary>
    /// Takes the first <paramref name="limit"/> bytes of <paramref name="block"/>, which has 64, or fewer if a token is
    /// cut there; returns how many. 0 leaves all as it was.
    /// </summary>
    public int Take(ReadOnlySpan<byte> block, int limit, BlockWidth width, KeyTrails names) => width switch
    {
        BlockWidth.Bits512 => Take<Block512>(block, limit, names),
        BlockWidth.Bits256 => Take<Block256>(block, limit, names),
        BlockWidth.Bits128 => Take<Block128>(block, limit, names),
        _ => Take<BlockScalar>(block, limit, names),
    };

    private int Take<TBlock>(ReadOnlySpan<byte> block, int limit, KeyTrails names)
        where TBlock : struct, IBlockBytes<TBlock>
    {
        TBlock bytes = TBlock.Load(block);
        int taken = limit;
        ulong quotes = bytes.Equal((byte)'"');
        ulong slashes = bytes.Equal((byte)'\\');
        ulong wrong = 0;
        ulong high = bytes.High();
        ulong controls = bytes.InRange(0, 0x20);
        if (high != 0)
        {
            taken = BlockText.Utf8Bytes(block, limit);
            if (taken < 0) return 0;
            bytes = TBlock.Load(block);   // again, behind each call: no vector outlives one but in memory
        }

        if (slashes != 0)
        {
            // By copies: a local whose address is taken lives in memory from end to end.
            ulong ends = quotes;
            int whole = taken;
            wrong = BlockText.Escapes(bytes, block, slashes, ref ends, ref whole);
            quotes = ends;
            taken = whole;
            bytes = TBlock.Load(block);
        }

        if ((quotes | ~_inString) == 0) return StayInString(wrong | controls, slashes, taken);
        ulong strings = BlockText.PrefixXor(quotes) ^ _inString;
        ulong outside = ~(strings | quotes);
        ulong spaces = bytes.Equal((byte)' ');
        ulong blanks = spaces;
        if (controls != 0) blanks |= bytes.Equal((byte)'\n') | bytes.Equal((byte)'\r') | bytes.Equal((byte)'\t');
        ulong opens = bytes.EqualFolded((byte)'{');
        ulong closes = bytes.EqualFolded((byte)'}');
        ulong colons = bytes.Equal((byte)':');
        ulong commas = bytes.Equal((byte)',');
        ulong scalars = outside & ~(blanks | opens | closes | colons | commas);
        Slashes = slashes;
        Begins = opens | closes | spaces | slashes | high;
        if (taken == 0) return 0;

        // A number, a literal or a quote that reaches the end is left to the next block.
        ulong valid = All >> (Bytes - taken);
        ulong last = valid ^ valid >> 1;
        ulong keeps = valid & ~(scalars | (quotes & strings & last));
        if (keeps == 0) return 0;
        taken = BitOperations.Log2(keeps) + 1;
        valid = All >> (Bytes - taken);
        strings &= valid;
        scalars &= valid;
        outside &= valid;
        if (((wrong & valid) | (controls & strings)) != 0) return 0;

        // What a number lacks may lie behind what is taken: the digit of a minus before a quote.
        if (scalars != 0 && BlockNumbers.Check(bytes, block, scalars) != 0) return 0;
        bytes = TBlock.Load(block);
        KeyCandidates = slashes != 0 ? All : bytes.Among(names.Last) << 1 & (bytes.Among(names.SecondLast) << 2 | 3);
        _squares = bytes.Equal((byte)'[') | bytes.Equal((byte)']');
        Opens = opens & outside;
        Closes = closes & outside;
        return Relate(
            colons & outside, commas & outside, quotes & valid, strings, scalars, (blanks & outside) | ~valid, taken);
    }

    // Long texts: nothing but the inside of one string.
    private int StayInString(ulong wrong, ulong slashes, int taken)
    {
        ulong valid = taken == 0 ? 0 : All >> (Bytes - taken);
        if ((wrong & valid) != 0) return 0;
        (KeyOpens, KeyCloses, StringOpens, StringCloses, ValueStarts) = (0, 0, 0, 0, 0);
        KeyCandidates = 0;
        (ScalarEnds, Opens, Closes, Slashes, Begins) = (0, 0, 0, slashes, 0);
        _kindsBefore = Kinds;
        return taken;
    }

    // Which token may follow which; context comes from the brackets, one by one, and all else from masks.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Relate(
        ulong colons, ulong commas, ulong quotes, ulong strings, ulong scalars, ulong blanks, int taken)
    {
        ulong opens = Opens;
        ulong closes = Closes;
        ulong kinds = Kinds;
        ulong tops = 0;
        ulong inArray = 0 - (kinds & 1);
        if ((opens | closes) != 0 && !Nest(opens, closes, _squares, ref kinds, ref inArray, ref tops)) return 0;
        ulong separators = commas | opens;
        ulong stringOpens = quotes & strings;
        ulong stringCloses = quotes & ~strings;
        ulong keyAsked = separators & ~inArray;
        ulong onKey = Land(keyAsked, _key, blanks);
        ulong keyOpens = stringOpens & onKey;
        ulong keyCloses = (keyOpens + strings) & stringCloses;
        ulong onColon = Land(keyCloses, _colon, blanks);
        ulong valueAsked = colons | (separators & inArray);
        ulong onValue = Land(valueAsked, _value, blanks);
        ulong scalarEnds = scalars & ~(scalars >> 1);
        ulong starts = (stringOpens ^ keyOpens) | opens | (scalars & ~(scalars << 1));
        stringCloses ^= keyCloses;
        ulong valueEnds = stringCloses | (closes ^ tops) | scalarEnds;
        ulong onComma = Land(valueEnds, _comma, blanks);
        ulong onClose = Land(opens, _close, blanks);
        if ((tops | _top) != 0)
        {
            ulong onTop = Land(tops, _top, blanks) & ~blanks;
            if ((onTop & ~opens) != 0) return 0;
            onValue |= onTop;
        }

        // What is asked for is there, but in an empty container: there the closing bracket is.
        ulong lacking = (onKey ^ keyOpens) | (onValue ^ starts);
        ulong ending = onComma ^ (commas | closes);
        ulong wrong = (lacking ^ ending) | (onColon ^ colons) | (ending & ~(onClose & closes));
        if ((wrong & ~blanks) != 0) return 0;
        bool isKeyCut = keyOpens > (keyCloses | stringCloses);
        if (isKeyCut && keyOpens == 1) return 0;   // nothing comes before it
        if (blanks != All)
        {
            // Only what ends last can still ask for something.
            int end = BitOperations.Log2(~blanks);
            (_value, _key, _colon) = (valueAsked >> end, keyAsked >> end, keyCloses >> end);
            (_comma, _top, _close) = (valueEnds >> end, tops >> end, opens >> end);
        }

        ulong inString = 0 - (strings >> (taken - 1) & 1);
        if (isKeyCut)
        {
            // A name reaches the end: it is left to the next block.
            taken = BitOperations.Log2(keyOpens);
            _key = 1;
            inString = 0;
            keyOpens &= (1UL << taken) - 1;
        }

        _inString = inString;
        KeyCandidates &= keyCloses;
        InArray = inArray << 1 | (Kinds & 1);
        (_kindsBefore, Kinds) = (Kinds, kinds);
        (KeyOpens, KeyCloses, StringOpens) = (keyOpens, keyCloses, stringOpens & ~onKey);
        (StringCloses, ValueStarts, ScalarEnds) = (stringCloses, starts, scalarEnds);
        return taken;
    }

    // The next byte behind each of tokens that is not white space; what it says of white space means nothing.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Land(ulong tokens, ulong before, ulong blanks) => (tokens << 1 | before) + blanks;

    // From each bracket on, whether what stands there is in an array; tops are brackets that leave no container open.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Nest(
        ulong opens, ulong closes, ulong squares, ref ulong kinds, ref ulong inArray, ref ulong tops)
    {
        int depth = BitOperations.Log2(kinds);
        if (depth <= BitOperations.PopCount(closes) || depth + BitOperations.PopCount(opens) > DepthMax)
        {
            (ulong kindsAtEdge, ulong inArrayAtEdge, ulong topsAtEdge) = (kinds, inArray, 0);
            if (!NestAtEdge(opens, closes, squares, ref kindsAtEdge, ref inArrayAtEdge, ref topsAtEdge)) return false;
            (kinds, inArray, tops) = (kindsAtEdge, inArrayAtEdge, topsAtEdge);
            return true;
        }

        ulong now = kinds;
        ulong within = inArray;
        ulong wrong = 0;
        for (ulong left = opens | closes; left != 0; left &= left - 1)
        {
            // Without branches: whether a bracket opens or closes cannot be foretold.
            int bit = BitOperations.TrailingZeroCount(left);
            ulong isArray = squares >> bit & 1;
            ulong closing = 0 - (closes >> bit & 1);
            wrong |= closing & (now ^ isArray);
            ulong inner = now << 1 | isArray;
            ulong next = inner ^ ((inner ^ now >> 1) & closing);
            within ^= (0 - ((now ^ next) & 1)) << bit;
            now = next;
        }

        kinds = now;
        inArray = within;
        return (wrong & 1) == 0;
    }

    // The same where a text may end or the word be too short.
    private static bool NestAtEdge(
        ulong opens, ulong closes, ulong squares, ref ulong kinds, ref ulong inArray, ref ulong tops)
    {
        ulong now = kinds;
        for (ulong left = opens | closes; left != 0; left &= left - 1)
        {
            ulong one = left & (0 - left);
            ulong isArray = (squares & one) != 0 ? 1UL : 0;
            ulong was = now & 1;
            if ((opens & one) != 0)
            {
                now = now << 1 | isArray;
                if (now >> (DepthMax + 1) != 0) return false;
            }
            else
            {
                if (was != isArray || now == 1) return false;
                now >>= 1;
                if (now == 1) tops |= one;
            }

            inArray ^= (0 - (was ^ (now & 1))) & (0 - one);
        }

        kinds = now;
        return true;
    }
}
