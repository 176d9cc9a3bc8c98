using System.Numerics;
using System.Runtime.CompilerServices;

namespace Countersign.Masking;

/// <summary>
/// The grammar of JSON over 64 tokens at once, of each of which the first byte is known: whether every one stands where
/// it may. What may follow a token is its bit moved up by one, and the sets must agree: colons are exactly where names
/// are before, values exactly where they are asked for. Only brackets are walked one by one, for the kinds of the open
/// containers.
/// </summary>
internal partial struct TokenGrammar
{
    public const int DepthMax = 60;   // the kinds of open containers are one word, with a bit above the outermost

    private const int Tokens = 64;
    private const int GroupsMax = BlockWindow.BlocksMax;
    private const ulong All = ulong.MaxValue;

    // What may come next, each 0 or 1.
    private ulong _value;
    private ulong _key;
    private ulong _colon;
    private ulong _comma;
    private ulong _top;
    private ulong _close;   // behind an opening bracket, where its container may also close

    /// <summary>Kinds of the open containers, the innermost lowest, 1 for an array; above them a 1.</summary>
    public ulong Kinds { get; private set; }

    /// <summary>True if the last token is a member's name.</summary>
    public readonly bool IsBehindKey => _colon != 0;

    /// <summary>Begins at <paramref name="place"/>; false if that is inside a token, or too deep.</summary>
    public bool TryBegin(JsonPlace place, OpenContainers open)
    {
        bool isBetween = place is JsonPlace.Top or JsonPlace.StringText
            or (>= JsonPlace.FirstKey and <= JsonPlace.Comma);
        bool isTopString = place == JsonPlace.StringText && open.Depth == 0;   // no comma may follow that
        if (!isBetween || isTopString || open.Depth > DepthMax) return false;
        Begin(place, open.Kinds);
        return true;
    }

    /// <summary>Begins at <paramref name="place"/> in containers of <paramref name="kinds"/>.</summary>
    public void Begin(JsonPlace place, ulong kinds)
    {
        Kinds = kinds;
        _value = place is JsonPlace.Value or JsonPlace.Element or JsonPlace.FirstElement ? 1UL : 0;
        _key = place is JsonPlace.Key or JsonPlace.FirstKey ? 1UL : 0;
        _close = place is JsonPlace.FirstKey or JsonPlace.FirstElement ? 1UL : 0;
        _colon = place == JsonPlace.Colon ? 1UL : 0;
        _comma = place is JsonPlace.Comma or JsonPlace.StringText ? 1UL : 0;
        _top = place == JsonPlace.Top ? 1UL : 0;
    }

    /// <summary>What must come next.</summary>
    public readonly JsonPlace Place()
    {
        if (_comma != 0) return JsonPlace.Comma;
        if (_key != 0) return _close != 0 ? JsonPlace.FirstKey : JsonPlace.Key;
        if (_colon != 0) return JsonPlace.Colon;
        if (_value == 0) return JsonPlace.Top;
        if (_close != 0) return JsonPlace.FirstElement;
        return (Kinds & 1) != 0 ? JsonPlace.Element : JsonPlace.Value;
    }

    /// <summary>Kinds of the containers that are open behind the first <paramref name="count"/> tokens of
    /// <paramref name="masks"/>.</summary>
    public static ulong KindsAt(TokenMasks masks, int count)
    {
        int group = (count - 1) / Tokens;
        ulong kinds = masks.KindsBefore[group];
        ulong opens = masks.Opens[group];
        ulong squares = masks.Squares[group];
        ulong before = All >> (Tokens - 1 - (count - 1) % Tokens);
        for (ulong left = (opens | masks.Closes[group]) & before; left != 0; left &= left - 1)
        {
            int bit = BitOperations.TrailingZeroCount(left);
            kinds = (opens >> bit & 1) != 0 ? kinds << 1 | (squares >> bit & 1) : kinds >> 1;
        }

        return kinds;
    }

    /// <summary>Takes the first <paramref name="count"/> tokens of <paramref name="tokens"/>, which has room for 64
    /// behind them; false if one of them is wrong or lies too deep.</summary>
    public bool Take<TBlock>(ReadOnlySpan<byte> tokens, int count, TokenMasks masks)
        where TBlock : struct, IBlockBytes<TBlock>
    {
        for (int at = 0; at < count; at += Tokens)
        {
            TBlock bytes = TBlock.Load(tokens[at..]);
            int group = at / Tokens & GroupsMax - 1;   // so that nothing is checked
            int taken = Math.Min(count - at, Tokens);
            ulong valid = All >> (Tokens - taken);
            ulong opens = bytes.EqualFolded((byte)'{') & valid;
            ulong closes = bytes.EqualFolded((byte)'}') & valid;
            ulong squares = bytes.Equal((byte)'[') | bytes.Equal((byte)']');
            ulong strings = bytes.Equal((byte)'"') & valid;
            ulong colons = bytes.Equal((byte)':') & valid;
            ulong commas = bytes.Equal((byte)',') & valid;
            ulong wasInArray = Kinds & 1;
            if (!TryNest<TBlock>(opens, closes, squares, group, masks)) return false;
            if (!Relate(opens, closes, strings, colons, commas, taken, group, masks)) return false;
            masks.Elements[group] &= masks.InArrays[group] << 1 | wasInArray;
        }

        return true;
    }

