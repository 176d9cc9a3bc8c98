using Countersign.ControlPlane.Console.Text;

namespace Countersign.ControlPlane.Tests.Console.Text;

public sealed class LookAlikesTests
{
    [Theory]
    [InlineData("p\u0430ypal", "\u0430", "a")] // Cyrillic in a Latin word
    [InlineData("\u0441ompany", "\u0441", "c")]
    [InlineData("g\u03BFogle", "\u03BF", "o")] // Greek
    [InlineData("\u0578ne", "\u0578", "n")] // Armenian
    [InlineData("\uFF41dmin", "\uFF41", "a")] // full width
    [InlineData("\U0001D41Amin", "\U0001D41A", "a")] // mathematical
    [InlineData("1\uFF10\uFF10", "\uFF10", "0")]
    [InlineData("1\u0966", "\u0966", "0")] // another script's digit
    [InlineData("5\u00B2", "\u00B2", "2")]
    [InlineData("\u0131d", "\u0131", "i")] // dotless
    [InlineData("a\u2215b", "\u2215", "/")]
    [InlineData("10\u22125", "\u2212", "-")]
    [InlineData("a\uFF0Eb", "\uFF0E", ".")]
    [InlineData("\u212Aelvin", "\u212A", "K")]
    [InlineData("1\u24EA", "\u24EA", "0")] // in a ring
    [InlineData("\u2776\u24EA", "\u2776", "1")]
    [InlineData("\uFB01nance", "\uFB01", "fi")] // joined
    [InlineData("\uFB04ow", "\uFB04", "ffl")]
    [InlineData("1\u00BA\u00BA", "\u00BA", "o")]
    [InlineData("\uA4F3\uA4E1", "\uA4F3", "O")] // Lisu
    [InlineData("\u13AA\u13DE", "\u13AA", "A")] // Cherokee
    [InlineData("\uABAF\uABAA", "\uABAF", "c")]
    [InlineData("f\u05E1o", "\u05E1", "O")] // Hebrew samekh
    [InlineData("\u05E1\u05E1", "\u05E1", "O")]
    [InlineData("s\u142Fe", "\u142F", "V")] // Canadian syllabics
    [InlineData("\u2D54k", "\u2D54", "O")] // Tifinagh
    [InlineData("\uA731um", "\uA731", "s")] // small capital
    public void A_look_alike_is_marked_with_what_it_looks_like(string text, string marked, string like)
    {
        // Proves for each family that the one character is marked, and its note names the one it passes for.
        TextPart part = VisibleParts.Of(text).First(one => one.Kind == TextPartKind.LookAlike);
        Assert.Equal(marked, part.Text);
        Assert.EndsWith("looks like " + like, part.Note, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\u0440\u0430\u0441\u0435")] // all of it could be Latin: pace
    [InlineData("\u0391\u039D\u0391")] // ANA in Greek capitals
    [InlineData("\uA4E2\uA4F0\uA4E0\uA4D3")] // SEND in Lisu
    [InlineData("\uA4D2\uA4D5\uA4D8")] // Lisu that looks like nothing
    [InlineData("\u13A6\u13A7")] // Cherokee likewise
    public void A_word_that_could_all_be_Latin_is_marked_whole(string text)
    {
        // Proves that a word without one Latin letter does not pass for a Latin one.
        Assert.Equal(text.Length, LookAlikes.Find(text).Count(mark => mark));
    }

    [Theory]
    [InlineData("привет")]
    [InlineData("Ελλάδα")]
    [InlineData("Москва 2026")]
    [InlineData("straße")]
    [InlineData("გამარჯობა")]
    [InlineData("שלום")]
    [InlineData("مرحبا")]
    [InlineData("नमस्ते")]
    [InlineData("PDFファイル")]
    [InlineData("ใช้API")]
    [InlineData("Hawaiʻi")]
    public void A_word_of_another_script_is_left_alone(string text)
    {
        // Proves that honest words have no marks.
        Assert.DoesNotContain(true, LookAlikes.Find(text));
    }

    [Fact]
    public void A_letter_of_another_script_is_marked_though_it_looks_like_nothing()
    {
        // Proves that a mixed word shows every letter that is not Latin, known look-alike or not.
        TextPart part = Assert.Single(VisibleParts.Of("abж"), one => one.Kind == TextPartKind.LookAlike);
        Assert.Equal("ж", part.Text);
        Assert.Contains("Cyrillic", part.Note, StringComparison.Ordinal);
    }
}
