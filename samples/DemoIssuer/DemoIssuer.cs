using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Primitives;

namespace Countersign.DemoIssuer;

/// <summary>
/// An OpenID Connect issuer for demonstrations: discovery, a JWKS, RS256 access tokens for made-up users, and the code
/// flow for those of them who are people. None needs a password. It listens on loopback alone, and its key lives as
/// long as it does.
/// </summary>
public sealed class DemoIssuer : IAsyncDisposable
{
    private const int TokenSeconds = 3600;

    private const string CodeGrant = "authorization_code";
    private const string DeviceGrant = "urn:ietf:params:oauth:grant-type:device_code";
    private const string RefreshGrant = "refresh_token";

    // A form with a user's name; more is not for us.
    private const long RequestBytesMax = 4096;

    // The default encoder escapes for HTML; these are read by people, and never in a page.
    private static readonly JsonSerializerOptions Plain =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly RSA _key;
    private readonly string _keyId;
    private readonly string _audience;
    private readonly TimeProvider _clock;
    private readonly WebApplication _app;
    private readonly DeviceGrants _grants;
    private DemoSignIn? _signIn;

    private DemoIssuer(WebApplication app, string audience, TimeProvider clock)
    {
        _app = app;
        _audience = audience;
        _clock = clock;
        _grants = new DeviceGrants(clock);
        _key = RSA.Create(2048);
        _keyId = Convert.ToHexStringLower(SHA256.HashData(_key.ExportSubjectPublicKeyInfo()).AsSpan(0, 8));
    }

    /// <summary>Where it listens, which is also its <c>iss</c>: <c>http://127.0.0.1:&lt;port&gt;</c>.</summary>
    public string Address { get; private set; } = "";

    /// <summary>The names <see cref="Mint"/> knows.</summary>
    public static IReadOnlyList<string> Users { get; } = [.. DemoUser.All.Keys.Order(StringComparer.Ordinal)];

