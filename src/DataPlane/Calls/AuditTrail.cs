using System.Runtime.CompilerServices;
using Countersign.Audit;
using Countersign.DataPlane.Http;
using Countersign.Policy;
using Countersign.Policy.Approvals;

namespace Countersign.DataPlane.Calls;

/// <summary>
/// A call's two records: the intent before anything leaves, the outcome whatever happened. No room, no call.
/// </summary>
internal sealed class AuditTrail(AuditLog log, CopyDesk copies, string gateway, TimeProvider clock)
    : IAuditTrail
{
    /// <summary>Takes room for both records, so that what happened can always be written.</summary>
    [HotPath]
    public Verdict Reserve(CallContext call)
    {
        if (!log.TryReserve(out AuditReservation slot))
        {
            call.Detail = "The audit log has no room or cannot be written, so nothing may be called.";
            return Verdict.AuditUnavailable;
        }

        call.AuditSlot = slot;
        call.HasAuditSlot = true;
        return Verdict.Proceed;
    }

    /// <summary>
    /// Gives back the call's two records and their room while it is held. It reserves again before anything else
    /// happens.
    /// </summary>
    public void Park(CallContext call)
    {
        log.Return(call.AuditSlot);
        call.AuditSlot = default;
        call.HasAuditSlot = false;
    }

    /// <summary>Refuses while the log takes no records, though room was reserved: it may have failed since.</summary>
    public Verdict Confirm(CallContext call)
    {
        if (call.HasAuditSlot && log.IsHealthy) return Trust(call);
        call.Detail = "The audit log cannot be written, so nothing may be called.";
        return Verdict.AuditUnavailable;
    }

    /// <summary>
    /// Refuses strict calls while witnesses contradict the log, or too few follow it: who rewrote it may be at work.
    /// </summary>
    [HotPath]
    public Verdict Trust(CallContext call)
    {
        if (!call.Function!.IsStrict) return Verdict.Proceed;
        bool isWitnessed = clock.GetUtcNow() <= log.WitnessedUntil;
        if (isWitnessed && log.DoubtedBecause is null) return Verdict.Proceed;
        call.Detail = isWitnessed
            ? "The audit log is not the one that its witnesses saw."
            : "Too few witnesses follow the audit log.";
        return Verdict.AuditUnavailable;
    }

    /// <summary>Writes the intent: on disk before a strict call leaves, queued before any other.</summary>
    [HotPath]
    public ValueTask<Verdict> IntendAsync(CallContext call)
    {
        CallRecord record = new(CallRecordType.Intent);
        Describe(ref record, call, call.Started);
        AuditRecord intent = call.AuditSlot.Intent;
        record.WriteTo(intent, call.AuditSlot.Outcome);
        copies.Begin(call);
        bool isPromised = copies.GivesReceipt(call);
        if (isPromised) log.WriteReceipt(intent, call.Id, call.Started, call.Receipt);

        // A receipt is a promise that the intent is there: none leaves for one that a crash could still lose.
        if (isPromised || call.Function!.IsStrict) return CommitAsync(call, intent);
        log.Enqueue(intent);
        call.IsIntended = true;
        return new(Verdict.Proceed);
    }

    /// <summary>Writes the outcome. Reading the gateway's own paths is no call and leaves none.</summary>
    [HotPath]
    public void Record(CallContext call)
    {
        if (!call.HasAuditSlot && !TryReserveLate(call)) return;
        call.HasAuditSlot = false;
        if (call.Verdict != Verdict.OwnPathAnswered || !call.Request.Method.SequenceEqual("GET"u8))
        {
            CallRecord record = new(CallRecordType.Outcome);
            DateTimeOffset now = clock.GetUtcNow();
            if (call.AuditSlot.Outcome.IsReadied) record.At = now;
            else Describe(ref record, call, now);
            record.RequestBytes = call.RequestBody.BytesRead;
            record.Verdict = VerdictTable.AuditName(call.Verdict);
            record.Status = call.Status;
            record.UpstreamStatus = call.UpstreamStatus;
            record.ResponseBytes = call.ResponseBytes;
            call.EndReplyDigest();
            record.ResponseDigest = call.ResponseDigest;
            record.Masked = Math.Max(call.MaskedCount, 0);
            record.Credential = call.CredentialId;
            record.DurationMicroseconds = (long)clock.GetElapsedTime(call.StartedAt).TotalMicroseconds;
            record.Detail = call.AuditDetail;
            if (!call.ReachedUpstream) copies.AddUnsent(call);
            if (call.Copies is { } kept) WithCopies(ref record, call, kept);
            record.WriteTo(call.AuditSlot.Outcome);
            log.Enqueue(call.AuditSlot.Outcome);
        }

        copies.End(call);
        log.Return(call.AuditSlot);
    }

    // Only here, behind the answer: no caller waits for what the audit keeps.
    private void WithCopies(ref CallRecord record, CallContext call, CallCopies kept)
    {
        record.RequestDigest = kept.Request.EndDigest();
        if (!kept.KeepsBodies) return;
        RequestHead request = call.Request;
        ShownCopy payload = copies.Show(
            call, kept.Request, request.Value(FieldId.ContentType), request.Value(FieldId.ContentEncoding),
            kept.ShownRequest);
        record.RequestCopy = kept.ShownRequest.Written;
        record.IsRequestCopyCut = payload.IsCut;
        record.RequestCopyWithheld = payload.Withheld;
        if (call.Upstream is not { } upstream) return;
        ShownCopy answer = copies.Show(
            call, kept.Response, upstream.Response.Value(FieldId.ContentType),
            upstream.Response.Value(FieldId.ContentEncoding), kept.ShownResponse);
        record.ResponseCopy = kept.ShownResponse.Written;
        record.IsResponseCopyCut = answer.IsCut;
        record.ResponseCopyWithheld = answer.Withheld;
    }

    // A head that never became a call is written down too, as long as there is room.
    private bool TryReserveLate(CallContext call)
    {
        if (call.Verdict == Verdict.AuditUnavailable || !log.TryReserve(out AuditReservation slot)) return false;
        call.AuditSlot = slot;
        return true;
    }

    [AsyncMethodBuilder(typeof(KeptTaskMethodBuilder<>))]
    private async ValueTask<Verdict> CommitAsync(CallContext call, AuditRecord intent)
    {
        call.IsIntended = await log.CommitAsync(intent);
        if (call.IsIntended) return Verdict.Proceed;
        call.Detail = "The audit log cannot be written, so nothing may be called.";
        return Verdict.AuditUnavailable;
    }

    private void Describe(ref CallRecord record, CallContext call, DateTimeOffset at)
    {
        record.Call = call.Id;
        record.At = at;
        record.Gateway = gateway;
        if (call.Caller is { } caller)
        {
            record.Issuer = caller.Issuer;
            record.Subject = caller.Subject;
            record.Kind = ApprovalJson.NameOf(caller.Kind);
            record.Groups = caller.Groups;
            record.Chain = caller.Chain;
            record.ActorIssuer = caller.Acting?.Issuer;
            record.ActorSubject = caller.Acting?.Subject;
        }

        record.Method = call.Request.Method;
        record.Target = call.IsToolCall ? call.Tool!.Place : AuditTarget.Of(call.Request.Target);
        record.RequestBytes = call.RequestBody.BytesRead;
        record.PolicyVersion = call.Policy?.Version ?? 0;
        if (call.Function is { } function)
        {
            record.Function = function.Id;
            record.Risk = ApprovalJson.NameOf(function.Risk);
        }

        if (call.Decision is { } decision)
        {
            Decision decided = decision.Observed ?? decision;
            record.Decision = NameOf(decided.Effect);
            record.Rule = decided.Rule;
            if (decision.Observed is not null) record.Enforced = NameOf(decision.Effect);
        }

        if (call.Digest.Length > 0) record.Digest = call.DigestBytes;
        if (call.Approval is not { } approval) return;
        record.Approval = approval.Id;
        record.Approvers = CredentialDesk.ApproversOf(approval);
    }

    private static string NameOf(Effect effect) => effect switch
    {
        Effect.Allow => "allow",
        Effect.Approve => "approve",
        _ => "deny",
    };
}
