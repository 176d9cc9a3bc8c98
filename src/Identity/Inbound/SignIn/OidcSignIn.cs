using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Countersign.Policy;
using Microsoft.Extensions.Logging;

namespace Countersign.Identity.Inbound.SignIn;

/// <summary>
/// Signs people in: the authorization code flow of OpenID Connect with PKCE (RFC 7636), state and nonce, as RFC 9700
/// asks. The ID token is held to the same rules as every other token, for the client as its audience. Thread-safe.
/// </summary>
public sealed class OidcSignIn : IAsyncDisposable
{
    private const int RandomBytes = 32;
    private const int TokenBytesMax = 16 * 1024;

    private readonly SignInProvider[] _providers;
    private readonly CallerVerifier _tokens;
    private readonly CodeRedemption _codes;

    /// <summary>Makes it; nothing is fetched yet.</summary>
    /// <param name="clients">Checked by <see cref="SignInClient.Check"/>.</param>
    /// <param name="http">Speaks to the issuers; it should not follow redirects. Not disposed here.</param>
    /// <param name="clock">Decides what has expired.</param>
    /// <param name="logger">Hears of issuers that do not answer.</param>
    public OidcSignIn(
        IReadOnlyList<SignInClient> clients, HttpMessageInvoker http, TimeProvider clock, ILogger logger)
    {
        ArgumentNullException.ThrowIfNull(clients);
        ArgumentNullException.ThrowIfNull(http);
        ArgumentNullException.ThrowIfNull(clock);
        ArgumentNullException.ThrowIfNull(logger);
        _providers = [.. clients.Select(client => new SignInProvider(client, http, clock, logger))];
        _codes = new CodeRedemption(http, clock, logger);

        // Its own verifier: an ID token is for the client, and is no bearer token of the API.
        CallerVerifierLimits limits = new() { TokenBytesMax = TokenBytesMax, CacheEntriesMax = 2 };
        _tokens = new CallerVerifier(
            [.. clients.Select(IdTokensOf)], limits, http, clock, logger);
        Clients = clients;
    }

    // OpenID Connect Core 1.0 section 2 knows no nbf: that the token is new its nonce says.
    private static IssuerOptions IdTokensOf(SignInClient client) =>
        client.Issuer with { Audiences = [client.ClientId], RequiresNotBefore = false };

    /// <summary>The clients, in the order of the configuration.</summary>
    public IReadOnlyList<SignInClient> Clients { get; }

    /// <summary>Where to send somebody who signs in by that client; null when its issuer cannot be
    /// reached.</summary>
    /// <param name="client">An index of <see cref="Clients"/>.</param>
    /// <param name="redirectUri">Where the issuer sends them back to, exactly.</param>
    /// <param name="cancel">Ends the waiting.</param>
    public async ValueTask<SignInStart?> BeginAsync(int client, string redirectUri, CancellationToken cancel)
    {
        SignInProvider provider = _providers[client];
        SignInEndpoints? endpoints = await provider.EndpointsAsync(cancel).ConfigureAwait(false);
        if (endpoints is null) return null;
        SignInAttempt attempt = new(provider.Client.Issuer.Issuer, Chance(), Chance(), Chance());
        string challenge = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(attempt.Verifier)));
        (string Name, string Value)[] query =
        [
            ("response_type", "code"), ("client_id", provider.Client.ClientId), ("redirect_uri", redirectUri),
            ("scope", provider.Client.Scope), ("state", attempt.State), ("nonce", attempt.Nonce),
            ("code_challenge", challenge), ("code_challenge_method", "S256"),
        ];
        string text = string.Join('&', query.Select(pair => pair.Name + "=" + Uri.EscapeDataString(pair.Value)));
        char joint = endpoints.Authorization.Contains('?', StringComparison.Ordinal) ? '&' : '?';
        return new SignInStart(new Uri(endpoints.Authorization + joint + text), attempt);
    }

    /// <summary>Redeems the code that somebody came back with, and verifies the ID token.</summary>
    /// <param name="attempt">What was remembered; its state has been compared already.</param>
    /// <param name="code">The code.</param>
    /// <param name="issuer">The <c>iss</c> that came with it (RFC 9207), or null.</param>
    /// <param name="redirectUri">The same as at the beginning.</param>
    /// <param name="cancel">Ends the waiting.</param>
    public async ValueTask<SignInResult> FinishAsync(
        SignInAttempt attempt, string code, string? issuer, string redirectUri, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(attempt);
        SignInProvider? provider = Array.Find(
            _providers, one => string.Equals(one.Client.Issuer.Issuer, attempt.Issuer, StringComparison.Ordinal));
        if (provider is null) return Refuse("the issuer is no longer configured");
        SignInEndpoints? endpoints = await provider.EndpointsAsync(cancel).ConfigureAwait(false);
        if (endpoints is null) return Refuse("the issuer cannot be reached");

        // RFC 9207: an answer of another issuer is the mix-up attack.
        bool isOthers = issuer is null
            ? endpoints.NamesItself
            : !string.Equals(issuer, attempt.Issuer, StringComparison.Ordinal);
        if (isOthers) return Refuse("the answer is not from the issuer that was asked");
        byte[]? token = await _codes
            .RedeemAsync(provider.Client, endpoints, code, redirectUri, attempt.Verifier, cancel).ConfigureAwait(false);
        if (token is null) return Refuse("the issuer did not redeem the code");
        string wrong = WhyNot(token, attempt.Nonce, provider.Client.ClientId);
        if (wrong.Length > 0) return Refuse(wrong);
        TokenVerification verified = await _tokens.VerifyAsync(token, cancel).ConfigureAwait(false);
        if (verified.Caller is not { } caller) return Refuse(verified.Because);

        // The verifier knows every client's issuer; the token must be of the one that this person was sent to.
        return string.Equals(caller.Issuer, attempt.Issuer, StringComparison.Ordinal)
            ? new SignInResult(caller, "")
            : Refuse("the ID token is of another issuer");
    }

    /// <summary>Stops what runs in the background.</summary>
    public ValueTask DisposeAsync() => _tokens.DisposeAsync();

    // What makes an ID token more than a token (OpenID Connect Core 3.1.3.7). Nothing here is proven yet: the
    // signature comes after, and everything that passes here and there is.
    private static string WhyNot(byte[] token, string nonce, string clientId)
    {
        if (CompactToken.TryRead(token, TokenBytesMax, out CompactToken? read) != TokenFault.None)
            return "the ID token is not a compact JWS";
        using CompactToken compact = read!;
        bool isAccessToken = compact.Header.TryGetProperty("typ", out JsonElement type)
            && ClaimText.TryRead(type, out string name) && name.Contains("at+jwt", StringComparison.OrdinalIgnoreCase);
        if (isAccessToken) return "the ID token is an access token";
        bool isOurs = compact.Claims.TryGetProperty("nonce", out JsonElement given)
            && ClaimText.TryRead(given, out string said) && CryptographicOperations.FixedTimeEquals(
                Encoding.UTF8.GetBytes(said), Encoding.UTF8.GetBytes(nonce));
        if (!isOurs) return "the ID token was not made for this sign-in";
        bool isOthers = compact.Claims.TryGetProperty("azp", out JsonElement party)
            ? !ClaimText.TryRead(party, out string authorized) || authorized != clientId
            : compact.Claims.TryGetProperty("aud", out JsonElement audience)
                && audience.ValueKind == JsonValueKind.Array && audience.GetArrayLength() > 1;
        return isOthers ? "the ID token was made for another client" : "";
    }

    private static SignInResult Refuse(string because) => new(null, because);

    private static string Chance() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(RandomBytes));
}
