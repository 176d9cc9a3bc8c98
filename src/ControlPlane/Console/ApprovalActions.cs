using Countersign.ControlPlane.Console.Views;
using Countersign.Policy;

namespace Countersign.ControlPlane.Console;

/// <summary>What besides deciding a viewer may do with an approval; pure, and the store's rules are asked
/// again.</summary>
internal static class ApprovalActions
{
    public static IReadOnlyList<ActionView> For(ApprovalView approval, Caller viewer, DateTimeOffset now)
    {
        List<ActionView> actions = [];
        bool isLive = approval.State is "pending" or "approved" && now < approval.ExpiresAt;
        if (!isLive) return actions;
        if (approval.Issuer == viewer.Issuer && approval.Subject == viewer.Subject)
            actions.Add(new ActionView("cancel", "Withdraw the request", "It ends; nothing is called."));
        bool hasApproved = approval.Stages.Any(
            stage => stage.Decisions.Any(said => said.Approves && said.Approver == viewer.Subject));
        if (hasApproved && approval.State == "approved")
        {
            actions.Add(new ActionView(
                "revoke", "Take your approval back", "Until it has been used, the call is stopped."));
        }

        return actions;
    }
}
