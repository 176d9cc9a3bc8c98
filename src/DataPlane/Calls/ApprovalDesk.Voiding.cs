using System.Text;
using Countersign.DataPlane.Http;
using Countersign.Policy;
using Countersign.Policy.Approvals;

namespace Countersign.DataPlane.Calls;

/// <content>
/// The claim decides again, under the policy then in force: what was approved under another one is void.
/// </content>
internal sealed partial class ApprovalDesk
{
    /// <summary>True if the call names an approval that it means to use.</summary>
    internal static bool NamesApproval(CallContext call) => call.Request.Count(FieldId.CountersignApproval) > 0;

    /// <summary>
    /// Voids the approval that the call names where the policy in force has no such pause any more: it refuses the
    /// call, or lets anybody make it. Restored, it must not bring back what was approved before. A call that policy
    /// lets through goes on; one that it refuses is told that its approval is void, if it was its own.
    /// </summary>
    internal async ValueTask<Verdict> ReconsiderAsync(CallContext call)
    {
        string named = Encoding.Latin1.GetString(call.Request.Value(FieldId.CountersignApproval));
        if (!Guid.TryParseExact(named, "D", out _)) return call.Verdict;
        StoreResult<Approval> found = await store.FindAsync(named);
        if (found.Status == StoreStatus.NotFound) return call.Verdict;
        if (!found.IsOk) return Verdict.StoreUnavailable;
        Approval approval = found.Value!;
        MoveOutcome move = ApprovalRules.Void(approval);
        if (!move.IsMoved || !IsOf(call, approval)) return call.Verdict;
        StoreResult<Approval> voided = await store.MoveAsync(approval, move.Next!);
        if (!voided.IsOk) return Verdict.StoreUnavailable;
        call.Approval = voided.Value;
        if (call.Proceeds) return call.Verdict;

        // The policy may be another, or who calls may hold other groups: what refuses is named either way.
        string why = call.Detail.Length > 0 ? call.Detail : "No function matches this call.";
        call.Detail = why + " What was approved before is void; ask again.";
        return Verdict.ApprovalExpired;
    }

    // What approvers see as the target.
    private static string TargetOf(CallContext call) =>
        call.IsToolCall ? call.Tool!.PlaceText() : Encoding.ASCII.GetString(call.Request.Target);

    // As far as is known by then: the body of a call that policy refuses may not have been read.
    private static bool IsOf(CallContext call, Approval approval)
    {
        bool isSame = ApprovalRules.IsRequester(approval.Requester, call.Caller!)
            && approval.Method == Encoding.ASCII.GetString(call.Request.Method)
            && approval.Target == TargetOf(call)
            && (call.Function is null || approval.Function == call.Function.Id);
        return isSame && (call.Function is null || !call.RequestBody.IsWhole || approval.Digest == DigestOf(call));
    }

    // The claim re-decides under the policy now in force: other stages than those that were filled void the approval.
    private static bool TermsHold(Approval approval, ApprovalTerms terms)
    {
        bool mayBreak = SameLists(approval.BreakGlass, terms.BreakGlass);
        if (approval.Broken is not null && !mayBreak) return false;
        if (approval.Stages.Count != terms.Stages.Count) return false;
        for (int index = 0; index < terms.Stages.Count; index++)
        {
            StageTerms then = approval.Stages[index], now = terms.Stages[index];
            if (then.Count != now.Count || !then.Groups.SequenceEqual(now.Groups)) return false;
        }

        return true;
    }

    private static bool SameLists(IReadOnlyList<IReadOnlyList<string>> then, IReadOnlyList<IReadOnlyList<string>> now)
    {
        if (then.Count != now.Count) return false;
        for (int index = 0; index < then.Count; index++)
        {
            if (!then[index].SequenceEqual(now[index])) return false;
        }

        return true;
    }

    private async ValueTask<(Standing Standing, Verdict Verdict)> VoidAsync(
        CallContext call, Approval approval, string because)
    {
        MoveOutcome move = ApprovalRules.Void(approval);
        if (move.IsMoved) await store.MoveAsync(approval, move.Next!);
        call.Detail = because;
        return (Standing.Refused, Verdict.ApprovalExpired);
    }

    // What a caller who was revoked since has asked for: nobody makes it, approved or not.
    private async ValueTask<(Standing Standing, Verdict Verdict)> VoidOfRevokedAsync(
        CallContext call, Approval approval)
    {
        bool isTheirs = ApprovalRules.IsRequester(approval.Requester, call.Caller!);
        if (isTheirs && ApprovalRules.Void(approval) is { IsMoved: true } move)
            await store.MoveAsync(approval, move.Next!);
        if (!isTheirs) call.Approval = null;
        return (Standing.Refused, Verdict.Unauthenticated);
    }
}
