using System.Text;
using Countersign.DataPlane.Http;
using Countersign.Identity.Inbound;
using Countersign.Identity.Inbound.Dpop;
using Countersign.Policy;

namespace Countersign.DataPlane.Calls;

/// <summary>
/// Proves who calls: by a token, which the usual call finds in the cache without waiting; by a token and a proof of the
/// key that it is bound to (RFC 9449), which are always looked at in full; or by the connection's client certificate.
/// </summary>
internal sealed class CallerGate(CallerVerifier verifier, DpopProofs? proofs = null)
{
    private const int TokenBytesMax = 16_384;

    // So many heartbeats without being shown, and a token's bytes are forgotten.
    private const int BeatsBetweenSweeps = 120;

    private static readonly string Algorithms = string.Join(' ', DpopProofs.Algorithms);

    private int _beats;

    private static ReadOnlySpan<byte> BearerScheme => "bearer "u8;

    private static ReadOnlySpan<byte> ProofScheme => "dpop "u8;

    /// <summary>Called by the heartbeat: forgets tokens that nobody shows any more.</summary>
    internal void Beat()
    {
        if (++_beats % BeatsBetweenSweeps == 0) verifier.ForgetSeen();
    }

    /// <summary>Looks the bearer token up among those already verified.</summary>
    [HotPath]
    internal Verdict Identify(CallContext call)
    {
        if (call.Run is not null) return StillStands(call);
        if (!TryGetToken(call.Request, BearerScheme, out ReadOnlySpan<byte> token, out string because))
            return IdentifyOtherwise(call, because);
        TokenStatus status = verifier.TryFind(token, call.Client.Certificate.Span, out Caller? caller);
        if (status == TokenStatus.Valid)
        {
            call.Caller = caller;
            return Verdict.Proceed;
        }

        if (status == TokenStatus.Unseen) return Verdict.TokenUnseen;
        return Refuse(call, status == TokenStatus.NotBound
            ? "The token is bound to a client certificate or a key that this call did not prove."
            : "The token has expired.");
    }

    /// <summary>Verifies a token that was not seen before, or that came with a proof; waits if its issuer's keys must
    /// be fetched, and for the store that remembers proofs.</summary>
    internal async ValueTask<Verdict> VerifyAsync(CallContext call)
    {
        if (TryGetToken(call.Request, ProofScheme, out ReadOnlySpan<byte> bound, out _))
            return await VerifyBoundAsync(call, bound.ToArray(), proofs!);
        TryGetToken(call.Request, BearerScheme, out ReadOnlySpan<byte> token, out _);
        TokenVerification verification = await verifier.VerifyAsync(
            token.ToArray(), call.Client.Certificate, CancellationToken.None);
        if (verification.Status != TokenStatus.Valid) return Refuse(call, verification.Because);
        call.Caller = verification.Caller;
        return Verdict.Proceed;
    }

    /// <summary>Whether whoever asked, as they were identified then, may still: their token is gone, or was looked at
    /// long ago, but what it rested on may be revoked since.</summary>
    internal Verdict StillStands(CallContext call) => verifier.IsRevoked(call.Caller!)
        ? Refuse(call, "Whoever asked for this call was revoked since.")
        : Verdict.Proceed;

    /// <summary>The same by what is revoked now, wherever in the fleet it was.</summary>
    internal async ValueTask<Verdict> StillStandsNowAsync(CallContext call) =>
        await verifier.CatchUpAsync() ? StillStands(call) : Verdict.StoreUnavailable;

    /// <summary>True if somebody's approval does not count any more: they were revoked after they gave it.</summary>
    internal bool IsRevokedSince(string issuer, string subject, DateTimeOffset at) =>
        verifier.IsRevokedSince(issuer, subject, at);

    private async ValueTask<Verdict> VerifyBoundAsync(CallContext call, byte[] token, DpopProofs checks)
    {
        if (call.Request.Count(FieldId.DPoP) != 1)
            return RefuseProof(call, checks, "invalid_dpop_proof", "one DPoP proof must come with the token");
        DpopOutcome proof = await checks.CheckAsync(
            call.Request.Value(FieldId.DPoP).ToArray(), Encoding.ASCII.GetString(call.Request.Method),
            call.Client.PublicUrl + Encoding.UTF8.GetString(call.Request.Path), token);
        if (proof.Status == DpopStatus.StoreAway) return Verdict.StoreUnavailable;
        if (proof.Status == DpopStatus.NonceNeeded)
            return RefuseProof(call, checks, "use_dpop_nonce", proof.Because);
        if (proof.Status != DpopStatus.Proved)
            return RefuseProof(call, checks, "invalid_dpop_proof", proof.Because);
        TokenVerification verification = await verifier.VerifyAsync(
            token, new SenderProof(call.Client.Certificate, proof.Key), CancellationToken.None);
        if (verification.Status != TokenStatus.Valid)
            return RefuseProof(call, checks, "invalid_token", verification.Because);
        call.Caller = verification.Caller;
        return Verdict.Proceed;
    }

    private Verdict IdentifyOtherwise(CallContext call, string because)
    {
        if (proofs is not null && TryGetToken(call.Request, ProofScheme, out _, out _)) return Verdict.TokenUnseen;

        // A certificate speaks where no token does: who sends one wants to be judged by it.
        if (call.Request.Count(FieldId.Authorization) > 0 || call.Client.Certified is not { } certified)
            return Refuse(call, because);
        TokenStatus status = verifier.Check(certified);
        if (status != TokenStatus.Valid)
        {
            return Refuse(call, status == TokenStatus.Revoked
                ? "The client certificate was revoked."
                : "The client certificate has expired.");
        }

        call.Caller = certified.Caller;
        return Verdict.Proceed;
    }

    private static Verdict Refuse(CallContext call, string because)
    {
        call.Detail = because;
        return Verdict.Unauthenticated;
    }

    // RFC 9449 section 7.1: what may be signed with, why not, and the nonce that the next proof must hold.
    private static Verdict RefuseProof(CallContext call, DpopProofs checks, string error, string because)
    {
        call.Detail = because;
        call.Challenge = $"algs=\"{Algorithms}\", error=\"{error}\", error_description=\"{because}\"\r\n"
            + $"DPoP-Nonce: {checks.Nonce()}\r\n";
        return Verdict.Unauthenticated;
    }

    // RFC 6750 section 2.1; two Authorization fields could be read two ways.
    private static bool TryGetToken(
        RequestHead head, ReadOnlySpan<byte> scheme, out ReadOnlySpan<byte> token, out string because)
    {
        token = default;
        because = "";
        int count = head.Count(FieldId.Authorization);
        if (count == 0) return false;
        because = "The Authorization field must be one bearer token.";
        ReadOnlySpan<byte> value = head.Value(FieldId.Authorization);
        if (count > 1 || value.Length <= scheme.Length || !Ascii.EqualsIgnoreCase(value[..scheme.Length], scheme))
            return false;
        token = value[scheme.Length..].TrimStart((byte)' ');
        return token.Length is > 0 and <= TokenBytesMax;
    }
}
