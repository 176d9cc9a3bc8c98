using Countersign.ControlPlane.Console.Text;
using Countersign.ControlPlane.Console.Views;

namespace Countersign.ControlPlane.Tests.Console.Text;

public sealed class LineDiffTests
{
    [Fact]
    public void What_changed_is_shown_with_what_is_around()
    {
        // Proves on a small change in a long text that the changed lines, three around, and gaps are shown.
        string[] lines = [.. Enumerable.Range(1, 40).Select(number => "line " + number)];
        string before = string.Join('\n', lines);
        lines[19] = "other";
        IReadOnlyList<DiffLine> diff = LineDiff.Of(before, string.Join('\n', lines));
        Assert.Equal(
            ["…", " line 17", " line 18", " line 19", "-line 20", "+other", " line 21", " line 22", " line 23", "…"],
            diff.Select(line => line.Sign + line.Text));
        Assert.Equal(20, diff.Single(line => line.Sign == '+').Number);
        Assert.Empty(LineDiff.Of(before, before.Replace("\n", "\r\n", StringComparison.Ordinal)));
    }

    [Fact]
    public void Both_texts_can_be_read_off_it()
    {
        // Proves from a seed, on texts too short for gaps, that a difference without its additions is the one text and
        // without its removals the other.
        Random chance = new(99);
        for (int round = 0; round < 500; round++)
        {
            string before = Text(chance), after = Text(chance);
            if (before == after) continue;
            IReadOnlyList<DiffLine> diff = LineDiff.Of(before, after);
            if (diff.Any(line => line.Sign == '…')) continue;
            Assert.Equal(before, string.Join('\n', diff.Where(line => line.Sign != '+').Select(line => line.Text)));
            Assert.Equal(after, string.Join('\n', diff.Where(line => line.Sign != '-').Select(line => line.Text)));
        }
    }

    private static string Text(Random chance) => string.Join(
        '\n', Enumerable.Range(0, chance.Next(1, 6)).Select(_ => chance.Next(3) == 0 ? "a" : "b" + chance.Next(2)));
}
