using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Countersign.DataPlane.Http;
using Countersign.DataPlane.Upstream;

namespace Countersign.DataPlane.Calls;

/// <summary>
/// The request on its way to the upstream. It runs beside the wait for the answer as soon as it must wait itself, for
/// the client or for the upstream, so that an answer given early is relayed early. What is there already goes out
/// without a wait, and then nothing runs beside anything.
/// </summary>
internal sealed class RequestUpload
{
    private ValueTask<Verdict> _sending;
    private volatile bool _isAnswered;
    private volatile bool _isStopped;

    /// <summary>True from the start until its end was taken.</summary>
    internal bool IsRunning { get; private set; }

    /// <summary>True if its end can be taken without a wait.</summary>
    internal bool IsCompleted => _sending.IsCompleted;

    /// <summary>How it ended.</summary>
    internal Verdict Outcome { get; private set; }

    /// <summary>
    /// Sends the head, and the body as far as it is there; goes on beside the caller if more is to come.
    /// </summary>
    [HotPath]
    internal void Start(CallContext call, UpstreamConnection connection, Limits limits)
    {
        _isAnswered = _isStopped = false;
#pragma warning disable CA2012 // Kept, so that it can run beside the wait for the answer; EndAsync awaits it once.
        _sending = call.RequestBody.IsWhole
            ? SendHeldAsync(call, connection)
            : SendAsync(call, connection, limits);
#pragma warning restore CA2012
        IsRunning = true;
    }

    /// <summary>Says that the answer has begun: from now on the deadlines are the answer's.</summary>
    internal void NoteAnswer() => _isAnswered = true;

    /// <summary>Waits until everything was sent, or could not be.</summary>
    [HotPath]
    internal ValueTask<Verdict> EndAsync()
    {
        IsRunning = false;
        return _sending.IsCompletedSuccessfully ? new(Outcome = _sending.Result) : EndLaterAsync();
    }

    /// <summary>Ends it now, since nobody wants the rest, and leaves what the client still sends unread.</summary>
    internal async ValueTask<Verdict> StopAsync(CallContext call)
    {
        if (!_sending.IsCompleted)
        {
            _isStopped = true;
            call.RequestBody.Stop();
            call.Upstream!.Output.CancelPendingFlush();
        }

        Verdict outcome = await EndAsync();
        call.RequestBody.Resume();
        call.RequestBody.Release();
        return outcome;
    }

    [AsyncMethodBuilder(typeof(KeptTaskMethodBuilder<>))]
    private async ValueTask<Verdict> EndLaterAsync() => Outcome = await _sending;

    // The request is here whole: one write, which the kernel usually takes at once.
    [HotPath]
    private ValueTask<Verdict> SendHeldAsync(CallContext call, UpstreamConnection connection)
    {
        try
        {
            PutHead(call, connection, isBuffered: true);
            connection.HasWholeRequest = true; // before the flush, as below
            ValueTask<FlushResult> flush = connection.Output.FlushAsync();
            if (!flush.IsCompletedSuccessfully) return AwaitSentAsync(connection, flush);
            FlushResult flushed = flush.Result;
            return IsStray(connection, flushed)
                ? AwaitSentAsync(connection, new(flushed))
                : new(Finish(connection, Explain(connection, flushed)));
        }
        catch (Exception fault) when (PeerLoss.Explains(fault))
        {
            return new(Finish(connection, Verdict.UpstreamFailed));
        }
    }

    [AsyncMethodBuilder(typeof(KeptTaskMethodBuilder<>))]
    private async ValueTask<Verdict> AwaitSentAsync(UpstreamConnection connection, ValueTask<FlushResult> flush)
    {
        Verdict sent;
        try
        {
            FlushResult flushed = await flush;
            while (IsStray(connection, flushed)) flushed = await connection.Output.FlushAsync();
            sent = Explain(connection, flushed);
        }
        catch (Exception fault) when (PeerLoss.Explains(fault))
        {
            sent = Verdict.UpstreamFailed;
        }

        return Finish(connection, sent);
    }

    [AsyncMethodBuilder(typeof(KeptTaskMethodBuilder<>))]
    private async ValueTask<Verdict> SendAsync(CallContext call, UpstreamConnection connection, Limits limits)
    {
        Verdict sent;
        try
        {
            sent = await StreamAsync(call, connection, limits);
        }
        catch (Exception fault) when (PeerLoss.Explains(fault))
        {
            // TLS streams throw where sockets complete. An answer may have come all the same.
            sent = Verdict.UpstreamFailed;
        }

        return Finish(connection, sent);
    }

    private Verdict Finish(UpstreamConnection connection, Verdict sent)
    {
        if (sent is not Verdict.Proceed && !_isStopped) connection.HasWholeRequest = false;
        if (_isStopped) return Verdict.UpstreamFailed;
        // An unsound body ends the call whatever was answered; a client that merely stops sending may still read.
        bool endsCall = sent is Verdict.Malformed or Verdict.BodyTooLarge || (!_isAnswered && EndsCall(sent));
        if (endsCall) connection.GiveUp();
        return sent;
    }

    /// <summary>True if no answer is worth waiting for; where the upstream failed, one may have come.</summary>
    internal static bool EndsCall(Verdict sent) => sent is not (Verdict.Proceed or Verdict.UpstreamFailed);

