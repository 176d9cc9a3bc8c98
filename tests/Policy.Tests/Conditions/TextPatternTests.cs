using System.Text.RegularExpressions;
using Countersign.Policy.Conditions;

namespace Countersign.Policy.Tests.Conditions;

public sealed class TextPatternTests
{
    [Theory]
    [InlineData("^[a-z]{1,1000000}$")]
    [InlineData("a{99999999}")]
    [InlineData("a{9999999999999999999999}")]
    [InlineData("a{1001}")]
    [InlineData("a{1,1001}")]
    [InlineData("^a{3}{2}$")]
    [InlineData("^a{3}{1000}$")]
    [InlineData("^a{1,2}{3}$")]
    [InlineData("a*{2}")]
    [InlineData("a{2}+")]
    [InlineData("^a{01}$")]
    [InlineData("^a{1,02}$")]
    [InlineData("a{1x}")]
    [InlineData("a{1")]
    [InlineData("{2}")]
    [InlineData("(|{2})")]
    public void A_brace_before_a_digit_is_a_count_or_an_error(string pattern)
    {
        // Proves that no pattern is taken for text that its author meant as a count: a rule would be empty.
        Assert.Throws<ConditionSyntaxException>(() => TextPattern.Compile(pattern, 0));
    }

    [Theory]
    [InlineData("^a{3}$", "aaa", true)]
    [InlineData("^a{3}$", "aa", false)]
    [InlineData("^a{0,2}$", "", true)]
    [InlineData("^a{2,}$", "aaaaa", true)]
    [InlineData("^a{1,3}?b$", "aab", true)]
    [InlineData("^a{,2}$", "a{,2}", true)]
    [InlineData("^a{x}$", "a{x}", true)]
    [InlineData("^a\\{2}$", "a{2}", true)]
    public void Counts_count_and_other_braces_are_text(string pattern, string text, bool matches)
    {
        // Proves that what RE2 counts is counted, and that braces that look like no count stay text.
        Assert.Equal(matches, TextPattern.Compile(pattern, 0).IsMatch(text));
    }

    [Theory]
    [InlineData("(?i)^S$", "sS\u017F")]
    [InlineData("(?i)^\u017F$", "sS\u017F")]
    [InlineData("(?i)^k$", "kK\u212A")]
    [InlineData("(?i)^[k]$", "kK\u212A")]
    [InlineData("(?i)^[a-z]$", "azAZ\u017F\u212A")]
    [InlineData("(?i)^\u03C3$", "\u03C3\u03C2\u03A3")]
    [InlineData("(?i)^\u00DF$", "\u00DF\u1E9E")]
    [InlineData("(?i)^\u00E5$", "\u00E5\u00C5\u212B")]
    [InlineData("(?i)^\u01C5$", "\u01C4\u01C5\u01C6")]
    [InlineData("^(?i:s)$", "sS\u017F")]
    public void Case_is_folded_as_unicode_says(string pattern, string same)
    {
        // Proves that a rule without regard to case is got round by no character that differs in case alone.
        Regex regex = TextPattern.Compile(pattern, 0);
        Assert.All(same, one => Assert.Matches(regex, one.ToString()));
        Assert.DoesNotMatch(regex, "1");
    }

    [Fact]
    public void Case_matters_where_no_flag_says_otherwise()
    {
        // Proves that folding ends with its group and with its flag, and that a negated class folds too.
        Assert.DoesNotMatch(TextPattern.Compile("^s$", 0), "\u017F");
        Assert.DoesNotMatch(TextPattern.Compile("^(?i:a)s$", 0), "a\u017F");
        Assert.DoesNotMatch(TextPattern.Compile("^(?i)a(?-i)s$", 0), "a\u017F");
        Assert.DoesNotMatch(TextPattern.Compile("(?i)^[^s]$", 0), "\u017F");
        Assert.Matches(TextPattern.Compile("(?i)^[^s]$", 0), "t");
    }
}
