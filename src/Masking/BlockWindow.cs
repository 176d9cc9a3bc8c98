using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Countersign.Masking;

/// <summary>
/// Up to 4 KiB of a body, read in two steps: bytes in blocks of 64, which are joined by nothing but a few carried bits,
/// so that the machine works at several at once; then tokens, one byte of each behind another, whose grammar is checked
/// 64 at a time. A window ends between tokens or inside a value's string, and is sound or not taken at all: the
/// byte-by-byte scanner then says what is wrong and where. How it works: docs/decisions/0026.
/// </summary>
internal sealed partial class BlockWindow
{
    public const int BlockBytes = 64;
    public const int BlocksMax = 64;

    private readonly BlockMasks _masks = new();
    private readonly TokenMasks _tokenMasks = new();
    private readonly byte[] _tokens = new byte[(BlocksMax + 1) * BlockBytes];
    private readonly BlockWidth _width;
    private TokenGrammar _grammar;
    private JsonPlace _placeBefore;
    private ulong _kindsBefore;
    private bool _endsInString;
    private int _blocks;

    public BlockWindow(BlockWidth width) =>
        _width = width == BlockWidth.Eights && !BlockEights.IsSupported ? BlockWidth.Bits512 : width;

    /// <summary>The widest that this machine has instructions for.</summary>
    public static BlockWidth WidthBest { get; } = BlockEights.IsSupported ? BlockWidth.Eights
        : Vector512.IsHardwareAccelerated ? BlockWidth.Bits512
        : Vector256.IsHardwareAccelerated ? BlockWidth.Bits256
        : Vector128.IsHardwareAccelerated ? BlockWidth.Bits128 : BlockWidth.Scalar;

    /// <summary>Where in the input it begins.</summary>
    public int Start { get; private set; }

    /// <summary>Where in the input it ends.</summary>
    public int End { get; private set; }

    /// <summary>Where the blocks end that were read last.</summary>
    public int ReadTo => Start + _blocks * BlockBytes;

    /// <summary>True if a member's name is in it.</summary>
    public bool HasNames => _tokens.AsSpan(0, Count).Contains((byte)':');

    /// <summary>How many tokens begin in it.</summary>
    public int Count { get; private set; }

    /// <summary>Blocks that have events, a bit for each.</summary>
    public ulong Eventful { get; private set; }

    /// <summary>Kinds of the open containers at its end.</summary>
    public ulong Kinds => _grammar.Kinds;

    /// <summary>The same at its begin.</summary>
    public ulong KindsBefore => _kindsBefore;

    /// <summary>What the scanner that goes on must expect.</summary>
    public JsonPlace Place => _endsInString ? JsonPlace.StringText : _grammar.Place();

    /// <summary>How many blocks it has.</summary>
    public int Blocks => _blocks;

    /// <summary>What is known of each block.</summary>
    public BlockMasks Masks => _masks;

    /// <summary>What is known of its tokens,</summary>
    public TokenMasks TokenMasks => _tokenMasks;

    /// <summary>in so many groups of 64.</summary>
    public int Groups => (Count + BlockBytes - 1) / BlockBytes;

    /// <summary>Begins at <paramref name="place"/>; false if no window can.</summary>
    public bool TryBegin(JsonPlace place, OpenContainers open)
    {
        if (!_grammar.TryBegin(place, open)) return false;
        _endsInString = place == JsonPlace.StringText;
        return true;
    }

    /// <summary>Reads at most <paramref name="blocks"/> blocks of <paramref name="input"/> from
    /// <paramref name="start"/> on; false if they are not sound, or of nothing but a token that is cut.</summary>
    public bool Take(ReadOnlySpan<byte> input, int start, int blocks, MaskProgram program)
    {
        Start = start;
        _placeBefore = Place;
        _kindsBefore = Kinds;
        _inString = _endsInString ? ulong.MaxValue : 0;
        bool isSound = _width switch
        {
            BlockWidth.Eights or BlockWidth.Bits512 => Take<Block512>(input, start, blocks, program),
            BlockWidth.Bits256 => Take<Block256>(input, start, blocks, program),
            BlockWidth.Bits128 => Take<Block128>(input, start, blocks, program),
            _ => Take<BlockScalar>(input, start, blocks, program),
        };
        if (isSound) return true;
        _endsInString = _placeBefore == JsonPlace.StringText;
        _grammar.Begin(_placeBefore, _kindsBefore);
        return false;
    }

