using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Countersign.Masking;

/// <content>What the bytes mean, eight blocks at once: the same masks as block by block. What few blocks have (escapes,
/// other than ASCII, numbers that are more than digits) is read block by block, before or behind.</content>
internal sealed partial class BlockWindow
{
    private const int Eight = BlockEights.Blocks;

    private const int OthersShare = 8;   // fewer blocks than one of so many are sooner checked one by one

    private readonly ulong[] _classes = new ulong[(BlocksMax + Eight) * BlockEights.Classes];
    private readonly ulong[] _nameEnds = new ulong[BlocksMax + Eight];
    private readonly ulong[] _strings = new ulong[BlocksMax + Eight];
    private readonly NumberMasks _numberMasks = new();
    private readonly ulong[] _slashes = new ulong[BlocksMax];   // of the blocks that have some

    private bool ReadEights<TBlock>(in WindowBytes bytes, KeyTrails names)
        where TBlock : struct, IBlockBytes<TBlock>
    {
        ulong slashed = 0;
        for (int run = 0; run < WindowBytes.Runs; run++)
        {
            ReadOnlySpan<byte> some = bytes.Run(run, out int from, out int count);
            if (count == 0) continue;
            BlockEights.Classify(
                some[BytesBefore..], _classes.AsSpan(from * BlockEights.Classes, count * BlockEights.Classes));
            BlockEights.FindNameEnds(some, names, _nameEnds.AsSpan(from, count));
            if (!ReadSpecials<TBlock>(some, from, count, ref slashed)) return false;
        }

        int blocks = _blocks;
        ulong all = ulong.MaxValue >> (BlocksMax - blocks);
        ulong unsound = ReadGroups(blocks, _inString, out ulong eventful, out ulong others) & all;
        Eventful = eventful & all;
        int last = blocks - 1;
        if ((unsound & all >> 1) != 0) return false;
        if (unsound != 0) _wrongLast |= _numberMasks.Wrong[last];
        if ((slashed | _folds) != 0) ReadEscapes(blocks, slashed);
        if (!CheckNumbers<TBlock>(in bytes, others & all)) return false;
        _scalarsLast = _masks.Scalars[last];
        _inStringLast = 0 - (_strings[last] >> 63);
        _masks.Quotes[blocks + 1] = 0;
        return true;
    }

    // Leaves of the blocks' quotes those that are not escaped.
    private bool ReadSpecials<TBlock>(ReadOnlySpan<byte> bytes, int from, int count, ref ulong slashed)
        where TBlock : struct, IBlockBytes<TBlock>
    {
        Span<ulong> classes = _classes;
        for (int block = from; block < from + count; block++)
        {
            ulong special = classes[block * BlockEights.Classes + (int)BlockClass.Special];
            if ((special | _pending) == 0) continue;
            ref ulong quotes = ref classes[block * BlockEights.Classes + (int)BlockClass.Quotes];
            ReadOnlySpan<byte> around = bytes.Slice((block - from) * BlockBytes, WindowBytes.Around);
            quotes = ReadText<TBlock>(around, quotes, out ulong slashes);
            _pending = _text.Open | _wasHigh;
            _slashes[block] = slashes;
            if (slashes != 0) slashed |= 1UL << block;
            if (Fails(block, _unsound)) return false;
        }

        return true;
    }

