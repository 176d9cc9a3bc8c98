using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Countersign.DataPlane.Http;
using Countersign.Policy;
using Countersign.Policy.Approvals;

namespace Countersign.DataPlane.Calls;

/// <content>Retries of a call that was made, and what is kept for them.</content>
internal sealed partial class ApprovalDesk
{
    private static readonly TimeSpan OutcomeKeptWithin = TimeSpan.FromSeconds(1);

    /// <summary>Keeps what the call was answered, for its caller alone.</summary>
    internal async ValueTask KeepAsync(CallContext call)
    {
        OutcomeCapture capture = call.Outcome!;
        call.Outcome = null;
        if (!call.ReplyStarted || (!call.ReplyEnded && !call.IsClientGone)) return;
        bool isUpstreams = call.Upstream is not null && call.UpstreamStatus > 0 && call.Status == call.UpstreamStatus;

        // What broke off must not be taken for whole: the client that left may have taken only a part.
        bool isWhole = call.ReplyEnded || (isUpstreams && call.Upstream!.Body.IsWhole);
        if (!isWhole) return;
        ArrayBufferWriter<byte> head = new(512);
        ReplyHead.WriteKept(head, call, isUpstreams);
        CallOutcome outcome = new(
            call.Status, call.IdString(), CallOutcome.FieldsOf(head.WrittenSpan), capture.Body, capture.Bytes);
        string id = call.Approval!.Id;
        byte[] box = seal.Seal(CallOutcome.SealName(id), outcome.Write());
        StoreStatus kept = await store.KeepOutcomeAsync(id, box, Limits.OutcomeKept);
        if (kept != StoreStatus.Ok) call.AuditDetail = "The answer could not be kept for its caller.";
    }

    // Ok where the call has a key that stands for the approval: asked with it, or named with it while it can still be
    // used. What another call used before stands under its key alone, if it had one.
    private async ValueTask<StoreStatus> KeyOfAsync(CallContext call, Approval approval, string retryKey)
    {
        if (retryKey.Length == 0) return StoreStatus.NotFound;
        if (!NamesApproval(call)) return StoreStatus.Ok;
        return IsTheirs(call, approval) ? await store.BindAsync(approval, retryKey) : StoreStatus.NotFound;
    }

    private static bool IsTheirs(CallContext call, Approval approval) =>
        approval.Digest == call.Digest && ApprovalRules.IsRequester(approval.Requester, call.Caller!);

    // A key names one approval, and what came of it is what every retry gets: fetched at the status URL or not.
    private async ValueTask<bool> TryReplayAsync(CallContext call, Approval approval)
    {
        bool hasEnded = approval.State is ApprovalState.Executed or ApprovalState.Failed or ApprovalState.Unknown;
        if (!hasEnded || !IsTheirs(call, approval)) return false;
        if (!IsKept(approval) && !await IsKeptSoonAsync(call, approval.Id)) return false;
        StoreResult<byte[]> box = await store.OutcomeAsync(approval.Id);
        if (!box.IsOk || !seal.TryOpen(CallOutcome.SealName(approval.Id), box.Value!, out byte[] opened)) return false;
        if (CallOutcome.Read(opened) is not { Body: not null } outcome) return false;
        call.Replayed = outcome;
        return true;
    }

    // The answer is kept when its last byte has left: a client that retries at once may be faster.
    private async ValueTask<bool> IsKeptSoonAsync(CallContext call, string id)
    {
        using ApprovalWait wait = new(store, clock, OutcomeKeptWithin, call.Client.Closed);
        wait.Listens(id);
        while (true)
        {
            StoreResult<Approval> found = await store.FindAsync(id);
            if (!found.IsOk || IsKept(found.Value!)) return found.IsOk;
            if (!TryPark(call, wait)) return false;
            try
            {
                await wait.News;
            }
            finally
            {
                Unpark(call);
            }

            if (!wait.TakeNews()) return false;
        }
    }

    private static bool IsKept(Approval approval) => approval.HasOutcome || approval.IsOutcomeTold;

    // Claimed and not answered yet: a retry by its key waits for the answer, one that asked not to wait is told so.
    private static bool IsUnderWay(CallContext call, ApprovalWait wait, bool isKeyed)
    {
        if (IsAccepted(call)) return true;
        bool isAnswered = call.Approval!.State != ApprovalState.Claimed;
        return isKeyed && (!isAnswered || (wait.IsWanted && call.Approval.State == ApprovalState.Executed));
    }

    // Somebody makes the call, or will: whoever asked not to wait fetches what comes of it, if they did not yet.
    private static bool IsAccepted(CallContext call) => call.Approval is { Runs: true, IsOutcomeTold: false }
        && call.Run is null && PreferField.RespondsAsync(call.Request);

    // One that no other caller has: the key alone is the caller's to choose.
    private static bool TryReadRetryKey(CallContext call, out string retryKey)
    {
        retryKey = "";
        if (call.Request.Count(FieldId.IdempotencyKey) == 0 || call.Run is not null) return true;
        ReadOnlySpan<byte> key = call.Request.Value(FieldId.IdempotencyKey);
        if (key.Length is 0 or > Limits.RetryKeyBytesMax)
        {
            call.Detail = "Idempotency-Key must be 1 to 255 bytes.";
            return false;
        }

        retryKey = OwnKey(call.Caller!, key);
        return true;
    }

    // Who acts is part of who asks: two agents of one person have two sets of keys, and the person a third.
    private static string OwnKey(Caller caller, ReadOnlySpan<byte> key)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string part in (string[])[caller.Tenant, caller.Issuer, caller.Subject, .. caller.Chain])
            AppendPart(hash, part);
        if (caller.IsDelegated)
        {
            hash.AppendData("^"u8);
            AppendPart(hash, caller.Actor);
        }

        hash.AppendData("|"u8);
        hash.AppendData(key);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void AppendPart(IncrementalHash hash, string part)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(part);
        hash.AppendData(Encoding.ASCII.GetBytes(bytes.Length.ToString(CultureInfo.InvariantCulture) + ":"));
        hash.AppendData(bytes);
    }

    // What anybody may do now, nobody countersigned: this approval is not for it.
    private static Verdict NoLonger(CallContext call)
    {
        call.Detail = "The policy lets this call through without approval now; make it yourself.";
        return Verdict.ApprovalMismatch;
    }

    private static Verdict Mismatch(CallContext call, string detail)
    {
        call.Detail = detail;
        return Verdict.ApprovalMismatch;
    }

    private static Verdict Unknown(CallContext call) => Mismatch(call, "There is no such approval for this call.");

    private static Verdict Reasonless(CallContext call)
    {
        call.Detail = "This call needs a reason: send it in the Countersign-Reason field.";
        return Verdict.ReasonRequired;
    }

    private static Verdict AskedTooMuch(CallContext call, TimeSpan wait)
    {
        call.Rates.RefuseAsk(wait);
        call.Detail = "Too many approvals were asked for by this caller, or by a person it acts for.";
        return Verdict.RateLimited;
    }

    private static Verdict Paused(CallContext call)
    {
        if (IsAccepted(call)) return Verdict.ApprovalAccepted;
        call.Detail = "Another person must approve this call. Repeat it unchanged once it is approved.";
        return Verdict.ApprovalRequired;
    }
}
