namespace Countersign.Policy;

/// <summary>Finds the name that a mistyped one probably stands for.</summary>
internal static class Suggestion
{
    /// <summary>The nearest name within two edits and a third of its length, or null.</summary>
    public static string? Nearest(string written, IEnumerable<string> known)
    {
        if (written.Length > PolicyLimits.IdCharactersMax) return null;
        string? nearest = null;
        int best = int.MaxValue;
        foreach (string name in known)
        {
            int allowed = Math.Clamp(name.Length / 3, 1, 2);
            if (Math.Abs(name.Length - written.Length) > allowed) continue;
            int distance = Distance(written, name);
            if (distance > allowed || distance >= best) continue;
            nearest = name;
            best = distance;
        }

        return nearest;
    }

    /// <summary>Insertions, removals, replacements and swaps of neighbours; letters compare without case.</summary>
    private static int Distance(string left, string right)
    {
        int[] beforePrevious = new int[right.Length + 1];
        int[] previous = new int[right.Length + 1];
        int[] current = new int[right.Length + 1];
        for (int column = 0; column <= right.Length; column++) previous[column] = column;
        for (int row = 1; row <= left.Length; row++)
        {
            current[0] = row;
            for (int column = 1; column <= right.Length; column++)
            {
                int replaced = previous[column - 1] + (Same(left[row - 1], right[column - 1]) ? 0 : 1);
                current[column] = Math.Min(replaced, Math.Min(previous[column], current[column - 1]) + 1);
                bool swapped = row > 1 && column > 1
                    && Same(left[row - 1], right[column - 2]) && Same(left[row - 2], right[column - 1]);
                if (swapped) current[column] = Math.Min(current[column], beforePrevious[column - 2] + 1);
            }

            (beforePrevious, previous, current) = (previous, current, beforePrevious);
        }

        return previous[right.Length];
    }

    private static bool Same(char left, char right) => char.ToLowerInvariant(left) == char.ToLowerInvariant(right);
}