    // Which blocks have something wrong, events, and scalars that are not digits alone: a bit for each block.
    private ulong ReadGroups(int blocks, ulong inString, out ulong eventful, out ulong others)
    {
        BlockMasks masks = _masks;
        Vector512<ulong> zero = Vector512<ulong>.Zero;
        Vector512<ulong> lastBit = Vector512.Create(LastBit);
        Vector512<ulong> acts = Vector512.Create(_acts);
        Vector512<ulong> looks = Vector512.Create(_looks);
        Vector512<ulong> earlierScalars = zero;
        Vector512<ulong> earlierFirst = zero;
        ulong unsound = 0;
        (eventful, others) = (0, 0);
        for (int group = 0; group < blocks; group += Eight)
        {
            BlockEights.Turn(
                _classes.AsSpan(group * BlockEights.Classes, Eight * BlockEights.Classes), out Vector512<ulong> quotes,
                out Vector512<ulong> special, out Vector512<ulong> between, out Vector512<ulong> marks,
                out Vector512<ulong> ahead, out Vector512<ulong> controls, out Vector512<ulong> digits,
                out Vector512<ulong> zeros);
            Vector512<ulong> strings = BlockEights.PrefixXor(quotes);
            ulong odd = strings.ExtractMostSignificantBits();   // of the quotes up to each block
            odd ^= odd << 1;
            odd ^= odd << 2;
            odd ^= odd << 4;
            ulong begin = odd << 1 ^ inString;                  // whether each begins in a string
            inString = 0 - (begin >> Eight & 1);
            strings ^= BlockEights.Spread(begin);
            strings.CopyTo(_strings, group);
            quotes.CopyTo(masks.Quotes[(group + 1)..]);
            Vector512<ulong> scalars = ~(strings | quotes | between);
            Vector512<ulong> starts = scalars & ~BlockEights.Up(scalars, earlierScalars);
            scalars.CopyTo(masks.Scalars[group..]);
            digits.CopyTo(_numberMasks.Digits[group..]);
            zeros.CopyTo(_numberMasks.Zeros[group..]);
            digits &= scalars;
            Vector512<ulong> first = starts & zeros;
            Vector512<ulong> wrong = BlockEights.Up(first, earlierFirst) & digits;
            wrong |= (controls & strings) | Vector512.Equals(digits, Vector512<ulong>.AllBitsSet);
            wrong.CopyTo(_numberMasks.Wrong[group..]);
            (earlierScalars, earlierFirst) = (scalars, first);
            Vector512<ulong> opens = quotes & strings;
            Vector512<ulong> tokens = (marks & ~strings) | opens | starts;
            tokens.CopyTo(masks.Tokens[group..]);
            zero.CopyTo(masks.Escaped[group..]);
            Vector512<ulong> ends = Vector512.Create<ulong>(_nameEnds, group) & quotes & ~strings;
            ends &= ahead >>> 1 | lastBit;   // behind the block may be a colon
            ends.CopyTo(masks.Names[group..]);
            Vector512<ulong> events = (ends & acts) | (opens & ((between | special) >>> 1 | lastBit) & looks);
            events.CopyTo(masks.Events[group..]);
            unsound |= (ulong)(byte)~Vector512.Equals(wrong, zero).ExtractMostSignificantBits() << group;
            eventful |= (ulong)(byte)~Vector512.Equals(events, zero).ExtractMostSignificantBits() << group;
            others |= (ulong)(byte)~Vector512.Equals(digits, scalars).ExtractMostSignificantBits() << group;
        }

        return unsound;
    }

    // Of the blocks that have backslashes, and of those that a string with some goes on into; of all where names are
    // folded, since one that fills a block is then read as if it had some.
    private void ReadEscapes(int blocks, ulong slashed)
    {
        BlockMasks masks = _masks;
        ulong left = _folds != 0 ? ulong.MaxValue : slashed;
        for (int block = 0; block < blocks; block++)
        {
            if (_isEscaped == 0)
            {
                ulong next = left >> block << block;
                block = BitOperations.TrailingZeroCount(next);
                if (next == 0 || block >= blocks) return;
            }

            ulong strings = _strings[block];
            ulong slashes = (slashed >> block & 1) != 0 ? _slashes[block] : 0;
            if ((slashes | _isEscaped) != 0)
            {
                ulong escaped = Escaped(slashes, strings, masks.Quotes[block + 1] & ~strings);
                ulong ahead = _classes[block * BlockEights.Classes + (int)BlockClass.Ahead];
                ulong ends = escaped & (ahead >> 1 | LastBit);
                masks.Escaped[block] = escaped;
                masks.Names[block] |= ends;
                masks.Events[block] |= ends & _acts;
                if (masks.Events[block] != 0) Eventful |= 1UL << block;
            }

            if (strings == ulong.MaxValue) _isEscaped |= _folds;
        }
    }

