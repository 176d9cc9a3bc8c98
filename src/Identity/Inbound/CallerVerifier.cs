using System.Collections.Frozen;
using Countersign.Policy;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Countersign.Identity.Inbound;

/// <summary>
/// Proves who calls from a bearer JWT (RFC 7519, RFC 9068, OpenID Connect), by the rules of RFC 8725. A token that was
/// verified is known by its SHA-256 until it expires, its key is withdrawn, or its issuer was away for too long.
/// Thread-safe.
/// </summary>
public sealed class CallerVerifier : IAsyncDisposable
{
    private static readonly JsonWebTokenHandler Signatures = new();

    private readonly CallerVerifierLimits _limits;
    private readonly TimeProvider _clock;
    private readonly CallerCache _cache;
    private readonly FrozenDictionary<string, IssuerKeyRing> _issuers;
    private readonly CancellationTokenSource _stop = new();
    private Task? _refresh;
    private int _isDisposed;

    /// <summary>Makes a verifier for <paramref name="issuers"/>; keys files are read here, nothing is fetched
    /// yet.</summary>
    /// <param name="issuers">Checked by <see cref="IssuerOptions.Check(IReadOnlyList{IssuerOptions})"/>.</param>
    /// <param name="limits">Its bounds; null for the defaults.</param>
    /// <param name="http">Fetches discovery documents and key sets. It should not follow redirects; a redirected
    /// answer is not used. Not disposed here.</param>
    /// <param name="clock">Decides what has expired.</param>
    /// <param name="logger">Hears of keys fetched and not fetched; never of tokens.</param>
    /// <exception cref="ArgumentException">The options or a keys file are wrong; the message says
    /// everything.</exception>
    public CallerVerifier(
        IReadOnlyList<IssuerOptions> issuers, CallerVerifierLimits? limits, HttpMessageInvoker http, TimeProvider clock,
        ILogger logger)
    {
        ArgumentNullException.ThrowIfNull(issuers);
        ArgumentNullException.ThrowIfNull(http);
        ArgumentNullException.ThrowIfNull(clock);
        ArgumentNullException.ThrowIfNull(logger);
        _limits = limits ?? new CallerVerifierLimits();
        _clock = clock;
        _cache = new CallerCache(_limits.CacheEntriesMax);

        List<string> errors = [.. IssuerOptions.Check(issuers)];
        Dictionary<string, IssuerKeyRing> rings = new(StringComparer.Ordinal);
        foreach (IssuerOptions issuer in issuers)
        {
            IReadOnlyList<IssuerKey>? keys = null;
            if (issuer.KeysFile is not null && IssuerKeyFile.TryRead(issuer.KeysFile, out keys) is { } error)
                errors.Add(error);
            rings[issuer.Issuer] = new IssuerKeyRing(issuer, keys, _limits, http, clock, logger, _stop.Token);
        }

        if (errors.Count > 0) throw new ArgumentException(string.Join("; ", errors), nameof(issuers));
        _issuers = rings.ToFrozenDictionary(StringComparer.Ordinal);
    }

    /// <summary>Verified tokens kept now.</summary>
    internal int CachedTokens => _cache.Count;

    /// <summary>Begins to fetch keys, now and every few minutes. Does not wait for them: a call that needs them
    /// does.</summary>
    public Task StartAsync(CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        _refresh ??= Task.WhenAll(_issuers.Values.Select(ring => ring.KeepFreshAsync()));
        return Task.CompletedTask;
    }

    /// <summary>
    /// Looks <paramref name="token"/> up among the verified ones: no lock, no allocation, no waiting.
    /// </summary>
    /// <param name="token">The bytes after <c>Bearer </c>.</param>
    /// <param name="caller">Set when <see cref="TokenStatus.Valid"/>; the same object for every call with this
    /// token.</param>
    /// <returns><see cref="TokenStatus.Valid"/>; <see cref="TokenStatus.Expired"/> from its <c>exp</c> on; or
    /// <see cref="TokenStatus.Unseen"/>, and then <see cref="VerifyAsync"/> knows.</returns>
    [HotPath]
    public TokenStatus TryFind(ReadOnlySpan<byte> token, out Caller? caller) => TryFind(token, default, out caller);

