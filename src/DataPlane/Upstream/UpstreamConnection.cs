using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Countersign.DataPlane.Http;
using Microsoft.AspNetCore.Connections;

namespace Countersign.DataPlane.Upstream;

/// <summary>How reading a response head ended. Zero is a response that may not be believed.</summary>
internal enum ResponseStatus : byte
{
    /// <summary>No HTTP/1.1 response, or one that can be read two ways.</summary>
    Malformed = 0,

    /// <summary>The head is in <see cref="UpstreamConnection.Response"/> and the body may be read.</summary>
    Head,

    /// <summary>The connection ended before a single byte came.</summary>
    ClosedUnanswered,

    /// <summary>The connection ended, or was reset, in the middle.</summary>
    Truncated,

    /// <summary>Nothing came in time.</summary>
    TimedOut,
}

/// <summary>
/// One connection to an endpoint: used by one call at a time, kept for the next if both ended cleanly.
/// </summary>
internal sealed class UpstreamConnection
{
    // More interim responses than any server sends; a flood of them would hold the call for ever.
    private const int InterimResponsesMax = 8;

    private readonly ConnectionContext _transport;
    private readonly EndpointPool _pool;
    private readonly TimeProvider _clock;
    private bool _isReusable;

    internal UpstreamConnection(ConnectionContext transport, EndpointPool pool, TimeProvider clock)
    {
        _transport = transport;
        _pool = pool;
        _clock = clock;
        Deadline = new Deadline(clock);
        Body = new BodyReader(transport.Transport.Input, Deadline);
    }

    /// <summary>Where the request is written.</summary>
    internal PipeWriter Output => _transport.Transport.Output;

    /// <summary>Where it leads.</summary>
    internal Uri Endpoint => _pool.Endpoint;

    /// <summary>The Host value for this endpoint.</summary>
    internal ReadOnlySpan<byte> Authority => _pool.Authority;

    /// <summary>How long the upstream may keep the call waiting.</summary>
    internal Deadline Deadline { get; }

    /// <summary>The response's head.</summary>
    internal ResponseHead Response { get; } = new();

    /// <summary>The response's body.</summary>
    internal BodyReader Body { get; }

    /// <summary>True if a call used it before: its peer may have closed it meanwhile.</summary>
    internal bool WasUsed { get; private set; }

    /// <summary>When it was put back.</summary>
    internal long IdleSince { get; private set; }

    /// <summary>Cancels what waits for this connection; the heartbeat calls it when a deadline has passed.</summary>
    internal void Cancel()
    {
        _transport.Transport.Input.CancelPendingRead();
        _transport.Transport.Output.CancelPendingFlush();
    }

    /// <summary>Ends what waits for this connection now, since nobody wants the rest of the response.</summary>
    internal void GiveUp()
    {
        Deadline.Expire();
        Cancel();
    }

    /// <summary>Reads the head of the final response; interim ones are skipped.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    internal async ValueTask<ResponseStatus> ReadHeadAsync(bool answersHead, int headBytesMax, int fieldsMax)
    {
        try
        {
            return await ReadFinalHeadAsync(answersHead, headBytesMax, fieldsMax);
        }
        catch (Exception fault) when (PeerLoss.Explains(fault))
        {
            // Reset: bytes may have been lost on the way, so an unanswered request may still have been acted on.
            return ResponseStatus.Truncated;
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ResponseStatus> ReadFinalHeadAsync(bool answersHead, int headBytesMax, int fieldsMax)
    {
        PipeReader input = _transport.Transport.Input;
        HeadReader reader = default;
        int interim = 0;
        bool sawBytes = false;
        while (true)
        {
            ReadResult result = await input.ReadAsync();
            if (result.IsCanceled && Deadline.HasPassed) return Examined(result, ResponseStatus.TimedOut);
            sawBytes |= !result.Buffer.IsEmpty;
            Response.Clear();
            ParseStatus status = reader.TryLoad(result.Buffer, Response, headBytesMax, out SequencePosition end, out _);
            if (status == ParseStatus.Invalid) return Examined(result, ResponseStatus.Malformed);
            if (status == ParseStatus.NeedMore)
            {
                input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
                if (!result.IsCompleted) continue;
                return sawBytes || interim > 0 ? ResponseStatus.Truncated : ResponseStatus.ClosedUnanswered;
            }

            input.AdvanceTo(end);
            if (!ResponseParser.TryParse(Response, answersHead, fieldsMax) || Response.Status == 101)
            {
                return ResponseStatus.Malformed;
            }

            if (Response.Status >= 200) return Begin();
            if (++interim > InterimResponsesMax) return ResponseStatus.Malformed;
            reader = default;
        }
    }

    /// <summary>
    /// Says that request and response both ended where they should: another call may use the connection.
    /// </summary>
    [HotPath]
    internal void Finish()
    {
        Body.Release();
        _isReusable = Body.IsWhole && !Response.ConnectionClose && Response.Framing != BodyFraming.UntilClose
            && (Response.MinorVersion == 1 || Response.ConnectionKeepAlive);
    }

    /// <summary>Ends this call's use of it.</summary>
    [HotPath]
    internal void Release()
    {
        Deadline.Disarm();
        Response.Clear();
        Response.Return();
        bool isReusable = _isReusable;
        _isReusable = false;
        WasUsed = true;
        IdleSince = _clock.GetTimestamp();
        if (!isReusable || !_pool.TryReturn(this)) Drop();
    }

    /// <summary>
    /// True if an idle connection may be used: open, silent and not too old. Bytes nobody asked for disqualify it.
    /// </summary>
    [HotPath]
    internal bool IsFit(TimeSpan idleMax)
    {
        if (_transport.ConnectionClosed.IsCancellationRequested || _clock.GetElapsedTime(IdleSince) > idleMax)
        {
            return false;
        }

        try
        {
            if (!_transport.Transport.Input.TryRead(out ReadResult result)) return true;
            _transport.Transport.Input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            return false;
        }
        catch (Exception fault) when (PeerLoss.Explains(fault))
        {
            // Reset, or ended without TLS saying so.
            return false;
        }
    }

    /// <summary>Cuts the connection.</summary>
    internal void Drop()
    {
        _transport.Abort(new ConnectionAbortedException("The upstream connection is no longer needed."));
        _ = DisposeAsync();
    }

    private async Task DisposeAsync()
    {
        try
        {
            Body.Release();
            await _transport.Transport.Input.CompleteAsync();
            await _transport.Transport.Output.CompleteAsync();
            await _transport.DisposeAsync();
        }
        catch (Exception fault) when (PeerLoss.Explains(fault) || fault is InvalidOperationException)
        {
            // The peer tore it down first; there is nothing left to release.
        }
    }

    private ResponseStatus Begin()
    {
        Body.Start(Response.Framing, Response.ContentLength, long.MaxValue);
        return ResponseStatus.Head;
    }

    private ResponseStatus Examined(in ReadResult result, ResponseStatus status)
    {
        _transport.Transport.Input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        return status;
    }
}
