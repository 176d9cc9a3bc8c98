using System.Numerics;
using System.Runtime.CompilerServices;

namespace Countersign.Masking;

/// <content>What the bytes mean.</content>
internal sealed partial class BlockWindow
{
    private const int BytesBefore = WindowBytes.Before;
    private const ulong LastBit = 1UL << 63;

    private readonly byte[] _copy = new byte[WindowBytes.CopyBytes];
    private readonly byte[] _last = new byte[WindowBytes.Around];
    private BlockText _text;
    private BlockNumbers _numbers;
    private ulong _inString;       // all ones or zero, before the first block;
    private ulong _inStringLast;   // behind the last one
    private ulong _wasHigh;        // of the three bytes before the block, whether each is not ASCII
    private ulong _isEscaped;      // something is, in the string that goes on
    private ulong _looks;          // all ones if strings may hold JSON; true if
    private ulong _acts;           // names are acted on as they come, and not on the way along paths
    private bool _detects;         // values something that is detected
    private ulong _folds;          // 1 if names are compared without separators
    private ulong _pending;        // not 0 if a block must be looked at for what is escaped or not ASCII
    private ulong _unsound;        // what is wrong in such a block,
    private ulong _escaped;        // and its quotes behind something that is escaped
    private ulong _wrongLast;
    private ulong _scalarsLast;

    // False if a block that is not the last has something wrong.
    private bool Read<TBlock>(ReadOnlySpan<byte> input, MaskProgram program)
        where TBlock : struct, IBlockBytes<TBlock>
    {
        _text = default;
        _numbers = default;
        (_wasHigh, _isEscaped, _pending, _wrongLast, Eventful) = (0, 0, 0, 0, 0);
        _masks.Quotes[_blocks + 1] = 0;
        _looks = program.NestedDepth > 0 ? ulong.MaxValue : 0;
        _acts = program.HasPaths ? 0 : ulong.MaxValue;
        _detects = program.Detectors != Detectors.DetectorSet.None;
        _folds = program.Names.FoldsSeparators ? 1UL : 0;
        var bytes = new WindowBytes(input, Start, _blocks, _copy, _last);
        KeyTrails names = program.Names.Trails;
        bool isSound = _width == BlockWidth.Eights
            ? ReadEights<TBlock>(in bytes, names)
            : ReadBlocks<TBlock>(in bytes, names);
        if (!isSound) return false;
        if (_detects && _width == BlockWidth.Eights) DetectEights(in bytes, program.Detectors);
        else if (_detects) Detect<TBlock>(in bytes, program.Detectors);
        Compress<TBlock>(in bytes);
        return true;
    }

    private bool ReadBlocks<TBlock>(in WindowBytes bytes, KeyTrails names)
        where TBlock : struct, IBlockBytes<TBlock>
    {
        BlockMasks masks = _masks;
        ulong inString = _inString;
        ulong wasScalar = 0;
        for (int block = 0; block < _blocks; block++)
        {
            ReadOnlySpan<byte> around = bytes[block];
            TBlock now = TBlock.Load(around[BytesBefore..]);
            ulong wrong = 0;
            ulong quotes = now.Equal((byte)'"');
            ulong special = now.Special();
            ulong escaped = 0;
            if ((special | _pending) != 0)
            {
                quotes = ReadSpecial<TBlock>(around, quotes, inString);
                escaped = _escaped;
                wrong = _unsound;
                now = TBlock.Load(around[BytesBefore..]);   // no vector outlives a call but in memory
            }

            ulong strings = BlockText.PrefixXor(quotes) ^ inString;
            ulong between = now.Between();
            ulong blanks = now.InRange(0, 0x21);
            ulong scalars = ~(strings | quotes | between);
            ulong starts = scalars & ~(scalars << 1 | wasScalar);
            ulong digits = now.InRange((byte)'0', 10) & scalars;
            if (((digits ^ scalars) | _numbers.Open) == 0)
            {
                wrong |= _numbers.CheckDigits(starts, digits, now.Equal((byte)'0'));
            }
            else
            {
                wrong |= _numbers.Check<TBlock>(around[BytesBefore..], scalars, starts);
                now = TBlock.Load(around[BytesBefore..]);
            }

            (inString, wasScalar) = (0 - (strings >> 63), scalars >> 63);
            wrong |= now.InRange(0, 0x20) & strings;
            (ulong opens, ulong closes) = (quotes & strings, quotes & ~strings);
            ulong tokens = (between & ~(blanks | strings)) | opens | starts;
            int at = block & (BlocksMax - 1);   // so that nothing is checked
            (masks.Quotes[at + 1], masks.Tokens[at], masks.Escaped[at]) = (quotes, tokens, escaped);
            ulong ends = TBlock.NameEnds(around, names) & closes;
            ends |= escaped;
            if (ends != 0) ends &= (now.Equal((byte)':') | blanks) >> 1 | LastBit;   // behind the block may be a colon
            ulong begins = (between | special) >> 1 | LastBit;
            ulong events = (ends & _acts) | (opens & begins & _looks);
            (masks.Names[at], masks.Scalars[at], masks.Events[at]) = (ends, scalars, events);
            if (events != 0) Eventful |= 1UL << block;
            if (strings == ulong.MaxValue) _pending |= _isEscaped |= _folds;
            if (wrong != 0 && block < _blocks - 1) return false;
            (_wrongLast, _scalarsLast) = (wrong, scalars);
        }

        _inStringLast = inString;
        return true;
    }

