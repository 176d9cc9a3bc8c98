using Countersign.Policy;
using Countersign.Policy.Approvals;

namespace Countersign.ControlPlane.Approvals;

/// <summary>What is to become of a request to move an approval. Zero refuses.</summary>
internal enum RulingKind : byte
{
    Refuse = 0,

    /// <summary>Swap in <see cref="Ruling.Next"/>.</summary>
    Move,

    /// <summary>It has been done before: answer with the approval as it stands.</summary>
    Stands,
}

/// <summary>A ruling on one approval as it was read.</summary>
internal readonly record struct Ruling(RulingKind Kind, Refusal Refusal, string Detail, Approval? Next)
{
    public static Ruling Stands => new(RulingKind.Stands, default, "", null);

    public static Ruling Refuse(Refusal refusal, string detail) => new(RulingKind.Refuse, refusal, detail, null);
}

/// <summary>Rules on decisions and explains refusals; pure.</summary>
internal static class DecisionRules
{
    /// <summary>
    /// Rules on a decision. Whoever shares a person with the requester is told of the duty conflict, in a stage's
    /// group or not; the same person's same decision again stands; all else is for <see cref="ApprovalRules.Decide"/>
    /// to say.
    /// </summary>
    public static Ruling Decide(
        Approval approval, Caller approver, DecisionRequest said, PolicySnapshot? policy, DateTimeOffset now)
    {
        bool isOwnCall = ApprovalVisibility.SharesPerson(approval.Requester, approver);
        if (isOwnCall) return Explain(MoveRefusal.DutyConflict, approval);
        MoveOutcome move = ApprovalRules.Decide(approval, approver, said.Approve, said.Digest, said.Reason, now);
        if (move.Refusal == MoveRefusal.NotAnApprover) return Explain(move.Refusal, approval);
        if (policy is null) return Ruling.Refuse(Refusal.PolicyStale, "No policy is in force here yet; try again.");
        if (ApprovalVisibility.HoldsConflictingGroups(policy, approver))
        {
            return Ruling.Refuse(Refusal.DutyConflict, "You hold groups that the policy separates.");
        }

        return Repeats(approval, approver, said) ? Ruling.Stands : Of(move, approval);
    }

    /// <summary>Rules on who breaks the glass; the policy's static separations bind them as everybody.</summary>
    public static Ruling Break(
        Approval approval, Caller person, BreakGlassRequest said, PolicySnapshot? policy, DateTimeOffset now)
    {
        MoveOutcome move = BreakGlassRules.Break(approval, person, said.Digest, said.Reason, now);
        if (move.Refusal == MoveRefusal.NotAllowed) return Explain(move.Refusal, approval);
        if (policy is null) return Ruling.Refuse(Refusal.PolicyStale, "No policy is in force here yet; try again.");
        return ApprovalVisibility.HoldsConflictingGroups(policy, person)
            ? Ruling.Refuse(Refusal.DutyConflict, "You hold groups that the policy separates.")
            : Of(move, approval);
    }

    /// <summary>Rules on a withdrawal, by who asked or by who approved.</summary>
    public static Ruling Of(MoveOutcome move, Approval approval) => move.IsMoved
        ? new Ruling(RulingKind.Move, default, "", move.Next)
        : Explain(move.Refusal, approval);

    /// <summary>A dynamic separation refuses the approver, or who breaks the glass.</summary>
    public static Ruling Separated(string? separation) => Ruling.Refuse(
        Refusal.DutyConflict,
        $"Separation of duties '{separation}' forbids this: you, or somebody you act for, did something else to the "
        + "same object.");

    /// <summary>The one table from refused moves to answers. What only viewers may know is in no answer to
    /// others.</summary>
    public static Ruling Explain(MoveRefusal why, Approval approval)
    {
        string state = ApprovalStates.NameOf(approval.State);
        return why switch
        {
            MoveRefusal.NotAnApprover => Ruling.Refuse(
                Refusal.NotAnApprover, "You are not a person in a group that this takes, or did not approve it."),
            MoveRefusal.DutyConflict => Ruling.Refuse(
                Refusal.DutyConflict, "You, or somebody you act for, asked for this call or has decided on it."),
            MoveRefusal.NotTheRequester => Ruling.Refuse(Refusal.Denied, "Only who asked for it may cancel it."),
            MoveRefusal.DigestMismatch => Ruling.Refuse(
                Refusal.ApprovalMismatch, "The digest is not this approval's: look at it again."),
            MoveRefusal.AlreadyDecided => Ruling.Refuse(
                Refusal.ApprovalSettled, "You have decided already; everybody counts once."),
            MoveRefusal.StageFilled => Ruling.Refuse(
                Refusal.ApprovalSettled, "Every stage that you could fill is filled."),
            MoveRefusal.NotAllowed => Ruling.Refuse(
                Refusal.Denied, "Policy does not let you break the glass of this call."),
            MoveRefusal.NothingOwed => Ruling.Refuse(Refusal.ApprovalSettled, "No review is owed of this approval."),
            MoveRefusal.Expired => Ruling.Refuse(Refusal.ApprovalExpired, "The approval has expired."),
            MoveRefusal.Denied => Ruling.Refuse(Refusal.ApprovalDenied, "The approval was " + state + "."),
            _ => Ruling.Refuse(Refusal.ApprovalSettled, "The approval is " + state + "."),
        };
    }

    private static bool Repeats(Approval approval, Caller approver, DecisionRequest said) =>
        said.Digest == approval.Digest && approval.Decisions.Any(decision =>
            decision.Approve == said.Approve
            && decision.Issuer == approver.Issuer
            && decision.Approver == approver.Subject);
}
