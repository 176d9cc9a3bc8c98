using System.Buffers;
using System.Text;
using System.Text.Json;
using Countersign.DataPlane.Http;
using Countersign.Policy;
using Countersign.Policy.Approvals;

namespace Countersign.DataPlane.Calls;

/// <summary>
/// The gateway's own paths on the data listener (DESIGN 4.1): the resource metadata of RFC 9728, and the requester's
/// view of an approval. Approvals are never accepted here.
/// </summary>
internal sealed class OwnPaths(
    CallerGate callers, IApprovalStore store, PayloadSeal seal, Limits limits, TimeProvider clock,
    Func<string, byte[]> resourceMetadata)
{
    private static ReadOnlySpan<byte> MetadataPath => "/.well-known/oauth-protected-resource"u8;

    private const string OutcomeSuffix = "/outcome";

    // What follows the path in a target: the query, or which tool of an MCP endpoint.
    private static readonly char[] PathEnds = ['?', '#'];

    private static ReadOnlySpan<byte> ApprovalsPath => "/.countersign/approvals/"u8;

    /// <summary>True if the path is the gateway's, so that no policy can give it to a function.</summary>
    [HotPath]
    internal static bool Owns(CallContext call)
    {
        if (IsForGateway(call.Request)) return true;
        ReadOnlySpan<byte> path = call.Request.Path;
        return path is [(byte)'/', (byte)'.', ..]
            && (IsMetadata(path) || path.StartsWith("/.countersign/"u8));
    }

    /// <summary>Answers; the verdict refuses or says that the answer was given.</summary>
    internal async ValueTask<Verdict> AnswerAsync(CallContext call)
    {
        if (IsForGateway(call.Request)) return await SendOptionsAsync(call);
        bool isGet = call.Request.Method.SequenceEqual("GET"u8);
        bool isDelete = call.Request.Method.SequenceEqual("DELETE"u8);
        if (IsMetadata(call.Request.Path))
        {
            // RFC 9728 section 3.1: of a resource under a path, such as an MCP endpoint, the path follows.
            string resource = Encoding.UTF8.GetString(call.Request.Path[MetadataPath.Length..]);
            return isGet || call.Request.IsHead ? await SendAsync(call, resourceMetadata(resource)) : Verdict.NotFound;
        }

        if (!call.Request.Path.StartsWith(ApprovalsPath) || !(isGet || isDelete)) return Verdict.NotFound;
        string id = Encoding.ASCII.GetString(call.Request.Path[ApprovalsPath.Length..]);
        bool isOutcome = isGet && id.EndsWith(OutcomeSuffix, StringComparison.Ordinal);
        if (isOutcome) id = id[..^OutcomeSuffix.Length];
        Verdict identified = callers.Identify(call);
        if (identified == Verdict.TokenUnseen) identified = await callers.VerifyAsync(call);
        if (identified != Verdict.Proceed) return identified;
        if (!Guid.TryParseExact(id, "D", out _)) return Verdict.NotFound;
        if (isOutcome) return await GiveAsync(call, id);
        return isGet ? await ShowAsync(call, id) : await CancelAsync(call, id);
    }

    private static bool IsMetadata(ReadOnlySpan<byte> path) =>
        path.StartsWith(MetadataPath) && (path.Length == MetadataPath.Length || path[MetadataPath.Length] == (byte)'/');

    // The answer as the function gave it, once.
    private async ValueTask<Verdict> GiveAsync(CallContext call, string id)
    {
        StoreResult<Approval> found = await store.FindAsync(id);
        if (Refusal(call, found) is { } refusal) return refusal;
        if (!ApprovalRules.IsRequester(found.Value!.Requester, call.Caller!)) return Verdict.NotFound;
        if (await TakeAsync(id, keepsBodyless: true) is not { } outcome)
        {
            call.Detail = "There is no answer to fetch: none yet, too large, or fetched already.";
            return Verdict.NotFound;
        }

        call.Replayed = outcome;
        return Verdict.OutcomeReplayed;
    }

    // Gone with the taking. What was too large to keep has no body to give as it was, and stays for the status.
    private async ValueTask<CallOutcome?> TakeAsync(string id, bool keepsBodyless)
    {
        if (keepsBodyless)
        {
            StoreResult<byte[]> there = await store.OutcomeAsync(id);
            if (!there.IsOk || Open(id, there.Value!) is not { Body: not null }) return null;
        }

        StoreResult<byte[]> taken = await store.TakeOutcomeAsync(id);
        return taken.IsOk ? Open(id, taken.Value!) : null;
    }

    private CallOutcome? Open(string id, byte[] box) =>
        seal.TryOpen(CallOutcome.SealName(id), box, out byte[] opened) ? CallOutcome.Read(opened) : null;

    // OPTIONS of the server as a whole, or that must not be forwarded (RFC 9110 sections 7.6.2 and 9.3.7). The answer
    // is the same for everybody and tells nothing of policy.
    private static bool IsForGateway(RequestHead head) => head.IsServerWide || head.MaxForwards == 0;

    private async ValueTask<Verdict> ShowAsync(CallContext call, string id)
    {
        int seconds = Math.Max(PreferField.WaitSeconds(call.Request), 0);
        TimeSpan hold = TimeSpan.FromSeconds(Math.Min(seconds, limits.HoldMax.TotalSeconds));
        using ApprovalWait wait = new(store, clock, hold, call.Client.Closed);
        call.Wait = wait;
        wait.Listens(id);
        long seen = 0;
        while (true)
        {
            StoreResult<Approval> found = await store.FindAsync(id);
            if (callers.StillStands(call) is var stands and not Verdict.Proceed) return stands;
            if (Refusal(call, found) is { } refusal) return refusal;
            Approval approval = found.Value!;
            bool isPending = approval.State == ApprovalState.Pending && (seen == 0 || seen == approval.Version);
            seen = approval.Version;
            bool isAwaited = approval.Runs ? IsUnderWay(approval) : isPending;
            if (!isAwaited || !await ParkAsync(call, wait)) return await SendAsync(call, approval);
        }
    }

    // Of a call that is made without its caller the answer is waited for, not the approval.
    private static bool IsUnderWay(Approval approval) => !approval.HasOutcome && !approval.IsOutcomeTold
        && approval.State is ApprovalState.Pending or ApprovalState.Approved or ApprovalState.Claimed
            or ApprovalState.Executed;

    // Whoever watches an approval is held as its call would be.
    private static async ValueTask<bool> ParkAsync(CallContext call, ApprovalWait wait)
    {
        wait.Expect(call.Approval!);
        if (!wait.IsWanted || !call.Ticket.TryPark()) return false;
        try
        {
            await wait.News;
            return wait.TakeNews();
        }
        finally
        {
            call.Ticket.Resume();
        }
    }

    private async ValueTask<Verdict> CancelAsync(CallContext call, string id)
    {
        while (true)
        {
            StoreResult<Approval> found = await store.FindAsync(id);
            if (Refusal(call, found) is { } refusal) return refusal;
            MoveOutcome move = ApprovalRules.Cancel(found.Value!, call.Caller!, clock.GetUtcNow());
            if (!move.IsMoved) return Explain(call, found.Value!, move.Refusal);
            StoreResult<Approval> moved = await store.MoveAsync(found.Value!, move.Next!);
            if (moved.IsOk) return await SendAsync(call, moved.Value!);
            if (moved.Status == StoreStatus.Unavailable) return Verdict.StoreUnavailable;
        }
    }

    // Another caller's approval is not there for this one, nor one agent's for another: its existence is not theirs to
    // know.
    private static Verdict? Refusal(CallContext call, in StoreResult<Approval> found)
    {
        if (found.Status == StoreStatus.NotFound) return Verdict.NotFound;
        if (!found.IsOk) return Verdict.StoreUnavailable;
        if (!ApprovalRules.MayFollow(found.Value!.Requester, call.Caller!)) return Verdict.NotFound;
        if (!call.Caller!.MayUse(PathOf(found.Value.Target))) return Verdict.NotFound;
        call.Approval = found.Value;
        return null;
    }

    private static byte[] PathOf(string target) => Encoding.UTF8.GetBytes(target.Split(PathEnds, 2)[0]);

    private static Verdict Explain(CallContext call, Approval approval, MoveRefusal refusal)
    {
        call.Detail = "The approval is " + ApprovalStates.NameOf(approval.State) + " and cannot be cancelled.";
        return refusal switch
        {
            MoveRefusal.Expired => Verdict.ApprovalExpired,
            MoveRefusal.Denied => Verdict.ApprovalDenied,
            MoveRefusal.NotTheRequester => Verdict.NotFound,
            _ => Verdict.ApprovalUsed,
        };
    }

    // With what came of the call, once, for who asked: unless they say that they only want to look.
    private async ValueTask<Verdict> SendAsync(CallContext call, Approval approval)
    {
        bool gives = approval.HasOutcome && approval.Runs && !PreferField.IsMinimal(call.Request)
            && ApprovalRules.IsRequester(approval.Requester, call.Caller!);
        CallOutcome? outcome = gives ? await TakeAsync(approval.Id, keepsBodyless: false) : null;
        ArrayBufferWriter<byte> body = new(1024);
        using (Utf8JsonWriter json = new(body))
        {
            ApprovalJson.Write(
                json, approval, default, more: writer => OutcomeJson.Write(writer, approval, outcome));
        }

        return await SendAsync(call, body.WrittenMemory);
    }

    private async ValueTask<Verdict> SendAsync(CallContext call, ReadOnlyMemory<byte> body)
    {
        await BeginAsync(call, 200);
        if (!call.Request.IsHead) call.CountReply(body.Span);
        ReplyHead.WriteOwnJson(call.Client.Output, call, 200, body.Length);
        if (!call.Request.IsHead) WireText.Put(call.Client.Output, body.Span);
        return await EndAsync(call);
    }

    private async ValueTask<Verdict> SendOptionsAsync(CallContext call)
    {
        await BeginAsync(call, 204);
        ReplyHead.WriteOptions(call.Client.Output, call);
        return await EndAsync(call);
    }

    private async ValueTask BeginAsync(CallContext call, int status)
    {
        call.KeepAlive = call.KeepAlive && await RequestBodies.TryDrainAsync(call, limits);
        call.RequestBody.Release();
        call.Status = status;
        call.ReplyStarted = true;
    }

    private async ValueTask<Verdict> EndAsync(CallContext call)
    {
        call.ClientDeadline.Arm(limits.ClientStall);
        var flushed = await call.Client.Output.FlushAsync();
        call.ClientDeadline.Disarm();
        call.ReplyEnded = !flushed.IsCompleted && !flushed.IsCanceled;
        return call.ReplyEnded ? Verdict.OwnPathAnswered : Verdict.ClientGone;
    }
}
