using System.Security.Cryptography;
using System.Text;
using Countersign.Policy;

namespace Countersign.Identity.Outbound.Brokers;

/// <summary>
/// Access tokens of an identity provider: the gateway's own (RFC 6749 section 4.4), kept until shortly before they
/// expire; or given for the caller's or the gateway's word about the caller (RFC 8693), kept so for low risk. High and
/// critical calls always get one of their own.
/// </summary>
public sealed class OAuthBroker : ICredentialBroker, IDisposable
{
    private const string AccessToken = "urn:ietf:params:oauth:token-type:access_token";
    private const string JsonWebToken = "urn:ietf:params:oauth:token-type:jwt";
    private const string TokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange";

    private readonly OAuthClient _client;
    private readonly TokenEndpoint _endpoint;
    private readonly TokenCache _cache;

    /// <summary>Makes one.</summary>
    /// <param name="kind"><see cref="CredentialBroker.OAuth"/> or <see cref="CredentialBroker.Exchange"/>.</param>
    /// <param name="client">The client it is.</param>
    /// <param name="http">What it speaks through. Not disposed of here.</param>
    /// <param name="within">How long a token that several calls wait for may take.</param>
    /// <param name="clock">The time.</param>
    public OAuthBroker(
        CredentialBroker kind, OAuthClient client, BrokerHttp http, TimeSpan within, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(client);
        Kind = kind;
        _client = client;
        _endpoint = new TokenEndpoint(client, http);
        _cache = new TokenCache(within, clock);
    }

    /// <inheritdoc/>
    public CredentialBroker Kind { get; }

    /// <inheritdoc/>
    public async ValueTask<Lending> LendAsync(LendRequest request, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(request);
        bool isExchange = Kind == CredentialBroker.Exchange;
        if (isExchange && request.Terms.ExchangesCaller && request.CallerToken.IsEmpty)
            return Lending.Failed("the caller's token is not here to be exchanged");
        if (Form(request) is not { } form) return Lending.Failed("no key may sign the gateway's own word");
        bool isKept = isExchange ? request.Risk == Risk.Low : request.Risk is Risk.Low or Risk.Medium;
        IssuedToken issued = isKept
            ? await _cache.GetAsync(
                KeyOf(request), token => _endpoint.AskAsync(form, token).AsTask(), cancellation)
            : await _endpoint.AskAsync(form, cancellation);
        if (issued.Token is null) return Lending.Failed(issued.Fault);
        string id = $"{(isExchange ? "exchange" : "oauth")}:{_client.Name}:{request.Call:D}";
        return new Lending(new LentSecret(id).With(CredentialPlace.Token, issued.Token), "");
    }

    /// <summary>Wipes the tokens that are kept.</summary>
    public void Dispose() => _cache.Dispose();

    private List<KeyValuePair<string, string>>? Form(LendRequest request)
    {
        CredentialTerms terms = request.Terms;
        List<KeyValuePair<string, string>> form = [];
        if (terms.Scope.Length > 0) form.Add(new("scope", terms.Scope));
        if (Kind == CredentialBroker.OAuth)
        {
            form.Add(new("grant_type", "client_credentials"));
            form.Add(new("audience", terms.Audience));
            return form;
        }

        string audience = _client.AssertionAudience;
        if (audience.Length == 0) audience = _client.Endpoint.ToString();
        byte[]? subject = terms.ExchangesCaller ? request.CallerToken.ToArray() : request.Assert(audience);
        if (subject is null) return null;
        form.Add(new("grant_type", TokenExchange));
        form.Add(new("audience", terms.Audience));
        form.Add(new("requested_token_type", AccessToken));
        form.Add(new("subject_token", Encoding.ASCII.GetString(subject)));
        form.Add(new("subject_token_type", terms.ExchangesCaller ? AccessToken : JsonWebToken));
        CryptographicOperations.ZeroMemory(subject);
        return form;
    }

    // Two callers share no exchanged token, and one caller's two tokens none either: they may say different things, and
    // what was given for one that is revoked is lent to nobody any more.
    private string KeyOf(LendRequest request)
    {
        string what = request.Terms.Audience + "\n" + request.Terms.Scope;
        if (Kind == CredentialBroker.OAuth) return what;
        string whose = request.Terms.ExchangesCaller
            ? Convert.ToHexString(SHA256.HashData(request.CallerToken.Span))
            : string.Join('\n', ((string[])
                [request.Caller.Issuer, request.Caller.Subject, .. request.Caller.Chain, .. request.Caller.ProofMarks])
                .Select(one => $"{one.Length}:{one}"));
        return what + "\n" + request.Function + "\n" + whose;
    }
}
