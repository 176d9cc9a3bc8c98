using System.Security.Cryptography;
using System.Text;
using Countersign.Identity.Inbound;
using Countersign.Identity.Inbound.Certificates;
using Countersign.Identity.Inbound.Dpop;
using Countersign.Policy;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Countersign.ControlPlane;

/// <summary>Who calls, or why nobody is known to.</summary>
/// <param name="Caller">Null refuses.</param>
/// <param name="Because">What is wrong with the token, safe to show; empty when none was sent.</param>
/// <param name="IsFromSession">True for a session: its groups are those of its sign-in, and were noted then.</param>
internal readonly record struct BearerOutcome(Caller? Caller, string Because, bool IsFromSession = false)
{
    /// <summary>The error of a proof that is not right (RFC 9449 section 7.1); null for bearer tokens.</summary>
    public string? ProofError { get; init; }

    /// <summary>When the token or the session is over; meaningless without a caller.</summary>
    public DateTimeOffset GoodUntil { get; init; }
}

/// <summary>Tokens on the control listener: bearer tokens (RFC 6750 section 2.1), and those that come with a proof of
/// their key (RFC 9449); no other way to send one is read. Where none comes, whom the connection's client certificate
/// stands for.</summary>
internal sealed class BearerCallers(
    CallerVerifier verifier, DpopProofs? proofs, CertificateCallers? certificates, Func<string> publicUrl)
{
    private const string Scheme = "Bearer";
    private const string ProofScheme = "DPoP";

    /// <summary>Why a token that is for resources of the data listener alone is refused.</summary>
    internal const string ForAnotherResource = "the token is for another resource";

    private static readonly object ProvedItem = new();

    public async ValueTask<BearerOutcome> IdentifyAsync(HttpContext context)
    {
        StringValues authorization = context.Request.Headers.Authorization;
        CancellationToken cancellation = context.RequestAborted;
        if (proofs is not null && TokenIn(authorization, ProofScheme, out _) is { } bound)
            return await IdentifyBoundAsync(context, proofs, Encoding.UTF8.GetBytes(bound), cancellation);
        string? text = TokenIn(authorization, Scheme, out string because);
        if (text is null) return authorization.Count > 0 ? new(null, because) : Certified(context, because);
        byte[] token = Encoding.UTF8.GetBytes(text);
        ReadOnlyMemory<byte> certificate = ThumbprintOf(context);
        TokenStatus status = verifier.TryFind(token, certificate.Span, out _);
        if (status == TokenStatus.NotBound)
            return new(null, "the token is bound to a client certificate or a key, and is no bearer token");
        if (status == TokenStatus.Expired) return new(null, "the token has expired");
        TokenVerification verified = await verifier.VerifyAsync(token, certificate, cancellation);
        return BecauseOf(verified) is { } fault
            ? new(null, fault)
            : new(verified.Caller, "") { GoodUntil = verified.ExpiresAt };
    }

    // A token for resources of the data listener alone (RFC 8707 section 2) is none for this one.
    private static string? BecauseOf(in TokenVerification verified) =>
        !verified.IsValid ? verified.Because : verified.Caller!.ResourcePaths.Count > 0 ? ForAnotherResource : null;

    private async ValueTask<BearerOutcome> IdentifyBoundAsync(
        HttpContext context, DpopProofs checks, byte[] token, CancellationToken cancellation)
    {
        // A stream asks again and again who calls: its proof was used up at its beginning, and its token is what ends.
        if (context.Items.TryGetValue(ProvedItem, out object? proved))
            return await JudgeAsync(context, token, (ReadOnlyMemory<byte>)proved!, cancellation);
        StringValues sent = context.Request.Headers[ProofScheme];
        DpopOutcome proof = sent.Count != 1
            ? new(DpopStatus.Invalid, default, "one DPoP proof must come with the token")
            : await checks.CheckAsync(
                Encoding.UTF8.GetBytes(sent.ToString()), context.Request.Method,
                publicUrl() + context.Request.Path.ToUriComponent(), token);
        if (proof.Status != DpopStatus.Proved)
        {
            context.Response.Headers["DPoP-Nonce"] = checks.Nonce();
            string error = proof.Status == DpopStatus.NonceNeeded ? "use_dpop_nonce" : "invalid_dpop_proof";
            return new(null, proof.Because) { ProofError = error };
        }

        context.Items[ProvedItem] = proof.Key;
        return await JudgeAsync(context, token, proof.Key, cancellation);
    }

    private async ValueTask<BearerOutcome> JudgeAsync(
        HttpContext context, byte[] token, ReadOnlyMemory<byte> key, CancellationToken cancellation)
    {
        SenderProof sender = new(ThumbprintOf(context), key);
        TokenVerification verified = await verifier.VerifyAsync(token, sender, cancellation);
        return BecauseOf(verified) is { } fault
            ? new(null, fault) { ProofError = "invalid_token" }
            : new(verified.Caller, "") { GoodUntil = verified.ExpiresAt };
    }

    /// <summary>SHA-256 of the client certificate that the handshake verified; empty without one.</summary>
    internal static ReadOnlyMemory<byte> ThumbprintOf(HttpContext context) =>
        context.Connection.ClientCertificate is { } shown ? SHA256.HashData(shown.RawDataMemory.Span) : default;

    // A browser shows its certificate whoever made it send the request, and says that it is one: it needs a token or a
    // session.
    private BearerOutcome Certified(HttpContext context, string because)
    {
        IHeaderDictionary fields = context.Request.Headers;
        if (fields.Origin.Count > 0 || fields["Sec-Fetch-Site"].Count > 0) return new(null, because);
        if (context.Connection.ClientCertificate is not { } shown || certificates?.Find(shown) is not { } known)
            return new(null, because);
        return verifier.Check(known) switch
        {
            TokenStatus.Valid => new(known.Caller, "")
            {
                GoodUntil = new DateTimeOffset(shown.NotAfter.ToUniversalTime(), TimeSpan.Zero),
            },
            TokenStatus.Revoked => new(null, "the client certificate was revoked"),
            _ => new(null, "the client certificate has expired"),
        };
    }

    /// <summary>The token in the field, or null; <paramref name="because"/> is empty when there is none at
    /// all.</summary>
    internal static string? TokenIn(StringValues authorization, out string because) =>
        TokenIn(authorization, Scheme, out because);

    private static string? TokenIn(StringValues authorization, string scheme, out string because)
    {
        because = "";
        if (authorization.Count == 0) return null;
        if (authorization.Count > 1)
        {
            because = "there is more than one Authorization field";
            return null;
        }

        string value = authorization.ToString();
        if (!value.StartsWith(scheme, StringComparison.OrdinalIgnoreCase)) return null;
        if (value.Length > scheme.Length && value[scheme.Length] != ' ') return null;
        string token = value[scheme.Length..].Trim(' ');
        if (token.Length > 0) return token;
        because = "the token is empty";
        return null;
    }

    /// <summary>401 with the challenge of RFC 6750 section 3, or RFC 9449 section 7.1: an error code only for a token
    /// that was sent.</summary>
    internal static Reply Refuse(in BearerOutcome outcome)
    {
        string because = outcome.Because, challenge = "Bearer realm=\"countersign\"";
        if (because.Length == 0)
        {
            return Reply.Refuse(Refusal.Unauthenticated, "Send a bearer token.") with { Challenge = challenge };
        }

        if (outcome.ProofError is { } error)
        {
            challenge = "DPoP algs=\"" + string.Join(' ', DpopProofs.Algorithms) + "\", error=\"" + error
                + "\", error_description=\"" + because + "\"";
        }
        else
        {
            challenge += ", error=\"invalid_token\", error_description=\"" + because + "\"";
        }

        string detail = char.ToUpperInvariant(because[0]) + because[1..] + ".";
        return Reply.Refuse(Refusal.Unauthenticated, detail) with { Challenge = challenge };
    }
}
