using System.Text;
using Countersign.Masking.Detectors;

namespace Countersign.Masking.Tests.Detectors;

public sealed class ValueSearchTests
{
    private const int Seeds = 20_000;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Says_what_is_found_in_order(bool overlap)
    {
        // Proves on random texts, some of them of several blocks, that a search which goes on from find to find says
        // what each search anew says, detection by detection in their order: wherever it began, whatever is wanted,
        // and also where more places are marked than give something away.
        int finds = 0;
        for (int seed = 1; seed <= Seeds; seed++)
        {
            var random = new Random(seed);
            byte[] value = Text(random, overlap);
            DetectorSet wanted = random.Next(3) > 0 ? EveryWay.Every : (DetectorSet)random.Next(1, 1024);
            bool isTelling = random.Next(4) == 0;
            int from = random.Next(3) == 0 ? random.Next(value.Length + 1) : 0;
            int most = random.Next(4) == 0 ? random.Next(1, 100) : int.MaxValue;
            finds += AssertSame(
                new ValueSearch(new(value), wanted, isTelling, from, most), value, wanted, isTelling, most,
                $"seed {seed}, from {from}: {Encoding.Latin1.GetString(value)}");
            AssertSame(new ValueSearch(new(value), wanted, isTelling, Places(value, wanted, random)), value, wanted,
                isTelling, int.MaxValue, $"seed {seed}, marked: {Encoding.Latin1.GetString(value)}");
        }

        Assert.True(finds > Seeds, "too little was found to prove anything: " + finds);
    }

    [Fact]
    public void Short_values_say_so_at_once()
    {
        // Proves of random values of up to a block that what is said of one at once is what a search says first, and
        // all that it says where that is said, and that it is said of most.
        int told = 0;
        for (int seed = 1; seed <= Seeds; seed++)
        {
            var random = new Random(seed);
            byte[] value = random.Next(2) == 0 ? RandomText.Of(random) : RandomText.Overlapping(random);
            int start = random.Next(value.Length + 1);
            value = value[start..Math.Min(value.Length, start + random.Next(TriggerMasks.BlockBytes + 1))];
            ulong[] places = Places(value, EveryWay.Every, random);
            bool isTelling = random.Next(3) == 0;
            ulong only = places.Length > 0 ? places[0] : 0;
            bool isTold = ValueSearch.TryFindFirst(
                new(value), EveryWay.Every, isTelling, only, out Detection said, out bool isAll);
            if (!isTold) continue;
            told++;
            var search = new ValueSearch(new(value), EveryWay.Every, isTelling, places);
            string context = $"seed {seed}: {Encoding.Latin1.GetString(value)}";
            Assert.True(search.TryNext(out Detection expected) == said.Length > 0 && said == expected, context);
            Assert.True(!isAll || !search.TryNext(out _), context);
        }

        Assert.True(told > Seeds / 2, "too little was told at once: " + told);
    }

    private static int AssertSame(
        ValueSearch search, byte[] value, DetectorSet wanted, bool isTelling, int most, string context)
    {
        int finds = 0;
        bool isFound = true;
        while (isFound)
        {
            bool isExpected = ValueDetector.TryFindInOrder(
                value, wanted, search.From, isTelling, default, most, out Detection expected);
            isFound = search.TryNext(out Detection said);
            Assert.True(isFound == isExpected && said == expected, $"{said} is not {expected}; {wanted}, {context}");
            Assert.True(!isFound || search.From == said.End, context);
            finds++;
        }

        return finds - 1;
    }

    private static byte[] Text(Random random, bool overlap)
    {
        byte[] text = overlap ? RandomText.Overlapping(random) : RandomText.Of(random);
        for (int more = random.Next(3); more > 0; more--)
            text = [.. text, .. overlap ? RandomText.Overlapping(random) : RandomText.Of(random)];
        return text;
    }

    private static ulong[] Places(byte[] value, DetectorSet wanted, Random random)
    {
        ulong[] places = new ulong[(value.Length + TriggerMasks.BlockBytes - 1) / TriggerMasks.BlockBytes];
        var triggers = new Triggers(wanted);
        ulong isAfterWord = 0;
        ulong isAfterDigit = 0;
        byte[] padded = [.. value, .. new byte[TriggerMasks.BlockBytes + TriggerMasks.BytesAhead]];
        bool marksMore = wanted == EveryWay.Every && random.Next(2) == 0;   // who is not wanted is not marked
        for (int word = 0; word < places.Length; word++)
        {
            ReadOnlySpan<byte> block = padded.AsSpan(word * TriggerMasks.BlockBytes);
            places[word] = triggers.In(block, ref isAfterWord, ref isAfterDigit);
            if (marksMore) places[word] |= 1UL << random.Next(64) & ulong.MaxValue >> 1;
            int left = value.Length - (word * TriggerMasks.BlockBytes);
            if (left < TriggerMasks.BlockBytes) places[word] &= (1UL << left) - 1;
        }

        return places;
    }
}
