using System.Text;
using Countersign.Masking.Detectors;

namespace Countersign.Masking.Tests.Detectors;

public sealed class DetectorFuzzTests
{
    private const DetectorSet Every = EveryWay.Every;
    private const int Seeds = 1_500;

    [Theory]
    [MemberData(nameof(Sets))]
    public void Says_what_the_slow_reference_says(uint wanted)
    {
        // Proves each detector, and all at once, against regular expressions and arithmetic on big integers, over
        // random texts of near hits: the same spans in the same order, from every place where a search goes on.
        int found = 0;
        for (int seed = 1; seed <= Seeds; seed++)
        {
            var random = new Random(seed);
            byte[] value = RandomText.Of(random);
            bool telling = random.Next(4) == 0;
            int from = 0;
            while (true)
            {
                Detection expected = SlowDetector.Find(value, (DetectorSet)wanted, from, telling);
                bool isFound = ValueDetector.TryFind(value, (DetectorSet)wanted, from, telling, out Detection said);
                string context = $"seed {seed}, from {from}, telling {telling}: {Encoding.Latin1.GetString(value)}";
                Assert.True(isFound == expected.Length > 0 && said == expected, $"{said} is not {expected}; {context}");
                if (!isFound) break;
                found++;
                from = random.Next(3) == 0 ? said.Start + 1 : said.End;
            }
        }

        Assert.True(found > Seeds / 20, "too little was found to prove anything: " + found);
    }

    [Fact]
    public void Follows_long_keys_as_the_slow_reference_does()
    {
        // Proves of keys near and beyond what is held that they end where regular expressions over the whole say.
        int longer = 0;
        for (int seed = 1; seed <= Seeds; seed++)
        {
            byte[] value = RandomText.LongKey(new Random(seed));
            Detection expected = SlowDetector.Find(value, DetectorSet.PrivateKey, 0, false);
            Assert.True(ValueDetector.TryFind(value, DetectorSet.PrivateKey, 0, false, out Detection said));
            Assert.True(said == expected, $"seed {seed}: {said} is not {expected} of {value.Length}");
            if (said.Length > DetectorLimits.DetectionBytesMax && said.Length < value.Length) longer++;
        }

        Assert.True(longer > Seeds / 10, "too few keys went on: " + longer);
    }

    [Fact]
    public void The_filter_loses_nothing()
    {
        // Proves on the same texts that a detector which finds something is named by the filter, on the bytes as they
        // are and with their first character escaped.
        int named = 0;
        for (int seed = 1; seed <= Seeds; seed++)
        {
            var random = new Random(seed);
            byte[] value = RandomText.Of(random);
            for (uint bit = 1; bit <= (uint)DetectorSet.HighEntropy; bit <<= 1)
            {
                var detector = (DetectorSet)bit;
                if (!ValueDetector.TryFind(value, detector, 0, true, out _)) continue;
                named++;
                Assert.Equal(detector, ValueFilter.Possible(value, detector));
                Assert.True((ValueFilter.Possible(value, Every) & detector) != 0, $"seed {seed}: {detector}");
                byte[] escaped = [.. Encoding.ASCII.GetBytes($"\\u{(int)value[0]:x4}"), .. value[1..]];
                Assert.True((ValueFilter.Possible(escaped, Every) & detector) != 0, $"seed {seed}: {detector} escaped");
            }
        }

        Assert.True(named > Seeds, "too little was found to prove anything: " + named);
    }

    [Fact]
    public void All_widths_say_the_same()
    {
        // Proves on random blocks that vectors of 64, 32 and 16 bytes classify alike, where the machine has them, and
        // that the narrowest says what a look at each byte says.
        for (int seed = 1; seed <= 4_000; seed++)
        {
            var random = new Random(seed);
            byte[] block = new byte[TriggerMasks.BlockBytes + TriggerMasks.BytesAhead];
            byte[] text = [.. RandomText.Of(random), .. RandomText.Of(random), .. RandomText.Of(random)];
            for (int at = 0; at < block.Length; at++) block[at] = text[at % text.Length];
            byte sets = (byte)random.Next(256);
            TriggerMasks.Quarters(block, sets, out ulong l, out ulong s, out ulong d, out ulong w, out ulong r,
                out ulong p, out ulong o);
            AssertBytes(block, d, w, r, p, o);
            ulong[] narrow = [l, s, d, w, r, p, o];
            if (System.Runtime.Intrinsics.X86.Avx2.IsSupported)
            {
                TriggerMasks.Halves(block, sets, out l, out s, out d, out w, out r, out p, out o);
                Assert.Equal<ulong[]>(narrow, [l, s, d, w, r, p, o]);
            }

            if (!System.Runtime.Intrinsics.X86.Avx512BW.IsSupported) continue;
            TriggerMasks.Wide(block, sets, out l, out s, out d, out w, out r, out p, out o);
            Assert.Equal<ulong[]>(narrow, [l, s, d, w, r, p, o]);
        }
    }

    public static TheoryData<uint> Sets() =>
        [.. Enumerable.Range(0, 10).Select(bit => 1u << bit), 1023u, (uint)(DetectorSet.Email | DetectorSet.Phone)];

    private static void AssertBytes(byte[] block, ulong digits, ulong words, ulong run, ulong dots, ulong single)
    {
        for (int at = 0; at < TriggerMasks.BlockBytes; at++)
        {
            char one = (char)block[at];
            Assert.Equal(char.IsAsciiDigit(one), (digits >> at & 1) != 0);
            Assert.Equal(char.IsAsciiLetterOrDigit(one), (words >> at & 1) != 0);
            bool isRun = char.IsAsciiDigit(one) || " ()*+-/".Contains(one, StringComparison.Ordinal);
            Assert.Equal(isRun, (run >> at & 1) != 0);
            Assert.Equal(one == '.', (dots >> at & 1) != 0);
            Assert.Equal(one is '@' or '+' or '(', (single >> at & 1) != 0);
        }
    }
}
