using Countersign.Policy.Approvals;
using Xunit;

namespace Countersign.Policy.Tests.Approvals;

/// <summary>The emergency, what it owes, and what an approver may take back.</summary>
public sealed class BreakGlassRulesTests
{
    private static readonly DateTimeOffset Soon = Samples.Now.AddMinutes(1);

    [Fact]
    public void Whom_the_rules_name_may_break_the_glass_of_their_own_call()
    {
        // Proves who may: a person in a group of every list, the requester's own person too; nobody and nothing else.
        Approval pending = Samples.Pending() with { BreakGlass = [["oncall"], ["sre", "ops"]] };
        Approval broken = Break(pending, Samples.Person("ann", "oncall", "ops")).Next!;
        Assert.Equal(ApprovalState.Approved, broken.State);
        Assert.Equal(("ann", "the site is down"), (broken.Broken!.Subject, broken.Broken.Reason));
        Assert.True(broken.OwesReview);
        Assert.Equal(MoveRefusal.NotAllowed, Break(pending, Samples.Person("otto", "oncall")).Refusal);
        Assert.Equal(MoveRefusal.NotAllowed, Break(pending, Samples.Person("otto", "sre")).Refusal);
        Caller robot = new(Samples.Issuer, "robot", CallerKind.Agent, ["oncall", "sre"], ["ann"], "acme");
        Assert.Equal(MoveRefusal.NotAllowed, Break(pending, robot).Refusal);
        Approval none = Samples.Pending();
        Assert.Equal(MoveRefusal.NotAllowed, Break(none, Samples.Person("ann", "oncall", "ops")).Refusal);
    }

    [Fact]
    public void Only_what_is_pending_and_seen_can_be_broken()
    {
        // Proves that a denial, an end, another digest and a missing reason are no emergencies.
        Approval pending = Samples.Pending() with { BreakGlass = [["oncall"]] };
        Caller otto = Samples.Person("otto", "oncall");
        Approval denied = ApprovalRules.Decide(
            pending, Samples.Person("fay", "finance"), false, Samples.Digest, "", Soon).Next!;
        Assert.Equal(MoveRefusal.Denied, Break(denied, otto).Refusal);
        DateTimeOffset late = Samples.Now.AddMinutes(15);
        Assert.Equal(
            MoveRefusal.Expired, BreakGlassRules.Break(pending, otto, Samples.Digest, "down", late).Refusal);
        Assert.Equal(
            MoveRefusal.DigestMismatch, BreakGlassRules.Break(pending, otto, "sha256:0", "down", Soon).Refusal);
        Assert.Throws<ArgumentException>(() => BreakGlassRules.Break(pending, otto, Samples.Digest, " ", Soon));
        Approval broken = Break(pending, otto).Next!;
        Assert.Equal(MoveRefusal.Settled, Break(broken, otto).Refusal);
    }

    [Fact]
    public void A_broken_glass_lets_one_call_through()
    {
        // Proves that the claim needs no filled stages then, and no more than the mark: without it they are missed.
        Approval broken = Break(
            Samples.Pending() with { BreakGlass = [["oncall"]] }, Samples.Person("otto", "oncall")).Next!;
        Assert.True(Claim(broken).IsMoved);
        Assert.Equal(MoveRefusal.NotPossible, Claim(broken with { Broken = null }).Refusal);
        Assert.True(ApprovalRules.StillHolds(broken, []));
        Assert.False(ApprovalRules.StillHolds(broken, [Seen("otto", "[]")]));
        Assert.True(ApprovalRules.StillHolds(broken, [Seen("otto", "[\"oncall\"]")]));
    }

    [Fact]
    public void Somebody_else_closes_the_review_once()
    {
        // Proves who may: an approver who shares nobody with the requester nor with who broke the glass.
        Approval broken = Break(
            Samples.Pending() with { BreakGlass = [["oncall"]] }, Samples.Person("otto", "oncall", "sre")).Next!;
        Assert.Equal(MoveRefusal.DutyConflict, Review(broken, Samples.Person("otto", "sre")).Refusal);
        Assert.Equal(MoveRefusal.DutyConflict, Review(broken, Samples.Person("ann", "finance")).Refusal);
        Assert.Equal(MoveRefusal.NotAnApprover, Review(broken, Samples.Person("eve", "oncall")).Refusal);
        Approval executed = broken with { State = ApprovalState.Executed };
        Approval reviewed = Review(executed, Samples.Person("fay", "finance")).Next!;
        Assert.Equal((ApprovalState.Executed, false), (reviewed.State, reviewed.OwesReview));
        Assert.Equal(MoveRefusal.NothingOwed, Review(reviewed, Samples.Person("gil", "finance")).Refusal);
        Assert.Equal(MoveRefusal.NothingOwed, Review(Samples.Approved(), Samples.Person("gil", "sre")).Refusal);
    }

