namespace Countersign.Policy.Redis;

/// <summary>Whether a store goes on from what a gateway has seen. Zero is that it does not.</summary>
internal enum Continuity : byte
{
    /// <summary>It lost changes, or tells others in their place.</summary>
    Broken = 0,

    /// <summary>It goes on.</summary>
    Whole,

    /// <summary>It lost some, and somebody went on from there knowing it.</summary>
    Resumed,
}

/// <summary>Compares what a store tells with what was seen; pure.</summary>
internal static class PolicyContinuity
{
    /// <summary>
    /// Follows the hashes from the store's last change back to the last one that was seen.
    /// </summary>
    /// <param name="seen">What was seen.</param>
    /// <param name="told">What the store tells now.</param>
    /// <param name="changes">The store's changes from the one seen to the last, in their order; those that are missing
    /// are left out.</param>
    public static Continuity Judge(PolicyMark seen, PolicyMark told, IReadOnlyList<PolicyChange> changes)
    {
        if (seen.Change == 0) return Continuity.Whole;
        if (told.Change < seen.Change) return Continuity.Broken;
        if (told.Change == seen.Change) return told.Hash == seen.Hash ? Continuity.Whole : Continuity.Broken;
        string expected = told.Hash;
        long below = told.Change + 1;
        bool resumes = false;
        for (int at = changes.Count - 1; at >= 0; at--)
        {
            PolicyChange change = changes[at];
            if (change.Number >= below || change.Hash != expected) return Continuity.Broken;
            if (change.Number <= seen.Change) break;
            resumes |= change.Resumes;
            below = change.Number;
            expected = change.Previous;
        }

        // The last step down leads to the change that was seen, if nothing was lost.
        if (expected == seen.Hash) return Continuity.Whole;
        return resumes ? Continuity.Resumed : Continuity.Broken;
    }
}
