using System.Text.Json;
using Countersign.ControlPlane.Console;
using Countersign.ControlPlane.Console.Views;

namespace Countersign.ControlPlane.Tests.Console.Views;

public sealed class ArgumentTreeTests
{
    [Fact]
    public void Amounts_are_found_wherever_they_are()
    {
        // Proves that numbers at any depth, amounts that are texts, and amounts in the query are pinned with their
        // place, exactly as they were sent.
        ArgumentTree tree = Of(
            """{"amount":12500.00,"to":"12","total_price":"3,50","lines":[{"price":6000.5},{"price":1}]}""",
            "/x?amount=7&page=2&max%5Ftotal=9e9");
        Assert.Equal(
            ["amount=12500.00", "?amount=7", "lines[0].price=6000.5", "lines[1].price=1", "total_price=3,50",
                "?max_total=9e9"],
            tree.Pinned.Select(one => one.Path + "=" + one.Text));
        Assert.Equal("12\u202F500", tree.Pinned[0].Spelled);
        Assert.Equal("9\u202F000\u202F000\u202F000", tree.Pinned[5].Spelled);
        Assert.Equal((6, 6, true), (tree.Numbers, tree.NamedNumbers, tree.NeedsReading));
    }

    [Fact]
    public void What_does_not_stay_in_sight_must_be_read()
    {
        // Proves that four amounts of usual length need no word that they were read, and that a fifth, a number and a
        // name too long to stay whole, and one of codes do.
        Assert.False(Of("""{"fee":1,"tax":2,"net":3,"total":123456789012.34}""", "/x").NeedsReading);
        Assert.True(Of("""{"fee":1,"tax":2,"net":3,"total":4,"amount":5}""", "/x").NeedsReading);
        Assert.True(Of("{\"amount\":" + new string('7', 60) + "}", "/x").NeedsReading);
        Assert.True(Of("{\"" + new string('n', 60) + "\":{\"amount\":7}}", "/x").NeedsReading);
        Assert.True(Of("""{"amount":"\u200b1\u200b2\u200b3\u200b4\u200b5\u200b6"}""", "/x").NeedsReading);
        Assert.False(Of("{\"account\":" + new string('7', 60) + "}", "/x").NeedsReading);
    }

    [Theory]
    [InlineData("amount")]
    [InlineData("AMOUNT")]
    [InlineData("totalPrice")]
    [InlineData("unit-cost")]
    [InlineData("refundamount")]
    [InlineData("prices")]
    [InlineData("XMLSum")]
    public void No_padding_takes_a_named_number_away(string name)
    {
        // Proves for names however written, at the top, nested and beneath, that thousands of other and larger numbers
        // before it, more than a page shows, leave it the first.
        string padding = string.Join(',', Enumerable.Range(0, ConsoleLimits.ValuesShownMax + 100).Select(
            index => $"\"account{index}\":99999999{index}"));
        foreach (string value in new[] { "7", "\"7\"", "{\"x\":7}", "[7]", "{\"x\":[\"7\"]}" })
        {
            ArgumentTree tree = Of("{" + padding + ",\"a\":{\"" + name + "\":" + value + "}}", "/x");
            Assert.StartsWith("a." + name, tree.Pinned[0].Path, StringComparison.Ordinal);
            Assert.Equal("7", tree.Pinned[0].Text);
            Assert.Equal((ConsoleLimits.AmountsPinnedMax, 1), (tree.Pinned.Count, tree.NamedNumbers));
            Assert.True(tree.IsCut && tree.NeedsReading);
        }
    }

    [Fact]
    public void The_largest_numbers_follow_and_all_are_counted()
    {
        // Proves that without a telling name the largest come first, that signs and exponents are understood, that all
        // are counted, and that more amounts than are picked out must be read.
        ArgumentTree tree = Of("[1,2,-5000,3,4e3,5,6,7,8,1e400]", "/x");
        Assert.Equal(["1e400", "-5000", "4e3", "8", "7", "6"], tree.Pinned.Select(one => one.Text));
        Assert.Equal((10, 0, false), (tree.Numbers, tree.NamedNumbers, tree.NeedsReading));
        ArgumentTree many = Of(
            "[" + string.Join(',', Enumerable.Range(0, 30).Select(index => $"{{\"fee\":{index}}}")) + "]", "/x");
        Assert.Equal((ConsoleLimits.NamedPinnedMax, true), (many.Pinned.Count, many.NeedsReading));
        Assert.Equal("29", many.Pinned[0].Text);
    }

    [Fact]
    public void A_number_sent_as_a_long_text_is_a_number()
    {
        // Proves that zeros before an amount do not make it another text, and that prose under such a name is none.
        ArgumentTree tree = Of(
            "{\"amount\":\"" + new string('0', 100) + "5\",\"value\":\"" + new string('x', 50) + "1\"}", "/x");
        Assert.Equal("amount", Assert.Single(tree.Pinned).Path);
        Assert.Equal("a number of 101 digits", tree.Pinned[0].Spelled);
    }

    [Theory]
    [InlineData("250", "")]
    [InlineData("9999.99", "")]
    [InlineData("10000", "10\u202F000")]
    [InlineData("1e6", "1\u202F000\u202F000")]
    [InlineData("1E-2", "0.01")]
    [InlineData("-1234567.891", "-1\u202F234\u202F567.891")]
    [InlineData("9007199254740993", "9\u202F007\u202F199\u202F254\u202F740\u202F993")]
    [InlineData("1e400", "very large or small")]
    [InlineData("3,50", "")]
    public void A_number_is_spelled_out_where_it_hides_its_size(string sent, string spelled)
    {
        // Proves that exponents and long numbers are spelled exactly, and small ones are not repeated.
        Assert.Equal(spelled, ArgumentTree.Spell(sent));
    }

    [Fact]
    public void A_body_too_large_for_a_page_says_what_is_missing()
    {
        // Proves that a page is bounded, and that every value that is not on it is counted.
        string body = "[" + string.Join(',', Enumerable.Range(0, ConsoleLimits.ValuesShownMax + 500)) + "]";
        ArgumentTree tree = Of(body, "/x");
        Assert.Equal(ConsoleLimits.ValuesShownMax - 1, tree.Root!.Children.Count);
        Assert.Equal(501, tree.Root.LeftOut);
        string deep = string.Concat(Enumerable.Repeat("[", 90)) + string.Concat(Enumerable.Repeat("]", 90));
        using JsonDocument json = JsonDocument.Parse(deep, new JsonDocumentOptions { MaxDepth = 100 });
        ArgumentNode node = ArgumentTree.Of("/x", json.RootElement, true).Root!;
        int depth = 0;
        for (; node.Children.Count > 0; node = node.Children[0]) depth++;
        Assert.Equal((ConsoleLimits.DepthMax, 1), (depth, node.LeftOut));
    }

    private static ArgumentTree Of(string body, string target)
    {
        using JsonDocument json = JsonDocument.Parse(body);
        return ArgumentTree.Of(target, json.RootElement, true);
    }
}
