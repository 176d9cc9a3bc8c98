using System.Runtime.CompilerServices;
using Countersign.DataPlane.Http;
using Countersign.DataPlane.Upstream;

namespace Countersign.DataPlane.Calls;

/// <summary>
/// Makes the call: request out, response head in. What never reached the upstream may be tried again, within a budget.
/// </summary>
internal sealed class UpstreamCaller(UpstreamPools pools, Limits limits)
{
    private const string AtCallsMax = "The function's upstream has as many calls in flight as its policy allows.";

    /// <summary>Sends the request and waits for the response's head.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    internal async ValueTask<Verdict> ForwardAsync(CallContext call)
    {
        UpstreamGroup group = pools.GroupOf(call.Function!.Upstream);
        Verdict connected = Connect(call, group, out EndpointPool? chosen);
        if (connected == Verdict.Undecided) connected = await ConnectAsync(call, group, chosen);
        if (connected != Verdict.Proceed) return connected;
        UpstreamConnection connection = call.Upstream!;
        bool wasUsed = connection.WasUsed;
        Verdict sent = await SendAsync(call, connection);
        if (sent is not (Verdict.Proceed or Verdict.UpstreamFailed)) return Sent(call, sent);
        ResponseStatus status = await ReadHeadAsync(call, connection);
        bool neverHeard = status == ResponseStatus.ClosedUnanswered && wasUsed;
        if (neverHeard && IsRepeatable(call) && group.Retries.TrySpend()) return await ForwardAgainAsync(call, group);
        return Explain(call, status, neverHeard);
    }

    // The one retry after something was sent: a kept connection that closed without a byte, for a method that is safe
    // to repeat.
    private async ValueTask<Verdict> ForwardAgainAsync(CallContext call, UpstreamGroup group)
    {
        pools.Metrics.Retried();
        call.Upstream!.Release();
        call.Upstream = null;
        if (!group.TryEnter()) return Busy(call, AtCallsMax);
        Verdict connected = await ConnectAsync(call, group, chosen: null);
        if (connected != Verdict.Proceed) return connected;
        Verdict sent = await SendAsync(call, call.Upstream!);
        return sent is Verdict.Proceed or Verdict.UpstreamFailed
            ? Explain(call, await ReadHeadAsync(call, call.Upstream!), neverHeard: false)
            : Sent(call, sent);
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

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
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
            _ => Failed(call, "No endpoint of the function's upstream can be reached."),
        };
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

    // A client that stalls or leaves says nothing of the upstream.
    private static Verdict Sent(CallContext call, Verdict sent)
    {
        if (sent == Verdict.UpstreamTimedOut) call.Upstream!.Fail();
        return sent;
    }

    private static Verdict Explain(CallContext call, ResponseStatus status, bool neverHeard)
    {
        if (status == ResponseStatus.Head)
        {
            call.UpstreamStatus = call.Upstream!.Response.Status;
            return Verdict.Proceed;
        }

        // That a kept connection had been closed says nothing of the endpoint: each end may close an idle one.
        if (!neverHeard) call.Upstream!.Fail();
        return status switch
        {
            ResponseStatus.TimedOut => Verdict.UpstreamTimedOut,
            ResponseStatus.Malformed => Failed(call, "The function's answer is not sound HTTP."),
            _ => Failed(call, "The function closed the connection without an answer."),
        };
    }

    private static Verdict Busy(CallContext call, string detail)
    {
        call.Detail = detail;
        return Verdict.UpstreamBusy;
    }

    private static Verdict Failed(CallContext call, string detail)
    {
        call.Detail = detail;
        return Verdict.UpstreamFailed;
    }
}
