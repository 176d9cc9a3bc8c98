using System.Runtime.CompilerServices;
using Countersign.Policy;

namespace Countersign.DataPlane.Calls;

/// <summary>May they, and must someone else agree. No lock, no wait, no allocation.</summary>
internal sealed class PolicyJudge(PolicyInForce inForce, Limits limits, TimeProvider clock)
{
    /// <summary>Decides under the snapshot that the function was found in.</summary>
    [HotPath]
    internal Verdict Decide(CallContext call)
    {
        Function function = call.Function!;
        if (!IsFresh(function))
        {
            call.Detail = "The gateway has lost contact with its policy store.";
            return Verdict.PolicyStale;
        }

        if (inForce.IsDoubted && function.IsStrict)
        {
            call.Detail = "The policy store answers with an older policy than this gateway has seen.";
            return Verdict.PolicyStale;
        }

        Decision decision = call.Policy!.Decide(call.Caller!, function);
        if (decision.IsConditional)
        {
            if (decision.ReadsArguments && !call.RequestBody.IsWhole) return Verdict.BodyNeeded;
            decision = decision.For(ConditionFacts.Of(call), out string fault);
            call.AuditDetail = fault;
        }

        bool mayPass = decision.Effect is Effect.Allow or Effect.Approve;
        if (mayPass && call.Policy!.DutiesReadArguments(function) && !call.RequestBody.IsWhole)
            return Verdict.BodyNeeded;
        call.Decision = decision;
        return decision.Effect switch
        {
            Effect.Allow => Verdict.Proceed,
            Effect.Approve => Verdict.Proceed,
            _ => Refuse(call, decision),
        };
    }

    /// <summary>Buffers the body whole for the conditions that asked for it, then decides.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    internal async ValueTask<Verdict> ReadAsync(CallContext call)
    {
        Verdict read = await RequestBodies.BufferAsync(call, limits.ApprovalBodyBytesMax, limits, isWhole: true);
        return read == Verdict.Proceed ? Decide(call) : read;
    }

    // DESIGN section 11: a gateway that cannot hear of a withdrawn right must not use it for long.
    private bool IsFresh(Function function)
    {
        if (inForce.ContactAt == 0) return false;
        TimeSpan silence = clock.GetElapsedTime(inForce.ContactAt);
        return silence < limits.PolicyDeadAfter && (!function.IsStrict || silence < limits.PolicyStaleAfter);
    }

    private static Verdict Refuse(CallContext call, Decision decision)
    {
        if (decision.Cause == DecisionCause.Separation)
        {
            call.Detail = "Separation of duties '" + decision.Rule + "' forbids this caller.";
            return Verdict.DutyConflict;
        }

        if (decision.Cause == DecisionCause.ArgumentsAmbiguous)
        {
            call.Detail = "Policy looks at the arguments of this call, and its body can be read in more than one way.";
            return Verdict.Malformed;
        }

        call.Detail = decision.Cause switch
        {
            DecisionCause.Rule => "Rule '" + decision.Rule + "' denies this call.",
            DecisionCause.ConditionFailed =>
                "The condition of rule '" + decision.Rule + "' has no answer for this call.",
            DecisionCause.ArgumentsUnreadable =>
                "Policy looks at the arguments of this call: its body must be JSON, say so, and be of a usual size.",
            DecisionCause.ArgumentsMisfit =>
                "The arguments of this call are not what the function takes: " + call.AuditDetail + ".",
            _ => "No rule allows this caller to call this function.",
        };
        return Verdict.Denied;
    }
}
