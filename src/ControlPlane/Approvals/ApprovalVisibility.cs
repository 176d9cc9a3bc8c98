using Countersign.Policy;
using Countersign.Policy.Approvals;

namespace Countersign.ControlPlane.Approvals;

/// <summary>Who may see an approval, and whose duties meet in it.</summary>
internal static class ApprovalVisibility
{
    /// <summary>
    /// True for its requester, for the person whose token an agent asked with, for a person in a group of one of its
    /// stages (even one who may not decide, being in the requester's chain), for a person who may break its glass, and
    /// for policy admins.
    /// </summary>
    public static bool MaySee(Approval approval, Caller viewer, IReadOnlyList<string> policyAdmins) =>
        ApprovalRules.MayFollow(approval.Requester, viewer)
        || (viewer.IsPerson && BreakGlassRules.IsAllowed(approval.BreakGlass, viewer.Groups))
        || (viewer.IsPerson && approval.Stages.Any(stage => stage.Groups.Any(viewer.IsIn)))
        || policyAdmins.Any(viewer.IsIn);

    /// <summary>
    /// True when a person stands on both sides. A subject counts as a person beside its chain: an issuer that leaves
    /// the chain empty must not open a way round it.
    /// </summary>
    public static bool SharesPerson(Requester requester, Caller approver) =>
        Caller.ChainsMeet([approver.Subject, .. approver.Chain], [requester.Subject, .. requester.Chain]);

    /// <summary>True when the policy's static separations forbid whoever holds these groups to act at all.</summary>
    public static bool HoldsConflictingGroups(PolicySnapshot policy, Caller approver) =>
        policy.Separations.Any(
            separation => separation.Groups.Distinct(StringComparer.Ordinal).Count(approver.IsIn) > 1);
}