    // Which containers are open.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryNest<TBlock>(ulong opens, ulong closes, ulong squares, int group, TokenMasks masks)
        where TBlock : struct, IBlockBytes<TBlock>
    {
        (masks.Opens[group], masks.Closes[group], masks.Squares[group]) = (opens, closes, squares);
        (masks.Named[group], masks.KindsBefore[group]) = (0, Kinds);
        ulong kinds = Kinds;
        ulong inArray = 0 - (kinds & 1);
        ulong tops = 0;
        bool isNested = (opens | closes) == 0 || (typeof(TBlock) == typeof(Block512) && BracketPairs.IsSupported
            ? NestPairs(opens, closes, squares, ref kinds, ref inArray, ref tops)
            : Nest(opens, closes, squares, ref kinds, ref inArray, ref tops));
        Kinds = kinds;
        (masks.InArrays[group], masks.Tops[group]) = (inArray, tops);
        return isNested;
    }

    // Which token may follow which.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool Relate(
        ulong opens, ulong closes, ulong strings, ulong colons, ulong commas, int taken, int group, TokenMasks masks)
    {
        int end = taken - 1;
        ulong inArray = masks.InArrays[group];
        ulong tops = masks.Tops[group];
        ulong valid = All >> (Tokens - taken);
        ulong scalars = valid & ~(opens | closes | strings | colons | commas);
        ulong separators = commas | opens;
        ulong keyAsked = separators & ~inArray;
        ulong onKey = keyAsked << 1 | _key;
        ulong keys = strings & onKey;
        ulong onColon = keys << 1 | _colon;
        ulong valueAsked = colons | (separators & inArray);
        ulong onValue = valueAsked << 1 | _value;
        ulong values = (strings ^ keys) | opens | scalars;
        ulong valueEnds = (strings ^ keys) | (closes ^ tops) | scalars;
        ulong onComma = valueEnds << 1 | _comma;
        ulong emptied = closes & (opens << 1 | _close);
        ulong onTop = tops << 1 | _top;

        // Exactly one thing is asked for at each place.
        ulong wrong = (onColon ^ colons) | (onKey & ~(keys | emptied)) | (onValue & ~(values | emptied))
            | (onComma & ~(commas | closes)) | (onTop & ~opens);
        (masks.Keys[group], masks.Elements[group]) = (keys, values);
        _value = valueAsked >> end;
        _key = keyAsked >> end;
        _colon = keys >> end;
        _comma = valueEnds >> end;
        _top = tops >> end;
        _close = opens >> end;
        return (wrong & valid) == 0;
    }

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

        return Walk(opens | closes, closes, squares, ref kinds, ref inArray);
    }

    // The same where pairs of brackets are left out first, and what they enclose is known by their kind alone.
    private static bool NestPairs(
        ulong opens, ulong closes, ulong squares, ref ulong kinds, ref ulong inArray, ref ulong tops)
    {
        int depth = BitOperations.Log2(kinds);
        if (depth + BitOperations.PopCount(opens) > DepthMax)
            return Nest(opens, closes, squares, ref kinds, ref inArray, ref tops);
        ulong left = opens | closes;
        if (!BracketPairs.TryRemove(ref left, opens, squares, out ulong enclosed, out ulong inArrays)) return false;
        ulong outerCloses = closes & left;
        int closed = BitOperations.PopCount(outerCloses);
        if (depth <= closed)
        {
            // A text may end: at the last bracket that closes what was open before, and at each pair behind it.
            if (depth < closed) return false;
            ulong outerOpens = opens & left;
            ulong upTo = closed == 0 ? 0 : All >> BitOperations.LeadingZeroCount(outerCloses);
            ulong between = ~upTo & ((outerOpens & (0 - outerOpens)) - 1);
            tops = (between & closes & ~(left | enclosed)) | (outerCloses & (upTo ^ upTo >> 1));
        }

        if (!Walk(left, closes, squares, ref kinds, ref inArray)) return false;
        inArray = (inArray & ~enclosed) | inArrays;
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Walk(ulong brackets, ulong closes, ulong squares, ref ulong kinds, ref ulong inArray)
    {
        ulong now = kinds;
        ulong within = inArray;
        ulong wrong = 0;
        for (ulong left = brackets; left != 0; left &= left - 1)
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
