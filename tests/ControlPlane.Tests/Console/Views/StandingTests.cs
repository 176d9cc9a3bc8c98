using System.Text.Json;
using Countersign.ControlPlane.Approvals;
using Countersign.ControlPlane.Console.Views;
using Countersign.Policy;
using Countersign.Policy.Approvals;

namespace Countersign.ControlPlane.Tests.Console.Views;

public sealed class StandingTests
{
    private static readonly PolicySnapshot Policy =
        PolicyReader.Read(ControlFixture.Policy, ControlFixture.Words, 7).Snapshot!;

    [Fact]
    public void Everybody_is_told_where_they_stand()
    {
        // Proves for each kind of viewer what they are told, and that it agrees with what the store's rules would say.
        Approval approval = Drafts.New();
        Approval decided = ApprovalRules.Decide(
            approval, Drafts.Person("sam", "sre"), true, approval.Digest, "", Drafts.Now).Next!;
        Caller agent = new(
            Drafts.Job.Issuer, "pat", CallerKind.Human, ["sre"], ["pat"])
        { IsDelegated = true };
        (Approval On, Caller Viewer, StandingKind Kind)[] cases =
        [
            (approval, Drafts.Person("carol", "finance"), StandingKind.MayDecide),
            (approval, Drafts.Person("dave", "finance"), StandingKind.OwnCall),
            (approval, Drafts.Person("DAVE", "finance"), StandingKind.OwnCall),
            (approval, Drafts.Person("deploy-bot", "finance"), StandingKind.OwnCall),
            (approval, Drafts.Person("pat", "staff"), StandingKind.NotAsked),
            (approval, agent, StandingKind.NotAPerson),
            (approval, Drafts.Person("carol", "finance", "ap-clerk", "ap-approver"), StandingKind.Separated),
            (decided, Drafts.Person("sam", "sre"), StandingKind.Decided),
            (decided, Drafts.Person("carol", "finance"), StandingKind.MayDecide),
            (approval with { State = ApprovalState.Denied }, Drafts.Person("carol", "finance"), StandingKind.Settled),
            (approval with { ExpiresAt = Drafts.Now }, Drafts.Person("carol", "finance"), StandingKind.Settled),
        ];
        foreach ((Approval on, Caller viewer, StandingKind kind) in cases)
        {
            Standing standing = Standing.Of(View(on), viewer, Policy, Drafts.Now);
            Assert.Equal((viewer.Subject, kind), (viewer.Subject, standing.Kind));
            Assert.Equal(standing.MayDecide, standing.Why.Length == 0);
            Ruling ruling = DecisionRulesOf(on, viewer);
            Assert.Equal(standing.MayDecide, ruling.Kind == RulingKind.Move);
        }
    }

    private static Ruling DecisionRulesOf(Approval approval, Caller viewer) => DecisionRules.Decide(
        approval, viewer, new DecisionRequest(true, approval.Digest, ""), Policy, Drafts.Now);

    private static ApprovalView View(Approval approval)
    {
        Reply shown = Reply.Json(200, json => ApprovalJson.Write(json, approval, default));
        using JsonDocument json = JsonDocument.Parse(shown.Body);
        return ApprovalView.Read(json.RootElement);
    }
}
