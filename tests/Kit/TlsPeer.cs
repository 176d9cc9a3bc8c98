using System.Buffers;
using System.IO.Pipelines;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Countersign.DataPlane.Tls;

namespace Countersign.Kit;

/// <summary>The far end of an in-memory connection, speaking TLS: a client of the gateway, or an upstream.</summary>
internal sealed class TlsPeer : IDisposable
{
    private readonly WireReader _reader;

    private TlsPeer(MemoryConnection connection, SslStream tls)
    {
        Connection = connection;
        Stream = tls;
        _reader = new WireReader(PipeReader.Create(tls, new StreamPipeReaderOptions(leaveOpen: true)));
    }

    /// <summary>The connection beneath.</summary>
    internal MemoryConnection Connection { get; }

    /// <summary>The stream.</summary>
    internal SslStream Stream { get; }

    /// <summary>What the other side is known by.</summary>
    internal string Subject => Stream.RemoteCertificate?.Subject ?? "";

    /// <summary>Meets the gateway. Its certificate is not verified here: a test looks at it where it matters.</summary>
    internal static async Task<TlsPeer> AsClientAsync(
        MemoryConnection connection, string host = "gateway.test", X509Certificate2? certificate = null,
        SslProtocols protocols = SslProtocols.None, string[]? alpn = null)
    {
        SslStream tls = Over(connection);
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = host,
            EnabledSslProtocols = protocols,
            ApplicationProtocols = alpn is null ? null : [.. alpn.Select(one => new SslApplicationProtocol(one))],
            ClientCertificateContext =
                certificate is null ? null : SslStreamCertificateContext.Create(certificate, null, offline: true),
#pragma warning disable CA5359 // The gateway is what is tested.
            RemoteCertificateValidationCallback = (_, _, _, _) => true,
#pragma warning restore CA5359
        }).WaitAsync(WireReader.HangGuard);
        return new TlsPeer(connection, tls);
    }

    /// <summary>Waits for the gateway as an upstream does.</summary>
    internal static async Task<TlsPeer> AsServerAsync(
        MemoryConnection connection, X509Certificate2 certificate, bool asksForCertificate = false)
    {
        SslStream tls = Over(connection);
        await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
        {
            ServerCertificate = certificate,
            ClientCertificateRequired = asksForCertificate,
            ApplicationProtocols = [SslApplicationProtocol.Http11],
#pragma warning disable CA5359 // The gateway is what is tested.
            RemoteCertificateValidationCallback = (_, _, _, _) => true,
#pragma warning restore CA5359
        }).WaitAsync(WireReader.HangGuard);
        return new TlsPeer(connection, tls);
    }

    /// <summary>
    /// Waits for the gateway as an upstream of TLS 1.3 that refuses it: the gateway's last flight is damaged on its
    /// way, and the alert comes when the gateway has long met a server, as with a certificate that is missing.
    /// </summary>
    internal static async Task RefuseAsync(MemoryConnection connection, X509Certificate2 certificate)
    {
        Pipe damaged = new();
        Task damaging = DamageAsync(connection.FarInput, damaged.Writer);
        using SslStream tls = new(new CipherStream(damaged.Reader, connection.FarOutput), leaveInnerStreamOpen: true);
        try
        {
            await tls.AuthenticateAsServerAsync(certificate).WaitAsync(WireReader.HangGuard);
            throw new InvalidOperationException("a damaged flight was taken");
        }
        catch (AuthenticationException)
        {
            // Its alert is on the way.
        }

        await connection.FarOutput.CompleteAsync();
        await damaging;
    }

    /// <summary>Sends Latin-1 text in one write.</summary>
    internal Task SendAsync(string text) => Stream.WriteAsync(Encoding.Latin1.GetBytes(text)).AsTask();

    /// <summary>The next message; null if the connection ended in order before it.</summary>
    internal Task<WireMessage?> ReadAsync(bool isResponse = true) => _reader.ReadAsync(isResponse);

    /// <summary>Sends and reads one answer.</summary>
    internal async Task<WireMessage> CallAsync(string request)
    {
        await SendAsync(request);
        return await ReadAsync() ?? throw new InvalidDataException("the connection ended without an answer");
    }

    public void Dispose() => Stream.Dispose();

    private static async Task DamageAsync(PipeReader from, PipeWriter to)
    {
        for (bool isHello = true; ; isHello = false)
        {
            ReadResult flight = await from.ReadAsync();
            byte[] bytes = flight.Buffer.ToArray();
            if (!isHello && bytes.Length > 0) bytes[^1] ^= 1;
            from.AdvanceTo(flight.Buffer.End);
            FlushResult taken = await to.WriteAsync(bytes);
            if (flight.IsCompleted || taken.IsCompleted) return;
        }
    }

    private static SslStream Over(MemoryConnection connection) =>
        new(new CipherStream(connection.FarInput, connection.FarOutput), leaveInnerStreamOpen: true);
}
