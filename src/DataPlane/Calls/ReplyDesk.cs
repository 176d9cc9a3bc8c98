using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Countersign.DataPlane.Http;
using Countersign.DataPlane.Upstream;
using Countersign.Masking;
using Countersign.Masking.Content;

namespace Countersign.DataPlane.Calls;

/// <summary>
/// The answer's way back: through the mask to the client, or a refusal. A masked answer is held back up to a window, so
/// that one that cannot be masked is refused with a clean 502; past the window it streams, and a refusal cuts it off.
/// </summary>
internal sealed class ReplyDesk(MaskDesk masks, Limits limits, ProtectedResources resources)
{
    private const string Veiled = "The answer's coding cannot be undone, so what was lent could hide in it.";
    private const int FlushBytes = 32_768;

    // An encoded body is decoded in pieces, so that what a few bytes grow to can leave before more of it comes.
    private const int EncodedPieceBytes = 4_096;

    private readonly BodyLimits _bodyLimits = new(limits.DecodedBytesMax, limits.DecodedRatioMax);

    /// <summary>Sends the upstream's answer to the client.</summary>
    [HotPath]
    internal ValueTask<Verdict> RedactAsync(CallContext call)
    {
        UpstreamConnection upstream = call.Upstream!;
        MaskPlan? plan = masks.PlanFor(call.Decision!);
        ResponseHead head = upstream.Response;
        bool hasBody = head.Framing != BodyFraming.None && !upstream.Body.IsWhole;
        bool isVeiled = hasBody && LentEcho.MayHideIn(call, head);
        if (plan is null) return isVeiled ? OpenAsync(call, upstream) : PassAsync(call, upstream);
        call.Masks = plan;
        call.MaskedHeaders = call.MaskedCount = plan.CountHeaders(head);
        call.DropsEncoding = plan.MasksBody && !plan.KeepsEncoding;
        if (!hasBody) return PassAsync(call, upstream);
        if (head.Status == 206) return new(NotMaskable(call, "A part of an answer cannot be masked."));
        if (!plan.MasksBody) return isVeiled ? OpenAsync(call, upstream) : PassAsync(call, upstream);
        if (IsExempt(call, head)) return PassUnmaskedAsync(call, upstream, isVeiled);
        return head.Count(FieldId.ContentType) == 1 && head.Count(FieldId.ContentEncoding) <= 1
            ? MaskAsync(call, upstream, plan)
            : new(NotMaskable(call, "The answer does not say in one way what it is, so it cannot be masked."));
    }

    /// <summary>Answers a call that ended before an upstream's answer began.</summary>
    internal async ValueTask RefuseAsync(CallContext call)
    {
        if (call.Verdict == Verdict.OwnPathAnswered) return;
        call.Lent.End();
        if (call.Verdict == Verdict.ClientGone)
        {
            // What it has pipelined must not be answered as if it were this call.
            call.KeepAlive = false;
            return;
        }

        if (call.Replayed is { } outcome)
        {
            await ReplayAsync(call, outcome);
            return;
        }

        VerdictRow row = VerdictTable.Of(call.Verdict);
        call.KeepAlive = call.KeepAlive && !row.Closes && await RequestBodies.TryDrainAsync(call, limits);
        call.RequestBody.Release();
        call.Status = row.Status;
        call.ReplyStarted = true;
        byte[] body = Problem.Write(call, row);
        if (!call.Request.IsHead) call.CountReply(body);
        string metadataUrl = row.Status is 401 or 403 ? resources.MetadataUrl(call) : "";
        ReplyHead.WriteProblem(call.Client.Output, call, row, body.Length, metadataUrl);
        if (!call.Request.IsHead) WireText.Put(call.Client.Output, body);
        call.ReplyEnded = await TryFlushAsync(call);
        if (!call.ReplyEnded) call.KeepAlive = false;
    }

