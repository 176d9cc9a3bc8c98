using System.Runtime.CompilerServices;
using Countersign.DataPlane.Http;
using Countersign.DataPlane.Upstream;

namespace Countersign.DataPlane.Calls;

/// <summary>
/// Makes the call: request out, response head in. What may have reached the upstream is never sent again.
/// </summary>
internal sealed class UpstreamCaller(UpstreamPools pools, Limits limits)
{
    private const string AtCallsMax = "The function's upstream has as many calls in flight as its policy allows.";

    /// <summary>Sends the request and waits for the response's head.</summary>
    [HotPath]
    internal ValueTask<Verdict> ForwardAsync(CallContext call)
    {
        UpstreamGroup group = pools.GroupOf(call.Function!.Upstream);
        Verdict connected = Connect(call, group, out EndpointPool? chosen);
        return connected switch
        {
            Verdict.Proceed => ExchangeAsync(call, call.Upstream!),
            Verdict.Undecided => DialAndForwardAsync(call, group, chosen),
            _ => new(connected),
        };
    }

    private async ValueTask<Verdict> DialAndForwardAsync(CallContext call, UpstreamGroup group, EndpointPool? chosen)
    {
        Verdict connected = await ConnectAsync(call, group, chosen);
        return connected == Verdict.Proceed ? await ExchangeAsync(call, call.Upstream!) : connected;
    }

    // Proceed with an idle connection; Undecided if one must be opened. A strict call never rides a connection that
    // its peer may be closing: the outcome would be unknown.
    private static Verdict Connect(CallContext call, UpstreamGroup group, out EndpointPool? chosen)
    {
        chosen = null;
        if (!group.TryEnter()) return Busy(call, AtCallsMax);
        call.Upstream = group.TryTake(call.Function!.IsStrict, out chosen);
        return call.Upstream is null ? Verdict.Undecided : Verdict.Proceed;
    }

    [AsyncMethodBuilder(typeof(KeptTaskMethodBuilder<>))]
    private static async ValueTask<Verdict> ConnectAsync(CallContext call, UpstreamGroup group, EndpointPool? chosen)
    {
        Connected connected = default;
        try
        {
            connected = await group.ConnectAsync(call.Function!.IsStrict, chosen);
        }
        finally
        {
            if (connected.Connection is null) group.Leave();
        }

        call.Upstream = connected.Connection;
        return connected.Fault switch
        {
            ConnectFault.None => Verdict.Proceed,
            ConnectFault.AtLimit => Busy(
                call, "Every endpoint of the function's upstream has as many connections as it may."),
            ConnectFault.Unhealthy => Failed(call, "Every endpoint of the function's upstream fails its health check."),
            ConnectFault.Unresolved => Failed(call, "No name of the function's upstream can be resolved."),
            _ => Unreached(call, connected.Refusal),
        };
    }

    // Request out, response head in: one after the other where the request is there whole, else side by side.
    [AsyncMethodBuilder(typeof(KeptTaskMethodBuilder<>))]
    private async ValueTask<Verdict> ExchangeAsync(CallContext call, UpstreamConnection connection)
    {
        RequestUpload upload = call.Upload;
        upload.Start(call, connection, limits);
        if (upload.IsCompleted)
        {
            if (RequestUpload.EndsCall(await upload.EndAsync())) return Explain(call, ResponseStatus.Unsent);
            connection.Deadline.Arm(call.Function!.Upstream.Timeout);
        }

        ResponseStatus status = await ReadHeadAsync(call, connection);
        while (status == ResponseStatus.Interim)
        {
            await PassInterimAsync(call, connection);
            status = await ReadHeadAsync(call, connection);
        }

        if (!upload.IsRunning) return Explain(call, status);
        bool mustStop = status != ResponseStatus.Head;
        if (mustStop || upload.IsCompleted)
        {
            Verdict sent = mustStop ? await upload.StopAsync(call) : await upload.EndAsync();
            return Explain(call, RequestUpload.EndsCall(sent) ? ResponseStatus.Unsent : status);
        }

        NoteEarlyAnswer(call);
        return Explain(call, status);
    }

    // The answer is relayed while the rest is still sent; then the connections end, for nobody can know whether the
    // client goes on sending what no longer matters (RFC 9112 section 9.3).
    private static void NoteEarlyAnswer(CallContext call)
    {
        call.Upload.NoteAnswer();
        call.RequestBody.IsAwaited = false;
        call.ClientDeadline.Disarm();
        if (call.RequestBody.IsWhole) return;
        call.KeepAlive = false;
        call.AuditDetail = "The function answered before the request was sent whole.";
    }

    private async ValueTask PassInterimAsync(CallContext call, UpstreamConnection connection)
    {
        ResponseHead head = connection.Response;
        if (head.Status == 100)
        {
            if (!call.Upload.IsRunning || !UpstreamRequest.ForwardsExpect(call)) return;
            call.ContinueSent = true;
            call.RequestBody.IsAwaited = !call.RequestBody.IsWhole;
            WireText.Put(call.Client.Output, "HTTP/1.1 100 Continue\r\n\r\n"u8);
            connection.Deadline.Arm(limits.ClientStall + call.Function!.Upstream.Timeout);
        }
        else if (ReplyHead.PassesInterim(call, head)) ReplyHead.WriteInterim(call.Client.Output, call, head);
        else return;

        // A client that is gone or stalled is found out when the answer is written.
        call.ClientDeadline.Arm(limits.ClientStall);
        await call.Client.Output.FlushAsync();
        if (!call.Upload.IsRunning) call.ClientDeadline.Disarm();
    }

    private ValueTask<ResponseStatus> ReadHeadAsync(CallContext call, UpstreamConnection connection) =>
        connection.ReadHeadAsync(call.Request.IsHead, limits.HeadBytesMax, limits.FieldsMax);

    // A client that stalls or leaves says nothing of the upstream.
    private static Verdict Sent(CallContext call, Verdict sent)
    {
        if (sent == Verdict.UpstreamTimedOut) call.Upstream!.Fail();
        return sent;
    }

    private static Verdict Explain(CallContext call, ResponseStatus status)
    {
        if (status == ResponseStatus.Head)
        {
            call.UpstreamStatus = call.Upstream!.Response.Status;
            return Verdict.Proceed;
        }

        if (status == ResponseStatus.Unsent) return Sent(call, call.Upload.Outcome);

        // That a kept connection had been closed says nothing of the endpoint: each end may close an idle one.
        if (!call.Upstream!.WasUsed || status != ResponseStatus.ClosedUnanswered) call.Upstream.Fail();
        return status switch
        {
            ResponseStatus.TimedOut => Verdict.UpstreamTimedOut,
            ResponseStatus.Malformed => Failed(call, "The function's answer is not sound HTTP."),
            ResponseStatus.TlsFailed => FailedTls(call),
            _ => Failed(call, "The function closed the connection without an answer."),
        };
    }

    private static Verdict Busy(CallContext call, string detail)
    {
        call.Detail = detail;
        return Verdict.UpstreamBusy;
    }

    private static Verdict Unreached(CallContext call, string refusal) =>
        Failed(call, refusal.Length > 0 ? refusal : "No endpoint of the function's upstream can be reached.");

    // Which alert it was is the operator's to know.
    private static Verdict FailedTls(CallContext call)
    {
        call.AuditDetail = $"TLS with the function failed: {call.Upstream!.TlsFault}.";
        return Failed(call, UpstreamTlsFront.Refused);
    }

    private static Verdict Failed(CallContext call, string detail)
    {
        call.Detail = detail;
        return Verdict.UpstreamFailed;
    }
}