    private bool Take<TBlock>(ReadOnlySpan<byte> input, int start, int blocks, MaskProgram program)
        where TBlock : struct, IBlockBytes<TBlock>
    {
        // A rest that is shorter than what is read behind a block is left.
        int left = input.Length - start;
        _blocks = Math.Min(blocks, Math.Max(1, (left + BlockBytes - WindowBytes.Behind) / BlockBytes));
        End = Math.Min(input.Length, start + _blocks * BlockBytes);
        if (!Read<TBlock>(input, program) || !TryEnd(input)) return false;
        Count = IndexOf(End);
        bool isSound = _width == BlockWidth.Eights && Count > TokenGrammar.EightsMin
            ? _grammar.TakeEights(_tokens, Count, _classes, _tokenMasks)
            : _grammar.Take<TBlock>(_tokens, Count, _tokenMasks);
        if (!isSound) return false;
        if (!_endsInString || !_grammar.IsBehindKey) return true;
        GoBack(LastToken());
        return End > start;
    }

    /// <summary>Ends before the byte at <paramref name="place"/>, at which a token begins.</summary>
    public void GoBack(int place)
    {
        End = place;
        Count = IndexOf(place);
        _endsInString = false;
        ulong kinds = Count == 0 ? _kindsBefore : TokenGrammar.KindsAt(_tokenMasks, Count);
        JsonPlace next = Count == 0 ? _placeBefore : _tokens[Count - 1] switch
        {
            (byte)'{' => JsonPlace.FirstKey,
            (byte)'[' => JsonPlace.FirstElement,
            (byte)':' => JsonPlace.Value,
            (byte)',' => (kinds & 1) != 0 ? JsonPlace.Element : JsonPlace.Key,
            _ => kinds == 1 ? JsonPlace.Top : JsonPlace.Comma,
        };
        _grammar.Begin(next, kinds);
    }

    /// <summary>As <see cref="GoBack"/>, to behind a member's name.</summary>
    public void GoBackBehindName(int place)
    {
        GoBack(place);
        _grammar.Begin(JsonPlace.Colon, Kinds);
    }

    /// <summary>True if something is escaped in the string that ends at <paramref name="close"/>.</summary>
    public bool IsEscaped(int close) =>
        (_masks.Escaped[(close - Start) / BlockBytes] >> (close - Start) % BlockBytes & 1) != 0;

    /// <summary>How many tokens begin before <paramref name="place"/>.</summary>
    public int IndexOf(int place)
    {
        int offset = place - Start;
        int block = offset / BlockBytes;
        if (block >= _blocks) return Count;
        ulong before = _masks.Tokens[block] & ((1UL << offset % BlockBytes) - 1);
        return _masks.Before[block] + BitOperations.PopCount(before);
    }

    /// <summary>Where the first token from <paramref name="place"/> on begins; <see cref="End"/> or more if none
    /// does.</summary>
    public int NextToken(int place) => Next(place, isQuote: false);

    /// <summary>Where the first quote from <paramref name="place"/> on stands that opens or closes a string.</summary>
    public int NextQuote(int place) => Next(place, isQuote: true);

    /// <summary>Where the last quote before <paramref name="place"/> stands; -1 if none does.</summary>
    public int QuoteBefore(int place)
    {
        int offset = place - Start;
        int block = Math.Min(offset / BlockBytes, _blocks - 1);
        int bit = offset - block * BlockBytes;
        ulong quotes = _masks.Quotes[block + 1] & (bit >= BlockBytes ? ulong.MaxValue : (1UL << bit) - 1);
        while (quotes == 0 && block > 0) quotes = _masks.Quotes[block--];
        return quotes == 0 ? -1 : Start + block * BlockBytes + BitOperations.Log2(quotes);
    }

