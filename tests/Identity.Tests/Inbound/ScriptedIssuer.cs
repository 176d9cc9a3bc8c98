using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Countersign.Identity.Inbound;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Countersign.Identity.Tests.Inbound;

/// <summary>A key pair of a scripted issuer: signs what it is told to, right or wrong.</summary>
internal sealed class ScriptedKey(string? keyId, RSA? rsa = null, ECDsa? ec = null)
{
    // Made once: an RSA key takes long enough to be noticed when every test makes its own.
    public static readonly ScriptedKey First = new("first", RSA.Create(2048));
    public static readonly ScriptedKey Second = new("second", RSA.Create(2048));
    public static readonly ScriptedKey Curve = new("curve", null, ECDsa.Create(ECCurve.NamedCurves.nistP256));

    public RSA Rsa => rsa!;

    public ECDsa Ec => ec!;

    public string? KeyId => keyId;

    public JsonObject Jwk()
    {
        JsonObject jwk = new() { ["use"] = "sig" };
        if (keyId is not null) jwk["kid"] = keyId;
        if (rsa is not null)
        {
            RSAParameters parameters = rsa.ExportParameters(false);
            jwk["kty"] = "RSA";
            jwk["n"] = Base64Url.EncodeToString(parameters.Modulus);
            jwk["e"] = Base64Url.EncodeToString(parameters.Exponent);
            return jwk;
        }

        ECParameters point = ec!.ExportParameters(false);
        jwk["kty"] = "EC";
        jwk["crv"] = "P-256";
        jwk["x"] = Base64Url.EncodeToString(point.Q.X);
        jwk["y"] = Base64Url.EncodeToString(point.Q.Y);
        return jwk;
    }

    public string Header(string? algorithm = null)
    {
        JsonObject header = new() { ["alg"] = algorithm ?? (rsa is null ? "ES256" : "RS256"), ["typ"] = "JWT" };
        if (keyId is not null) header["kid"] = keyId;
        return header.ToJsonString();
    }

    public byte[] Sign(string header, string claims)
    {
        string text = Part(header) + "." + Part(claims);
        byte[] bytes = Encoding.ASCII.GetBytes(text);
        byte[] signature = rsa is not null
            ? rsa.SignData(bytes, HashAlgorithmName.SHA256, Padding(header))
            : ec!.SignData(bytes, HashAlgorithmName.SHA256);
        return Encoding.ASCII.GetBytes(text + "." + Base64Url.EncodeToString(signature));
    }

    public byte[] Sign(JsonObject claims) => Sign(Header(), claims.ToJsonString());

    public static string Part(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));

    private static RSASignaturePadding Padding(string header) =>
        header.Contains("\"PS256\"", StringComparison.Ordinal) ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1;
}

/// <summary>A clock that moves when told to, and says when someone waits on it.</summary>
internal sealed class ScriptedClock() : FakeTimeProvider(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero))
{
    private readonly Channel<TimeSpan> _waits = Channel.CreateUnbounded<TimeSpan>();

    /// <summary>Waits until a timer of <paramref name="dueTime"/> was set that nobody waited for before.</summary>
    public async Task WaitedOnAsync(TimeSpan dueTime, CancellationToken cancel)
    {
        while (await _waits.Reader.ReadAsync(cancel) != dueTime)
        {
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ITimer timer = base.CreateTimer(callback, state, dueTime, period);
        _waits.Writer.TryWrite(dueTime);
        return timer;
    }
}

/// <summary>An identity provider without a network: counts what is asked, fails or waits when told to.</summary>
internal sealed class ScriptedIssuer : HttpMessageHandler
{
    public const string Issuer = "https://issuer.test";
    public const string Audience = "gateway";

    private readonly SemaphoreSlim _asked = new(0);
    private int _fetches;

    public ScriptedIssuer(params ScriptedKey[] keys) => Keys = keys;

    public ScriptedClock Clock { get; } = new();

    public IReadOnlyList<ScriptedKey> Keys { get; set; }

    /// <summary>JWKS members beside <see cref="Keys"/>.</summary>
    public IReadOnlyList<JsonObject> OtherKeys { get; set; } = [];

    public bool IsAway { get; set; }

    public string DiscoveredIssuer { get; set; } = Issuer;

    public string KeysAddress { get; set; } = Issuer + "/jwks";

    /// <summary>Holds every answer until it completes; null answers at once.</summary>
    public Task? Gate { get; set; }

    /// <summary>Discovery documents asked for.</summary>
    public int Fetches => Volatile.Read(ref _fetches);

    public static IssuerOptions Options => new() { Issuer = Issuer, Audiences = [Audience] };

    public JsonObject Claims(string subject = "alice")
    {
        long now = Clock.GetUtcNow().ToUnixTimeSeconds();
        return new()
        {
            ["iss"] = Issuer,
            ["aud"] = Audience,
            ["sub"] = subject,
            ["kind"] = "human",
            ["groups"] = new JsonArray("support"),
            ["iat"] = now,
            ["nbf"] = now,
            ["exp"] = now + 600,
        };
    }

    public CallerVerifier Verifier(IssuerOptions? options = null, CallerVerifierLimits? limits = null) =>
        new([options ?? Options], limits, new HttpMessageInvoker(this), Clock, NullLogger.Instance);

    /// <summary>Waits until one more discovery document was asked for.</summary>
    public Task AskedAsync(CancellationToken cancel) => _asked.WaitAsync(cancel);

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        bool isDiscovery = request.RequestUri!.AbsolutePath == "/.well-known/openid-configuration";
        if (isDiscovery)
        {
            Interlocked.Increment(ref _fetches);
            _asked.Release();
        }

        if (Gate is not null) await Gate.WaitAsync(cancel);
        if (IsAway) throw new HttpRequestException("connection refused");
        string body = isDiscovery
            ? new JsonObject { ["issuer"] = DiscoveredIssuer, ["jwks_uri"] = KeysAddress }.ToJsonString()
            : new JsonObject { ["keys"] = new JsonArray([.. Jwks()]) }.ToJsonString();
        return new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(body) };
    }

    private IEnumerable<JsonNode> Jwks() =>
        Keys.Select(key => key.Jwk()).Concat(OtherKeys.Select(key => key.DeepClone().AsObject()));
}