    /// <summary>Gives an answer that was given before.</summary>
    internal async ValueTask ReplayAsync(CallContext call, CallOutcome outcome)
    {
        call.KeepAlive = call.KeepAlive && await RequestBodies.TryDrainAsync(call, limits);
        call.RequestBody.Release();
        call.Status = outcome.Status;
        call.ReplyStarted = true;
        bool hasBody = !call.Request.IsHead && outcome.Status is not (204 or 304);
        if (hasBody) call.CountReply(outcome.Body);
        ReplyHead.WriteReplayed(call.Client.Output, call, outcome);
        if (hasBody) WireText.Put(call.Client.Output, outcome.Body);
        call.ReplyEnded = await TryFlushAsync(call);
        if (!call.ReplyEnded) call.KeepAlive = false;
    }

    // Only what no mask can read by its type: what is said to be JSON is masked or refused all the same.
    private static bool IsExempt(CallContext call, ResponseHead head) =>
        !call.Function!.IsMaskable && head.Count(FieldId.ContentType) <= 1
        && !BodyMasker.IsReadable(head.Value(FieldId.ContentType));

    private ValueTask<Verdict> PassUnmaskedAsync(CallContext call, UpstreamConnection upstream, bool isVeiled)
    {
        call.AuditDetail = "The answer passed its masks unread: policy says that the function is not maskable.";
        call.DropsEncoding = false;
        return isVeiled ? OpenAsync(call, upstream) : PassAsync(call, upstream);
    }

    // Under no mask, but under a coding that what was lent would hide in: it leaves decoded, without it.
    private ValueTask<Verdict> OpenAsync(CallContext call, UpstreamConnection upstream)
    {
        ResponseHead head = upstream.Response;
        return head.Status == 206 || head.Count(FieldId.ContentEncoding) > 1
            ? new(NotMaskable(call, Veiled))
            : MaskAsync(call, upstream, plan: null);
    }

    [AsyncMethodBuilder(typeof(KeptTaskMethodBuilder<>))]
    private async ValueTask<Verdict> PassAsync(CallContext call, UpstreamConnection upstream)
    {
        bool isChunked = ReplyHead.WritePassed(call.Client.Output, call);
        call.ReplyStarted = true;
        call.Status = call.UpstreamStatus;
        BodyReader body = upstream.Body;
        int unflushed = 0;
        while (!body.IsWhole)
        {
            BodyStatus status = await ReadAsync(call, upstream);
            if (status == BodyStatus.End) break;
            if (status != BodyStatus.Data) return Cut(call, status);
            unflushed += Pass(call, call.Secrets.Clean(body.Data, body.IsWhole), isChunked);
            if (unflushed < FlushBytes) continue;

            // Counted here, since a pipe whose reader is gone takes bytes and counts none of them.
            unflushed = 0;
            if (!await TryFlushAsync(call)) return Verdict.ClientGone;
        }

        Pass(call, call.Secrets.Clean(default, isLast: true), isChunked);
        if (isChunked) PutEnd(call, upstream);
        return await EndAsync(call, upstream);
    }

    [HotPath]
    private static int Pass(CallContext call, ReadOnlySpan<byte> run, bool isChunked)
    {
        if (run.IsEmpty) return 0;
        call.Copies?.AddResponse(run);
        call.CountReply(run);
        if (isChunked) WireText.PutChunk(call.Client.Output, run);
        else WireText.Put(call.Client.Output, run);
        return run.Length;
    }

    [AsyncMethodBuilder(typeof(KeptTaskMethodBuilder<>))]
    private async ValueTask<Verdict> MaskAsync(CallContext call, UpstreamConnection upstream, MaskPlan? plan)
    {
        BodyMasker masker = masks.Rent();
        try
        {
            if (!TryBegin(masker, call, upstream.Response, plan)) return NotMaskable(call, masker);
            int window = masker.IsRecordStream ? 1 : limits.ReplyWindowBytes;
            int pieceMax = masker.IsEncoded ? EncodedPieceBytes : int.MaxValue;
            BodyReader body = upstream.Body;
            MaskStatus masked = MaskStatus.NeedMore;
            while (!body.IsWhole && masked != MaskStatus.Refused)
            {
                BodyStatus status = await ReadAsync(call, upstream);
                if (status == BodyStatus.End) break;
                if (status != BodyStatus.Data) return call.ReplyStarted ? Cut(call, status) : Broken(call, status);
                call.Copies?.AddResponse(body.Data);
                call.Reply.Expect((int)Math.Min(body.BytesLeft + body.Data.Length, window - call.Reply.Count));
                int taken = 0;
                while (taken < body.Data.Length && masked != MaskStatus.Refused)
                {
                    int piece = Math.Min(body.Data.Length - taken, pieceMax);
                    masked = masker.Write(body.Data.Slice(taken, piece), call.Reply);
                    taken += piece;
                    if (call.Reply.Count < window || masked == MaskStatus.Refused) continue;
                    if (!await TryStreamAsync(call)) return Verdict.ClientGone;
                }
            }

            if (masked != MaskStatus.Refused) masked = masker.Finish(call.Reply);
            if (call.Masks is not null) call.MaskedCount = masker.MaskedCount + call.MaskedHeaders;
            if (masked == MaskStatus.Refused) return NotMaskable(call, masker);
        }
        finally
        {
            masks.Return(masker);
        }

        // Only then: while the answer waits for its turn to leave, other calls of the loop mask.
        return await EndMaskedAsync(call, upstream);
    }

