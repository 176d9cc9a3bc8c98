using System.IO.Pipelines;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text;
using Countersign.DataPlane.Calls;
using Countersign.DataPlane.Http;
using Countersign.DataPlane.Sockets;
using Countersign.DataPlane.Tls;
using Microsoft.AspNetCore.Connections;

namespace Countersign.DataPlane.Transport;

/// <summary>
/// One client connection: reads heads, runs each call to its end, answers in order. Between calls nothing of the last
/// one is left.
/// </summary>
internal sealed class CallConnection : IDisposable
{
    private static readonly TimeSpan LingerMax = TimeSpan.FromMilliseconds(500);

    // A client that calls again and again has its next request on the way; a drain does not close under it.
    private static readonly TimeSpan QuietBeforeClose = TimeSpan.FromMilliseconds(500);

    private readonly ConnectionContext _transport;
    private readonly DataServices _services;
    private readonly CallContext _call;
    private readonly bool _isShed;
    private readonly Deadline _closing;
    private volatile bool _closesIfIdle;
    private long _idleSince;
    private int _calls;

    /// <summary>Serves one connection.</summary>
    /// <param name="transport">The connection.</param>
    /// <param name="services">What all connections share.</param>
    /// <param name="isShed">There are too many connections: the first call is refused, and that is all.</param>
    internal CallConnection(ConnectionContext transport, DataServices services, bool isShed)
    {
        _isShed = isShed;
        _transport = transport;
        _services = services;
        IPAddress address = (transport.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None;
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        TlsConnection? tls = transport as TlsConnection;
        ClientSide client = new(
            transport.Transport.Input, transport.Transport.Output, Encoding.ASCII.GetBytes(address.ToString()),
            IsTls: tls is not null, services.PublicUrl, transport)
        {
            IsTrustedProxy = services.TrustedProxies.Any(network => network.Contains(address)),
            Certificate = tls?.PeerThumbprint ?? default,
            CertificateSubject = tls?.PeerSubject ?? "",
            Certified = tls?.Peer is { } shown ? services.Certificates?.Find(shown) : null,
        };
        _call = new CallContext(client, services.Clock);
        _closing = new Deadline(services.Clock);
        _idleSince = services.Clock.GetTimestamp();
    }

    /// <summary>Serves calls until the client or the gateway ends the connection.</summary>
    internal async Task RunAsync()
    {
        try
        {
            while (await TryServeAsync())
            {
                // Each turn is one call.
            }

            bool leftBytes = IsHeadRefused(_call.Verdict) || !_call.RequestBody.IsWhole;
            if (leftBytes && _call.ReplyEnded) await LingerAsync();
        }
        catch (Exception fault) when (PeerLoss.Explains(fault))
        {
            // The client went away between calls; there is nobody to tell.
        }
        finally
        {
            if (_call.EndsBroken)
            {
                _transport.Abort(new ConnectionAbortedException("The answer could not be completed."));
            }
        }
    }

    /// <summary>Gives back and wipes what the calls left.</summary>
    public void Dispose() => _call.Dispose();

    /// <summary>True while the call in flight is that one, with a credential for it alone.</summary>
    internal bool HasLent(Guid call) => _call.Lent.IsFor(call);

    /// <summary>Called by the heartbeat: cancels whatever has waited too long.</summary>
    internal void Tick(long now)
    {
        if (_call.ClientDeadline.Passes(now))
        {
            _transport.Transport.Input.CancelPendingRead();
            _transport.Transport.Output.CancelPendingFlush();
        }

        _call.TickUpstream(now);
        if (_closing.Passes(now)) Cut();
    }

    /// <summary>
    /// Lets the call in flight be the last, one that is held answer now, and ends the connection if it has been quiet
    /// for a moment. Called by the drain again and again, beside the connection.
    /// </summary>
    internal void Drain()
    {
        _call.MakeLast();
        _call.EndWait();
        long idleSince = Volatile.Read(ref _idleSince);
        if (idleSince == 0 || _services.Clock.GetElapsedTime(idleSince) < QuietBeforeClose) return;
        _closesIfIdle = true;
        _transport.Transport.Input.CancelPendingRead();
    }

    /// <summary>
    /// The drain's time is up: a request that is not whole is refused, and a call that waits for its upstream waits no
    /// more. Called again and again, since a wait that begins meanwhile has not heard of it.
    /// </summary>
    internal void EndDrain()
    {
        Drain();
        _call.IsDrainOver = true;
        if (_call.RequestBody.IsAwaited) _call.ClientDeadline.Expire();
        else _call.Upstream?.GiveUp();
        _transport.Transport.Input.CancelPendingRead();
    }

    /// <summary>Ends the connection, whatever it does.</summary>
    internal void Cut() => _transport.Abort(new ConnectionAbortedException("The client took too long."));

    /// <summary>Gives the client time to take what was written; the heartbeat cuts it after that.</summary>
    internal void BeginClose() => _closing.Arm(_services.Limits.ClientStall);

    [AsyncMethodBuilder(typeof(KeptTaskMethodBuilder<>))]
    private async ValueTask<bool> TryServeAsync()
    {
        Limits limits = _services.Limits;
        _call.Reset();
        Volatile.Write(ref _idleSince, _services.Clock.GetTimestamp());
        Verdict? head = await ReadHeadAsync();
        if (head is null) return false;
        _call.Begin(_isShed && head == Verdict.Proceed ? Verdict.Overloaded : head.Value, _services.Clock);
        _call.RequestBody.Start(
            _call.Request.Framing, _call.Request.ContentLength, limits.BodyBytesMax,
            new ChunkBounds(limits.ChunkExtensionBytesMax, limits.TrailerBytesMax, limits.TrailersMax));
        _call.RequestPace.Begin(limits.RequestBytesPerSecondMin, limits.RateWindow, limits.ClientStall);
        if (_isShed || ++_calls >= limits.CallsPerConnectionMax) _call.KeepAlive = false;
        _services.Metrics?.Begin();
        await _services.Pipeline.RunAsync(_call);
        _services.Metrics?.End(_call.Verdict, _services.Clock.GetElapsedTime(_call.StartedAt));
        if (_call.EndsBroken || !_call.KeepAlive) return false;
        return await RequestBodies.TryDrainAsync(_call, limits);
    }

    // Null when the connection ended, or idled too long, with no request begun.
    [AsyncMethodBuilder(typeof(KeptTaskMethodBuilder<>))]
    private async ValueTask<Verdict?> ReadHeadAsync()
    {
        PipeReader input = _transport.Transport.Input;
        Limits limits = _services.Limits;
        HeadReader reader = default;
        long begunAt = 0;
        _call.ClientDeadline.Arm(limits.KeepAliveIdle);
        while (true)
        {
            ValueTask<ReadResult> read = input.ReadAsync();
            if (!read.IsCompleted) _call.Request.Return(); // what only waits holds no room for a head
            ReadResult result = await read;
            long bytes = result.Buffer.Length;
            if (begunAt == 0 && bytes > 0) begunAt = BeginHead(limits);
            ParseStatus status = reader.TryLoad(
                result.Buffer, _call.Request, limits.HeadBytesMax, out SequencePosition end, out bool isTooLarge);
            if (status == ParseStatus.NeedMore)
            {
                input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
                bool timedOut = result.IsCanceled && _call.ClientDeadline.HasPassed;
                if (result.IsCompleted) return null;
                if (begunAt == 0 && (timedOut || _closesIfIdle)) return null;
                if (timedOut) return Verdict.RequestTimedOut;
                if (_call.IsDrainOver) return Verdict.Draining;
                if (begunAt != 0) AwaitHead(limits, begunAt, bytes);
                continue;
            }

            _call.ClientDeadline.Disarm();
            input.AdvanceTo(status == ParseStatus.Complete ? end : result.Buffer.End);
            if (status == ParseStatus.Invalid)
            {
                return !isTooLarge ? Verdict.Malformed
                    : reader.HasStarted ? Verdict.HeadersTooLarge
                    : Verdict.TargetTooLong;
            }

            return Judge(
                RequestParser.Parse(_call.Request, new HeadBounds(limits.TargetBytesMax, limits.FieldsMax)));
        }
    }

    private Verdict Judge(HttpFault fault)
    {
        if (fault == HttpFault.Repeated)
        {
            _call.Detail = _call.AuditDetail =
                "Countersign-Approval, Countersign-Reason and Idempotency-Key may each be sent once.";
        }

        return Translate(fault);
    }

    // From its first byte on a request is not idle: a drain waits for it.
    private long BeginHead(Limits limits)
    {
        Volatile.Write(ref _idleSince, 0);
        _call.RequestPace.Begin(limits.RequestBytesPerSecondMin, limits.RateWindow, limits.RateWindow);
        return _services.Clock.GetTimestamp();
    }

    private void AwaitHead(Limits limits, long begunAt, long bytes)
    {
        TimeSpan left = limits.HeadWithin - _services.Clock.GetElapsedTime(begunAt);
        _call.RequestPace.Wait(left > TimeSpan.Zero ? left : TimeSpan.Zero, bytes);
    }

    private static bool IsHeadRefused(Verdict verdict) => verdict is Verdict.Malformed or Verdict.AmbiguousPath
        or Verdict.TargetTooLong or Verdict.HeadersTooLarge or Verdict.RequestTimedOut or Verdict.Draining;

    /// <summary>How a call ends whose head has this fault.</summary>
    internal static Verdict Translate(HttpFault fault) => fault switch
    {
        HttpFault.None => Verdict.Proceed,
        HttpFault.AmbiguousPath => Verdict.AmbiguousPath,
        HttpFault.TargetTooLong => Verdict.TargetTooLong,
        HttpFault.HeadTooLarge => Verdict.HeadersTooLarge,
        HttpFault.UnknownExpectation => Verdict.ExpectationFailed,
        HttpFault.NotImplemented => Verdict.NotImplemented,
        _ => Verdict.Malformed,
    };

    // Closing with unread bytes makes the kernel reset the connection, and the client may lose the answer with it.
    private async ValueTask LingerAsync()
    {
        _call.RequestBody.Release();
        _call.ClientDeadline.Arm(LingerMax);
        await EndSendingAsync();
        PipeReader input = _transport.Transport.Input;
        long dropped = 0;
        while (dropped < _services.Limits.DrainBytesMax)
        {
            ReadResult result = await input.ReadAsync();
            dropped += result.Buffer.Length;
            input.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted || (result.IsCanceled && _call.ClientDeadline.HasPassed)) return;
        }
    }

    // TLS first, then the socket. Kestrel's stays open: its flush is over when a pipe has the bytes, so the end of the
    // socket's side could come before the answer; and completing that pipe ends both sides.
    private async ValueTask EndSendingAsync()
    {
        ConnectionContext beneath = _transport;
        if (_transport is TlsConnection tls)
        {
            if (!await tls.EndSendingAsync()) return;
            beneath = tls.Beneath;
        }

        if (beneath is EpollConnection own) own.EndSending();
    }
}
