namespace Countersign.Policy.Approvals;

/// <summary>
/// Every move of an approval (DESIGN section 7), decided from values alone: no clock, no I/O. What it returns becomes
/// true only when the store swaps it in.
/// </summary>
public static class ApprovalRules
{
    /// <summary>
    /// One person's decision. The person must be in a group of a stage, whether they approve or deny, and share nobody
    /// with the requester; administrators are not exempt. One denial ends it; the last approval opens the use window.
    /// </summary>
    /// <param name="approval">As the store returned it.</param>
    /// <param name="approver">Who decides.</param>
    /// <param name="approve">True to approve, false to deny.</param>
    /// <param name="digest">The digest that was on the approver's screen.</param>
    /// <param name="reason">Why, or empty.</param>
    /// <param name="now">The time of the decision.</param>
    public static MoveOutcome Decide(
        Approval approval, Caller approver, bool approve, string digest, string reason, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(approval);
        ArgumentNullException.ThrowIfNull(approver);
        List<int> qualifies = StageMatching.QualifiesFor(approval.Stages, approver);
        if (!approver.IsPerson || qualifies.Count == 0) return Refuse(MoveRefusal.NotAnApprover);
        if (SharesPerson(approver, approval.Requester.Subject, approval.Requester.Chain))
            return Refuse(MoveRefusal.DutyConflict);
        MoveRefusal standing = StandingOf(approval, ApprovalState.Pending, now);
        if (standing != MoveRefusal.Moved) return Refuse(standing);
        bool isSeen = string.Equals(approval.Digest, digest, StringComparison.Ordinal);
        if (!isSeen) return Refuse(MoveRefusal.DigestMismatch);
        MoveRefusal repeated = RepeatOf(approval.Decisions, approver);
        if (repeated != MoveRefusal.Moved) return Refuse(repeated);

        var decision = new ApprovalDecision(
            approver.Issuer, approver.Subject, approver.Chain, Stage: -1, approve, reason, now)
        {
            Qualifies = qualifies,
        };
        if (approve) return Approve(approval, decision, now);
        Approval denied = Moved(approval, ApprovalState.Denied) with { Decisions = [.. approval.Decisions, decision] };
        return new(MoveRefusal.Moved, denied);
    }

    /// <summary>
    /// Takes the approval for the one call it was given for. The store must agree before anything leaves.
    /// </summary>
    /// <param name="approval">As the store returned it.</param>
    /// <param name="requester">Who calls now; must be who asked, acting for the same people in the same tenant.</param>
    /// <param name="functionId">The function about to be called.</param>
    /// <param name="digest">The digest of the bytes about to leave.</param>
    /// <param name="now">The time of the claim.</param>
    /// <param name="call">The id of the call that claims; null keeps the call that asked.</param>
    /// <param name="claimant">The start of the gateway that claims.</param>
    public static MoveOutcome Claim(
        Approval approval, Caller requester, string functionId, string digest, DateTimeOffset now, string? call = null,
        string claimant = "")
    {
        ArgumentNullException.ThrowIfNull(approval);
        ArgumentNullException.ThrowIfNull(requester);
        if (!MayClaim(approval.Requester, requester)) return Refuse(MoveRefusal.NotTheRequester);
        if (!string.Equals(approval.Function, functionId, StringComparison.Ordinal) ||
            !string.Equals(approval.Digest, digest, StringComparison.Ordinal))
        {
            return Refuse(MoveRefusal.DigestMismatch);
        }

        MoveRefusal standing = StandingOf(approval, ApprovalState.Approved, now);
        if (standing != MoveRefusal.Moved) return Refuse(standing);

        // Written when it was approved, and checked again where it is used: an approved state without its people is no
        // approval.
        if (!IsFilled(approval) && approval.Broken is null) return Refuse(MoveRefusal.NotPossible);
        Approval claimed = Moved(approval, ApprovalState.Claimed);
        return new(MoveRefusal.Moved, claimed with { Call = call ?? approval.Call, Claimant = claimant });
    }

