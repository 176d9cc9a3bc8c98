using Countersign.Policy.Approvals;

namespace Countersign.Policy.Tests.Approvals;

public sealed class SafeTextTests
{
    [Theory]
    [InlineData("plain, with ümläuts, 漢字 and 𝄞", "plain, with ümläuts, 漢字 and 𝄞")]
    [InlineData("", "")]
    [InlineData("a\u001b[2Jb", "a\\u{1b}[2Jb")]
    [InlineData("a\r\nb\tc", "a\\u{d}\\u{a}b\\u{9}c")]
    [InlineData("\u202Egnp.exe", "\\u{202e}gnp.exe")]
    [InlineData("pay\u200Bpal \u2066x\u2069", "pay\\u{200b}pal \\u{2066}x\\u{2069}")]
    [InlineData("a\u00A0b\u2003c\u3000d", "a\\u{a0}b\\u{2003}c\\u{3000}d")]
    [InlineData("a\u2028b\u2029c\u0085d", "a\\u{2028}b\\u{2029}c\\u{85}d")]
    [InlineData("\u3164\u115F\u2800\uFE0F\u034F", "\\u{3164}\\u{115f}\\u{2800}\\u{fe0f}\\u{34f}")]
    [InlineData("tag\U000E0041", "tag\\u{e0041}")]
    [InlineData("\uE000\uFEFF", "\\u{e000}\\u{feff}")]
    public void What_deceives_shows_as_its_code(string text, string shown)
    {
        // Proves what is marked and what is not, by one of each kind.
        Assert.Equal(shown, SafeText.Show(text));
    }

    [Fact]
    public void Half_a_character_is_marked_and_none_is_cut_in_half()
    {
        // Proves unpaired surrogates, which attributes cannot hold, and that a bound never splits a pair.
        Assert.Equal("a\\u{d834}b", SafeText.Show("a\uD834b"));
        Assert.Equal("\\u{dd1e}", SafeText.Show("\uDD1E"));
        Assert.Equal("a… (2 more characters)", SafeText.Show("a𝄞", 2));
        Assert.Equal("a𝄞", SafeText.Show("a𝄞", 3));
    }
}
