using Countersign.Policy;
using Countersign.Policy.Approvals;

namespace Countersign.DataPlane.Calls;

/// <summary>
/// Keeps apart what dynamic separations of duties keep apart: who did one thing to an object does not do the other. The
/// store alone remembers; a call that falls under no such separation asks it nothing.
/// </summary>
internal sealed class DutyDesk(IApprovalStore store)
{
    /// <summary>
    /// Finds what object the call is about and, before anybody is asked to approve it, whether its people may.
    /// </summary>
    [HotPath]
    internal ValueTask<Verdict> CheckAsync(CallContext call) =>
        call.Policy!.HasDuties(call.Function!) ? FindAsync(call) : new(Verdict.Proceed);

    /// <summary>
    /// Remembers who is about to do this, unless they may not. A claim has done so in its own step.
    /// </summary>
    [HotPath]
    internal ValueTask<Verdict> ActAsync(CallContext call) =>
        call.Duties.Count > 0 && !call.IsClaimed ? AskAsync(call, writes: true) : new(Verdict.Proceed);

    /// <summary>What is said of a conflict: the separation's name, and nothing of what it holds.</summary>
    internal static string Explain(string? separation) =>
        "Separation of duties '" + separation + "' forbids this call to somebody who takes part in it.";

    private ValueTask<Verdict> FindAsync(CallContext call)
    {
        IReadOnlyList<Duty>? duties = call.Policy!.DutiesOf(call.Function!, ConditionFacts.Of(call), out string fault);
        if (fault.Length > 0) call.AuditDetail = fault;
        if (duties is null)
        {
            call.Detail = "A separation of duties cannot tell what this call is about.";
            return new(Verdict.Denied);
        }

        call.Duties = duties;
        bool mustPause = duties.Count > 0 && call.Decision!.Effect == Effect.Approve;
        return mustPause ? AskAsync(call, writes: false) : new(Verdict.Proceed);
    }

    private async ValueTask<Verdict> AskAsync(CallContext call, bool writes)
    {
        bool enforces = call.Policy!.Mode == PolicyMode.Enforce;
        StoreResult<string> answer = await store.ActAsync(
            call.Duties, call.Function!.Id, Duty.PeopleOf(call.Caller!), writes, enforces);
        switch (answer.Status)
        {
            case StoreStatus.Ok:
                if (answer.Value!.Length > 0)
                    call.AuditDetail = $"Separation of duties '{answer.Value}' would forbid this call.";
                return Verdict.Proceed;
            case StoreStatus.DutyConflict:
                call.Detail = Explain(answer.Separation);
                return Verdict.DutyConflict;
            default:
                if (!enforces) return Verdict.Proceed;
                call.Detail = "The store that remembers who did what is not available.";
                return Verdict.StoreUnavailable;
        }
    }
}
