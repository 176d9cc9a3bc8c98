using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using Countersign.DataPlane.Tls;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Countersign.DataPlane.Transport;

/// <summary>
/// TLS as a server, over any connection. TLS 1.2 and 1.3, ALPN <c>http/1.1</c> or none, no renegotiation. Sessions are
/// resumed only where clients show no certificate: a resumed session would carry yesterday's verdict on it.
/// </summary>
internal sealed partial class TlsFront(
    DataTlsOptions options, ServerCertificates certificates, Limits limits, TimeProvider clock, ILogger log)
{
    private const byte HandshakeRecord = 0x16;

    private int _handshakes;

    /// <summary>Handshakes in progress now.</summary>
    internal int Handshakes => Volatile.Read(ref _handshakes);

    /// <summary>
    /// Authenticates as server; null where that failed, and the connection is of no more use. Owned by the caller until
    /// then, by what is returned from then on.
    /// </summary>
    /// <param name="connection">The first bytes are there.</param>
    /// <param name="stop">Cancelled, and the connection's pending read and flush after it, when it took too
    /// long.</param>
    internal async ValueTask<TlsConnection?> AcceptAsync(ConnectionContext connection, CancellationToken stop)
    {
        if (await PeekAsync(connection.Transport.Input) is not HandshakeRecord and var first)
        {
            if (first is >= (byte)'A' and <= (byte)'Z') await PlainHttp.RefuseAsync(connection, stop);
            return null;
        }

        // Signing is dear: a flood of hellos waits for nobody, so that calls in flight keep their share.
        int handshakes = Interlocked.Increment(ref _handshakes);
        try
        {
            if (handshakes <= limits.HandshakesMax) return await ShakeHandsAsync(connection, stop);
            LogTooMany(log, limits.HandshakesMax);
            return null;
        }
        finally
        {
            Interlocked.Decrement(ref _handshakes);
        }
    }

    private static async ValueTask<byte?> PeekAsync(PipeReader input)
    {
        ReadResult result = await input.ReadAsync(CancellationToken.None);
        byte? first = result.Buffer.IsEmpty ? null : result.Buffer.FirstSpan[0];
        input.AdvanceTo(result.Buffer.Start, result.Buffer.Start);
        return first;
    }

    private async ValueTask<TlsConnection?> ShakeHandsAsync(ConnectionContext connection, CancellationToken stop)
    {
        CipherStream cipher = new(connection.Transport.Input, connection.Transport.Output);
        SslStream tls = new(cipher, leaveInnerStreamOpen: true);
        try
        {
            await tls.AuthenticateAsServerAsync(
                static (_, hello, front, _) => new(((TlsFront)front!).OptionsFor(hello.ServerName)), this, stop);
            return new TlsConnection(connection, tls, cipher, clock);
        }
        catch (Exception fault)
        {
            // Whatever the stream throws at bytes from a stranger ends this connection, and nothing else: it is known
            // to throw what it means for its own misuse too, at a hello that it cannot read.
            LogFailed(log, connection.RemoteEndPoint, fault.InnerException?.Message ?? fault.Message);
            await tls.DisposeAsync();
            return null;
        }
    }

    private SslServerAuthenticationOptions OptionsFor(string serverName) =>
        ServerHandshake.OptionsFor(options, certificates.Current, serverName, clock.GetUtcNow());

    [LoggerMessage(Level = LogLevel.Debug, Message = "The TLS handshake with {Peer} failed: {Because}")]
    private static partial void LogFailed(ILogger log, EndPoint? peer, string because);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "A connection was closed: there are {Max} TLS handshakes in progress already")]
    private static partial void LogTooMany(ILogger log, int max);
}
