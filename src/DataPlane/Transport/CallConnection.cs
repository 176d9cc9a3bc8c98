using System.IO.Pipelines;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text;
using Countersign.DataPlane.Calls;
using Countersign.DataPlane.Http;
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

    private readonly ConnectionContext _transport;
    private readonly DataServices _services;
    private readonly CallContext _call;
    private readonly bool _isShed;
    private volatile bool _isDraining;
    private volatile bool _isIdle = true;

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
            IsTls: tls is not null, services.PublicUrl, transport.ConnectionClosed)
        {
            Certificate = tls?.PeerThumbprint ?? default,
            CertificateSubject = tls?.PeerSubject ?? "",
        };
        _call = new CallContext(client, services.Clock);
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

            bool leftBytes = _call.Verdict is Verdict.Malformed or Verdict.AmbiguousPath || !_call.RequestBody.IsWhole;
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

    /// <summary>Called by the heartbeat: cancels whatever has waited too long.</summary>
    internal void Tick(long now)
    {
        if (_call.ClientDeadline.Passes(now))
        {
            _transport.Transport.Input.CancelPendingRead();
            _transport.Transport.Output.CancelPendingFlush();
        }

        _call.TickUpstream(now);
    }

    /// <summary>
    /// Lets the call in flight finish, one that is held answer now, and ends the connection after it; an idle one ends
    /// now.
    /// </summary>
    internal void Drain()
    {
        _isDraining = true;
        if (_isIdle) _transport.Transport.Input.CancelPendingRead();
        _call.EndWait();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> TryServeAsync()
    {
        _call.Reset();
        Verdict? head = await ReadHeadAsync();
        if (head is null) return false;
        _isIdle = false;
        _call.Begin(Admit(head.Value), _services.Clock);
        _call.RequestBody.Start(_call.Request.Framing, _call.Request.ContentLength, _services.Limits.BodyBytesMax);
        if (_isDraining || _isShed) _call.KeepAlive = false;
        await _services.Pipeline.RunAsync(_call);
        if (_call.EndsBroken || !_call.KeepAlive || _isDraining) return false;
        _isIdle = true;
        return await RequestBodies.TryDrainAsync(_call, _services.Limits);
    }

    // What came before the drain began is served; what comes after it, or over the limit, is refused before work is
    // done.
    private Verdict Admit(Verdict head)
    {
        if (head != Verdict.Proceed) return head;
        return _isShed ? Verdict.Overloaded : _isDraining ? Verdict.Draining : head;
    }

    // Null when the connection ended, or idled too long, with no request begun.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<Verdict?> ReadHeadAsync()
    {
        PipeReader input = _transport.Transport.Input;
        Limits limits = _services.Limits;
        HeadReader reader = default;
        bool hasBegun = false;
        _call.ClientDeadline.Arm(limits.KeepAliveIdle);
        while (true)
        {
            if (_isDraining && !hasBegun) return null;
            ReadResult result = await input.ReadAsync();
            if (!hasBegun && !result.Buffer.IsEmpty)
            {
                hasBegun = true;
                _call.ClientDeadline.Arm(limits.HeadWithin);
            }

            bool timedOut = result.IsCanceled && _call.ClientDeadline.HasPassed;
            ParseStatus status = reader.TryLoad(
                result.Buffer, _call.Request, limits.HeadBytesMax, out SequencePosition end, out bool isTooLarge);
            if (status == ParseStatus.NeedMore)
            {
                input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
                if (timedOut || result.IsCompleted) return null;
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

            return Translate(
                RequestParser.Parse(_call.Request, new HeadBounds(limits.TargetBytesMax, limits.FieldsMax)));
        }
    }

    private static Verdict Translate(HttpFault fault) => fault switch
    {
        HttpFault.None => Verdict.Proceed,
        HttpFault.AmbiguousPath => Verdict.AmbiguousPath,
        HttpFault.TargetTooLong => Verdict.TargetTooLong,
        HttpFault.HeadTooLarge => Verdict.HeadersTooLarge,
        _ => Verdict.Malformed,
    };

    // Closing with unread bytes makes the kernel reset the connection, and the client may lose the answer with it.
    private async ValueTask LingerAsync()
    {
        _call.RequestBody.Release();
        _call.RequestBody.Release();
        _call.ClientDeadline.Arm(LingerMax);
        PipeReader input = _transport.Transport.Input;
        long dropped = 0;
        while (dropped < _services.Limits.DrainBytesMax)
        {
            ReadResult result = await input.ReadAsync();
            dropped += result.Buffer.Length;
            input.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted || result.IsCanceled) return;
        }
    }
}