    /// <summary>The same for a connection on which the client showed a certificate.</summary>
    /// <param name="token">The bytes after <c>Bearer </c>.</param>
    /// <param name="certificate">SHA-256 of the client's verified certificate; empty without one.</param>
    /// <param name="caller">As above.</param>
    /// <returns>As above, and <see cref="TokenStatus.NotBound"/> for a token that is bound to another
    /// certificate.</returns>
    [HotPath]
    public TokenStatus TryFind(ReadOnlySpan<byte> token, ReadOnlySpan<byte> certificate, out Caller? caller)
    {
        caller = null;
        if (token.IsEmpty || token.Length > _limits.TokenBytesMax) return TokenStatus.Unseen;
        return _cache.TryFind(TokenHash.Of(token), out CachedCaller? cached)
            ? Check(cached!, certificate, out caller)
            : TokenStatus.Unseen;
    }

    /// <summary>The same for a thread that remembers the tokens it has seen.</summary>
    /// <param name="token">The bytes after <c>Bearer </c>.</param>
    /// <param name="certificate">SHA-256 of the client's verified certificate; empty without one.</param>
    /// <param name="memo">The thread's own; keeps the token where it is found.</param>
    /// <param name="caller">As above.</param>
    /// <returns>As above.</returns>
    [HotPath]
    public TokenStatus TryFind(
        ReadOnlySpan<byte> token, ReadOnlySpan<byte> certificate, TokenMemo memo, out Caller? caller)
    {
        ArgumentNullException.ThrowIfNull(memo);
        caller = null;
        if (token.IsEmpty || token.Length > _limits.TokenBytesMax) return TokenStatus.Unseen;
        TokenMemo.Held? held = memo.Take(token);
        if (held is null || !held.Is(token))
        {
            if (!_cache.TryFind(TokenHash.Of(token), out CachedCaller? found))
            {
                held?.Return();
                return TokenStatus.Unseen;
            }

            held ??= new TokenMemo.Held();
            held.Hold(token, found!);
        }

        CachedCaller cached = held.Caller!;
        memo.Put(token, held);
        if (!cached.IsUsed) cached.IsUsed = true;
        return Check(cached, certificate, out caller);
    }

    /// <summary>
    /// Checks <paramref name="token"/> in full and keeps its caller for <see cref="TryFind"/>. Waits for the network
    /// only when the issuer's keys are missing, or when none fits and the cool-down allows another look.
    /// </summary>
    /// <param name="token">The bytes after <c>Bearer </c>; not read after the first wait.</param>
    /// <param name="cancel">Ends the waiting of this call, not a fetch that others wait for too.</param>
    public ValueTask<TokenVerification> VerifyAsync(ReadOnlyMemory<byte> token, CancellationToken cancel) =>
        VerifyAsync(token, default, cancel);

    /// <summary>The same for a connection on which the client showed a certificate.</summary>
    /// <param name="token">The bytes after <c>Bearer </c>; not read after the first wait.</param>
    /// <param name="certificate">SHA-256 of the client's verified certificate; empty without one.</param>
    /// <param name="cancel">As above.</param>
    public ValueTask<TokenVerification> VerifyAsync(
        ReadOnlyMemory<byte> token, ReadOnlyMemory<byte> certificate, CancellationToken cancel)
    {
        TokenFault fault = CompactToken.TryRead(token.Span, _limits.TokenBytesMax, out CompactToken? compact);
        return fault == TokenFault.None
            ? VerifyAsync(compact!, TokenHash.Of(token.Span), certificate, cancel)
            : new(TokenFaults.Explain(fault));
    }

