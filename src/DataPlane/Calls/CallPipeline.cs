using System.Runtime.CompilerServices;

namespace Countersign.DataPlane.Calls;

/// <summary>
/// One call, top to bottom. The order of these lines is the order of the stages; nothing else decides it. A change here
/// changes docs/LIFE_OF_A_CALL.md in the same commit.
/// </summary>
internal sealed class CallPipeline(
    Admission admission,
    IAuditTrail audit,
    OwnPaths ownPaths,
    CallerGate callers,
    FunctionTable functions,
    PolicyJudge policy,
    RateDesk rates,
    DutyDesk duties,
    ApprovalDesk approvals,
    CredentialDesk credentials,
    UpstreamCaller upstream,
    ReplyDesk replies,
    Faults faults)
{
    /// <summary>Takes the call whose head has been read to its end; the verdict says how it ended.</summary>
    [AsyncMethodBuilder(typeof(KeptTaskMethodBuilder))]
    public async ValueTask RunAsync(CallContext call)
    {
        try
        {
            if (call.Proceeds) call.Verdict = admission.Admit(call);              // room for it, or shed unseen
            if (call.Proceeds) call.Verdict = audit.Reserve(call);                // room in the log, or no call
            if (call.Proceeds && OwnPaths.Owns(call)) call.Verdict = await ownPaths.AnswerAsync(call);
            if (call.Proceeds) call.Verdict = callers.Identify(call);             // who is calling
            if (call.Verdict == Verdict.TokenUnseen) call.Verdict = await callers.VerifyAsync(call);
            if (call.Proceeds) call.Verdict = functions.Resolve(call);            // which function, which duties
            if (call.Verdict == Verdict.BodyNeeded) call.Verdict = await functions.PeekAsync(call);
            if (call.Proceeds) call.Verdict = audit.Trust(call);                  // no strict call under a log in doubt
            if (call.Proceeds) call.Verdict = policy.Decide(call);                // may they; must another agree
            if (call.Verdict == Verdict.BodyNeeded) call.Verdict = await policy.ReadAsync(call);
            if (call.IsRefusedByPolicy) call.Verdict = await approvals.ReconsiderAsync(call);   // approved before: void
            if (call.Proceeds) call.Verdict = await rates.AdmitAsync(call);       // not more often than limits let
            if (call.Proceeds) call.Verdict = admission.AdmitTo(call);            // room where it goes
            if (call.Proceeds) call.Verdict = await duties.CheckAsync(call);      // before anybody is bothered
            if (call.Proceeds) call.Verdict = await approvals.PauseAsync(call);   // waits only if Decide asked
            if (call.Proceeds) call.Verdict = await duties.ActAsync(call);        // who does this, remembered
            if (call.Proceeds) call.Verdict = await audit.IntendAsync(call);      // chained before anything leaves
            if (call.Proceeds) call.Verdict = await credentials.LendAsync(call);  // short-lived, for this call alone
            if (call.Proceeds) admission.Depart(call);                            // how long it takes from here
            if (call.Proceeds) call.Verdict = await upstream.ForwardAsync(call);  // request out, response head in
            admission.Arrive(call);                                               // is what the limits go by
            if (call.IsClaimed) await approvals.SettleAsync(call);                // executed, failed or unknown
            if (call.Proceeds) call.Verdict = await replies.RedactAsync(call);    // through the mask to the client
            if (call.Upload.IsRunning) await call.Upload.StopAsync(call);         // answered before all was sent
            if (!call.ReplyStarted) await replies.RefuseAsync(call);              // verdict -> status and body
            if (call.Outcome is not null) await approvals.KeepAsync(call);        // for a caller who comes back
        }
        catch (Exception fault)
        {
            call.Verdict = faults.Explain(fault, call); // a bug or a dead peer: Transport aborts
            if (call.Upload.IsRunning) await call.Upload.StopAsync(call);
            if (call.IsClaimed) await approvals.SettleAsync(call);
        }
        finally
        {
            audit.Record(call);  // always: what happened
            call.ReturnLeases(); // slot, credential, buffers, upstream connection
        }
    }
}