    /// <summary>Records how the claimed call ended: executed, failed or unknown.</summary>
    public static MoveOutcome Finish(Approval approval, ApprovalState outcome)
    {
        ArgumentNullException.ThrowIfNull(approval);
        bool ends = outcome is ApprovalState.Executed or ApprovalState.Failed or ApprovalState.Unknown;
        bool isClaimed = approval.State == ApprovalState.Claimed;
        return ends && isClaimed ? Move(approval, outcome) : Refuse(MoveRefusal.NotPossible);
    }

    /// <summary>
    /// Who asked withdraws what is pending or approved; a person also what an agent asked for with their token.
    /// </summary>
    public static MoveOutcome Cancel(Approval approval, Caller requester, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(approval);
        ArgumentNullException.ThrowIfNull(requester);
        if (!MayFollow(approval.Requester, requester)) return Refuse(MoveRefusal.NotTheRequester);
        bool isApproved = approval.State == ApprovalState.Approved;
        MoveRefusal standing = StandingOf(approval, isApproved ? ApprovalState.Approved : ApprovalState.Pending, now);
        return standing == MoveRefusal.Moved ? Move(approval, ApprovalState.Cancelled) : Refuse(standing);
    }

    /// <summary>
    /// Somebody who approved takes their own approval back while others are still waited for: their slot is free again.
    /// </summary>
    public static MoveOutcome Withdraw(Approval approval, Caller approver, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(approval);
        ArgumentNullException.ThrowIfNull(approver);
        if (!HasApproved(approval, approver)) return Refuse(MoveRefusal.NotAnApprover);
        MoveRefusal standing = StandingOf(approval, ApprovalState.Pending, now);
        if (standing != MoveRefusal.Moved) return Refuse(standing);
        List<ApprovalDecision> left = [.. approval.Decisions];
        left.RemoveAll(said => IsSame(said, approver));
        return new(MoveRefusal.Moved, Moved(approval, ApprovalState.Pending) with { Decisions = left });
    }

    /// <summary>
    /// Somebody who approved takes it back, before it was claimed. Where the glass was broken, anybody who could have
    /// approved may.
    /// </summary>
    public static MoveOutcome Revoke(Approval approval, Caller approver, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(approval);
        ArgumentNullException.ThrowIfNull(approver);
        bool mayRevoke = HasApproved(approval, approver)
            || (approval.Broken is not null && BreakGlassRules.MayReview(approval, approver));
        if (!mayRevoke) return Refuse(MoveRefusal.NotAnApprover);
        MoveRefusal standing = StandingOf(approval, ApprovalState.Approved, now);
        return standing == MoveRefusal.Moved ? Move(approval, ApprovalState.Revoked) : Refuse(standing);
    }

    /// <summary>
    /// The policy now in force asks for other people than those who approved, or one of them is no longer in their
    /// group: the approval is void, ask again. Its window ends when the store takes this.
    /// </summary>
    public static MoveOutcome Void(Approval approval)
    {
        ArgumentNullException.ThrowIfNull(approval);
        return approval.State == ApprovalState.Approved
            ? Move(approval, ApprovalState.Expired)
            : Refuse(MoveRefusal.NotPossible);
    }

    /// <summary>
    /// The approval without the word of those who were revoked since they gave it, approvers and whoever broke the
    /// glass: what is left must hold by itself.
    /// </summary>
    /// <param name="approval">As the store returned it.</param>
    /// <param name="isRevokedSince">Whether the person of that issuer and subject was revoked then or later.</param>
    public static Approval Without(Approval approval, Func<string, string, DateTimeOffset, bool> isRevokedSince)
    {
        ArgumentNullException.ThrowIfNull(approval);
        ArgumentNullException.ThrowIfNull(isRevokedSince);
        List<ApprovalDecision> left = [.. approval.Decisions];
        left.RemoveAll(said => isRevokedSince(said.Issuer, said.Approver, said.At));
        bool isBrokenByNobody = approval.Broken is { } broken
            && isRevokedSince(broken.Issuer, broken.Subject, broken.At);
        return approval with { Decisions = left, Broken = isBrokenByNobody ? null : approval.Broken };
    }