    /// <summary>Starts an issuer.</summary>
    /// <param name="hostAndPort">A loopback IP address and port, <c>127.0.0.1:0</c>; port 0 picks a free one.</param>
    /// <param name="audience">The <c>aud</c> of every token.</param>
    /// <param name="clock">Gives <c>iat</c>.</param>
    /// <exception cref="ArgumentException">The address is not one of this machine alone.</exception>
    public static async Task<DemoIssuer> StartAsync(string hostAndPort, string audience, TimeProvider clock)
    {
        if (!IPEndPoint.TryParse(hostAndPort, out IPEndPoint? endpoint) || !IPAddress.IsLoopback(endpoint.Address))
            throw new ArgumentException("The demo issuer listens on a loopback address and port.", nameof(hostAndPort));

        // The empty builder reads no files, environment or arguments: nothing moves this listener elsewhere.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = RequestBytesMax;
            kestrel.Listen(endpoint);
        });
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<IHostLifetime, HostedLifetime>();
        DemoIssuer issuer = new(builder.Build(), audience, clock);
        issuer.Map();
        try
        {
            await issuer._app.StartAsync().ConfigureAwait(false);
        }
        catch
        {
            await issuer.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        issuer.Address = issuer._app.Urls.First();
        issuer._signIn = new DemoSignIn(issuer.Address, clock);
        return issuer;
    }

    /// <summary>Makes an access token for <paramref name="user"/>, good for an hour.</summary>
    /// <exception cref="ArgumentException">There is no such user.</exception>
    public string Mint(string user) =>
        DemoUser.All.TryGetValue(user, out DemoUser? known)
            ? Sign(known, _audience)
            : throw new ArgumentException("The demo issuer has no such user.", nameof(user));

    /// <summary>Stops listening.</summary>
    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync().ConfigureAwait(false);
        _key.Dispose();
    }

    private void Map()
    {
        _app.MapGet("/.well-known/openid-configuration", context => AnswerAsync(context, 200, new JsonObject
        {
            ["issuer"] = Address,
            ["jwks_uri"] = Address + "/jwks",
            ["token_endpoint"] = Address + "/token",
            ["authorization_endpoint"] = Address + "/authorize",
            ["device_authorization_endpoint"] = Address + "/device_authorization",
            ["grant_types_supported"] = new JsonArray(CodeGrant, DeviceGrant, RefreshGrant),
            ["response_types_supported"] = new JsonArray("code"),
            ["code_challenge_methods_supported"] = new JsonArray("S256"),
            ["token_endpoint_auth_methods_supported"] = new JsonArray("none"),
            ["authorization_response_iss_parameter_supported"] = true,
            ["subject_types_supported"] = new JsonArray("public"),
            ["id_token_signing_alg_values_supported"] = new JsonArray("RS256"),
        }));
        _app.MapGet("/jwks", context => AnswerAsync(context, 200, Jwks()));
        _app.MapPost("/token", AnswerTokenAsync);
        new DevicePages(_grants, () => Address).Map(_app);
        _app.MapGet("/authorize", context => _signIn!.AuthorizeAsync(context));
    }

    private async Task AnswerTokenAsync(HttpContext context)
    {
        if (!context.Request.HasFormContentType)
        {
            await AnswerAsync(context, 400, Error("send a form with user=<name>")).ConfigureAwait(false);
            return;
        }

        IFormCollection form = await context.Request.ReadFormAsync(context.RequestAborted).ConfigureAwait(false);
        context.Response.Headers.CacheControl = "no-store"; // RFC 6749 section 5.1
        if (form["grant_type"].ToString() is { Length: > 0 } grant)
        {
            await AnswerGrantAsync(context, grant, form).ConfigureAwait(false);
            return;
        }

        StringValues names = form["user"];
        if (names is not [{ } name] || !DemoUser.All.TryGetValue(name, out DemoUser? user))
        {
            string known = string.Join(", ", Users);
            await AnswerAsync(context, 400, Error("user is one of: " + known)).ConfigureAwait(false);
            return;
        }

        await AnswerAsync(context, 200, TokenFor(user)).ConfigureAwait(false);
    }

    private Task AnswerGrantAsync(HttpContext context, string grant, IFormCollection form)
    {
        if (grant == CodeGrant) return AnswerCodeAsync(context, form);
        string? user = null;
        string error = "unsupported_grant_type";
        if (grant == DeviceGrant)
        {
            DeviceAnswer answer = _grants.Take(form["device_code"].ToString(), out string granted);
            if (answer == DeviceAnswer.Granted) user = granted;
            error = answer switch
            {
                DeviceAnswer.Pending => "authorization_pending",
                DeviceAnswer.Denied => "access_denied",
                _ => "expired_token",
            };
        }
        else if (grant == RefreshGrant)
        {
            user = _grants.Spend(form["refresh_token"].ToString());
            error = "invalid_grant";
        }

        if (user is null) return AnswerAsync(context, 400, new JsonObject { ["error"] = error });
        JsonObject token = TokenFor(DemoUser.All[user]);
        if (_grants.Refresh(user) is { } refresh) token["refresh_token"] = refresh;
        return AnswerAsync(context, 200, token);
    }

    private JsonObject TokenFor(DemoUser user) => new()
    {
        ["access_token"] = Sign(user, _audience),
        ["token_type"] = "Bearer",
        ["expires_in"] = TokenSeconds,
    };

    private Task AnswerCodeAsync(HttpContext context, IFormCollection form)
    {
        if (_signIn!.Redeem(form) is not { } code)
            return AnswerAsync(context, 400, new JsonObject { ["error"] = "invalid_grant" });
        JsonObject tokens = TokenFor(code.User);
        tokens["id_token"] = Sign(code.User, code.ClientId, "JWT", code.Nonce);
        return AnswerAsync(context, 200, tokens);
    }

    private string Sign(DemoUser user, string audience, string type = "at+jwt", string? nonce = null)
    {
        long now = _clock.GetUtcNow().ToUnixTimeSeconds();
        JsonObject claims = new()
        {
            ["iss"] = Address,
            ["aud"] = audience,
            ["sub"] = user.ActsFor ?? user.Name,
            ["kind"] = user.Kind,
            ["groups"] = new JsonArray([.. user.Groups.Select(group => JsonValue.Create(group))]),
            ["iat"] = now,
            ["nbf"] = now,
            ["exp"] = now + TokenSeconds,
            ["jti"] = Guid.CreateVersion7(_clock.GetUtcNow()).ToString(),
        };
        if (user.ActsFor is not null) claims["act"] = new JsonObject { ["sub"] = user.Name };
        if (user.Actor is not null) claims["actor"] = user.Actor;
        if (user.Owner is not null) claims["owner"] = user.Owner;

        if (nonce is not null) claims["nonce"] = nonce;

        JsonObject header = new() { ["alg"] = "RS256", ["typ"] = type, ["kid"] = _keyId };
        string text = Part(header) + "." + Part(claims);
        byte[] signature = _key.SignData(
            Encoding.ASCII.GetBytes(text), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return text + "." + Base64Url.EncodeToString(signature);
    }

    private JsonObject Jwks()
    {
        RSAParameters key = _key.ExportParameters(includePrivateParameters: false);
        JsonObject jwk = new()
        {
            ["kty"] = "RSA",
            ["use"] = "sig",
            ["alg"] = "RS256",
            ["kid"] = _keyId,
            ["n"] = Base64Url.EncodeToString(key.Modulus),
            ["e"] = Base64Url.EncodeToString(key.Exponent),
        };
        return new JsonObject { ["keys"] = new JsonArray(jwk) };
    }

    private static string Part(JsonObject json) =>
        Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(json, Plain));

    private static JsonObject Error(string description) =>
        new() { ["error"] = "invalid_request", ["error_description"] = description };

    internal static async Task AnswerAsync(HttpContext context, int status, JsonObject body)
    {
        byte[] bytes = JsonSerializer.SerializeToUtf8Bytes(body, Plain);
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = bytes.Length;
        await context.Response.Body.WriteAsync(bytes, context.RequestAborted).ConfigureAwait(false);
    }

    /// <summary>Leaves signals to the process that hosts it: the usual lifetime would end it on SIGTERM by
    /// itself.</summary>
    private sealed class HostedLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