    // The tokens, one byte of each: a loop of its own, since each step waits long for the one before.
    private void Compress<TBlock>(in WindowBytes all)
        where TBlock : struct, IBlockBytes<TBlock>
    {
        int count = 0;
        Span<byte> target = _tokens;
        for (int run = 0; run < WindowBytes.Runs; run++)
        {
            ReadOnlySpan<byte> bytes = all.Run(run, out int from, out int blocks);
            ReadOnlySpan<ulong> tokensOf = _masks.Tokens[from..(from + blocks)];
            Span<int> before = _masks.Before[from..(from + blocks)];
            for (int block = 0; block < tokensOf.Length; block++)
            {
                before[block] = count;
                ulong tokens = tokensOf[block];
                TBlock.Load(bytes[(block * BlockBytes + BytesBefore)..]).Compress(tokens, target[count..]);
                count += BitOperations.PopCount(tokens);
            }
        }

        Count = count;
    }

    // What is escaped, and what is not ASCII; returns the quotes that are not escaped.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private ulong ReadSpecial<TBlock>(ReadOnlySpan<byte> around, ulong quotes, ulong inString)
        where TBlock : struct, IBlockBytes<TBlock>
    {
        quotes = ReadText<TBlock>(around, quotes, out ulong slashes);
        _escaped = 0;
        if ((slashes | _isEscaped) != 0)
        {
            ulong strings = BlockText.PrefixXor(quotes) ^ inString;
            _escaped = Escaped(slashes, strings, quotes & ~strings);
        }

        _pending = _text.Open | _wasHigh | _isEscaped;
        return quotes;
    }

    // The same but for the strings in which something is escaped.
    private ulong ReadText<TBlock>(ReadOnlySpan<byte> around, ulong quotes, out ulong slashes)
        where TBlock : struct, IBlockBytes<TBlock>
    {
        TBlock now = TBlock.Load(around[BytesBefore..]);
        slashes = now.Equal((byte)'\\');
        ulong high = now.High();
        ulong wrong = 0;
        if ((slashes | _text.Open) != 0)
            quotes = _text.Unescaped<TBlock>(around[BytesBefore..], quotes, slashes, out wrong);
        if ((high | _wasHigh) != 0) wrong |= TBlock.NotUtf8(around);
        _wasHigh = high >> 61;
        _unsound = wrong;
        return quotes;
    }

    // The quotes behind something that is escaped: a backslash is added to the run that is its string, and so is
    // carried to the byte behind.
    private ulong Escaped(ulong slashes, ulong strings, ulong closes)
    {
        ulong sum = strings + ((slashes & strings) | _isEscaped);
        _isEscaped = sum < strings ? 1UL : 0;
        return sum & closes;
    }
}
