using Countersign.ControlPlane.Console.Text;

namespace Countersign.ControlPlane.Tests.Console.Text;

public sealed class VisiblePartsTests
{
    [Theory]
    [InlineData("refund for ticket 4711, 12.50 EUR (approved by Zoë)")]
    [InlineData("Grüße aus Köln, ça va, naïve, Łódź, piñata")]
    [InlineData("привет, как дела? Оплатить счёт")]
    [InlineData("返金してください")]
    [InlineData("don’t — “really”")]
    [InlineData("שלום עולם")]
    public void Honest_text_is_left_alone(string text)
    {
        // Proves on everyday text of several scripts that nothing is marked and nothing changed.
        Assert.True(VisibleParts.IsPlain(text), string.Join(" | ", VisibleParts.Of(text)));
        Assert.Equal(text, Assert.Single(VisibleParts.Of(text)).Text);
    }

    [Theory]
    [InlineData("a\u202Eb", TextPartKind.Direction, "RLO")]
    [InlineData("a\u2066b", TextPartKind.Direction, "LRI")]
    [InlineData("a\u200Fb", TextPartKind.Direction, "RLM")]
    [InlineData("a\u061Cb", TextPartKind.Direction, "U+061C")]
    [InlineData("a\u200Bb", TextPartKind.Hidden, "ZWSP")]
    [InlineData("a\u200Db", TextPartKind.Hidden, "ZWJ")]
    [InlineData("a\u00ADb", TextPartKind.Hidden, "soft hyphen")]
    [InlineData("a\uFEFFb", TextPartKind.Hidden, "BOM")]
    [InlineData("a\u3164b", TextPartKind.Hidden, "U+3164")]
    [InlineData("a\u2800b", TextPartKind.Hidden, "U+2800")]
    [InlineData("a\uFE0Fb", TextPartKind.Hidden, "U+FE0F")]
    [InlineData("a\U000E0041b", TextPartKind.Hidden, "U+E0041")]
    [InlineData("a\u00A0b", TextPartKind.Space, "NBSP")]
    [InlineData("a\u2003b", TextPartKind.Space, "U+2003")]
    [InlineData("a\tb", TextPartKind.Space, "⇥")]
    [InlineData("a\nb", TextPartKind.Space, "↵")]
    [InlineData("a\u2028b", TextPartKind.Space, "U+2028")]
    [InlineData("a\u0000b", TextPartKind.Strange, "U+0000")]
    [InlineData("a\u001Bb", TextPartKind.Strange, "U+001B")]
    [InlineData("a\uE000b", TextPartKind.Strange, "U+E000")]
    public void What_cannot_be_seen_becomes_visible(string text, TextPartKind kind, string shown)
    {
        // Proves for each kind of deceiving character that a code stands in its place, between what is around it.
        List<TextPart> parts = VisibleParts.Of(text);
        Assert.Equal(3, parts.Count);
        Assert.Equal(("a", "b"), (parts[0].Text, parts[2].Text));
        Assert.Equal((kind, shown), (parts[1].Kind, parts[1].Text));
        Assert.NotEqual("", parts[1].Note);
    }

    [Theory]
    [InlineData("acc 12 \u05D0\u05D1 34", "acc 12 ", "\u05D0\u05D1", " 34")]
    [InlineData("\u05D0 100-200", "", "\u05D0", " 100-200")]
    [InlineData("a \u0645\u0631 \u062D\u0628 b", "a ", "\u0645\u0631 \u062D\u0628", " b")]
    [InlineData("1 \uD83A\uDD00", "1 ", "\uD83A\uDD00", "")] // Adlam
    public void Letters_from_right_to_left_are_apart_from_what_they_would_move(
        string text, string before, string turned, string after)
    {
        // Proves that a run of such letters beside digits or others is a part of its own, marked, in the order of the
        // text, and that nothing else is.
        List<TextPart> parts = VisibleParts.Of(text);
        TextPart part = Assert.Single(parts, one => one.Kind == TextPartKind.Turned);
        Assert.Equal(turned, part.Text);
        int at = parts.IndexOf(part);
        Assert.Equal(before, string.Concat(parts.Take(at).Select(one => one.Text)));
        Assert.Equal(after, string.Concat(parts.Skip(at + 1).Select(one => one.Text)));
        Assert.NotEqual("", part.Note);
        Assert.Contains("\u2067" + turned + "\u2069", VisibleParts.Flat(text), StringComparison.Ordinal);
    }

    [Fact]
    public void Half_a_pair_and_stacked_marks_are_strange()
    {
        // Proves that what is no character, and marks that would cover other lines, are shown as codes.
        Assert.Contains(VisibleParts.Of("a" + '\uD800' + "b"), part => part.Text == "U+D800");
        Assert.Contains(VisibleParts.Of("a" + '\uDC00'), part => part.Text == "U+DC00");
        List<TextPart> stacked = VisibleParts.Of("e\u0301\u0302\u0303\u0304");
        Assert.Equal(2, stacked.Count(part => part.Kind == TextPartKind.Strange));
        Assert.True(VisibleParts.IsPlain("e\u0301"));
        Assert.Contains(VisibleParts.Of("\u0301x"), part => part.Kind == TextPartKind.Strange);
    }

    [Fact]
    public void A_title_holds_codes_and_no_turn()
    {
        // Proves that what goes into a tab's title cannot turn it.
        Assert.Equal("pay[RLO]gpj", VisibleParts.Flat("pay\u202Egpj"));
        Assert.Equal("a[↵]b", VisibleParts.Flat("a\nb"));
    }

    [Fact]
    public void Nothing_is_lost_at_any_split()
    {
        // Proves from a seed over random text that plain parts and codes together are as many characters as came in.
        Random chance = new(4711);
        for (int round = 0; round < 2_000; round++)
        {
            char[] letters = [.. Enumerable.Range(0, chance.Next(1, 24)).Select(_ => (char)chance.Next(0x10000))];
            string text = new(letters);
            int seen = 0;
            foreach (TextPart part in VisibleParts.Of(text))
            {
                bool isWhole = part.Kind is TextPartKind.Plain or TextPartKind.LookAlike or TextPartKind.Turned;
                seen += isWhole ? part.Text.Length : LengthOfCode(part.Text);
            }

            Assert.True(seen == text.Length, $"seed 4711, round {round}: {seen} of {text.Length}");
        }
    }

    private static int LengthOfCode(string code) =>
        code.StartsWith("U+", StringComparison.Ordinal) && code.Length > 6 ? 2 : 1;
}
