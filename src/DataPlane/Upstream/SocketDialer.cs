using System.Net;
using System.Net.Sockets;
using Countersign.DataPlane.Sockets;
using Countersign.Policy;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;

namespace Countersign.DataPlane.Upstream;

/// <summary>
/// Dials TCP on the event loop that asks, or on Kestrel's socket transport where there are no loops, and puts TLS over
/// it for https endpoints. Both sides are pipes either way.
/// </summary>
internal sealed partial class SocketDialer : IUpstreamDialer, IDisposable
{
    private readonly SocketConnectionContextFactory _factory;
    private readonly EpollTransport? _epoll;
    private readonly UpstreamTlsFront _tls;
    private readonly ILogger _log;

    internal SocketDialer(EpollTransport? epoll, UpstreamTlsFront tls, ILogger log)
    {
        _epoll = epoll;
        _tls = tls;
        _log = log;
        // Inline: the continuation runs where the bytes arrived. Nothing on that thread blocks (decision 0003).
        SocketConnectionFactoryOptions options = new() { UnsafePreferInlineScheduling = true };
        _factory = new SocketConnectionContextFactory(options, log);
    }

    /// <inheritdoc/>
    public async ValueTask<Dialled> DialAsync(IPEndPoint address, Uri endpoint, UpstreamTls? tls, TimeSpan within)
    {
        ConnectionContext? connection = await ConnectAsync(address, endpoint, within);
        if (connection is null || endpoint.Scheme != Uri.UriSchemeHttps) return new(connection);
        UpstreamTlsOutcome secured = await _tls.SecureAsync(connection, endpoint.IdnHost, tls, within);
        return new(secured.Connection, secured.Refusal);
    }

    /// <summary>Gives the transport's memory back.</summary>
    public void Dispose() => _factory.Dispose();

    private async ValueTask<ConnectionContext?> ConnectAsync(IPEndPoint address, Uri endpoint, TimeSpan within)
    {
        using CancellationTokenSource timer = new(within);
        try
        {
            return _epoll is not null
                ? await _epoll.ConnectAsync(address, timer.Token)
                : await ConnectKestrelAsync(address, timer.Token);
        }
        catch (Exception fault) when (fault is SocketException or OperationCanceledException or IOException)
        {
            LogUnreachable(_log, endpoint, fault.Message);
            return null;
        }
    }

    private async ValueTask<ConnectionContext> ConnectKestrelAsync(IPEndPoint address, CancellationToken cancellation)
    {
        Socket socket = new(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(address, cancellation);
            return _factory.Create(socket);
        }
        catch (Exception fault) when (fault is SocketException or OperationCanceledException)
        {
            socket.Dispose();
            throw;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Upstream {Endpoint} cannot be reached: {Because}")]
    private static partial void LogUnreachable(ILogger log, Uri endpoint, string because);
}
