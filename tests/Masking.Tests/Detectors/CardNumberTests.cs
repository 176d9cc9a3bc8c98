using System.Text;
using Countersign.Masking.Detectors;

namespace Countersign.Masking.Tests.Detectors;

public sealed class CardNumberTests
{
    [Theory]
    [InlineData("4242424242424242.0", true)]
    [InlineData("4242424242424242.00", true)]
    [InlineData("-378282246310005.0", true)]
    [InlineData("30569309025904.0", true)]
    [InlineData("4000000000000000006.0000", true)]
    [InlineData("4242424242424242.00000000000000000000000000000000", true)]
    [InlineData("4242424242424242.000000000000000000000000000000000", false)]
    [InlineData("4242424242424242.01", false)]
    [InlineData("4242424242424242.10", false)]
    [InlineData("4242424242424243.0", false)]
    [InlineData("1234567890123452.0", false)]
    [InlineData("4242424242424242.0e1", false)]
    [InlineData("42.42424242424242", false)]
    public void Whole_numbers_may_be_written_as_decimals(string number, bool isCard)
    {
        // Proves that a card's number which a serializer of doubles or decimals wrote is found, and that what has other
        // digits behind the point, or a wrong check digit, is none.
        EveryWay.AssertNumber(number, isCard);
    }

    [Theory]
    [InlineData("4242424242424242.0", "***.0")]
    [InlineData("to 4242 4242 4242 4242.00, ok", "to ***.00, ok")]
    [InlineData("4242424242424242.", "***.")]
    [InlineData("4242424242424242.0.1", "4242424242424242.0.1")]
    [InlineData("4242424242424242.0x", "4242424242424242.0x")]
    [InlineData("4242424242424242.0.", "***.0.")]
    [InlineData("1.4242424242424242.0", "1.4242424242424242.0")]
    public void In_text_the_fraction_stays(string given, string expected)
    {
        // Proves the same of text, of which only the number is masked, so that its last digits and its tokens are those
        // of the same number elsewhere.
        EveryWay.AssertMasks("note", given, expected);
    }

    [Fact]
    public void All_at_once_says_what_digit_by_digit_says()
    {
        // Proves of random numbers, in groups of all lengths, near cards and far from them, that the digits taken all
        // at once are what they are one after another; a number may also be cut, or end a value.
        string[] prefixes = ["4", "51", "2221", "34", "6011", "3056", "3600", "6200", "6759", "2200", "9", ""];
        string[] partings = ["", "", "", " ", "-", "  ", "."];
        string[] ends = ["", "", " ", ".", ".0", ".01", "a", "-", "- 1"];
        int cards = 0;
        for (int seed = 1; seed <= 200_000; seed++)
        {
            var random = new Random(seed);
            var text = new StringBuilder(prefixes[random.Next(prefixes.Length)]);
            string parting = partings[random.Next(partings.Length)];
            int group = random.Next(4) == 0 ? random.Next(3, 9) : 4;
            for (int left = random.Next(8, 22); left > 0; left--)
            {
                text.Append((char)('0' + random.Next(10)));
                if (text.Length % (group + parting.Length) == group && random.Next(20) > 0) text.Append(parting);
            }

            text.Append(ends[random.Next(ends.Length)]);
            if (random.Next(2) == 0) text.Append(' ', 20).Append('7');
            byte[] value = Encoding.ASCII.GetBytes(text.ToString());
            int expected = CardNumber.Match(value, 0);
            Assert.True(expected == CardNumber.Match(value, 0, DigitGroups.At(new(value), 0)), $"seed {seed}: {text}");
            if (expected > 0) cards++;
        }

        Assert.True(cards > 1_000, "too few cards to prove anything: " + cards);
    }
}