    private bool TryBegin(BodyMasker masker, CallContext call, ResponseHead head, MaskPlan? plan)
    {
        masker.Secrets = call.Secrets.IsEmpty ? null : call.Secrets;
        bool isRead = plan is null
            ? masker.TryOpen(head.Value(FieldId.ContentEncoding), _bodyLimits)
            : masker.TryReset(
                plan.Program, head.Value(FieldId.ContentType), head.Value(FieldId.ContentEncoding),
                plan.KeepsEncoding, _bodyLimits, null);
        call.DropsEncoding = !masker.KeepsEncoding;
        return isRead;
    }

    // The window is full, or records must not wait: the head goes out, and from here on a refusal can only cut.
    private async ValueTask<bool> TryStreamAsync(CallContext call)
    {
        if (!call.ReplyStarted)
        {
            ReplyHead.WriteMaskedStream(call.Client.Output, call);
            call.ReplyStarted = true;
            call.Status = call.UpstreamStatus;
        }

        PutReply(call);
        return await TryFlushAsync(call);
    }

    private ValueTask<Verdict> EndMaskedAsync(CallContext call, UpstreamConnection upstream)
    {
        PipeWriter output = call.Client.Output;
        if (!call.ReplyStarted)
        {
            ReplyHead.WriteMaskedWhole(output, call, call.Reply.Count);
            call.ReplyStarted = true;
            call.Status = call.UpstreamStatus;
            call.CountReply(call.Reply.Written);
            WireText.Put(output, call.Reply.Written);
            call.Reply.Return();
        }
        else
        {
            PutReply(call);
            if (ReplyHead.SpeaksChunked(call))
            {
                WireText.Put(output, "0\r\n"u8);
                if (call.MaskedCount >= 0) WireText.PutField(output, "Countersign-Masked"u8, call.MaskedCount);
                WireText.Put(output, "\r\n"u8);
            }
        }

        return EndAsync(call, upstream);
    }

    private static void PutEnd(CallContext call, UpstreamConnection upstream)
    {
        WireText.Put(call.Client.Output, "0\r\n"u8);
        bool passes = ReplyHead.PassesTrailers(call) && upstream.Body.Trailers is { } trailers
            && !LentEcho.IsIn(call, trailers);
        if (passes) upstream.Body.Trailers!.WriteTo(call.Client.Output);
        WireText.Put(call.Client.Output, "\r\n"u8);
    }

    private static void PutReply(CallContext call)
    {
        call.CountReply(call.Reply.Written);
        if (ReplyHead.SpeaksChunked(call)) WireText.PutChunk(call.Client.Output, call.Reply.Written);
        else WireText.Put(call.Client.Output, call.Reply.Written);
        call.Reply.Clear();
    }

    [HotPath]
    private ValueTask<BodyStatus> ReadAsync(CallContext call, UpstreamConnection upstream)
    {
        upstream.Deadline.Arm(call.Function!.Upstream.ReadTimeout);
        ValueTask<BodyStatus> read = upstream.Body.ReadAsync();
        bool hasNothingToFlush = call.Client.Output.UnflushedBytes == 0 || !call.ReplyStarted;
        return read.IsCompleted || hasNothingToFlush ? read : FlushThenAsync(call, upstream, read);
    }

