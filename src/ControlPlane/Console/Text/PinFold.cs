namespace Countersign.ControlPlane.Console.Text;

/// <summary>
/// A number or its name cut to a bounded width: its begin, its end, and how much is hidden between them. Pure.
/// </summary>
/// <param name="Head">Characters of the begin.</param>
/// <param name="Tail">Where the end begins; <see cref="Head"/> where nothing is hidden.</param>
/// <param name="Hidden">Characters between them; 0 where all is shown.</param>
internal readonly record struct PinFold(int Head, int Tail, int Hidden)
{
    // What is marked is shown as a code or a sign, and other scripts are wider than Latin.
    private const int WidthOfOthers = 6;

    // What says that something is hidden is as wide as this.
    private const int HiddenWidthMin = 8;

    /// <summary>Cuts a text.</summary>
    /// <param name="text">What they wrote.</param>
    /// <param name="widthMax">How wide it may be, in characters of Latin.</param>
    internal static PinFold Of(string text, int widthMax)
    {
        int head = 0, tail = text.Length, between = 0;
        for (int width = 0; head < tail && (width += Width(text[head])) <= widthMax / 2;) head++;
        for (int width = 0; tail > head && (width += Width(text[tail - 1])) <= widthMax / 2;) tail--;

        // Never between the halves of a pair.
        if (head > 0 && head < tail && char.IsHighSurrogate(text[head - 1])) head--;
        if (tail > head && tail < text.Length && char.IsLowSurrogate(text[tail])) tail++;
        for (int at = head; at < tail; at++) between += Width(text[at]);
        return between <= HiddenWidthMin ? new(text.Length, text.Length, 0) : new(head, tail, tail - head);
    }

    private static int Width(char one) => one is >= ' ' and <= '~' ? 1 : WidthOfOthers;
}