    /// <summary>
    /// True if the people who approved still fill every stage by the groups they were last seen in. A person who was
    /// not seen since counts as they did when they decided.
    /// </summary>
    public static bool StillHolds(Approval approval, IReadOnlyList<SeenPerson> seen)
    {
        ArgumentNullException.ThrowIfNull(approval);
        ArgumentNullException.ThrowIfNull(seen);
        if (approval.Broken is { } broken)
        {
            IReadOnlyList<string>? held = SeenPerson.GroupsOf(seen, broken.Issuer, broken.Subject);
            return held is null || BreakGlassRules.IsAllowed(approval.BreakGlass, held);
        }

        List<ApprovalDecision> seated = [];
        foreach (ApprovalDecision decision in approval.Decisions)
        {
            if (!decision.Approve) return false;
            IReadOnlyList<string>? held = SeenPerson.GroupsOf(seen, decision.Issuer, decision.Approver);
            IReadOnlyList<int> qualifies = held is not null ? StageMatching.QualifiesFor(approval.Stages, held)
                : decision.Qualifies.Count > 0 ? decision.Qualifies
                : [decision.Stage];
            if (StageMatching.Seat(approval.Stages, seated, qualifies) is not { } seats) continue;
            for (int person = 0; person < seated.Count; person++)
                seated[person] = seated[person] with { Stage = seats[person] };
            seated.Add(decision with { Stage = seats[^1], Qualifies = qualifies });
        }

        return IsFilled(approval with { Decisions = seated });
    }

    /// <summary>How far each stage is, in their order.</summary>
    public static IReadOnlyList<StageProgress> Progress(Approval approval)
    {
        ArgumentNullException.ThrowIfNull(approval);
        var progress = new StageProgress[approval.Stages.Count];
        for (int stage = 0; stage < progress.Length; stage++)
        {
            int filled = 0;
            foreach (ApprovalDecision decision in approval.Decisions)
            {
                if (decision.Approve && decision.Stage == stage) filled++;
            }

            progress[stage] = new StageProgress(stage, filled, approval.Stages[stage].Count);
        }

        return progress;
    }

    /// <summary>True when there are stages and each has all its people.</summary>
    public static bool IsFilled(Approval approval)
    {
        ArgumentNullException.ThrowIfNull(approval);
        foreach (StageProgress stage in Progress(approval))
        {
            if (!stage.IsFilled) return false;
        }

        return approval.Stages.Count > 0;
    }

    /// <summary>
    /// True while the approval can still come to something: pending or approved, and its window open.
    /// </summary>
    public static bool IsLive(Approval approval, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(approval);
        return approval.State is ApprovalState.Pending or ApprovalState.Approved && now < approval.ExpiresAt;
    }

    /// <summary>True where the state machine has an arrow; the store refuses to carry any other.</summary>
    public static bool IsMove(ApprovalState from, ApprovalState to) => from switch
    {
        ApprovalState.Pending => to is ApprovalState.Pending or ApprovalState.Approved or ApprovalState.Denied
            or ApprovalState.Cancelled,
        ApprovalState.Approved => to is ApprovalState.Claimed or ApprovalState.Cancelled or ApprovalState.Revoked
            or ApprovalState.Expired,
        ApprovalState.Claimed => to is ApprovalState.Executed or ApprovalState.Failed or ApprovalState.Unknown,
        _ => false,
    };

    private static MoveOutcome Approve(Approval approval, ApprovalDecision decision, DateTimeOffset now)
    {
        int[]? seats = StageMatching.Seat(approval.Stages, approval.Decisions, decision.Qualifies);
        if (seats is null) return Refuse(MoveRefusal.StageFilled);
        var decisions = new ApprovalDecision[seats.Length];
        for (int person = 0; person < seats.Length; person++)
        {
            ApprovalDecision seated = person < approval.Decisions.Count ? approval.Decisions[person] : decision;
            decisions[person] = seated with { Stage = seats[person] };
        }

        Approval next = Moved(approval, ApprovalState.Pending) with { Decisions = decisions };
        if (IsFilled(next)) next = next with { State = ApprovalState.Approved, ExpiresAt = now + approval.UseWithin };
        return new(MoveRefusal.Moved, next);
    }

