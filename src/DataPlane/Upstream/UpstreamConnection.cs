using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Countersign.DataPlane.Http;
using Countersign.DataPlane.Tls;
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

    /// <summary>An interim head is in <see cref="UpstreamConnection.Response"/>; another head follows.</summary>
    Interim,

    /// <summary>The request could not be sent whole, for a reason that is not the upstream's.</summary>
    Unsent,

    /// <summary>TLS failed: <see cref="UpstreamConnection.TlsFault"/> says why.</summary>
    TlsFailed,
}

/// <summary>What a call says of its endpoint. Zero says nothing.</summary>
internal enum CallResult : byte
{
    /// <summary>The call ended for another reason: its client went away, or its answer may not leave.</summary>
    Unknown = 0,

    /// <summary>The endpoint answered, whatever it said of the call.</summary>
    Answered,

    /// <summary>It was reset, too late or unsound, or said that what is behind it failed.</summary>
    Failed,
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
    private readonly bool _ownsPlace;
    private UpstreamGroup? _group;
    private CallResult _result;
    private bool _isReusable;
    private int _interimCount;
    private volatile bool _hasWholeRequest;
    private bool _isAnswering;
    private bool _isUnwanted;
    private int _isDropped;

    /// <param name="transport">The bytes.</param>
    /// <param name="pool">Its endpoint.</param>
    /// <param name="clock">The time.</param>
    /// <param name="ownsPlace">False for one that is none of those which the endpoint counts.</param>
    internal UpstreamConnection(
        ConnectionContext transport, EndpointPool pool, TimeProvider clock, bool ownsPlace = true)
    {
        _ownsPlace = ownsPlace;
        _transport = transport;
        _pool = pool;
        _clock = clock;
        IdleSince = clock.GetTimestamp();
        Deadline = new Deadline(clock);
        Body = new BodyReader(transport.Transport.Input, Deadline);
    }

    /// <summary>Where the request is written.</summary>
    internal PipeWriter Output => _transport.Transport.Output;

    /// <summary>Where it leads.</summary>
    internal System.Net.IPAddress Address => _pool.Address.Address;

    /// <summary>The Host value for this endpoint.</summary>
    internal ReadOnlySpan<byte> Authority => _pool.Authority;

    /// <summary>How long the upstream may keep the call waiting.</summary>
    internal Deadline Deadline { get; }

    /// <summary>The response's head.</summary>
    internal ResponseHead Response { get; } = new();

    /// <summary>The response's body.</summary>
    internal BodyReader Body { get; }

    /// <summary>
    /// True once the last byte of the request was handed to the transport; without it the next request would be read as
    /// the rest of this one.
    /// </summary>
    internal bool HasWholeRequest
    {
        get => _hasWholeRequest;
        set => _hasWholeRequest = value;
    }

    /// <summary>Why TLS failed while a head was waited for; empty where it did not.</summary>
    internal string TlsFault { get; private set; } = "";

    /// <summary>True if a call used it before: its peer may have closed it meanwhile.</summary>
    internal bool WasUsed { get; private set; }

    /// <summary>When it was opened, or put back.</summary>
    internal long IdleSince { get; private set; }

    /// <summary>Gives it to a call, which was counted into the group and the endpoint.</summary>
    [HotPath]
    internal void Begin(UpstreamGroup group) => _group = group;

    /// <summary>The endpoint failed this call.</summary>
    internal void Fail() => _result = CallResult.Failed;

    /// <summary>Cancels what waits for this connection; the heartbeat calls it when a deadline has passed.</summary>
    internal void Cancel()
    {
        _transport.Transport.Input.CancelPendingRead();
        _transport.Transport.Output.CancelPendingFlush();
    }

    /// <summary>Ends what waits for this connection now, since nobody wants the rest of the response.</summary>
    internal void GiveUp()
    {
        _isUnwanted = true;
        Deadline.Expire();
        Cancel();
    }

