namespace Countersign.Policy.Review;

/// <summary>Compares what two lists of stages take.</summary>
internal static class StageTally
{
    /// <summary>
    /// Above zero if the new stages are plainly weaker, below if plainly stronger, zero where nobody can say. A new
    /// stage is no weaker than an old one if it asks for as many people or more, of the same groups or fewer.
    /// </summary>
    public static int Compare(IReadOnlyList<StageTerms> was, IReadOnlyList<StageTerms> now)
    {
        bool isNoWeaker = Holds(was, now);
        bool isNoStronger = Holds(now, was);
        return isNoStronger == isNoWeaker ? 0 : isNoStronger ? 1 : -1;
    }

    /// <summary>
    /// True if each of the stages is met by one of the others, each of those used once. Taken greedily, from the
    /// hardest: it may miss a pairing and then says less than it could, never more.
    /// </summary>
    private static bool Holds(IReadOnlyList<StageTerms> stages, IReadOnlyList<StageTerms> by)
    {
        List<StageTerms> left = [.. by];
        foreach (StageTerms stage in stages.OrderByDescending(one => one.Count).ThenBy(one => one.Groups.Count))
        {
            StageTerms? found = left.Where(one => one.Count >= stage.Count && one.Groups.All(stage.Groups.Contains))
                .OrderByDescending(one => one.Groups.Count).ThenBy(one => one.Count).FirstOrDefault();
            if (found is null) return false;
            left.Remove(found);
        }

        return true;
    }
}