    /// <summary>Stops fetching keys.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0) return;
        await _stop.CancelAsync().ConfigureAwait(false);
        if (_refresh is not null) await _refresh.ConfigureAwait(false);
        _stop.Dispose();
    }

    // The order of RFC 8725: shape, issuer, header, claims, and only then keys and the signature, which cost something.
    private async ValueTask<TokenVerification> VerifyAsync(
        CompactToken token, TokenHash hash, ReadOnlyMemory<byte> certificate, CancellationToken cancel)
    {
        using CompactToken compact = token;
        TokenFault fault = TokenRules.ReadIssuer(token.Claims, out string issuer);
        if (fault != TokenFault.None) return TokenFaults.Explain(fault);
        if (!_issuers.TryGetValue(issuer, out IssuerKeyRing? ring))
            return TokenFaults.Explain(TokenFault.IssuerUnknown);

        fault = TokenRules.CheckHeader(token.Header, ring.Options, out string algorithm, out string? keyId);
        if (fault != TokenFault.None) return TokenFaults.Explain(fault);
        fault = CheckClaims(token, ring, out _);
        if (fault != TokenFault.None) return TokenFaults.Explain(fault);

        KeySearch search = await ring.FindAsync(algorithm, keyId, cancel).ConfigureAwait(false);
        if (search.Fault != TokenFault.None) return TokenFaults.Explain(search.Fault);
        IssuerKey? key = null;
        foreach (IssuerKey candidate in search.Keys)
        {
            if (!await IsSignedByAsync(token.Text, ring.Options, algorithm, candidate).ConfigureAwait(false)) continue;
            key = candidate;
            break;
        }

        if (key is null) return TokenFaults.Explain(TokenFault.SignatureWrong);
        fault = ClaimMapping.TryMap(token.Claims, ring.Options, out Caller? caller);
        if (fault != TokenFault.None) return TokenFaults.Explain(fault);

        // Waiting for keys took time: look at the clock once more.
        fault = CheckClaims(token, ring, out long expiresAtMs);
        if (fault != TokenFault.None) return TokenFaults.Explain(fault);
        long nowMs = _clock.GetUtcNow().ToUnixTimeMilliseconds();
        CachedCaller kept = _cache.Add(hash, new CachedCaller(caller!, key, ring, expiresAtMs), nowMs);
        return IsHeldBy(kept.Caller, certificate.Span)
            ? new(TokenStatus.Valid, kept.Caller, "")
            : TokenFaults.Explain(TokenFault.CertificateNotShown);
    }

    [HotPath]
    private TokenStatus Check(CachedCaller cached, ReadOnlySpan<byte> certificate, out Caller? caller)
    {
        caller = null;
        long nowMs = _clock.GetUtcNow().ToUnixTimeMilliseconds();
        if (nowMs >= cached.ExpiresAtMs) return TokenStatus.Expired;
        if (!cached.IsVouchedFor(nowMs)) return TokenStatus.Unseen;
        if (!IsHeldBy(cached.Caller, certificate)) return TokenStatus.NotBound;
        caller = cached.Caller;
        return TokenStatus.Valid;
    }

    // A bound token is no use to whoever stole it (RFC 8705 section 3); an unbound one asks for nothing. Thumbprints
    // are public, so how long they take to compare tells nothing.
    [HotPath]
    private static bool IsHeldBy(Caller caller, ReadOnlySpan<byte> certificate) =>
        caller.BoundCertificate.IsEmpty || caller.BoundCertificate.Span.SequenceEqual(certificate);

    private TokenFault CheckClaims(CompactToken token, IssuerKeyRing ring, out long expiresAtMs) =>
        TokenRules.CheckClaims(
            token.Claims, ring.Options, _clock.GetUtcNow().ToUnixTimeMilliseconds(), out expiresAtMs);

    // The library sees one key, one algorithm, one issuer. Lifetimes were checked by our own clock.
    private static async ValueTask<bool> IsSignedByAsync(
        string token, IssuerOptions options, string algorithm, IssuerKey key)
    {
        TokenValidationParameters only = new()
        {
            ValidIssuer = options.Issuer,
            ValidAudiences = options.Audiences,
            ValidAlgorithms = [algorithm],
            IssuerSigningKeyResolver = (_, _, _, _) => [key.Key],
            RequireSignedTokens = true,
            RequireAudience = true,
            RequireExpirationTime = true,
            ValidateLifetime = false,
            LogValidationExceptions = false,
        };
        TokenValidationResult result = await Signatures.ValidateTokenAsync(token, only).ConfigureAwait(false);
        return result.IsValid;
    }
}