    /// <summary>
    /// Reads the next head, interim or final. A flood of interim ones is malformed, and so is 101, since nobody asked.
    /// </summary>
    [AsyncMethodBuilder(typeof(KeptTaskMethodBuilder<>))]
    internal async ValueTask<ResponseStatus> ReadHeadAsync(bool answersHead, int headBytesMax, int fieldsMax)
    {
        PipeReader input = _transport.Transport.Input;
        HeadReader reader = default;
        bool sawBytes = false;
        try
        {
            while (true)
            {
                ReadResult result = await input.ReadAsync();
                if (result.IsCanceled && Deadline.HasPassed) return Examined(result, ResponseStatus.TimedOut);
                sawBytes |= !result.Buffer.IsEmpty;
                Response.Clear();
                ParseStatus status = reader.TryLoad(
                    result.Buffer, Response, headBytesMax, out SequencePosition end, out _);
                if (status == ParseStatus.Invalid) return Examined(result, ResponseStatus.Malformed);
                if (status == ParseStatus.Complete)
                {
                    input.AdvanceTo(end);
                    return Take(answersHead, fieldsMax);
                }

                input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
                if (!result.IsCompleted) continue;
                return sawBytes || _interimCount > 0 ? ResponseStatus.Truncated : ResponseStatus.ClosedUnanswered;
            }
        }
        catch (TlsFailedException fault)
        {
            // What a handshake of TLS 1.2 would have told: the connection was never one. The request had left, though.
            TlsFault = fault.Message;
            if (!WasUsed) _group?.NoteConnectFailed();
            return ResponseStatus.TlsFailed;
        }
        catch (Exception fault) when (PeerLoss.Explains(fault))
        {
            // Reset: bytes may have been lost on the way, so an unanswered request may still have been acted on.
            return ResponseStatus.Truncated;
        }
    }

    private ResponseStatus Take(bool answersHead, int fieldsMax)
    {
        if (!ResponseParser.TryParse(Response, answersHead, fieldsMax) || Response.Status == 101)
        {
            return ResponseStatus.Malformed;
        }

        if (Response.Status >= 200) return Begin();
        return ++_interimCount > InterimResponsesMax ? ResponseStatus.Malformed : ResponseStatus.Interim;
    }

    /// <summary>
    /// Says that request and response both ended where they should: another call may use the connection.
    /// </summary>
    [HotPath]
    internal void Finish()
    {
        Body.Release();
        _isReusable = HasWholeRequest && Body.IsWhole && !Response.ConnectionClose
            && Response.Framing != BodyFraming.UntilClose
            && (Response.MinorVersion == 1 || Response.ConnectionKeepAlive);

        // A gateway's errors: whoever answered could not reach the function itself.
        _result = Response.Status is 502 or 503 or 504 ? CallResult.Failed : CallResult.Answered;
    }

    /// <summary>Ends this call's use of it.</summary>
    [HotPath]
    internal void Release()
    {
        Deadline.Disarm();
        Response.Clear();
        Response.Return();
        bool isReusable = _isReusable;
        CallResult result = Result();
        UpstreamGroup? group = _group;
        _group = null;
        _result = CallResult.Unknown;
        _isReusable = HasWholeRequest = _isAnswering = _isUnwanted = false;
        _interimCount = 0;
        Body.Forget();
        WasUsed = true;
        IdleSince = _clock.GetTimestamp();
        if (!isReusable || !_pool.HasRiders || !_pool.TryReturn(this)) Drop();
        group?.End(_pool, result); // from here on the connection may be another call's
    }

    /// <summary>True if an idle connection is past its use; looks without taking it.</summary>
    internal bool IsStale(TimeSpan idleMax) =>
        _transport.ConnectionClosed.IsCancellationRequested || _clock.GetElapsedTime(IdleSince) > idleMax;

    /// <summary>
    /// True if an idle connection may be used: open, silent and not too old. Bytes nobody asked for disqualify it.
    /// </summary>
    [HotPath]
    internal bool IsFit(TimeSpan idleMax)
    {
        if (IsStale(idleMax)) return false;
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

    /// <summary>Cuts the connection and gives its place back.</summary>
    internal void Drop()
    {
        if (TryCut() && _ownsPlace) _pool.Close();
    }

    /// <summary>Cuts an idle connection; its place is the caller's, to open another in.</summary>
    internal void CutKeepingPlace()
    {
        bool isCut = TryCut();
        Debug.Assert(isCut && _ownsPlace);
    }

    private bool TryCut()
    {
        if (Interlocked.Exchange(ref _isDropped, 1) != 0) return false;
        _transport.Abort(new ConnectionAbortedException("The upstream connection is no longer needed."));
        _ = DisposeAsync();
        return true;
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

    // An answer that broke off or stalled is the endpoint's failure, unless it is the client that left.
    private CallResult Result()
    {
        if (_result != CallResult.Unknown || !_isAnswering || _isUnwanted || Body.IsWhole) return _result;
        bool isCutOff = _transport.ConnectionClosed.IsCancellationRequested || Deadline.HasPassed;
        return isCutOff ? CallResult.Failed : CallResult.Unknown;
    }

    private ResponseStatus Begin()
    {
        Body.Start(Response.Framing, Response.ContentLength, long.MaxValue);
        _isAnswering = true;
        return ResponseStatus.Head;
    }

    private ResponseStatus Examined(in ReadResult result, ResponseStatus status)
    {
        _transport.Transport.Input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        return status;
    }
}
