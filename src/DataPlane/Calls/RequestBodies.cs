using System.Runtime.CompilerServices;
using Countersign.DataPlane.Http;

namespace Countersign.DataPlane.Calls;

/// <summary>
/// Reads the client's body: into a buffer where policy must see it, or past it where nobody wants it.
/// </summary>
internal static class RequestBodies
{
    /// <summary>
    /// Buffers the body into <see cref="CallContext.BodyPrefix"/>: all of it, refused beyond <paramref
    /// name="bytesMax"/>, or at least its first <paramref name="bytesMax"/> bytes.
    /// </summary>
    [AsyncMethodBuilder(typeof(KeptTaskMethodBuilder<>))]
    internal static async ValueTask<Verdict> BufferAsync(CallContext call, int bytesMax, Limits limits, bool isWhole)
    {
        BodyReader body = call.RequestBody;
        if (isWhole && body.BytesLeft > bytesMax) return Verdict.BodyTooLarge;
        while (!body.IsWhole && (isWhole || call.BodyPrefix.Count < bytesMax))
        {
            BodyStatus status = await ReadAsync(call, limits);
            if (status == BodyStatus.End) break;
            if (status != BodyStatus.Data) return Explain(status, call);
            if (isWhole && body.BytesRead > bytesMax) return Verdict.BodyTooLarge;
            if (!call.Ticket.TryBuffer(call.BodyPrefix.Count + body.Data.Length))
            {
                call.Detail = "There is no memory left for request bodies that must be seen whole.";
                return Verdict.Overloaded;
            }

            WireText.Put(call.BodyPrefix, body.Data);
        }

        body.Release();
        call.ClientDeadline.Disarm();
        return Verdict.Proceed;
    }

    /// <summary>Reads the next run of the body, sending 100 first if the client waits for it.</summary>
    [HotPath]
    internal static ValueTask<BodyStatus> ReadAsync(CallContext call, Limits limits)
    {
        if (call.Request.ExpectsContinue && !call.ContinueSent) return ContinueAsync(call, limits);
        ValueTask<BodyStatus> read = call.RequestBody.ReadAsync();
        return read.IsCompleted ? read : WaitAsync(call, limits, read);
    }

    /// <summary>What a read that gave no data means for the call.</summary>
    internal static Verdict Explain(BodyStatus status, CallContext call)
    {
        call.KeepAlive = false;
        return status switch
        {
            BodyStatus.TooLarge => Verdict.BodyTooLarge,
            BodyStatus.Malformed => Verdict.Malformed,
            BodyStatus.TimedOut => ExplainLate(call),
            _ => Verdict.ClientGone,
        };
    }

    /// <summary>
    /// Reads and drops what is left of the body, within bounds, so that the connection can go on or the answer is not
    /// lost to a reset. False if too much is left.
    /// </summary>
    internal static async ValueTask<bool> TryDrainAsync(CallContext call, Limits limits)
    {
        BodyReader body = call.RequestBody;
        if (body.IsWhole) return true;
        bool clientHoldsBack = call.Request.ExpectsContinue && !call.ContinueSent;
        if (clientHoldsBack || body.BytesLeft > limits.DrainBytesMax) return false;
        long stopAt = body.BytesRead + limits.DrainBytesMax;
        while (!body.IsWhole)
        {
            BodyStatus status = await ReadAsync(call, limits);
            if (status == BodyStatus.End) break;
            if (status != BodyStatus.Data || body.BytesRead > stopAt) return false;
        }

        return true;
    }

    // A drain that ends is the client's deadline too. "Nothing was called" is told only where nothing has left.
    private static Verdict ExplainLate(CallContext call)
    {
        if (!call.IsDrainOver) return Verdict.RequestTimedOut;
        call.Detail = "The gateway is shutting down, and the request's body was not whole when time was up.";
        return call.ReachedUpstream ? Verdict.RequestTimedOut : Verdict.Draining;
    }

    private static async ValueTask<BodyStatus> ContinueAsync(CallContext call, Limits limits)
    {
        call.ContinueSent = true;
        WireText.Put(call.Client.Output, "HTTP/1.1 100 Continue\r\n\r\n"u8);
        call.ClientDeadline.Arm(limits.ClientStall);
        await call.Client.Output.FlushAsync();
        return await ReadAsync(call, limits);
    }

    // Only what is waited for is held to a rate: while we are busy elsewhere the client has nothing to hurry for.
    [AsyncMethodBuilder(typeof(KeptTaskMethodBuilder<>))]
    private static async ValueTask<BodyStatus> WaitAsync(CallContext call, Limits limits, ValueTask<BodyStatus> read)
    {
        call.RequestPace.Wait(limits.ClientStall, call.RequestBody.BytesRead);
        call.RequestBody.IsAwaited = true;
        BodyStatus status = await read;
        call.RequestBody.IsAwaited = false;
        call.RequestPace.Rest();
        return status;
    }
}
