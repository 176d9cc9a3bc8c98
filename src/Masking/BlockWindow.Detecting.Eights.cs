using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Countersign.Masking.Detectors;

namespace Countersign.Masking;

/// <content>What detectors must look at, eight blocks at once. It marks less than block by block, and never too
/// little.</content>
internal sealed partial class BlockWindow
{
    private readonly ulong[] _letterMarks = new ulong[BlocksMax + Eight];
    private readonly ulong[] _signMarks = new ulong[BlocksMax + Eight];
    private readonly ulong[] _urlMarks = new ulong[BlocksMax + Eight];

    // Behind ReadEights, whose strings, digits and zeros it takes, and whose room for classes.
    private void DetectEights(in WindowBytes bytes, DetectorSet wanted)
    {
        int blocks = _blocks;
        var triggers = new TriggerEights(wanted);
        bool tells = (wanted & DetectorSet.HighEntropy) != 0;
        for (int run = 0; run < WindowBytes.Runs; run++)
        {
            ReadOnlySpan<byte> some = bytes.Run(run, out int from, out int count);
            if (count == 0) continue;
            triggers.Classify(
                some[BytesBefore..], _classes.AsSpan(from * BlockEights.Classes, count * BlockEights.Classes),
                _letterMarks.AsSpan(from, count), _signMarks.AsSpan(from, count), _urlMarks.AsSpan(from, count));
            if (tells) BlockEights.FindNameEnds(some, TellingNames.Trails, _nameEnds.AsSpan(from, count));
        }

        ulong urls = TriggerEights.BeforeAddresses(_classes.AsSpan(0, blocks * BlockEights.Classes));
        BlockMasks masks = _masks;
        Vector512<ulong> zero = Vector512<ulong>.Zero;
        Vector512<ulong> wordsBefore = zero;
        Vector512<ulong> digitsBefore = zero;
        Vector512<ulong> separatorsBefore = zero;
        Vector512<ulong> names = tells ? Vector512<ulong>.AllBitsSet : zero;
        ulong carried = 0;   // something may be detected in the string that goes on
        ulong eventful = 0;
        for (int group = 0; group < blocks; group += Eight)
        {
            int words = Math.Min(Eight, blocks - group);
            Vector512<ulong> next = BlockEights.Behind(words);
            TriggerWords of = TriggerWordsOf(group, urls);
            Vector512<ulong> strings = Vector512.Create<ulong>(_strings, group);
            Vector512<ulong> digits = Vector512.Create<ulong>(_numberMasks.Digits[group..]);
            Vector512<ulong> zeros = Vector512.Create<ulong>(_numberMasks.Zeros[group..]);
            Vector512<ulong> places = triggers.In(of, digits, zeros, digitsBefore, wordsBefore, next);
            (wordsBefore, digitsBefore) = (of.Words, digits);
            places.CopyTo(masks.Triggers[group..]);

            // A mark is added to the run that is its string, and so is carried to the quote behind. A name is none of
            // those that are looked into.
            Vector512<ulong> closes = of.Quotes & ~strings;
            Vector512<ulong> escaped = Vector512.Create<ulong>(masks.Escaped[group..]);
            Vector512<ulong> sum = Carried(strings, places & strings, words, ref carried);
            Vector512<ulong> detected = ((sum & closes) | escaped) & ~(of.Colons >>> 1);
            detected.CopyTo(masks.Detected[group..]);
            Vector512<ulong> separators = ~(of.Words | of.Quotes) & strings;
            Vector512<ulong> earlier = BlockEights.Before(separators, separatorsBefore);
            Vector512<ulong> behind = separators << 1 | separators << 2 | separators << 3
                | earlier >>> 63 | earlier >>> 62 | earlier >>> 61;
            separatorsBefore = separators;
            Vector512<ulong> telling = ((Vector512.Create<ulong>(_nameEnds, group) | behind) & closes) | escaped;
            telling &= (of.Ahead >>> 1 | Vector512.Create(LastBit)) & names;
            telling.CopyTo(masks.Telling[group..]);
            Vector512<ulong> scalars = Vector512.Create<ulong>(masks.Scalars[group..]);
            Vector512<ulong> starts = Vector512.Create<ulong>(masks.Tokens[group..]) & scalars;
            Vector512<ulong> events = Vector512.Create<ulong>(masks.Events[group..]) | detected | telling
                | MarkedNumbers(starts, scalars, places & scalars, next);
            events.CopyTo(masks.Events[group..]);
            eventful |= (ulong)(byte)~Vector512.Equals(events, zero).ExtractMostSignificantBits() << group;
        }

        Eventful |= eventful & ulong.MaxValue >> (BlocksMax - blocks);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private TriggerWords TriggerWordsOf(int group, ulong urls)
    {
        TriggerWords of = default;
        BlockEights.Turn(
            _classes.AsSpan(group * BlockEights.Classes, Eight * BlockEights.Classes), out of.Words, out of.Run,
            out of.Dots, out of.Ats, out of.Begins, out of.Ones, out of.Ahead, out of.Colons);
        of.Quotes = Vector512.Create<ulong>(_masks.Quotes[(group + 1)..]);
        of.Letters = Vector512.Create<ulong>(_letterMarks, group);
        of.Signs = Vector512.Create<ulong>(_signMarks, group);
        of.Urls = Vector512.Create<ulong>(_urlMarks, group) & BlockEights.Spread(urls >> group);
        return of;
    }

    // The sum of what would be one number of so many words; carried is 1 or 0, before and behind them.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Carried(
        Vector512<ulong> strings, Vector512<ulong> marks, int words, ref ulong carried)
    {
        Vector512<ulong> sum = strings + marks;
        ulong full = (byte)Vector512.Equals(sum, Vector512<ulong>.AllBitsSet).ExtractMostSignificantBits();
        ulong over = (byte)Vector512.LessThan(sum, strings).ExtractMostSignificantBits();
        ulong into = ((over << 1 | carried) + full) ^ full;
        carried = into >> words & 1;
        return sum - BlockEights.Spread(into);   // all ones are less than nothing by one
    }

    // Numbers of seven bytes or more, or that may have so many, which are marked where they begin or behind their sign;
    // any where another place of one is marked; and the one that goes on behind the block.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> MarkedNumbers(
        Vector512<ulong> starts, Vector512<ulong> scalars, Vector512<ulong> places, Vector512<ulong> next)
    {
        Vector512<ulong> long2 = scalars & BlockEights.Down(scalars, 1, next);
        Vector512<ulong> long4 = long2 & BlockEights.Down(long2, 2, next);
        Vector512<ulong> long7 = long4 & BlockEights.Down(long4, 3, next);
        Vector512<ulong> others = places & ~(starts | starts << 1);
        Vector512<ulong> any = ~Vector512.Equals(others, Vector512<ulong>.Zero);
        Vector512<ulong> near = places | places >>> 1 | Vector512.Create(LastBit) | any;
        Vector512<ulong> open = Avx512F.ShiftRightLogicalVariable(
            Vector512.Create(LastBit), Avx512CD.LeadingZeroCount(~scalars) - Vector512<ulong>.One);
        return starts & long7 & (near | open);
    }
}
