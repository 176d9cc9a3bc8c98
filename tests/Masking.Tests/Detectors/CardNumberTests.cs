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
}
