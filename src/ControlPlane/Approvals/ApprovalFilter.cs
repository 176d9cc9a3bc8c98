using Countersign.Policy;
using Countersign.Policy.Approvals;

namespace Countersign.ControlPlane.Approvals;

/// <summary>Which approvals somebody wants to see; null is all.</summary>
/// <param name="State">In this state.</param>
/// <param name="Function">Of this function, or of those a pattern with <c>*</c> names.</param>
/// <param name="Caller">Asked for by this subject, or by this agent with somebody's token.</param>
internal sealed record ApprovalFilter(ApprovalState? State = null, string? Function = null, string? Caller = null)
{
    /// <summary>True for an approval that passes, its state aside: the store sees to that.</summary>
    public bool Takes(Approval approval) =>
        (Function is null || FunctionPattern.Matches(Function, approval.Function))
        && (Caller is null || string.Equals(Caller, approval.Requester.Subject, StringComparison.Ordinal)
            || string.Equals(Caller, ActorName.Of(approval.Requester.Actor)?.Subject, StringComparison.Ordinal));
}
