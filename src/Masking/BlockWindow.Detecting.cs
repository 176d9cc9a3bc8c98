using System.Numerics;
using System.Runtime.CompilerServices;
using Countersign.Masking.Detectors;

namespace Countersign.Masking;

/// <content>What detectors must look at.</content>
internal sealed partial class BlockWindow
{
    private readonly ulong[] _marked = new ulong[BlocksMax];

    /// <summary>Where something may be detected in the value from <paramref name="from"/> to <paramref name="to"/>, a
    /// bit for each byte, 64 a word, until the next call; empty if nowhere.</summary>
    public ReadOnlySpan<ulong> Marked(int from, int to)
    {
        int words = (to - from + BlockBytes - 1) / BlockBytes;
        int block = (from - Start) / BlockBytes;
        int shift = (from - Start) % BlockBytes;
        ulong any = 0;
        for (int word = 0; word < words; word++, block++)
        {
            ulong places = _masks.Triggers[block] >> shift;
            if (shift > 0 && block + 1 < _blocks) places |= _masks.Triggers[block + 1] << (BlockBytes - shift);
            if (word == words - 1) places &= ulong.MaxValue >> (words * BlockBytes - (to - from));
            _marked[word] = places;
            any |= places;
        }

        return any == 0 ? default : _marked.AsSpan(0, words);
    }

    // A loop of its own: most of it waits for nothing in the other one. Too much is marked, never too little: what
    // stands before the window is not known, and what gives a detection away may also stand outside strings.
    private void Detect<TBlock>(in WindowBytes bytes, DetectorSet wanted)
        where TBlock : struct, IBlockBytes<TBlock>
    {
        var triggers = new Triggers(wanted);
        bool tells = (wanted & DetectorSet.HighEntropy) != 0;
        ulong inString = _inString;
        ulong isDetected = 0;        // each 0 or 1: something may be, in the string that goes on;
        ulong isAfterWord = 0;       // of the last byte before the block
        ulong isAfterDigit = 0;
        ulong separatorsBefore = 0;
        BlockMasks masks = _masks;
        for (int block = 0; block < _blocks; block++)
        {
            ReadOnlySpan<byte> around = bytes[block];
            ulong quotes = masks.Quotes[block + 1];
            ulong strings = BlockText.PrefixXor(quotes) ^ inString;
            ulong places = triggers.In(around[BytesBefore..], ref isAfterWord, ref isAfterDigit, out ulong words);
            inString = 0 - (strings >> 63);
            masks.Triggers[block] = places;

            // A mark is added to the run that is its string, and so is carried to the quote behind.
            ulong sum = strings + ((places & strings) | isDetected);
            isDetected = sum < strings ? 1UL : 0;
            ulong closes = quotes & ~strings;
            ulong escaped = masks.Escaped[block];
            ulong detected = (sum & closes) | escaped;
            masks.Detected[block] = detected;
            ulong separators = ~(words | quotes) & strings;
            ulong telling = tells ? Telling<TBlock>(around, separators, ref separatorsBefore, closes, escaped) : 0;
            masks.Telling[block] = telling;
            ulong scalars = masks.Scalars[block];
            ulong numbers = Numbers(masks.Tokens[block] & scalars, scalars, places);
            ulong events = masks.Events[block] | detected | telling | numbers;
            masks.Events[block] = events;
            if (events != 0) Eventful |= 1UL << block;
        }
    }

    // Quotes that close what may be a name which tells of a secret: by its last three bytes, or because one of them is
    // a separator.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Telling<TBlock>(
        ReadOnlySpan<byte> around, ulong separators, ref ulong before, ulong closes, ulong escaped)
        where TBlock : struct, IBlockBytes<TBlock>
    {
        ulong behind = separators << 1 | separators << 2 | separators << 3 | before >> 63 | before >> 62 | before >> 61;
        before = separators;
        return (((TBlock.NameEnds(around, TellingNames.Trails) | behind) & closes) | escaped) & Colons<TBlock>(around);
    }

    // Bytes behind which a colon may come.
    private static ulong Colons<TBlock>(ReadOnlySpan<byte> around)
        where TBlock : struct, IBlockBytes<TBlock>
    {
        TBlock now = TBlock.Load(around[BytesBefore..]);
        return (now.Equal((byte)':') | now.InRange(0, 0x21)) >> 1 | LastBit;
    }

    // Numbers of seven bytes or more, or that may have so many: nothing is detected in a shorter one. Those of a block
    // in which nothing is given away are left, but for one that goes on behind it.
    private static ulong Numbers(ulong starts, ulong scalars, ulong places)
    {
        ulong long2 = scalars & (scalars >> 1 | LastBit);
        ulong long4 = long2 & (long2 >> 2 | 3UL << 62);
        ulong long7 = long4 & (long4 >> 3 | 7UL << 61);
        if ((places & scalars) == 0) starts &= LastBit >> (BitOperations.LeadingZeroCount(~scalars) - 1);
        return starts & long7;
    }
}
