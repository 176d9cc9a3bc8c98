using System.Collections.Frozen;
using Countersign.Policy;

namespace Countersign.Identity.Inbound;

/// <summary>What came of proving a token. Zero is a token that nobody checked.</summary>
/// <param name="Fault">Why it proves nobody; <see cref="TokenFault.None"/> when there is a caller.</param>
/// <param name="Caller">Whom it proves.</param>
internal readonly record struct ProvenToken(TokenFault Fault, CachedCaller? Caller)
{
    public static ProvenToken No(TokenFault fault) => new(fault, null);
}

/// <summary>Proves JWTs by the rules of RFC 8725: those of the configured issuers, and the gateway's own.</summary>
internal sealed class JwtProof(
    FrozenDictionary<string, IssuerKeyRing> issuers, ResourceAudiences resources, TimeProvider clock)
{
    private IssuerKeyRing? _own;

    /// <summary>The keys of the gateway's own tokens; null while it issues none.</summary>
    public IssuerKeyRing? Own
    {
        get => Volatile.Read(ref _own);
        set => Volatile.Write(ref _own, value);
    }

    // The order of RFC 8725: shape, issuer, header, claims, and only then keys and the signature, which cost something.
    public async ValueTask<ProvenToken> ProveAsync(CompactToken token, TokenHash hash, CancellationToken cancel)
    {
        using CompactToken compact = token;
        TokenFault fault = TokenRules.ReadIssuer(token.Claims, out string issuer);
        if (fault != TokenFault.None) return ProvenToken.No(fault);
        if (Find(issuer) is not { } ring) return ProvenToken.No(TokenFault.IssuerUnknown);

        fault = TokenRules.CheckHeader(token.Header, ring.Options, out string algorithm, out string? keyId);
        if (fault != TokenFault.None) return ProvenToken.No(fault);
        fault = CheckClaims(token, ring, out _);
        if (fault != TokenFault.None) return ProvenToken.No(fault);

        KeySearch search = await ring.FindAsync(algorithm, keyId, cancel).ConfigureAwait(false);
        if (search.Fault != TokenFault.None) return ProvenToken.No(search.Fault);
        IssuerKey? key = search.Keys.FirstOrDefault(
            candidate => candidate.IsSigned(algorithm, token.Signed, token.Signature));
        if (key is null) return ProvenToken.No(TokenFault.SignatureWrong);
        fault = ClaimMapping.TryMap(token.Claims, ring.Options, out Caller? caller);
        if (fault != TokenFault.None) return ProvenToken.No(fault);

        // Waiting for keys took time: look at the clock once more.
        fault = CheckClaims(token, ring, out long expiresAtMs);
        if (fault != TokenFault.None) return ProvenToken.No(fault);
        TokenMarks marks = TokenMarksReader.Read(token.Claims, ring.Options, hash);
        caller = resources.Narrow(token.Claims, ring.Options, caller!);
        return new(TokenFault.None, new CachedCaller(caller, key, ring, expiresAtMs, marks));
    }

    private IssuerKeyRing? Find(string issuer)
    {
        IssuerKeyRing? own = Own;
        return own is not null && string.Equals(own.Options.Issuer, issuer, StringComparison.Ordinal)
            ? own
            : issuers.GetValueOrDefault(issuer);
    }

    private TokenFault CheckClaims(CompactToken token, IssuerKeyRing ring, out long expiresAtMs) =>
        TokenRules.CheckClaims(
            token.Claims, ring.Options, clock.GetUtcNow().ToUnixTimeMilliseconds(), out expiresAtMs);
}
