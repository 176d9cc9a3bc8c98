namespace Countersign.Policy.Approvals;

/// <summary>
/// Seats approvers in stages. One person fills one slot, so whom to seat where matters: somebody in both groups must
/// not block the only stage that the next approver could fill. This is bipartite matching by augmenting paths, one
/// person at a time: whoever is seated stays seated, perhaps elsewhere, and a newcomer is refused only if no seating
/// has room.
/// </summary>
internal static class StageMatching
{
    /// <summary>
    /// Seats one more person, who qualifies for <paramref name="qualifies"/>. Returns the stage of everybody in
    /// <paramref name="seated"/> and, last, of the newcomer; null when there is no room.
    /// </summary>
    public static int[]? Seat(
        IReadOnlyList<StageTerms> stages, IReadOnlyList<ApprovalDecision> seated, IReadOnlyList<int> qualifies)
    {
        int newcomer = seated.Count;
        var options = new IReadOnlyList<int>[newcomer + 1];
        var seats = new int[newcomer + 1];
        var free = new int[stages.Count];
        for (int stage = 0; stage < free.Length; stage++) free[stage] = stages[stage].Count;
        for (int person = 0; person < newcomer; person++)
        {
            ApprovalDecision decision = seated[person];
            seats[person] = decision.Stage;
            options[person] = decision.Qualifies.Count > 0 ? decision.Qualifies : [decision.Stage];
            if ((uint)decision.Stage >= (uint)free.Length || --free[decision.Stage] < 0) return null;
        }

        seats[newcomer] = -1;
        options[newcomer] = qualifies;
        return TryPlace(newcomer, options, seats, free, new bool[free.Length]) ? seats : null;
    }

    /// <summary>The stages with a group that the caller is in, in order.</summary>
    public static List<int> QualifiesFor(IReadOnlyList<StageTerms> stages, Caller approver) =>
        QualifiesFor(stages, approver.Groups);

    /// <summary>The stages with a group among those that are held, in order.</summary>
    public static List<int> QualifiesFor(IReadOnlyList<StageTerms> stages, IReadOnlyList<string> held)
    {
        var qualifies = new List<int>(stages.Count);
        for (int stage = 0; stage < stages.Count; stage++)
        {
            foreach (string group in stages[stage].Groups)
            {
                if (!held.Contains(group, StringComparer.Ordinal)) continue;
                qualifies.Add(stage);
                break;
            }
        }

        return qualifies;
    }

    // Depth is bounded by the number of stages: each is tried once per newcomer.
    private static bool TryPlace(int person, IReadOnlyList<int>[] options, int[] seats, int[] free, bool[] tried)
    {
        foreach (int stage in options[person])
        {
            if ((uint)stage >= (uint)free.Length || tried[stage] || free[stage] == 0) continue;
            free[stage]--;
            seats[person] = stage;
            return true;
        }

        foreach (int stage in options[person])
        {
            if ((uint)stage >= (uint)free.Length || tried[stage]) continue;
            tried[stage] = true;
            for (int other = 0; other < seats.Length; other++)
            {
                if (other == person || seats[other] != stage) continue;
                if (!TryPlace(other, options, seats, free, tried)) continue;
                seats[person] = stage;
                return true;
            }
        }

        return false;
    }
}