    internal static MoveRefusal StandingOf(Approval approval, ApprovalState wanted, DateTimeOffset now)
    {
        if (approval.State == wanted) return now < approval.ExpiresAt ? MoveRefusal.Moved : MoveRefusal.Expired;
        return approval.State switch
        {
            ApprovalState.Approved or ApprovalState.Claimed or ApprovalState.Executed or ApprovalState.Failed
                or ApprovalState.Unknown => MoveRefusal.Settled,
            ApprovalState.Denied or ApprovalState.Cancelled or ApprovalState.Revoked => MoveRefusal.Denied,
            ApprovalState.Expired => MoveRefusal.Expired,
            _ => MoveRefusal.NotPossible,
        };
    }

    private static MoveRefusal RepeatOf(IReadOnlyList<ApprovalDecision> decisions, Caller approver)
    {
        MoveRefusal refusal = MoveRefusal.Moved;
        foreach (ApprovalDecision decision in decisions)
        {
            if (IsSame(decision, approver)) return MoveRefusal.AlreadyDecided;
            if (SharesPerson(approver, decision.Approver, decision.Chain)) refusal = MoveRefusal.DutyConflict;
        }

        return refusal;
    }

    // A subject counts as a person beside its chain: an issuer that leaves the chain empty must not open a way round
    // it.
    internal static bool SharesPerson(Caller approver, string subject, IReadOnlyList<string> chain) =>
        Caller.ChainsMeet([approver.Subject, .. approver.Chain], [subject, .. chain]);

    private static bool HasApproved(Approval approval, Caller approver)
    {
        bool approved = false;
        foreach (ApprovalDecision said in approval.Decisions) approved |= said.Approve && IsSame(said, approver);
        return approver.IsPerson && approved;
    }

    private static bool IsSame(ApprovalDecision decision, Caller approver) =>
        string.Equals(decision.Issuer, approver.Issuer, StringComparison.Ordinal) &&
        string.Equals(decision.Approver, approver.Subject, StringComparison.Ordinal);

    /// <summary>
    /// True for who asked: the same subject, in the same hands, acting for the same people in the same tenant. Two
    /// agents of one person are two, and neither is the person.
    /// </summary>
    public static bool IsRequester(Requester requester, Caller caller)
    {
        ArgumentNullException.ThrowIfNull(requester);
        ArgumentNullException.ThrowIfNull(caller);
        return IsSubject(requester, caller) && IsActor(requester, caller) && HasPeople(requester, caller);
    }

    /// <summary>
    /// True for who may see what came of it, and cancel it: whoever asked, and a person who acts for themself in what
    /// was asked with their token. Never another agent of theirs.
    /// </summary>
    public static bool MayFollow(Requester requester, Caller caller)
    {
        ArgumentNullException.ThrowIfNull(requester);
        ArgumentNullException.ThrowIfNull(caller);
        if (IsSubject(requester, caller) && IsActor(requester, caller)) return true;

        // Whose token it was, exactly; the chain names others too, and here a match gives a right.
        return caller.IsPerson && IsSubject(requester, caller);
    }

    // Approvals of older gateways do not say who acted. Their digest does, and it is compared next.
    private static bool MayClaim(Requester requester, Caller caller) => IsSubject(requester, caller)
        && HasPeople(requester, caller) && (requester.Actor.Length == 0 || IsActor(requester, caller));

    private static bool IsActor(Requester requester, Caller caller) =>
        string.Equals(requester.Actor, caller.Actor, StringComparison.Ordinal);

    private static bool IsSubject(Requester requester, Caller caller) =>
        string.Equals(requester.Issuer, caller.Issuer, StringComparison.Ordinal) &&
        string.Equals(requester.Subject, caller.Subject, StringComparison.Ordinal) &&
        string.Equals(requester.Tenant, caller.Tenant, StringComparison.Ordinal);

    private static bool HasPeople(Requester requester, Caller caller) =>
        requester.Chain.Count == caller.Chain.Count &&
        new HashSet<string>(requester.Chain, StringComparer.Ordinal).SetEquals(caller.Chain);

    private static MoveOutcome Move(Approval approval, ApprovalState state) =>
        new(MoveRefusal.Moved, Moved(approval, state));

    internal static Approval Moved(Approval approval, ApprovalState state) =>
        approval with { State = state, Version = approval.Version + 1 };

    private static MoveOutcome Refuse(MoveRefusal why) => new(why, null);
}
