using System.Runtime.CompilerServices;
using Countersign.DataPlane.Http;
using Countersign.DataPlane.Upstream;

namespace Countersign.DataPlane.Calls;

/// <summary>
/// Makes the call: request out, response head in. What never reached the upstream may be tried again, once.
/// </summary>
internal sealed class UpstreamCaller(UpstreamPools pools, Limits limits)
{
    /// <summary>Sends the request and waits for the response's head.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    internal async ValueTask<Verdict> ForwardAsync(CallContext call)
    {
        // A strict call never rides a connection that its peer may be closing: the outcome would be unknown.
        UpstreamConnection? connection = call.Function!.IsStrict ? null : pools.TryTake(call.Function.Upstream);
        connection ??= await pools.DialAsync(call.Function.Upstream);
        if (connection is null) return Failed(call, "No endpoint of the function's upstream can be reached.");
        call.Upstream = connection;
        bool wasUsed = connection.WasUsed;
        ResponseStatus status = await ExchangeAsync(call, connection);
        bool neverHeard = status == ResponseStatus.ClosedUnanswered && wasUsed && IsRepeatable(call);
        return neverHeard ? await ForwardAgainAsync(call) : Explain(call, status);
    }

    // The one retry: a kept connection that closed without a byte, for a method that is safe to repeat.
    private async ValueTask<Verdict> ForwardAgainAsync(CallContext call)
    {
        call.Upstream!.Release();
        call.Upstream = null;
        UpstreamConnection? connection = await pools.DialAsync(call.Function!.Upstream);
        if (connection is null) return Failed(call, "No endpoint of the function's upstream can be reached.");
        call.Upstream = connection;
        return Explain(call, await ExchangeAsync(call, connection));
    }

    private static bool IsRepeatable(CallContext call)
    {
        ReadOnlySpan<byte> method = call.Request.Method;
        bool isSafe = method.SequenceEqual("GET"u8) || method.SequenceEqual("HEAD"u8)
            || method.SequenceEqual("OPTIONS"u8);
        return isSafe && !call.Function!.IsStrict && call.Request.Framing == BodyFraming.None;
    }

    // Request out, response head in: one after the other where the request is there whole, else side by side.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ResponseStatus> ExchangeAsync(CallContext call, UpstreamConnection connection)
    {
        RequestUpload upload = call.Upload;
        upload.Start(call, connection, limits);
        if (upload.IsCompleted)
        {
            if (RequestUpload.EndsCall(await upload.EndAsync())) return ResponseStatus.Unsent;
            connection.Deadline.Arm(call.Function!.Upstream.Timeout);
        }

        ResponseStatus status = await ReadHeadAsync(call, connection);
        while (status == ResponseStatus.Interim)
        {
            await PassInterimAsync(call, connection);
            status = await ReadHeadAsync(call, connection);
        }

        if (!upload.IsRunning) return status;
        if (status != ResponseStatus.Head)
        {
            return RequestUpload.EndsCall(await upload.StopAsync(call)) ? ResponseStatus.Unsent : status;
        }

        if (upload.IsCompleted) return RequestUpload.EndsCall(await upload.EndAsync()) ? ResponseStatus.Unsent : status;
        NoteEarlyAnswer(call);
        return status;
    }

    // The answer is relayed while the rest is still sent; then the connections end, for nobody can know whether the
    // client goes on sending what no longer matters (RFC 9112 section 9.3).
    private static void NoteEarlyAnswer(CallContext call)
    {
        call.Upload.NoteAnswer();
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

    private static Verdict Explain(CallContext call, ResponseStatus status)
    {
        switch (status)
        {
            case ResponseStatus.Head:
                call.UpstreamStatus = call.Upstream!.Response.Status;
                return Verdict.Proceed;
            case ResponseStatus.Unsent:
                return call.Upload.Outcome;
            case ResponseStatus.TimedOut:
                return Verdict.UpstreamTimedOut;
            case ResponseStatus.Malformed:
                return Failed(call, "The function's answer is not sound HTTP.");
            default:
                return Failed(call, "The function closed the connection without an answer.");
        }
    }

    private static Verdict Failed(CallContext call, string detail)
    {
        call.Detail = detail;
        return Verdict.UpstreamFailed;
    }
}
