using System.Net.Sockets;
using Countersign.Policy;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;

namespace Countersign.DataPlane.Upstream;

/// <summary>
/// Dials TCP on Kestrel's socket transport, so that both sides are pipes, and puts TLS over it for https endpoints.
/// </summary>
internal sealed partial class SocketDialer : IUpstreamDialer, IDisposable
{
    private readonly SocketConnectionContextFactory _factory;
    private readonly UpstreamTlsFront _tls;
    private readonly ILogger _log;

    internal SocketDialer(UpstreamTlsFront tls, ILogger log)
    {
        _tls = tls;
        _log = log;
        // Inline: the continuation runs where the bytes arrived. Nothing on that thread blocks (decision 0003).
        SocketConnectionFactoryOptions options = new() { UnsafePreferInlineScheduling = true };
        _factory = new SocketConnectionContextFactory(options, log);
    }

    /// <inheritdoc/>
    public async ValueTask<Dialled> DialAsync(Uri endpoint, UpstreamTls? tls, TimeSpan within)
    {
        ConnectionContext? connection = await ConnectAsync(endpoint, within);
        if (connection is null || endpoint.Scheme != Uri.UriSchemeHttps) return new(connection);
        UpstreamTlsOutcome secured = await _tls.SecureAsync(connection, endpoint.IdnHost, tls, within);
        return new(secured.Connection, secured.Refusal);
    }

    /// <summary>Gives the transport's memory back.</summary>
    public void Dispose() => _factory.Dispose();

    private async ValueTask<ConnectionContext?> ConnectAsync(Uri endpoint, TimeSpan within)
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using CancellationTokenSource timer = new(within);
        try
        {
            await socket.ConnectAsync(endpoint.IdnHost, endpoint.Port, timer.Token);
            return _factory.Create(socket);
        }
        catch (Exception fault) when (fault is SocketException or OperationCanceledException)
        {
            socket.Dispose();
            LogUnreachable(_log, endpoint, fault.Message);
            return null;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Upstream {Endpoint} cannot be reached: {Because}")]
    private static partial void LogUnreachable(ILogger log, Uri endpoint, string because);
}
