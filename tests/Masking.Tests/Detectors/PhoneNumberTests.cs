namespace Countersign.Masking.Tests.Detectors;

public sealed class PhoneNumberTests
{
    [Theory]
    [InlineData("1.(415) 555-2671", "***")]
    [InlineData("1.415-555-2671", "***")]
    [InlineData("1.415 555 2671", "***")]
    [InlineData("call 1.(415)555-2671, 1.415.555.2671", "call ***, ***")]
    [InlineData("1.415 or 1.(5), 21.415-555-26", "1.415 or 1.(5), 21.415-555-26")]
    [InlineData("1.135-555-2671", "1.135-555-2671")]
    public void A_dot_parts_the_country_code_as_a_space_does(string given, string expected)
    {
        // Proves at every place in a block, width and split that such a number is found, and nothing that looks like
        // its beginning. It was found by where in a block it stood.
        EveryWay.AssertMasks("note", given, expected);
    }
}
