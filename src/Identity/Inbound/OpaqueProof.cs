using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Countersign.Policy;
using Microsoft.Extensions.Logging;

namespace Countersign.Identity.Inbound;

/// <summary>
/// Proves opaque tokens by asking their issuer (RFC 7662): fails closed, one question at a time for a token, so many at
/// once for an issuer, and what was not active is remembered for a moment.
/// </summary>
internal sealed class OpaqueProof
{
    private const int QuestionsAtOnceMax = 64;
    private const int AnswerBytesMax = 64 * 1024;

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 32 };

    private readonly IssuerOptions[] _issuers;
    private readonly HttpMessageInvoker _http;
    private readonly CallerVerifierLimits _limits;
    private readonly ResourceAudiences _resources;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private readonly Dictionary<TokenHash, Task<ProvenToken>> _asking = [];
    private readonly Dictionary<TokenHash, long> _inactive = [];

    public OpaqueProof(
        IEnumerable<IssuerOptions> issuers, ResourceAudiences resources, HttpMessageInvoker http,
        CallerVerifierLimits limits, TimeProvider clock, ILogger logger)
    {
        _issuers = [.. issuers.Where(issuer => issuer.Introspection is not null)];
        _resources = resources;
        _http = http;
        _limits = limits;
        _clock = clock;
        _logger = logger;
    }

    /// <summary>The issuer that a token may be of, if it is opaque; null asks nobody.</summary>
    public IssuerOptions? IssuerOf(ReadOnlySpan<byte> token) => IssuerOf(token, _issuers, _limits.TokenBytesMax);

    /// <summary>The same of any issuers.</summary>
    public static IssuerOptions? IssuerOf(
        ReadOnlySpan<byte> token, IEnumerable<IssuerOptions> issuers, int tokenBytesMax)
    {
        // RFC 6750 section 2.1: what a bearer token may be written with. Anything else is not sent anywhere.
        if (token.IsEmpty || token.Length > tokenBytesMax) return null;
        foreach (byte letter in token)
        {
            if (!char.IsAsciiLetterOrDigit((char)letter) && !"-._~+/="u8.Contains(letter)) return null;
        }

        foreach (IssuerOptions issuer in issuers)
        {
            if (issuer.Introspection?.TokenPrefix is not { } prefix) continue;
            if (token.Length > prefix.Length && System.Text.Ascii.Equals(token[..prefix.Length], prefix)) return issuer;
        }

        return null;
    }

    public async ValueTask<ProvenToken> ProveAsync(
        ReadOnlyMemory<byte> token, TokenHash hash, IssuerOptions issuer, CancellationToken cancel)
    {
        Task<ProvenToken> asking;
        lock (_gate)
        {
            if (_inactive.TryGetValue(hash, out long until) && Now < until)
                return ProvenToken.No(TokenFault.NotActive);
            if (!_asking.TryGetValue(hash, out Task<ProvenToken>? known))
            {
                if (_asking.Count >= QuestionsAtOnceMax) return ProvenToken.No(TokenFault.IntrospectionAway);

                // STYLE 15: the HTTP client takes strings only; this one lives as long as its question.
                string text = Encoding.ASCII.GetString(token.Span);
                known = Task.Run(() => AskAsync(text, hash, issuer), CancellationToken.None);
                _asking[hash] = known;
            }

            asking = known;
        }

        return await asking.WaitAsync(cancel).ConfigureAwait(false);
    }

    private long Now => _clock.GetUtcNow().ToUnixTimeMilliseconds();

    private async Task<ProvenToken> AskAsync(string token, TokenHash hash, IssuerOptions issuer)
    {
        // Left first, so that the task is in the table before it can leave it.
        await Task.Yield();
        try
        {
            ProvenToken proven = await ReadAsync(token, hash, issuer).ConfigureAwait(false);
            if (proven.Fault == TokenFault.NotActive) RememberInactive(hash);
            return proven;
        }
        catch (Exception fault) when (fault is HttpRequestException or IOException or OperationCanceledException
            or JsonException or InvalidOperationException)
        {
            IdentityLog.NotIntrospected(_logger, issuer.Issuer, fault.GetType().Name);
            return ProvenToken.No(TokenFault.IntrospectionAway);
        }
        finally
        {
            lock (_gate) _asking.Remove(hash);
        }
    }

    private async Task<ProvenToken> ReadAsync(string token, TokenHash hash, IssuerOptions issuer)
    {
        using CancellationTokenSource late = new(_limits.FetchTimeout, _clock);
        using HttpRequestMessage request = Request(token, issuer.Introspection!);
        using HttpResponseMessage response = await _http.SendAsync(request, late.Token).ConfigureAwait(false);
        if (response.StatusCode != HttpStatusCode.OK)
        {
            IdentityLog.NotIntrospected(_logger, issuer.Issuer, $"it answered {(int)response.StatusCode}");
            return ProvenToken.No(TokenFault.IntrospectionAway);
        }

        byte[] answer = new byte[AnswerBytesMax + 1];
        Stream body = await response.Content.ReadAsStreamAsync(late.Token).ConfigureAwait(false);
        await using (body.ConfigureAwait(false))
        {
            int length = await body.ReadAtLeastAsync(answer, answer.Length, throwOnEndOfStream: false, late.Token)
                .ConfigureAwait(false);
            if (length > AnswerBytesMax) return ProvenToken.No(TokenFault.IntrospectionAway);
            using JsonDocument json = JsonDocument.Parse(answer.AsMemory(0, length), Strict);
            return Judge(json.RootElement, hash, issuer);
        }
    }

    private ProvenToken Judge(JsonElement answer, TokenHash hash, IssuerOptions issuer)
    {
        if (answer.ValueKind != JsonValueKind.Object || !answer.TryGetProperty("active", out JsonElement active))
            return ProvenToken.No(TokenFault.IntrospectionAway);
        if (active.ValueKind != JsonValueKind.True) return ProvenToken.No(TokenFault.NotActive);
        if (answer.TryGetProperty("iss", out JsonElement iss)
            && (!ClaimText.TryRead(iss, out string named) || named != issuer.Issuer))
        {
            return ProvenToken.No(TokenFault.IssuerWrong);
        }

        // Active now says all that nbf would, and few say both.
        IssuerOptions rules = issuer.RequiresNotBefore ? issuer with { RequiresNotBefore = false } : issuer;
        TokenFault fault = TokenRules.CheckClaims(answer, rules, Now, out long expiresAtMs);
        if (fault == TokenFault.None && SaysBoundWithoutKey(answer)) fault = TokenFault.BindingMissing;
        if (fault != TokenFault.None) return ProvenToken.No(fault);
        fault = ClaimMapping.TryMap(answer, issuer, out Caller? caller);
        if (fault != TokenFault.None) return ProvenToken.No(fault);
        caller = _resources.Narrow(answer, issuer, caller!);
        TokenMarks marks = TokenMarksReader.Read(answer, issuer, hash);
        return new(TokenFault.None, new CachedCaller(caller, null, null, expiresAtMs, marks)
        {
            FreshUntilMs = Now + (long)issuer.Introspection!.CacheFor.TotalMilliseconds,
        });
    }

    // RFC 9449 section 6.2: the key is in cnf. A bound token whose key nobody names would pass for a bearer's.
    private static bool SaysBoundWithoutKey(JsonElement answer) =>
        answer.TryGetProperty("token_type", out JsonElement type) && ClaimText.TryRead(type, out string named)
        && named.Equals("DPoP", StringComparison.OrdinalIgnoreCase)
        && !(Confirmation.TryRead(answer, out Confirmation bound) && bound.Key.Length > 0);

    private static HttpRequestMessage Request(string token, IntrospectionOptions options)
    {
        // RFC 6749 section 2.3.1: both halves are form-encoded first.
        string pair = Uri.EscapeDataString(options.ClientId) + ":"
            + Uri.EscapeDataString(Encoding.UTF8.GetString(options.ClientSecret.Span));
        HttpRequestMessage request = new(HttpMethod.Post, options.Endpoint)
        {
            Content = new FormUrlEncodedContent(
                new Dictionary<string, string> { ["token"] = token, ["token_type_hint"] = "access_token" }),
        };
        request.Headers.Accept.ParseAdd("application/json");
        request.Headers.Authorization = new AuthenticationHeaderValue(
            "Basic", Convert.ToBase64String(Encoding.ASCII.GetBytes(pair)));
        return request;
    }

    private void RememberInactive(TokenHash hash)
    {
        lock (_gate)
        {
            // Bounded and short-lived: all at once is good enough for what is only spared questions.
            if (_inactive.Count >= _limits.InactiveTokensMax) _inactive.Clear();
            _inactive[hash] = Now + (long)_limits.InactiveFor.TotalMilliseconds;
        }
    }
}
