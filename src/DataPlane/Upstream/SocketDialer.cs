using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Countersign.DataPlane.Sockets;
using Countersign.Policy;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;

namespace Countersign.DataPlane.Upstream;

/// <summary>
/// Dials TCP, and TLS 1.2 or 1.3 for https endpoints, on Kestrel's socket transport so that both sides are pipes.
/// </summary>
internal sealed partial class SocketDialer : IUpstreamDialer, IDisposable
{
    private readonly SocketConnectionContextFactory _factory;
    private readonly EpollTransport? _epoll;
    private readonly ILogger _log;

    internal SocketDialer(EpollTransport? epoll, ILogger log)
    {
        _epoll = epoll;
        _log = log;
        // Inline: the continuation runs where the bytes arrived. Nothing on that thread blocks (decision 0003).
        SocketConnectionFactoryOptions options = new() { UnsafePreferInlineScheduling = true };
        _factory = new SocketConnectionContextFactory(options, log);
    }

    /// <inheritdoc/>
    public async ValueTask<ConnectionContext?> DialAsync(
        IPEndPoint address, Uri endpoint, UpstreamTls? tls, TimeSpan within)
    {
        using CancellationTokenSource timer = new(within);
        bool isPlain = endpoint.Scheme == Uri.UriSchemeHttp;
        if (_epoll is not null && isPlain) return await DialEpollAsync(address, endpoint, timer.Token);
        Socket socket = new(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(address, timer.Token);
            return endpoint.Scheme == Uri.UriSchemeHttps
                ? await SecureAsync(socket, tls?.ServerName ?? endpoint.IdnHost, timer.Token)
                : _factory.Create(socket);
        }
        catch (Exception fault) when (
            fault is SocketException or OperationCanceledException or AuthenticationException or IOException)
        {
            socket.Dispose();
            LogUnreachable(_log, endpoint, fault.Message);
            return null;
        }
    }

    private async ValueTask<ConnectionContext?> DialEpollAsync(
        IPEndPoint address, Uri endpoint, CancellationToken cancellation)
    {
        try
        {
            return await _epoll!.ConnectAsync(address, cancellation);
        }
        catch (Exception fault) when (fault is SocketException or OperationCanceledException or IOException)
        {
            LogUnreachable(_log, endpoint, fault.Message);
            return null;
        }
    }

    /// <summary>Gives the transport's memory back.</summary>
    public void Dispose() => _factory.Dispose();

    private static async Task<ConnectionContext> SecureAsync(Socket socket, string host, CancellationToken cancellation)
    {
        SslStream tls = new(new NetworkStream(socket, ownsSocket: true), leaveInnerStreamOpen: false);
        SslClientAuthenticationOptions options = new()
        {
            TargetHost = host,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            ApplicationProtocols = [SslApplicationProtocol.Http11],
        };
        await tls.AuthenticateAsClientAsync(options, cancellation);
        return new TlsConnection(tls);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Upstream {Endpoint} cannot be reached: {Because}")]
    private static partial void LogUnreachable(ILogger log, Uri endpoint, string because);

    private sealed class TlsConnection : DefaultConnectionContext
    {
        private readonly SslStream _tls;

        internal TlsConnection(SslStream tls)
        {
            _tls = tls;
            Transport = new TlsPipes(PipeReader.Create(tls), PipeWriter.Create(tls));
        }

        public override void Abort(ConnectionAbortedException abortReason) => _tls.Dispose();

        public override async ValueTask DisposeAsync()
        {
            await _tls.DisposeAsync();
            await base.DisposeAsync();
        }
    }

    private sealed record TlsPipes(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
