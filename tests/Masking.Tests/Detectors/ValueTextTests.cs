using System.Text;
using Countersign.Masking.Detectors;

namespace Countersign.Masking.Tests.Detectors;

public sealed class ValueTextTests
{
    private const int Seeds = 100_000;

    [Fact]
    public void Addresses_at_once_are_those_byte_by_byte()
    {
        // Proves of random parts of addresses, long and short, ASCII and not, at the beginning and the end of a value
        // and within, that what is told from 64 bytes on both sides of a sign is what is told byte by byte; and that
        // what stands around a value has no part in it.
        string[] pieces =
        [
            "a", "Z", "9", ".", "-", "_", "%", "+", "'", "é", "рф", " ", "\"", ",", "com", "example", "co.uk",
            "xn--p1ai", "XN--", "@", "..", "a1", new string('b', 40), new string('c', 63), new string('.', 3),
        ];
        int found = 0;
        for (int seed = 1; seed <= Seeds; seed++)
        {
            var random = new Random(seed);
            string domain = Joined(random, pieces, 8) + new[] { "", "x.com", ".io", ".é" }[random.Next(4)];
            byte[] value = Encoding.UTF8.GetBytes(Joined(random, pieces, 6) + "@" + domain);
            if (random.Next(4) == 0) value[random.Next(value.Length)] = (byte)random.Next(256);   // perhaps no UTF-8
            byte[] around = Surrounded(random, value, "a.@x", out int start);
            var text = new ValueText(around, start, start + value.Length);
            for (int sign = 0; sign < value.Length; sign++)
            {
                if (value[sign] != '@') continue;
                Detection expected = EmailAddress.Around(value, sign);
                string context = $"seed {seed} at {sign}: {Encoding.UTF8.GetString(value)}";
                Assert.True(expected == EmailAddress.Around(text, sign), context);
                Assert.True(expected == EmailAddress.Around(new ValueText(value), sign), context);
                if (expected.Length > 0) found++;
            }
        }

        Assert.True(found > Seeds / 10, "too few addresses to prove anything: " + found);
    }

    [Fact]
    public void Accounts_at_once_are_those_byte_by_byte()
    {
        // Proves the same of account numbers: sound ones, damaged ones, those with spaces where they may be and where
        // they may not, and of the longest.
        string[] accounts =
        [
            "GB82WEST12345698765432", "DE89370400440532013000", "NO9386011117947", "FR1420041010050500013M02606",
            "MT84MALT011000012345MTLCAST001S", "LC55HEMM000100010012001200023015", "BE68539007547034",
            "RU0304452522540817810538091310419", "de89370400440532013000", "XX89370400440532013000",
        ];
        int found = 0;
        for (int seed = 1; seed <= Seeds; seed++)
        {
            var random = new Random(seed);
            var written = new StringBuilder(accounts[random.Next(accounts.Length)]);
            for (int damages = random.Next(3); damages > 1; damages--)
                written[random.Next(written.Length)] = "0123456789AZaz -é"[random.Next(17)];
            bool isParted = random.Next(2) == 0;
            for (int place = (written.Length - 1) / 4 * 4; isParted && place > 0; place -= 4)
                if (random.Next(40) > 0) written.Insert(place, random.Next(60) == 0 ? "  " : " ");
            if (random.Next(8) == 0) written.Insert(random.Next(written.Length), ' ');
            written.Append(new[] { "", "", " 1", ".", "x" }[random.Next(5)]);
            byte[] value = Encoding.UTF8.GetBytes(written.ToString());
            byte[] around = Surrounded(random, value, "A1 0", out int start);
            int expected = Iban.Match(value, 0);
            string context = $"seed {seed}: {written}";
            Assert.True(expected == Iban.Match(new ValueText(around, start, start + value.Length), 0), context);
            Assert.True(expected == Iban.Match(new ValueText(value), 0), context);
            if (expected > 0) found++;
        }

        Assert.True(found > Seeds / 10, "too few accounts to prove anything: " + found);
    }

    [Fact]
    public void What_stands_around_says_nothing()
    {
        // Proves on random texts that a value in the midst of what would go on with it has the finds that it has alone.
        int finds = 0;
        for (int seed = 1; seed <= Seeds / 10; seed++)
        {
            var random = new Random(seed);
            byte[] value = RandomText.Of(random);
            byte[] around = Surrounded(random, value, "4111-+@a.", out int start);
            var alone = new ValueSearch(new(value), EveryWay.Every, besideTellingName: false);
            var within = new ValueSearch(
                new(around, start, start + value.Length), EveryWay.Every, besideTellingName: false);
            while (alone.TryNext(out Detection expected))
            {
                finds++;
                Assert.True(within.TryNext(out Detection found) && found == expected, $"seed {seed}: {expected}");
            }

            Assert.False(within.TryNext(out _), $"seed {seed}");
        }

        Assert.True(finds > Seeds / 100, "too little was found to prove anything: " + finds);
    }

    private static string Joined(Random random, string[] pieces, int most)
    {
        var text = new StringBuilder();
        for (int left = random.Next(most); left > 0; left--) text.Append(pieces[random.Next(pieces.Length)]);
        return text.ToString();
    }

    private static byte[] Surrounded(Random random, byte[] value, string with, out int start)
    {
        byte[] around = new byte[value.Length + random.Next(200)];
        for (int place = 0; place < around.Length; place++) around[place] = (byte)with[random.Next(with.Length)];
        start = random.Next(around.Length - value.Length + 1);
        value.CopyTo(around, start);
        return around;
    }
}
