using System.Buffers;
using System.Text;
using Countersign.Policy.Approvals;
using Xunit;

namespace Countersign.Policy.Tests.Approvals;

public sealed class StrictJsonTests
{
    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData(" null ")]
    [InlineData("9007199254740993")]
    [InlineData("{\"a\":{\"a\":1},\"b\":[{\"a\":1},{\"a\":2}]}")]
    [InlineData("{\"a\":1,\"A\":2}")]
    [InlineData("\"\\ud83d\\ude00\"")]
    [InlineData("{\"a\":{\"b\":1},\"b\":{\"a\":1,\"c\":{}}}")]
    public void Plain_json_passes_however_it_is_cut(string json)
    {
        // Proves that good bodies pass whole and in two buffers, by cutting at every byte.
        AssertEverywhere(Encoding.UTF8.GetBytes(json), expected: true);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("{} {}")]
    [InlineData("{\"a\":1,}")]
    [InlineData("{\"a\":1 /* */}")]
    [InlineData("{'a':1}")]
    [InlineData("{\"a\":1,\"a\":1}")]
    [InlineData("{\"amount\":1,\"\\u0061mount\":2}")]
    [InlineData("[{\"x\":{\"b\":1,\"c\":2,\"b\":3}}]")]
    [InlineData("\"\\ud800\"")]
    [InlineData("{\"\\udc00\":1}")]
    [InlineData("\uFEFF{}")]
    [InlineData("NaN")]
    [InlineData("01")]
    public void What_two_parsers_may_read_differently_does_not(string json)
    {
        // Proves refusal with a reason, whole and in two buffers, by cutting at every byte.
        AssertEverywhere(Encoding.UTF8.GetBytes(json), expected: false);
    }

    [Fact]
    public void Invalid_utf8_does_not_pass()
    {
        // Proves that bytes are checked inside strings too: overlong, cut short, and a surrogate in UTF-8.
        foreach (byte[] bytes in new byte[][] { [0xC0, 0xAF], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xFF] })
            AssertEverywhere([(byte)'"', .. bytes, (byte)'"'], expected: false);
    }

    [Fact]
    public void Depth_is_bounded()
    {
        // Proves the limit of 64, by nesting as deep and one deeper.
        AssertEverywhere(Encoding.UTF8.GetBytes(new string('[', 64) + new string(']', 64)), expected: true);
        AssertEverywhere(Encoding.UTF8.GetBytes(new string('[', 65) + new string(']', 65)), expected: false);
    }

    private static void AssertEverywhere(byte[] json, bool expected)
    {
        Assert.Equal(expected, StrictJson.IsUnambiguous(json.AsSpan(), out string why));
        Assert.Equal(expected, why.Length == 0);
        for (int cut = 0; cut <= json.Length; cut++)
        {
            ReadOnlySequence<byte> pieces = Pieces.Cut(json, cut);
            Assert.Equal(expected, StrictJson.IsUnambiguous(pieces, out string reason));
            Assert.Equal(why, reason);
        }
    }
}
