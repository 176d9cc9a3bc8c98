using System.Text;
using Countersign.ControlPlane.Console.Text;

namespace Countersign.ControlPlane.Tests.Console.Text;

public sealed class PinFoldTests
{
    [Theory]
    [InlineData("12500.00", 8, 8, 0)]
    [InlineData("1234567890123456789012345678", 28, 28, 0)]
    [InlineData("12345678901234567890123456789012", 11, 21, 10)]
    [InlineData("\u202E\u202E\u202E\u202E\u202E\u202E", 1, 5, 4)]
    public void Begin_and_end_stay_and_what_is_hidden_is_counted(string text, int head, int tail, int hidden)
    {
        // Proves by hand-made cases that a usual number stays whole, that a long one keeps its begin and its end, and
        // that characters which are shown as codes count for as wide as those are.
        Assert.Equal(new PinFold(head, tail, hidden), PinFold.Of(text, 22));
    }

    [Fact]
    public void Whatever_it_is_it_is_all_accounted_for()
    {
        // Proves on random texts, pairs among them, that shown and hidden are the text, in bounds and never between
        // the halves of a pair.
        Random random = new(20260301);
        string[] pieces = ["7", "a", "\u0430", "\u200B", "\U0001F4B0", "."];
        for (int round = 0; round < 5_000; round++)
        {
            StringBuilder made = new();
            for (int left = random.Next(60); left > 0; left--) made.Append(pieces[random.Next(pieces.Length)]);
            string text = made.ToString();
            PinFold fold = PinFold.Of(text, random.Next(2, 50));
            Assert.InRange(fold.Head, 0, fold.Tail);
            Assert.InRange(fold.Tail, fold.Head, text.Length);
            Assert.Equal(fold.Tail - fold.Head, fold.Hidden);
            Assert.DoesNotContain('\uFFFD', Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text[..fold.Head])));
            Assert.DoesNotContain('\uFFFD', Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text[fold.Tail..])));
        }
    }
}
