using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Countersign.Identity.Outbound.Brokers;

/// <summary>What a server answered a broker; the body is wiped by who read it.</summary>
/// <param name="Status">Its status; 0 where there was no sound answer.</param>
/// <param name="Body">Its body.</param>
/// <param name="Fault">Why there is no answer; empty where there is one.</param>
internal readonly record struct BrokerAnswer(int Status, byte[] Body, string Fault);

/// <summary>
/// How brokers speak to their servers: no redirect is followed, no cookie kept, no proxy asked, and no more is read
/// than an answer may have.
/// </summary>
public sealed class BrokerHttp : IDisposable
{
    private const int AnswerBytesMax = 262_144;

    private readonly HttpMessageInvoker _http;

    /// <summary>Speaks through a handler, which is disposed of with this.</summary>
    public BrokerHttp(HttpMessageHandler handler)
    {
        _http = new HttpMessageInvoker(handler);
    }

    /// <summary>Speaks over the network.</summary>
    /// <param name="authorities">Whose certificates servers must have; null is the machine's.</param>
    public static BrokerHttp Open(X509Certificate2Collection? authorities)
    {
        SocketsHttpHandler handler = new()
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            MaxResponseHeadersLength = 32,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        };
        if (authorities is not null)
        {
            X509ChainPolicy policy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust };
            policy.CustomTrustStore.AddRange(authorities);
            policy.RevocationMode = X509RevocationMode.NoCheck;
            handler.SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = policy };
        }

        return new BrokerHttp(handler);
    }

    internal async ValueTask<BrokerAnswer> SendAsync(HttpRequestMessage request, CancellationToken cancellation)
    {
        try
        {
            using HttpResponseMessage response = await _http.SendAsync(request, cancellation);
            if (response.Content.Headers.ContentLength > AnswerBytesMax) return Failed("answered more than it may");
            await using Stream body = await response.Content.ReadAsStreamAsync(cancellation);
            byte[] bytes = new byte[AnswerBytesMax + 1];
            int count = await body.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellation);
            if (count > AnswerBytesMax) return Failed("answered more than it may");
            byte[] whole = bytes[..count];
            bytes.AsSpan(0, count).Clear();
            return new BrokerAnswer((int)response.StatusCode, whole, "");
        }
        catch (Exception fault) when (fault is HttpRequestException or IOException)
        {
            return Failed("cannot be reached");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private static BrokerAnswer Failed(string fault) => new(0, [], fault);
}