    /// <summary>Quotes in the 64 bytes before byte <paramref name="bit"/> of <paramref name="block"/>, the highest bit
    /// the last byte's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong QuotesBefore(int block, int bit) =>
        _masks.Quotes[block + 1] << 1 << (BlockBytes - 1 - bit) | _masks.Quotes[block] >> bit;

    /// <summary>Quotes in the 64 bytes behind it, the lowest bit the first byte's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong QuotesBehind(int block, int bit) =>
        _masks.Quotes[block + 1] >> bit >> 1 | _masks.Quotes[block + 2] << (BlockBytes - 1 - bit);

    /// <summary>Where token <paramref name="index"/> begins, looked for from block <paramref name="block"/> on, which
    /// then is the token's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int PlaceOf(int index, ref int block)
    {
        while (block + 1 < _blocks && _masks.Before[block + 1] <= index) block++;
        return Start + block * BlockBytes + Select(_masks.Tokens[block], index - _masks.Before[block]);
    }

    private int Next(int place, bool isQuote)
    {
        int offset = place - Start;
        int block = offset / BlockBytes;
        if (block >= _blocks) return End;
        ulong from = ulong.MaxValue << offset % BlockBytes;
        ulong found = (isQuote ? _masks.Quotes[block + 1] : _masks.Tokens[block]) & from;
        while (found == 0)
        {
            if (++block == _blocks) return End;
            found = isQuote ? _masks.Quotes[block + 1] : _masks.Tokens[block];
        }

        return Start + block * BlockBytes + BitOperations.TrailingZeroCount(found);
    }

    /// <summary>The place of the bit before which <paramref name="rank"/> others are set.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Select(ulong bits, int rank)
    {
        if (Bmi2.X64.IsSupported)
            return BitOperations.TrailingZeroCount(Bmi2.X64.ParallelBitDeposit(1UL << rank, bits));
        for (; rank > 0; rank--) bits &= bits - 1;
        return BitOperations.TrailingZeroCount(bits);
    }

    /// <summary>Which token closes the container that is <paramref name="depth"/> deep before token
    /// <paramref name="index"/>, 1 for the innermost that is open there and 0 for the one that begins there; -1 if
    /// none does.</summary>
    public int IndexOfClose(int index, int depth)
    {
        ulong from = ulong.MaxValue << index % BlockBytes;
        for (int group = index / BlockBytes; group < Groups; group++)
        {
            ulong upTo = BracketPairs.UpToClose(
                _tokenMasks.Opens[group] & from, _tokenMasks.Closes[group] & from, ref depth);
            int close = group * BlockBytes + BitOperations.Log2(upTo);
            if (upTo != 0) return close < Count ? close : -1;
            from = ulong.MaxValue;
        }

        return -1;
    }

    private int LastToken()
    {
        int block = _blocks - 1;
        while (block >= 0 && _masks.Tokens[block] == 0) block--;
        return block < 0 ? Start : Start + block * BlockBytes + BitOperations.Log2(_masks.Tokens[block]);
    }

    // Ends before what is cut at the last block's end; false if that leaves nothing.
    private bool TryEnd(ReadOnlySpan<byte> input)
    {
        int last = Start + (_blocks - 1) * BlockBytes;
        _endsInString = _inStringLast != 0;
        if (_endsInString)
        {
            int from = QuoteBefore(End) + 1;
            if (from == 0) from = Start;
            End = from + BlockText.WholeCharacters(input[from..End]);
        }
        else if ((_scalarsLast >> (End - last - 1) & 1) != 0)
        {
            End = LastToken();
        }

        if (End == Start) return false;
        int ahead = End - last;
        return ahead <= 0 || (_wrongLast & (ulong.MaxValue >> (BlockBytes - ahead))) == 0;
    }
}
