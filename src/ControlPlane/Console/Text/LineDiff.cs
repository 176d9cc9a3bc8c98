using Countersign.ControlPlane.Console.Views;

namespace Countersign.ControlPlane.Console.Text;

/// <summary>What changed between two texts, line by line, with some unchanged lines around. Pure.</summary>
internal static class LineDiff
{
    private const int ContextLines = 3;

    // The table of common lines has this many cells at most; longer documents are compared as wholly replaced.
    private const int CellsMax = 4_000_000;

    public static IReadOnlyList<DiffLine> Of(string before, string after)
    {
        string[] old = before.ReplaceLineEndings("\n").Split('\n');
        string[] now = after.ReplaceLineEndings("\n").Split('\n');
        int head = 0;
        while (head < old.Length && head < now.Length && old[head] == now[head]) head++;
        if (head == old.Length && head == now.Length) return [];
        int tail = 0;
        while (tail < old.Length - head && tail < now.Length - head && old[^(tail + 1)] == now[^(tail + 1)]) tail++;
        List<DiffLine> lines = [];
        for (int at = 0; at < head; at++) lines.Add(new DiffLine(' ', at + 1, now[at]));
        Middle(old.AsSpan(head..^tail), now.AsSpan(head..^tail), head, lines);
        for (int at = now.Length - tail; at < now.Length; at++) lines.Add(new DiffLine(' ', at + 1, now[at]));
        return Around(lines);
    }

    private static void Middle(
        ReadOnlySpan<string> old, ReadOnlySpan<string> now, int offset, List<DiffLine> lines)
    {
        int[,]? common = (long)(old.Length + 1) * (now.Length + 1) <= CellsMax ? Common(old, now) : null;
        int left = 0, right = 0;
        while (left < old.Length || right < now.Length)
        {
            bool isSame = left < old.Length && right < now.Length && common is not null && old[left] == now[right];
            if (isSame)
            {
                lines.Add(new DiffLine(' ', offset + right + 1, now[right]));
                left++;
                right++;
                continue;
            }

            bool takesOld = left < old.Length
                && (right >= now.Length || common is null || common[left + 1, right] >= common[left, right + 1]);
            if (takesOld) lines.Add(new DiffLine('-', 0, old[left++]));
            else lines.Add(new DiffLine('+', offset + right + 1, now[right++]));
        }
    }

    // How many lines the rest of the one has in common with the rest of the other.
    private static int[,] Common(ReadOnlySpan<string> old, ReadOnlySpan<string> now)
    {
        int[,] common = new int[old.Length + 1, now.Length + 1];
        for (int left = old.Length - 1; left >= 0; left--)
        {
            for (int right = now.Length - 1; right >= 0; right--)
            {
                common[left, right] = old[left] == now[right]
                    ? common[left + 1, right + 1] + 1
                    : Math.Max(common[left + 1, right], common[left, right + 1]);
            }
        }

        return common;
    }

    private static List<DiffLine> Around(List<DiffLine> lines)
    {
        bool[] kept = new bool[lines.Count];
        for (int at = 0; at < lines.Count; at++)
        {
            if (lines[at].Sign == ' ') continue;
            int to = Math.Min(lines.Count - 1, at + ContextLines);
            for (int near = Math.Max(0, at - ContextLines); near <= to; near++) kept[near] = true;
        }

        List<DiffLine> shown = [];
        for (int at = 0; at < lines.Count; at++)
        {
            if (kept[at]) shown.Add(lines[at]);
            else if (shown.Count == 0 || shown[^1].Sign != '…') shown.Add(new DiffLine('…', 0, ""));
        }

        return shown;
    }
}
