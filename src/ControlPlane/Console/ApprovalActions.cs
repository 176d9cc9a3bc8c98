using Countersign.ControlPlane.Approvals;
using Countersign.ControlPlane.Console.Views;
using Countersign.Policy;
using Countersign.Policy.Approvals;

namespace Countersign.ControlPlane.Console;

/// <summary>
/// What besides deciding a viewer may do with an approval: each offer is the rule's own answer, tried on the approval
/// as it was read. Pure, and the rule is asked again when the form comes.
/// </summary>
internal static class ApprovalActions
{
    // The rules refuse an empty one, and what it says is for them all the same.
    private const string AnyReason = "?";

    public static ActsView For(
        Approval approval, Caller viewer, PolicySnapshot? policy, RevealDesk reveals, ArgumentTree tree,
        DateTimeOffset now)
    {
        BreakGlassRequest glass = new(approval.Digest, AnyReason);
        bool mayReveal = tree.Root is not null && reveals.MayReveal(approval, viewer);
        return new ActsView(
            Simple(approval, viewer, now), mayReveal, mayReveal ? tree.Pointers() : [],
            DecisionRules.Break(approval, viewer, glass, policy, now).Kind == RulingKind.Move,
            MayReview(approval, viewer, now));
    }

    public static bool MayReview(Approval approval, Caller viewer, DateTimeOffset now) =>
        BreakGlassRules.Review(approval, viewer, AnyReason, now).IsMoved;

    private static List<ActionView> Simple(Approval approval, Caller viewer, DateTimeOffset now)
    {
        List<ActionView> actions = [];
        if (ApprovalRules.Cancel(approval, viewer, now).IsMoved)
            actions.Add(new ActionView("cancel", "Withdraw the request", "It ends; nothing is called."));
        if (ApprovalRules.Withdraw(approval, viewer, now).IsMoved)
        {
            actions.Add(new ActionView(
                "withdraw", "Withdraw your approval", "Others are still waited for; your place is free again."));
        }

        if (ApprovalRules.Revoke(approval, viewer, now).IsMoved)
        {
            actions.Add(approval.Broken is null
                ? new ActionView("revoke", "Take your approval back", "Until it has been used, the call is stopped.")
                : new ActionView("revoke", "Stop the call", "The glass was broken; the call has not been made yet."));
        }

        return actions;
    }
}