    // Numbers and literals of the blocks of others, and of those that one which is more than digits goes on into.
    private bool CheckNumbers<TBlock>(in WindowBytes bytes, ulong others)
        where TBlock : struct, IBlockBytes<TBlock>
    {
        int blocks = bytes.Blocks;
        ReadOnlySpan<ulong> all = _masks.Scalars[..blocks];
        if (BitOperations.PopCount(others) * OthersShare >= blocks)
        {
            FindNumbers<TBlock>(in bytes, others);
            if (BlockNumbers.TryCheck(_numberMasks, _masks.Scalars, blocks, others, out ulong unsound))
            {
                unsound &= ulong.MaxValue >> (BlocksMax - blocks);
                if (unsound == 0) return true;
                int first = BitOperations.TrailingZeroCount(unsound);
                return !Fails(first, _numberMasks.Wrong[first]);
            }
        }

        int block = 0;
        while (true)
        {
            if (!_numbers.GoesOn)
            {
                ulong left = block < BlocksMax ? others >> block << block : 0;
                if (left == 0) return true;
                int next = BitOperations.TrailingZeroCount(left);
                if (next > block) PassDigits(all, next - 1);
                block = next;
            }

            if (block == blocks) return true;
            ulong scalars = all[block];
            ulong starts = scalars & ~(scalars << 1 | (block > 0 ? all[block - 1] >> 63 : 0));
            ulong wrong = _numbers.Check<TBlock>(bytes[block][BytesBefore..], scalars, starts);
            if (Fails(block, wrong)) return false;
            block++;
        }
    }

    // What numbers have but digits, and literals, in the blocks of others.
    private void FindNumbers<TBlock>(in WindowBytes bytes, ulong others)
        where TBlock : struct, IBlockBytes<TBlock>
    {
        NumberMasks masks = _numberMasks;
        Vector512<ulong> zero = Vector512<ulong>.Zero;
        for (int group = 0; group < bytes.Blocks; group += Eight)
        {
            if ((others >> group & 0xFF) == 0) continue;
            zero.CopyTo(masks.Minus[group..]);
            zero.CopyTo(masks.Dots[group..]);
            zero.CopyTo(masks.Literals[group..]);
            zero.CopyTo(masks.Fives[group..]);
        }

        for (; others != 0; others &= others - 1)
        {
            int block = BitOperations.TrailingZeroCount(others);
            ReadOnlySpan<byte> from = bytes[block][BytesBefore..];
            TBlock one = TBlock.Load(from);
            masks.Minus[block] = one.Equal((byte)'-');
            masks.Dots[block] = one.Equal((byte)'.');
            masks.Literals[block] = TBlock.Literals(from, ulong.MaxValue, out masks.Fives[block]);
        }
    }

    // Behind a block whose numbers are digits alone.
    private void PassDigits(ReadOnlySpan<ulong> scalars, int block)
    {
        ReadOnlySpan<ulong> classes = _classes.AsSpan(block * BlockEights.Classes, BlockEights.Classes);
        ulong starts = scalars[block] & ~(scalars[block] << 1);   // right but for the first bit
        _numbers.PassDigits(
            classes[(int)BlockClass.Digits] & scalars[block], classes[(int)BlockClass.Zeros] & starts);
    }

    // What is wrong in the last block may lie behind what is taken.
    private bool Fails(int block, ulong wrong)
    {
        if (wrong == 0) return false;
        if (block < _blocks - 1) return true;
        _wrongLast |= wrong;
        return false;
    }
}
