using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace Countersign.DataPlane.Tls;

/// <summary>
/// TLS over any connection, once it is authenticated: its pipes carry what is inside, everything else is the connection
/// beneath. Owns that connection.
/// </summary>
internal sealed class TlsConnection : ConnectionContext
{
    // A peer that does not read its close is not waited for.
    private static readonly TimeSpan CloseWithin = TimeSpan.FromSeconds(1);

    private readonly ConnectionContext _inner;
    private readonly SslStream _tls;
    private readonly TimeProvider _clock;
    private readonly Pipes _pipes;
    private bool _isAborted;
    private bool _hasEnded;
    private bool _isDisposed;

    /// <summary>Wraps a connection whose handshake is done.</summary>
    /// <param name="inner">The connection beneath.</param>
    /// <param name="tls">Authenticated, over <paramref name="cipher"/>.</param>
    /// <param name="cipher">The stream over the connection's pipes.</param>
    /// <param name="clock">Bounds the close.</param>
    /// <param name="onFailed">Hears why TLS failed behind the handshake; null where nobody does.</param>
    internal TlsConnection(
        ConnectionContext inner, SslStream tls, CipherStream cipher, TimeProvider clock,
        Action<string>? onFailed = null)
    {
        _inner = inner;
        _tls = tls;
        _clock = clock;
        cipher.IsCorked = true;
        _pipes = new Pipes(
            new TlsInput(tls, cipher, inner.Transport.Input, onFailed), new TlsOutput(tls, inner.Transport.Output));
        Transport = _pipes;
        if (tls.RemoteCertificate is not X509Certificate2 peer) return;
        PeerThumbprint = SHA256.HashData(peer.RawDataMemory.Span);
        PeerSubject = peer.Subject;
        Peer = peer;
    }

    /// <summary>The peer's verified certificate; null without one.</summary>
    internal X509Certificate2? Peer { get; }

    /// <summary>SHA-256 of the peer's verified certificate (RFC 8705 <c>x5t#S256</c>); empty without one.</summary>
    internal ReadOnlyMemory<byte> PeerThumbprint { get; }

    /// <summary>The subject of the peer's verified certificate; empty without one.</summary>
    internal string PeerSubject { get; } = "";

    /// <summary>The connection beneath.</summary>
    internal ConnectionContext Beneath => _inner;

    /// <inheritdoc/>
    public override IDuplexPipe Transport { get; set; }

    /// <inheritdoc/>
    public override string ConnectionId
    {
        get => _inner.ConnectionId;
        set => _inner.ConnectionId = value;
    }

    /// <inheritdoc/>
    public override IFeatureCollection Features => _inner.Features;

    /// <inheritdoc/>
    public override IDictionary<object, object?> Items
    {
        get => _inner.Items;
        set => _inner.Items = value;
    }

    /// <inheritdoc/>
    public override CancellationToken ConnectionClosed
    {
        get => _inner.ConnectionClosed;
        set => _inner.ConnectionClosed = value;
    }

    /// <inheritdoc/>
    public override EndPoint? LocalEndPoint
    {
        get => _inner.LocalEndPoint;
        set => _inner.LocalEndPoint = value;
    }

    /// <inheritdoc/>
    public override EndPoint? RemoteEndPoint
    {
        get => _inner.RemoteEndPoint;
        set => _inner.RemoteEndPoint = value;
    }

    /// <summary>
    /// Cuts the connection beneath; the peer gets no end of TLS, so it cannot take a part for the whole.
    /// </summary>
    public override void Abort(ConnectionAbortedException abortReason)
    {
        Volatile.Write(ref _isAborted, true);
        _inner.Abort(abortReason);
    }

    /// <summary>Ends TLS in order, unless the connection was cut, and then the connection beneath.</summary>
    public override async ValueTask DisposeAsync()
    {
        if (!_isDisposed)
        {
            _isDisposed = true;
            if (!Volatile.Read(ref _isAborted)) await EndSendingAsync();
            await _pipes.Input.CompleteAsync();
            await _pipes.Output.CompleteAsync();
            await _tls.DisposeAsync();
            await _inner.DisposeAsync();
        }

        await base.DisposeAsync();
    }

    /// <summary>
    /// Says that nothing more is sent; what the peer still sends can be read. False if that could not leave, as where
    /// the peer takes nothing.
    /// </summary>
    internal async ValueTask<bool> EndSendingAsync()
    {
        try
        {
            PipeWriter output = _inner.Transport.Output;
            using CancellationTokenSource timer = new(CloseWithin, _clock);
            using CancellationTokenRegistration stop = timer.Token.UnsafeRegister(
                static state => ((PipeWriter)state!).CancelPendingFlush(), output);
            if (!_hasEnded) await _tls.ShutdownAsync();
            _hasEnded = true;
            FlushResult flushed = await output.FlushAsync(CancellationToken.None);

            // Who ended the connection for its silence has cancelled a flush that there was none of, and so this one.
            while (flushed.IsCanceled && !timer.IsCancellationRequested)
                flushed = await output.FlushAsync(CancellationToken.None);
            return !flushed.IsCanceled && !flushed.IsCompleted;
        }
        catch (Exception)
        {
            // The peer went first, or TLS failed by its bytes, and then the library ends none: there is nobody to say
            // it to. Whatever is thrown here would keep the connection beneath from being let go.
            return false;
        }
    }

    private sealed record Pipes(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