    [AsyncMethodBuilder(typeof(KeptTaskMethodBuilder<>))]
    private async ValueTask<Verdict> StreamAsync(CallContext call, UpstreamConnection connection, Limits limits)
    {
        bool isChunked = PutHead(call, connection, isBuffered: false);
        Verdict streamed = await StreamBodyAsync(call, connection, limits, isChunked);
        if (streamed != Verdict.Proceed) return streamed;

        // Said before the flush, since the answer may be there before the flush returns: the bytes keep their order.
        connection.HasWholeRequest = true;
        return await FlushAsync(call, connection);
    }

    // What is known already, into the connection's buffer; true if a body that follows goes in chunks.
    private static bool PutHead(CallContext call, UpstreamConnection connection, bool isBuffered)
    {
        connection.Deadline.Arm(call.Function!.Upstream.Timeout);
        UpstreamRequest.WriteHead(connection.Output, call, connection.Authority, isBuffered);
        bool isChunked = !isBuffered && call.Request.Framing == BodyFraming.Chunked;
        if (call.BodyPrefix.Count > 0) PutBody(call, connection, call.BodyPrefix.Written, isChunked);
        call.ReachedUpstream = true;
        return isChunked;
    }

    [AsyncMethodBuilder(typeof(KeptTaskMethodBuilder<>))]
    private async ValueTask<Verdict> StreamBodyAsync(
        CallContext call, UpstreamConnection connection, Limits limits, bool isChunked)
    {
        BodyReader body = call.RequestBody;
        while (!body.IsWhole)
        {
            ValueTask<BodyStatus> read = body.ReadAsync();
            Verdict flushed = Verdict.Proceed;
            if (!read.IsCompleted && connection.Output.UnflushedBytes > 0)
            {
                // On the upstream's time, before the client's begins.
                flushed = await FlushAsync(call, connection);
                if (flushed == Verdict.UpstreamTimedOut) body.Stop();
            }

            bool isPaced = !read.IsCompleted && ArmForClient(call, connection, limits);
            BodyStatus status = await read;
            body.IsAwaited = false;
            if (flushed == Verdict.UpstreamTimedOut)
            {
                body.Resume();
                return flushed;
            }

            if (isPaced && !_isAnswered) call.RequestPace.Rest();
            if (status == BodyStatus.End) break;
            if (status != BodyStatus.Data) return RequestBodies.Explain(status, call);
            PutBody(call, connection, body.Data, isChunked);
            if (connection.Output.UnflushedBytes < UpstreamRequest.FlushBytes) continue;
            flushed = await FlushAsync(call, connection);
            if (flushed != Verdict.Proceed) return flushed;
        }

        if (!_isAnswered) call.ClientDeadline.Disarm();
        if (isChunked) PutEnd(connection, body);
        return Verdict.Proceed;
    }

    // The upstream's time does not run while the client keeps us waiting, unless the client itself waits for the
    // upstream's word. True if the client is held to its least rate.
    private bool ArmForClient(CallContext call, UpstreamConnection connection, Limits limits)
    {
        if (_isAnswered) return false;
        TimeSpan timeout = call.Function!.Upstream.Timeout;
        bool isClientsTurn = !UpstreamRequest.ForwardsExpect(call);
        connection.Deadline.Arm(isClientsTurn ? limits.ClientStall + timeout : timeout);
        if (isClientsTurn) call.RequestPace.Wait(limits.ClientStall, call.RequestBody.BytesRead);
        call.RequestBody.IsAwaited = isClientsTurn;
        return isClientsTurn;
    }

    [AsyncMethodBuilder(typeof(KeptTaskMethodBuilder<>))]
    private async ValueTask<Verdict> FlushAsync(CallContext call, UpstreamConnection connection)
    {
        if (!_isAnswered) connection.Deadline.Arm(call.Function!.Upstream.Timeout);
        FlushResult flushed = await connection.Output.FlushAsync();
        while (IsStray(connection, flushed)) flushed = await connection.Output.FlushAsync();
        return Explain(connection, flushed);
    }

    // Cancelled for whoever had the connection before: nothing of this call is over.
    private bool IsStray(UpstreamConnection connection, FlushResult flushed) =>
        flushed.IsCanceled && !_isStopped && !connection.Deadline.HasPassed;

    private Verdict Explain(UpstreamConnection connection, FlushResult flushed)
    {
        if (flushed.IsCanceled && _isStopped) return Verdict.UpstreamFailed;
        if (flushed.IsCanceled && connection.Deadline.HasPassed) return Verdict.UpstreamTimedOut;
        return flushed.IsCompleted ? Verdict.UpstreamFailed : Verdict.Proceed;
    }

    private static void PutBody(
        CallContext call, UpstreamConnection connection, ReadOnlySpan<byte> data, bool isChunked)
    {
        call.Copies?.AddRequest(call.IsToolCall ? call.Tool!.ArgumentsIn(call.BodyPrefix).Span : data);
        if (isChunked) WireText.PutChunk(connection.Output, data);
        else WireText.Put(connection.Output, data);
    }

    private static void PutEnd(UpstreamConnection connection, BodyReader body)
    {
        WireText.Put(connection.Output, "0\r\n"u8);
        body.Trailers?.WriteTo(connection.Output);
        WireText.Put(connection.Output, "\r\n"u8);
    }
}