    // The upstream pauses: what it has sent so far must not wait for the rest.
    [AsyncMethodBuilder(typeof(KeptTaskMethodBuilder<>))]
    private async ValueTask<BodyStatus> FlushThenAsync(
        CallContext call, UpstreamConnection upstream, ValueTask<BodyStatus> read)
    {
        if (await TryFlushAsync(call)) return await read;
        upstream.GiveUp();
        await read; // it may have brought more, which nobody wants
        return BodyStatus.TimedOut;
    }

    [HotPath]
    private ValueTask<Verdict> EndAsync(CallContext call, UpstreamConnection upstream)
    {
        call.Lent.End();
        upstream.Finish();
        call.KeepAlive = call.KeepAlive && !ReplyHead.EndsWithClose(call) && call.RequestBody.IsWhole;
        ValueTask<bool> flush = TryFlushAsync(call);
        return flush.IsCompletedSuccessfully ? new(End(call, flush.Result)) : EndLaterAsync(call, flush);
    }

    [AsyncMethodBuilder(typeof(KeptTaskMethodBuilder<>))]
    private static async ValueTask<Verdict> EndLaterAsync(CallContext call, ValueTask<bool> flush) =>
        End(call, await flush);

    private static Verdict End(CallContext call, bool isTaken)
    {
        call.ReplyEnded = isTaken;
        return isTaken ? Verdict.Proceed : Verdict.ClientGone;
    }

    [HotPath]
    private ValueTask<bool> TryFlushAsync(CallContext call)
    {
        // Before the last byte leaves: whoever has the whole answer finds the credential dead.
        if (call.Upstream is { } upstream && upstream.Body.IsWhole) call.Lent.End();
        call.AnswerPace.Wait(
            call.Client.Output.UnflushedBytes, limits.AnswerBytesPerSecondMin, limits.RateWindow, limits.ClientStall);
        ValueTask<FlushResult> flush = call.Client.Output.FlushAsync();
        if (!flush.IsCompletedSuccessfully) return FlushLaterAsync(call, flush);
        FlushResult flushed = flush.Result;
        return flushed.IsCanceled ? FlushLaterAsync(call, new(flushed)) : new(EndFlush(call, flushed));
    }

    [AsyncMethodBuilder(typeof(KeptTaskMethodBuilder<>))]
    private static async ValueTask<bool> FlushLaterAsync(CallContext call, ValueTask<FlushResult> flush)
    {
        FlushResult flushed = await flush;
        while (flushed.IsCanceled && !call.ClientDeadline.HasPassed) flushed = await call.Client.Output.FlushAsync();
        return EndFlush(call, flushed);
    }

    private static bool EndFlush(CallContext call, FlushResult flushed)
    {
        call.ClientDeadline.Disarm();
        call.IsClientGone = flushed.IsCompleted || flushed.IsCanceled;
        return !call.IsClientGone;
    }

    // The head has gone out, so the only honest end is a broken one: Transport resets the connection.
    private static Verdict Cut(CallContext call, BodyStatus status)
    {
        call.KeepAlive = false;
        call.AuditDetail = "The answer broke off after its head was sent.";
        if (call.IsClientGone || call.Client.Closed.IsCancellationRequested) return Verdict.ClientGone;
        return status == BodyStatus.TimedOut ? Verdict.UpstreamTimedOut : Verdict.UpstreamFailed;
    }

    private static Verdict Broken(CallContext call, BodyStatus status)
    {
        call.Detail = "The function's answer broke off.";
        return status == BodyStatus.TimedOut ? Verdict.UpstreamTimedOut : Verdict.UpstreamFailed;
    }

    // Why it cannot be read is the operator's to know: a caller could steer what the function answers by it.
    private static Verdict NotMaskable(CallContext call, BodyMasker masker)
    {
        call.AuditDetail = masker.RefusedBecause;
        bool isMasked = call.Masks is { MasksBody: true };
        return NotMaskable(call, isMasked ? "The answer is not what its masks can be applied to." : Veiled);
    }

    private static Verdict NotMaskable(CallContext call, string detail)
    {
        call.Reply.Clear();
        call.Detail = detail;
        if (call.AuditDetail.Length == 0) call.AuditDetail = detail;
        if (call.ReplyStarted) call.KeepAlive = false;
        return Verdict.NotMaskable;
    }
}
