namespace Countersign.Policy.Approvals;

/// <summary>
/// Letting a call through in an emergency without its approvers, and the review that it owes. The rules of <see
/// cref="ApprovalRules"/> hold for these moves too: pure, and true only once the store has swapped them in.
/// </summary>
public static class BreakGlassRules
{
    /// <summary>
    /// A person whom the rules name settles what is pending. They may be the requester: that is what it is for. It is
    /// never silent: a reason is required, and somebody else owes it a review.
    /// </summary>
    /// <param name="approval">As the store returned it.</param>
    /// <param name="person">Who breaks the glass.</param>
    /// <param name="digest">The digest that was on their screen.</param>
    /// <param name="reason">Why it cannot wait; not empty.</param>
    /// <param name="now">The time of it.</param>
    public static MoveOutcome Break(
        Approval approval, Caller person, string digest, string reason, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(approval);
        ArgumentNullException.ThrowIfNull(person);
        ArgumentException.ThrowIfNullOrWhiteSpace(reason);
        if (!person.IsPerson || !IsAllowed(approval.BreakGlass, person.Groups)) return Refuse(MoveRefusal.NotAllowed);
        MoveRefusal standing = ApprovalRules.StandingOf(approval, ApprovalState.Pending, now);
        if (standing != MoveRefusal.Moved) return Refuse(standing);
        bool isSeen = string.Equals(approval.Digest, digest, StringComparison.Ordinal);
        if (!isSeen) return Refuse(MoveRefusal.DigestMismatch);
        return new(MoveRefusal.Moved, ApprovalRules.Moved(approval, ApprovalState.Approved) with
        {
            Broken = new ApprovalAct(person.Issuer, person.Subject, person.Chain, reason, now),
            ExpiresAt = now + approval.UseWithin,
        });
    }

    /// <summary>
    /// Somebody else closes the review: a person in a stage's group who shares nobody with the requester nor with who
    /// broke the glass. Whatever has become of the call, the review is owed.
    /// </summary>
    /// <param name="approval">As the store returned it.</param>
    /// <param name="reviewer">Who closes it.</param>
    /// <param name="note">What they found; not empty.</param>
    /// <param name="now">The time of it.</param>
    public static MoveOutcome Review(Approval approval, Caller reviewer, string note, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(approval);
        ArgumentNullException.ThrowIfNull(reviewer);
        ArgumentException.ThrowIfNullOrWhiteSpace(note);
        if (!Qualifies(approval, reviewer)) return Refuse(MoveRefusal.NotAnApprover);
        if (!IsApart(approval, reviewer)) return Refuse(MoveRefusal.DutyConflict);
        if (!approval.OwesReview) return Refuse(MoveRefusal.NothingOwed);
        return new(MoveRefusal.Moved, ApprovalRules.Moved(approval, approval.State) with
        {
            Review = new ApprovalAct(reviewer.Issuer, reviewer.Subject, reviewer.Chain, note, now),
        });
    }

    /// <summary>True for a person in a group of each list; nobody where there is no list.</summary>
    public static bool IsAllowed(IReadOnlyList<IReadOnlyList<string>> lists, IReadOnlyList<string> held)
    {
        ArgumentNullException.ThrowIfNull(lists);
        ArgumentNullException.ThrowIfNull(held);
        foreach (IReadOnlyList<string> groups in lists)
        {
            bool isIn = false;
            foreach (string group in groups) isIn |= held.Contains(group, StringComparer.Ordinal);
            if (!isIn) return false;
        }

        return lists.Count > 0;
    }

    /// <summary>True for somebody who could have approved, and did not break the glass.</summary>
    internal static bool MayReview(Approval approval, Caller person) =>
        Qualifies(approval, person) && IsApart(approval, person);

    private static bool Qualifies(Approval approval, Caller person) =>
        person.IsPerson && StageMatching.QualifiesFor(approval.Stages, person).Count > 0;

    private static bool IsApart(Approval approval, Caller person) =>
        !ApprovalRules.SharesPerson(person, approval.Requester.Subject, approval.Requester.Chain)
        && (approval.Broken is not { } broken || !ApprovalRules.SharesPerson(person, broken.Subject, broken.Chain));

    private static MoveOutcome Refuse(MoveRefusal why) => new(why, null);
}
