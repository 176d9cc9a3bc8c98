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
        string refusal = "";
        if (connection is null) (connection, refusal) = await pools.DialAsync(call.Function.Upstream);
        if (connection is null) return Unreached(call, refusal);
        call.Upstream = connection;
        bool wasUsed = connection.WasUsed;
        Verdict sent = await SendAsync(call, connection);
        if (sent is not (Verdict.Proceed or Verdict.UpstreamFailed)) return sent;
        ResponseStatus status = await ReadHeadAsync(call, connection);
        bool neverHeard = status == ResponseStatus.ClosedUnanswered && wasUsed && IsRepeatable(call);
        return neverHeard ? await ForwardAgainAsync(call) : Explain(call, status);
    }

    // The one retry: a kept connection that closed without a byte, for a method that is safe to repeat.
    private async ValueTask<Verdict> ForwardAgainAsync(CallContext call)
    {
        call.Upstream!.Release();
        call.Upstream = null;
        (UpstreamConnection? connection, string refusal) = await pools.DialAsync(call.Function!.Upstream);
        if (connection is null) return Unreached(call, refusal);
        call.Upstream = connection;
        Verdict sent = await SendAsync(call, connection);
        return sent is Verdict.Proceed or Verdict.UpstreamFailed
            ? Explain(call, await ReadHeadAsync(call, connection))
            : sent;
    }

    private static bool IsRepeatable(CallContext call)
    {
        ReadOnlySpan<byte> method = call.Request.Method;
        bool isSafe = method.SequenceEqual("GET"u8) || method.SequenceEqual("HEAD"u8)
            || method.SequenceEqual("OPTIONS"u8);
        return isSafe && !call.Function!.IsStrict && call.Request.Framing == BodyFraming.None;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<Verdict> SendAsync(CallContext call, UpstreamConnection connection)
    {
        try
        {
            return await SendWholeAsync(call, connection);
        }
        catch (Exception fault) when (PeerLoss.Explains(fault))
        {
            // TLS streams throw where sockets complete. An answer may have come all the same.
            return Verdict.UpstreamFailed;
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<Verdict> SendWholeAsync(CallContext call, UpstreamConnection connection)
    {
        bool isBuffered = call.RequestBody.IsWhole;
        connection.Deadline.Arm(call.Function!.Upstream.Timeout);
        UpstreamRequest.WriteHead(connection.Output, call, connection.Authority, isBuffered);
        bool isChunked = !isBuffered && call.Request.Framing == BodyFraming.Chunked;
        if (call.BodyPrefix.Count > 0) PutBody(connection, call.BodyPrefix.Written, isChunked);
        call.ReachedUpstream = true;
        if (!isBuffered)
        {
            Verdict streamed = await StreamBodyAsync(call, connection, isChunked);
            if (streamed != Verdict.Proceed) return streamed;
        }

        var flushed = await connection.Output.FlushAsync();
        if (flushed.IsCanceled && connection.Deadline.HasPassed) return Verdict.UpstreamTimedOut;
        return flushed.IsCompleted ? Verdict.UpstreamFailed : Verdict.Proceed;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<Verdict> StreamBodyAsync(CallContext call, UpstreamConnection connection, bool isChunked)
    {
        BodyReader body = call.RequestBody;
        while (!body.IsWhole)
        {
            ValueTask<BodyStatus> read = RequestBodies.ReadAsync(call, limits);
            if (!read.IsCompleted && connection.Output.UnflushedBytes > 0) await connection.Output.FlushAsync();
            BodyStatus status = await read;
            if (status == BodyStatus.End) break;
            if (status != BodyStatus.Data) return RequestBodies.Explain(status, call);
            PutBody(connection, body.Data, isChunked);
            if (connection.Output.UnflushedBytes < UpstreamRequest.FlushBytes) continue;
            connection.Deadline.Arm(call.Function!.Upstream.Timeout);
            var flushed = await connection.Output.FlushAsync();
            if (flushed.IsCanceled && connection.Deadline.HasPassed) return Verdict.UpstreamTimedOut;
            if (flushed.IsCompleted) return Verdict.UpstreamFailed;
        }

        call.ClientDeadline.Disarm();
        if (isChunked) WireText.Put(connection.Output, "0\r\n\r\n"u8);
        return Verdict.Proceed;
    }

    private static void PutBody(UpstreamConnection connection, ReadOnlySpan<byte> data, bool isChunked)
    {
        if (isChunked) WireText.PutChunk(connection.Output, data);
        else WireText.Put(connection.Output, data);
    }

    private ValueTask<ResponseStatus> ReadHeadAsync(CallContext call, UpstreamConnection connection)
    {
        connection.Deadline.Arm(call.Function!.Upstream.Timeout);
        return connection.ReadHeadAsync(call.Request.IsHead, limits.HeadBytesMax, limits.FieldsMax);
    }

    private static Verdict Explain(CallContext call, ResponseStatus status)
    {
        switch (status)
        {
            case ResponseStatus.Head:
                call.UpstreamStatus = call.Upstream!.Response.Status;
                return Verdict.Proceed;
            case ResponseStatus.TimedOut:
                return Verdict.UpstreamTimedOut;
            case ResponseStatus.Malformed:
                return Failed(call, "The function's answer is not sound HTTP.");
            default:
                return Failed(call, "The function closed the connection without an answer.");
        }
    }

    private static Verdict Unreached(CallContext call, string refusal) =>
        Failed(call, refusal.Length > 0 ? refusal : "No endpoint of the function's upstream can be reached.");

    private static Verdict Failed(CallContext call, string detail)
    {
        call.Detail = detail;
        return Verdict.UpstreamFailed;
    }
}
