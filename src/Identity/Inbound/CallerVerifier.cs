using System.Collections.Frozen;
using Countersign.Identity.Inbound.Certificates;
using Countersign.Identity.Outbound;
using Countersign.Policy;
using Microsoft.Extensions.Logging;

namespace Countersign.Identity.Inbound;

/// <summary>
/// Proves who calls from a bearer JWT (RFC 7519, RFC 9068, OpenID Connect), by the rules of RFC 8725, or from an opaque
/// token whose issuer is asked (RFC 7662). A token that was verified is known by its SHA-256 until it expires, its key
/// is withdrawn, it is revoked, or its issuer was away for too long. Thread-safe.
/// </summary>
public sealed partial class CallerVerifier : IAsyncDisposable
{
    private readonly CallerVerifierLimits _limits;
    private readonly TimeProvider _clock;
    private readonly CallerCache _cache;
    private readonly SeenTokens _seen;
    private readonly FrozenDictionary<string, IssuerKeyRing> _issuers;
    private readonly JwtProof _jwts;
    private readonly OpaqueProof _opaque;
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
        _seen = new SeenTokens(_limits.SeenTokenBytesMax);

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
        _jwts = new JwtProof(_issuers, clock);
        _opaque = new OpaqueProof(issuers, http, _limits, clock, logger);
    }

    /// <summary>Whose tokens are taken: the configured issuers, and the gateway itself where it issues any.</summary>
    public IReadOnlyList<string> Issuers =>
        _jwts.Own is { } own ? [.. _issuers.Keys, own.Options.Issuer] : [.. _issuers.Keys];

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

    /// <summary>Takes the gateway's own tokens too, as long as one of <paramref name="keys"/> signed them: what a key
    /// signed that is not among them any more is refused, cached or not. Call it once.</summary>
    /// <param name="issuer">Their <c>iss</c> and <c>aud</c>: the public URL of the control listener.</param>
    /// <param name="keys">The keys, which may change.</param>
    public void TakeOwnTokens(string issuer, SigningKeyRing keys)
    {
        ArgumentException.ThrowIfNullOrEmpty(issuer);
        ArgumentNullException.ThrowIfNull(keys);
        if (_issuers.ContainsKey(issuer))
            throw new ArgumentException($"'{issuer}' is the gateway itself and one of its issuers", nameof(issuer));
        IssuerOptions options = new()
        {
            Issuer = issuer,
            Audiences = [issuer],
            Algorithms = ["ES256"],
            IsGateway = true,
        };
        IssuerKeyRing own = IssuerKeyRing.Fixed(options, [], _limits, _clock);
        void Publish() => own.Publish([.. keys.Current.Keys.Select(one => IssuerKey.FromOwn(one.Keys))]);
        keys.Swapped += Publish;
        Publish();
        _jwts.Own = own;
    }

    /// <summary>Wipes tokens that nobody has shown since the last time this was called; what is known of them stays
    /// known by their SHA-256. Called now and then, beside whoever looks.</summary>
    public void ForgetSeen() => _seen.Forget();

    /// <summary>
    /// Looks <paramref name="token"/> up among the verified ones: no lock, no allocation, no waiting.
    /// </summary>
    /// <param name="token">The bytes after <c>Bearer </c>.</param>
    /// <param name="caller">Set when <see cref="TokenStatus.Valid"/>; the same object for every call with this
    /// token.</param>
    /// <returns><see cref="TokenStatus.Valid"/>; <see cref="TokenStatus.Expired"/> from its <c>exp</c> on; or
    /// <see cref="TokenStatus.Unseen"/>, and then <see cref="VerifyAsync(ReadOnlyMemory{byte}, CancellationToken)"/>
    /// knows.</returns>
    [HotPath]
    public TokenStatus TryFind(ReadOnlySpan<byte> token, out Caller? caller) => TryFind(token, default, out caller);

    /// <summary>The same for a connection on which the client showed a certificate.</summary>
    /// <param name="token">The bytes after <c>Bearer </c>.</param>
    /// <param name="certificate">SHA-256 of the client's verified certificate; empty without one.</param>
    /// <param name="caller">As above.</param>
    /// <returns>As above, and <see cref="TokenStatus.NotBound"/> for a token that is bound to another certificate, or
    /// to a key: such a token is no bearer token.</returns>
    [HotPath]
    public TokenStatus TryFind(ReadOnlySpan<byte> token, ReadOnlySpan<byte> certificate, out Caller? caller)
    {
        caller = null;
        if (token.IsEmpty || token.Length > _limits.TokenBytesMax) return TokenStatus.Unseen;
        if (!_seen.TryFind(token, out CachedCaller? cached) && !TryFindByHash(token, out cached))
            return TokenStatus.Unseen;

        // What vouches for nobody any more is verified anew, and found under what that gives.
        TokenStatus status = Check(cached!, certificate, out caller);
        if (status == TokenStatus.Unseen) _seen.Drop(token);
        return status;
    }

    /// <summary>
    /// Checks <paramref name="token"/> in full and keeps its caller for <see cref="TryFind(ReadOnlySpan{byte}, out
    /// Caller?)"/>. Waits for the network only when the issuer's keys are missing, when none fits and the cool-down
    /// allows another look, or when the issuer must be asked about an opaque token.
    /// </summary>
    /// <param name="token">The bytes after <c>Bearer </c>; not read after the first wait.</param>
    /// <param name="cancel">Ends the waiting of this call, not a fetch that others wait for too.</param>
    public ValueTask<TokenVerification> VerifyAsync(ReadOnlyMemory<byte> token, CancellationToken cancel) =>
        VerifyAsync(token, default(SenderProof), cancel);

    /// <summary>The same for a connection on which the client showed a certificate.</summary>
    /// <param name="token">The bytes after <c>Bearer </c>; not read after the first wait.</param>
    /// <param name="certificate">SHA-256 of the client's verified certificate; empty without one.</param>
    /// <param name="cancel">As above.</param>
    public ValueTask<TokenVerification> VerifyAsync(
        ReadOnlyMemory<byte> token, ReadOnlyMemory<byte> certificate, CancellationToken cancel) =>
        VerifyAsync(token, new SenderProof(certificate, default), cancel);

    /// <summary>The same for a sender who proved more. A token that came with a proof must be bound to its key (RFC
    /// 9449 section 7.1), and one that is bound must come with one.</summary>
    /// <param name="token">The bytes after the scheme; not read after the first wait.</param>
    /// <param name="sender">What was proved.</param>
    /// <param name="cancel">As above.</param>
    public async ValueTask<TokenVerification> VerifyAsync(
        ReadOnlyMemory<byte> token, SenderProof sender, CancellationToken cancel)
    {
        TokenHash hash = TokenHash.Of(token.Span);
        CachedCaller? proven = Cached(token, hash);
        if (proven is null)
        {
            ProvenToken answer = await ProveAsync(token, hash, cancel).ConfigureAwait(false);
            if (answer.Fault != TokenFault.None) return TokenFaults.Explain(answer.Fault);
            proven = _cache.Add(hash, answer.Caller!, _clock.GetUtcNow().ToUnixTimeMilliseconds());
            Interlocked.MemoryBarrier();
            if (Volatile.Read(ref _revoked).Covers(proven.Marks)) proven.Revoke();
        }

        if (proven.IsRevoked) return TokenFaults.Explain(TokenFault.Revoked);
        if (proven.Caller.BoundCertificate.Length > 0
            && !proven.Caller.BoundCertificate.Span.SequenceEqual(sender.Certificate.Span))
        {
            return TokenFaults.Explain(TokenFault.CertificateNotShown);
        }

        if (!proven.Caller.BoundKey.Span.SequenceEqual(sender.Key.Span))
        {
            return TokenFaults.Explain(
                proven.Caller.BoundKey.IsEmpty ? TokenFault.NotBoundToProof : TokenFault.ProofNotSent);
        }

        return new(TokenStatus.Valid, proven.Caller, "")
        {
            ExpiresAt = DateTimeOffset.FromUnixTimeMilliseconds(proven.ExpiresAtMs),
        };
    }

    /// <summary>Whether a caller who is known by a certificate still is: it has not expired, and nobody revoked
    /// it.</summary>
    public TokenStatus Check(CertifiedCaller certified)
    {
        ArgumentNullException.ThrowIfNull(certified);
        return certified.Check(Volatile.Read(ref _revoked), _clock.GetUtcNow().ToUnixTimeMilliseconds());
    }

    /// <summary>Stops fetching keys.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0) return;
        await _stop.CancelAsync().ConfigureAwait(false);
        if (_refresh is not null) await _refresh.ConfigureAwait(false);
        _stop.Dispose();
    }

    // Once for a token that is shown again and again: after that its bytes are known.
    private bool TryFindByHash(ReadOnlySpan<byte> token, out CachedCaller? found)
    {
        if (!_cache.TryFind(TokenHash.Of(token), out found)) return false;
        _seen.Keep(token, found!);

        // It may have left the cache before a revocation looked there, and come here after that looked here.
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _revoked).Covers(found!.Marks)) found.Revoke();
        return true;
    }

    private CachedCaller? Cached(ReadOnlyMemory<byte> token, in TokenHash hash)
    {
        if (token.Length > _limits.TokenBytesMax || !_cache.TryFind(hash, out CachedCaller? found)) return null;
        long nowMs = _clock.GetUtcNow().ToUnixTimeMilliseconds();
        return found!.IsRevoked || (nowMs < found.ExpiresAtMs && found.IsVouchedFor(nowMs)) ? found : null;
    }

    private ValueTask<ProvenToken> ProveAsync(
        ReadOnlyMemory<byte> token, TokenHash hash, CancellationToken cancel)
    {
        TokenFault fault = CompactToken.TryRead(token.Span, _limits.TokenBytesMax, out CompactToken? compact);
        if (fault == TokenFault.None) return _jwts.ProveAsync(compact!, hash, cancel);
        return _opaque.IssuerOf(token.Span) is { } issuer
            ? _opaque.ProveAsync(token, hash, issuer, cancel)
            : new(ProvenToken.No(fault));
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
        caller.BoundKey.IsEmpty
        && (caller.BoundCertificate.IsEmpty || caller.BoundCertificate.Span.SequenceEqual(certificate));
}
