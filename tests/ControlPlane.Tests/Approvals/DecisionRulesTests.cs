using Countersign.ControlPlane.Approvals;
using Countersign.Kit;
using Countersign.Masking;
using Countersign.Policy;
using Countersign.Policy.Approvals;

namespace Countersign.ControlPlane.Tests.Approvals;

public sealed class DecisionRulesTests
{
    private static readonly PolicySnapshot Policy =
        PolicyReader.Read(ControlFixture.Policy, ControlFixture.Words, 7).Snapshot!;

    [Fact]
    public void Visibility_follows_the_groups_of_the_stages_and_not_the_chain()
    {
        // Proves each line of the rule; by one viewer for each.
        Approval approval = Drafts.New();
        string[] admins = ["policy-admins"];
        Assert.True(ApprovalVisibility.MaySee(approval, Drafts.Job, admins));
        Assert.True(ApprovalVisibility.MaySee(approval, Drafts.Person("dave", "sre"), admins));
        Assert.True(ApprovalVisibility.MaySee(approval, Drafts.Person("pat", "policy-admins"), admins));
        Assert.False(ApprovalVisibility.MaySee(approval, Drafts.Person("dave", "SRE"), admins));
        Assert.False(ApprovalVisibility.MaySee(approval, Drafts.Person("pat", "policy-admins"), []));
        Caller agent = new(TestIssuer.Issuer, "bot", CallerKind.Agent, ["sre"], ["sam"]);
        Assert.False(ApprovalVisibility.MaySee(approval, agent, admins));
        Caller elsewhere = new("https://other.test", "deploy-bot", CallerKind.Ci, [], ["dave"]);
        Assert.False(ApprovalVisibility.MaySee(approval, elsewhere, admins));
        Caller tenant = new(TestIssuer.Issuer, "deploy-bot", CallerKind.Ci, [], ["dave"], "acme");
        Assert.False(ApprovalVisibility.MaySee(approval, tenant, admins));
    }

    [Fact]
    public void Every_refused_move_has_its_answer()
    {
        // Proves the translation table; by every value there is.
        Approval approval = Drafts.New();
        Dictionary<MoveRefusal, string> names = new()
        {
            [MoveRefusal.NotPossible] = "approval-settled",
            [MoveRefusal.NotAnApprover] = "not-an-approver",
            [MoveRefusal.DutyConflict] = "duty-conflict",
            [MoveRefusal.DigestMismatch] = "approval-mismatch",
            [MoveRefusal.Settled] = "approval-settled",
            [MoveRefusal.Expired] = "approval-expired",
            [MoveRefusal.Denied] = "approval-denied",
            [MoveRefusal.NotTheRequester] = "denied",
            [MoveRefusal.AlreadyDecided] = "approval-settled",
            [MoveRefusal.StageFilled] = "approval-settled",
            [MoveRefusal.NotAllowed] = "denied",
            [MoveRefusal.NothingOwed] = "approval-settled",
        };
        foreach (MoveRefusal why in Enum.GetValues<MoveRefusal>().Where(one => one != MoveRefusal.Moved))
        {
            Ruling ruling = DecisionRules.Explain(why, approval);
            Assert.Equal(RulingKind.Refuse, ruling.Kind);
            Assert.Equal(names[why], RefusalTable.RowOf(ruling.Refusal).Name);
        }
    }

    [Fact]
    public void A_repeated_decision_stands_only_if_it_is_the_same()
    {
        // Proves idempotency; by the same word again, the other word, another digest and another issuer's namesake.
        Approval approval = Drafts.New();
        Caller fay = Drafts.Person("fay", "finance");
        DecisionRequest yes = new(true, approval.Digest, "");
        Ruling first = DecisionRules.Decide(approval, fay, yes, Policy, Drafts.Now);
        Assert.Equal(RulingKind.Move, first.Kind);
        Approval half = first.Next!;
        Assert.Equal(RulingKind.Stands, DecisionRules.Decide(half, fay, yes, Policy, Drafts.Now).Kind);
        DecisionRequest reworded = yes with { Reason = "x" };
        Assert.Equal(RulingKind.Stands, DecisionRules.Decide(half, fay, reworded, Policy, Drafts.Now).Kind);
        DecisionRequest no = yes with { Approve = false };
        Assert.Equal(Refusal.ApprovalSettled, DecisionRules.Decide(half, fay, no, Policy, Drafts.Now).Refusal);
        DecisionRequest other = yes with { Digest = Drafts.DigestOf("other") };
        Assert.Equal(Refusal.ApprovalMismatch, DecisionRules.Decide(half, fay, other, Policy, Drafts.Now).Refusal);
        Caller namesake = new("https://other.test", "fay", CallerKind.Human, ["sre"], ["fay"]);
        Assert.Equal(Refusal.DutyConflict, DecisionRules.Decide(half, namesake, yes, Policy, Drafts.Now).Refusal);
        Caller former = Drafts.Person("fay");
        Assert.Equal(Refusal.NotAnApprover, DecisionRules.Decide(half, former, yes, Policy, Drafts.Now).Refusal);
    }

    [Fact]
    public void Without_a_policy_no_approver_can_be_told_from_a_conflicted_one()
    {
        // Proves that the default refuses; by no policy, and by groups that the policy separates.
        Approval approval = Drafts.New();
        DecisionRequest yes = new(true, approval.Digest, "");
        Caller fay = Drafts.Person("fay", "finance");
        Assert.Equal(Refusal.PolicyStale, DecisionRules.Decide(approval, fay, yes, null, Drafts.Now).Refusal);
        Caller both = Drafts.Person("eve", "finance", "ap-clerk", "ap-approver");
        Assert.Equal(Refusal.DutyConflict, DecisionRules.Decide(approval, both, yes, Policy, Drafts.Now).Refusal);
        Caller one = Drafts.Person("eve", "finance", "ap-clerk", "ap-clerk");
        Assert.Equal(RulingKind.Move, DecisionRules.Decide(approval, one, yes, Policy, Drafts.Now).Kind);
    }
}