    [Fact]
    public void Whoever_could_have_approved_may_stop_a_broken_glass()
    {
        // Proves that revoking is theirs too, until the claim.
        Approval broken = Break(
            Samples.Pending() with { BreakGlass = [["oncall"]] }, Samples.Person("otto", "oncall")).Next!;
        Assert.True(ApprovalRules.Revoke(broken, Samples.Person("fay", "finance"), Soon).IsMoved);
        Assert.Equal(
            MoveRefusal.NotAnApprover, ApprovalRules.Revoke(broken, Samples.Person("otto", "sre"), Soon).Refusal);
        Approval claimed = Claim(broken).Next!;
        Assert.Equal(
            MoveRefusal.Settled, ApprovalRules.Revoke(claimed, Samples.Person("fay", "finance"), Soon).Refusal);
    }

    [Fact]
    public void An_approval_is_withdrawn_while_others_are_waited_for()
    {
        // Proves that the slot is free again, for the same person too, and that what is settled is past it.
        Caller fay = Samples.Person("fay", "finance");
        Approval half = Samples.Approve(Samples.Pending(), fay).Next!;
        Approval withdrawn = ApprovalRules.Withdraw(half, fay, Soon).Next!;
        Assert.Empty(withdrawn.Decisions);
        Assert.Equal((ApprovalState.Pending, half.Version + 1), (withdrawn.State, withdrawn.Version));
        Assert.True(Samples.Approve(withdrawn, fay).IsMoved);
        Assert.Equal(
            MoveRefusal.NotAnApprover, ApprovalRules.Withdraw(half, Samples.Person("sam", "sre"), Soon).Refusal);
        Assert.Equal(MoveRefusal.Settled, ApprovalRules.Withdraw(Samples.Approved(), fay, Soon).Refusal);
    }

    [Fact]
    public void A_lost_group_frees_its_slot_at_the_claim()
    {
        // Proves the check by what was last seen of each approver: unseen counts, lost does not, another group reseats.
        Approval approved = Samples.Approved();
        Assert.True(ApprovalRules.StillHolds(approved, []));
        Assert.True(ApprovalRules.StillHolds(approved, [Seen("fay", "[\"finance\"]"), Seen("sam", "[\"sre\"]")]));
        Assert.False(ApprovalRules.StillHolds(approved, [Seen("fay", "[]")]));
        Assert.False(ApprovalRules.StillHolds(approved, [Seen("sam", "no json")]));
        Assert.True(ApprovalRules.StillHolds(approved, [Seen("fay", "[\"sre\"]"), Seen("sam", "[\"finance\"]")]));
        Assert.False(ApprovalRules.StillHolds(approved, [Seen("fay", "[\"sre\"]")]));
    }

    [Fact]
    public void The_word_of_who_was_revoked_since_does_not_count()
    {
        // Proves it for an approver and for who broke the glass, by their whole name and the time they spoke.
        Approval approved = Samples.Approved();
        DateTimeOffset said = approved.Decisions[0].At;
        Assert.True(Holds(approved, "nobody", DateTimeOffset.MaxValue));
        Assert.False(Holds(approved, "fay", said));
        Assert.True(Holds(approved, "fay", said.AddTicks(-1)));
        Assert.True(ApprovalRules.StillHolds(
            ApprovalRules.Without(approved, (issuer, who, _) => who == "fay" && issuer != Samples.Issuer), []));
        Approval broken = Break(
            Samples.Pending() with { BreakGlass = [["oncall"]] }, Samples.Person("otto", "oncall")).Next!;
        Assert.False(Holds(broken, "otto", broken.Broken!.At));
        Assert.True(Holds(broken, "otto", broken.Broken.At.AddTicks(-1)));
    }

    private static bool Holds(Approval approval, string revoked, DateTimeOffset at) => ApprovalRules.StillHolds(
        ApprovalRules.Without(approval, (_, who, said) => who == revoked && said <= at), []);

    private static MoveOutcome Break(Approval approval, Caller person) =>
        BreakGlassRules.Break(approval, person, Samples.Digest, "the site is down", Soon);

    private static MoveOutcome Review(Approval approval, Caller person) =>
        BreakGlassRules.Review(approval, person, "it was", Soon);

    private static MoveOutcome Claim(Approval approval) =>
        ApprovalRules.Claim(approval, Samples.Agent, approval.Function, Samples.Digest, Soon);

    private static SeenPerson Seen(string subject, string groups) => new(Samples.Issuer, subject, "1\n" + groups);
}
