using System.Security.Cryptography;
using System.Text;
using Countersign.Cli.Configuration;
using Countersign.ControlPlane.Tokens;
using Countersign.Identity.Inbound;
using Countersign.Identity.Inbound.Dpop;
using Countersign.Identity.Inbound.Saml;
using Countersign.Identity.Inbound.SignIn;
using Countersign.Identity.Outbound;
using Countersign.Policy.Redis;
using Microsoft.Extensions.Logging;

namespace Countersign.Cli.Serve;

/// <summary>What proves who calls, put together: the verifier, what is revoked, and the gateway's own tokens.</summary>
internal sealed class IdentityParts(
    GatewayOptions options, IReadOnlyDictionary<string, string> environment, byte[] nonceKey, TimeProvider clock,
    ILoggerFactory logs) : IAsyncDisposable
{
    /// <summary>What nonces are made with, the same in the whole fleet: it follows from the sealing key.</summary>
    internal static byte[] NonceKeyOf(byte[] sealingKey) => HKDF.DeriveKey(
        HashAlgorithmName.SHA256, sealingKey, SHA256.HashSizeInBytes,
        info: Encoding.ASCII.GetBytes("countersign dpop nonce v1"));

    private readonly SocketsHttpHandler _handler =
        new() { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) };

    private CallerVerifier? _callers;
    private RedisRevocationFeed? _feed;
    private RedisStore? _store;
    private HttpMessageInvoker? _http;

    /// <summary>Who people sign in by; null where nobody is configured.</summary>
    internal OidcSignIn? SignIn { get; private set; }

    /// <summary>Checks proofs of keys.</summary>
    internal DpopProofs? Proofs { get; private set; }

    /// <summary>SAML providers; null where there are none.</summary>
    internal SamlService? Saml { get; private set; }

    /// <summary>The verifier, which knows what is revoked.</summary>
    /// <param name="store">Where revocations and ids that were used are.</param>
    /// <param name="controlUrl">The control listener's address, asked once it is known.</param>
    /// <param name="cancellation">Gives up.</param>
    internal async Task<CallerVerifier> StartAsync(
        RedisStore store, Func<string> controlUrl, CancellationToken cancellation)
    {
        _store = store;
        Proofs = new DpopProofs(nonceKey, new RedisOneTimeStore(store), options.Identity.Dpop, clock);
        _http = new HttpMessageInvoker(_handler, disposeHandler: false);
        IssuerOptions[] issuers = [.. options.Issuers.Select(one => WithSecret(one, options, environment))];
        _callers = new CallerVerifier(issuers, null, _http, clock, logs.CreateLogger<CallerVerifier>());
        _feed = new RedisRevocationFeed(
            store, new RedisRevocationStore(store), listing => _callers.Revoke(new RevocationIndex(listing)), clock,
            logs.CreateLogger<RedisRevocationFeed>());
        _callers.Revocations = _feed;
        if (!await _feed.StartAsync())
            throw new StartRefusedException("The store did not answer when revoked tokens were asked for.");
        await _callers.StartAsync(cancellation);
        SignIn = ConsoleServices.SignIn(options.ConsoleClients, environment, _http, clock, logs);
        if (options.Identity.Saml is { } saml)
        {
            Saml = new SamlService(
                saml, _http, new RedisOneTimeStore(store), controlUrl, clock, logs.CreateLogger<SamlService>())
            {
                IsRevoked = _callers.IsRevoked,
            };
            Saml.Start();
        }

        return _callers;
    }

    /// <summary>The gateway's own tokens.</summary>
    /// <param name="controlUrl">Their issuer, asked once it is known.</param>
    /// <param name="keys">What to sign with.</param>
    /// <param name="dataUrl">Where callers connect, once it is known.</param>
    internal TokenTerms Tokens(Func<string> controlUrl, SigningKeyRing keys, Func<string?> dataUrl) => new(
        new GatewayTokens(controlUrl, keys, clock), new RedisRevocationStore(_store!))
    {
        TimeToLive = options.Identity.GatewayTokenLife,
        Proofs = Proofs,
        Resources = () => (options.DataUrl ?? dataUrl()) is { } data ? [data] : [],
    };

    public async ValueTask DisposeAsync()
    {
        if (_feed is not null) await _feed.DisposeAsync();
        if (Saml is not null) await Saml.DisposeAsync();
        if (SignIn is not null) await SignIn.DisposeAsync();
        if (_callers is not null) await _callers.DisposeAsync();
        _http?.Dispose();
        _handler.Dispose();
    }

    /// <summary>An issuer with the secret that it is asked with.</summary>
    internal static IssuerOptions WithSecret(
        IssuerOptions issuer, GatewayOptions options, IReadOnlyDictionary<string, string> environment)
    {
        if (issuer.Introspection is not { } asked) return issuer;
        byte[] secret = ConsoleServices.SecretOf(
            options.Identity.IntrospectionSecrets[issuer.Issuer], environment,
            $"identity.issuers, '{issuer.Issuer}': introspection.clientSecret: ");
        return issuer with { Introspection = asked with { ClientSecret = secret } };
    }
}
