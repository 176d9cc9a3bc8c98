using Countersign.Policy;

namespace Countersign.Identity.Inbound;

/// <summary>What became of a token. Zero is a token that does not prove anything.</summary>
public enum TokenStatus : byte
{
    /// <summary>Refused: its signature, type, audience or claims are not what this issuer's tokens must be.</summary>
    Invalid = 0,

    /// <summary>Not in the cache; verify it in full.</summary>
    Unseen,

    /// <summary>Verified; there is a caller.</summary>
    Valid,

    /// <summary>Past its <c>exp</c>.</summary>
    Expired,

    /// <summary>Before its <c>nbf</c>, or issued in the future.</summary>
    NotYetValid,

    /// <summary>Not a compact JWS, or one that two parsers may read differently.</summary>
    Malformed,

    /// <summary>Its <c>iss</c> is not configured.</summary>
    UnknownIssuer,

    /// <summary>The issuer's keys were never loaded, or are too old, or it does not answer; nothing can be said of the
    /// token.</summary>
    KeysUnavailable,

    /// <summary>Sound, and bound to a client certificate that was not shown (RFC 8705 section 3), or to a key of which
    /// no proof came with it (RFC 9449 section 7).</summary>
    NotBound,

    /// <summary>It, or whoever it names, was revoked.</summary>
    Revoked,
}

/// <summary>How the full check of a token ended.</summary>
/// <param name="Status">What became of it.</param>
/// <param name="Caller">Who calls, when <paramref name="Status"/> is <see cref="TokenStatus.Valid"/>; else
/// null.</param>
/// <param name="Because">A constant sentence that is safe in <c>error_description</c> (RFC 6750 section 3) and never
/// holds text of the token; empty when valid.</param>
public readonly record struct TokenVerification(TokenStatus Status, Caller? Caller, string Because)
{
    /// <summary>When the token expires; meaningless without a caller.</summary>
    public DateTimeOffset ExpiresAt { get; init; }

    /// <summary>True when there is a caller.</summary>
    public bool IsValid => Status == TokenStatus.Valid && Caller is not null;
}

/// <summary>Each way a token can fail. Zero is a token that nobody checked.</summary>
internal enum TokenFault : byte
{
    Unchecked = 0,
    None,
    TooLong,
    NotCompact,
    NotCanonical,
    HeaderNotJson,
    PayloadNotJson,
    HeaderForbidden,
    PayloadForeign,
    TypeWrong,
    AlgorithmRefused,
    KeyIdWrong,
    IssuerWrong,
    IssuerUnknown,
    AudienceWrong,
    ExpiryMissing,
    NotBeforeMissing,
    Expired,
    DateWrong,
    NotYetValid,
    IssuedInFuture,
    SubjectWrong,
    SenderConstrained,
    CertificateNotShown,
    ProofNotSent,
    NotBoundToProof,
    BindingMissing,
    Revoked,
    ClaimRequired,
    KindWrong,
    GroupsWrong,
    ActorWrong,
    ResponsibleWrong,
    PersonWrong,
    TenantWrong,
    KeyUnknown,
    KeysUnavailable,
    SignatureWrong,
    NotActive,
    IntrospectionAway,
}

/// <summary>The one table from faults to what a caller is told.</summary>
internal static class TokenFaults
{
    public static TokenVerification Explain(TokenFault fault) => fault switch
    {
        TokenFault.TooLong => new(TokenStatus.Malformed, null, "the token is too long"),
        TokenFault.NotCompact => new(TokenStatus.Malformed, null, "the token is not a compact JWS of three parts"),
        TokenFault.NotCanonical => new(TokenStatus.Malformed, null, "the token is not canonical base64url"),
        TokenFault.HeaderNotJson => new(TokenStatus.Malformed, null, "the header is not one unambiguous JSON object"),
        TokenFault.PayloadNotJson => new(TokenStatus.Malformed, null, "the claims are not one unambiguous JSON object"),
        TokenFault.HeaderForbidden => new(TokenStatus.Invalid, null, "the header holds a key, a key address or crit"),
        TokenFault.PayloadForeign => new(
            TokenStatus.Invalid, null, "the header says that the payload is encrypted, compressed, bare or a token"),
        TokenFault.TypeWrong => new(TokenStatus.Invalid, null, "the typ is not JWT or at+jwt"),
        TokenFault.AlgorithmRefused => new(TokenStatus.Invalid, null, "the algorithm is not allowed for this issuer"),
        TokenFault.KeyIdWrong => new(TokenStatus.Invalid, null, "the kid is not a short string"),
        TokenFault.IssuerWrong => new(TokenStatus.Invalid, null, "the iss is missing or not a string"),
        TokenFault.IssuerUnknown => new(TokenStatus.UnknownIssuer, null, "the issuer is not known here"),
        TokenFault.AudienceWrong => new(TokenStatus.Invalid, null, "the token is not for this audience"),
        TokenFault.ExpiryMissing => new(TokenStatus.Invalid, null, "the exp is missing"),
        TokenFault.NotBeforeMissing => new(
            TokenStatus.Invalid, null, "the nbf is missing, which this issuer's tokens must have"),
        TokenFault.Expired => new(TokenStatus.Expired, null, "the token has expired"),
        TokenFault.DateWrong => new(TokenStatus.Invalid, null, "a date claim is not a date"),
        TokenFault.NotYetValid => new(TokenStatus.NotYetValid, null, "the token is not valid yet"),
        TokenFault.IssuedInFuture => new(TokenStatus.NotYetValid, null, "the token was issued in the future"),
        TokenFault.SubjectWrong => new(TokenStatus.Invalid, null, "the sub is missing, too long or not plain text"),
        TokenFault.SenderConstrained => new(TokenStatus.Invalid, null, "the cnf is neither x5t#S256 nor jkt"),
        TokenFault.CertificateNotShown => new(
            TokenStatus.NotBound, null, "the token is bound to a client certificate that was not shown"),
        TokenFault.ProofNotSent => new(
            TokenStatus.NotBound, null, "the token is bound to a key of which no DPoP proof was sent"),
        TokenFault.NotBoundToProof => new(
            TokenStatus.NotBound, null, "a DPoP proof was sent with a token that is bound to no key"),
        TokenFault.BindingMissing => new(
            TokenStatus.Invalid, null, "the issuer says that the token is bound to a key, and not to which"),
        TokenFault.Revoked => new(TokenStatus.Revoked, null, "the token was revoked"),
        TokenFault.NotActive => new(TokenStatus.Invalid, null, "the issuer says that the token is not active"),
        TokenFault.IntrospectionAway => new(
            TokenStatus.KeysUnavailable, null, "the issuer does not say whether the token is active"),
        TokenFault.ClaimRequired => new(
            TokenStatus.Invalid, null, "a claim that this issuer's tokens must hold is missing or says something else"),
        TokenFault.KindWrong => new(TokenStatus.Invalid, null, "the kind is not human, agent, ci or service"),
        TokenFault.GroupsWrong => new(TokenStatus.Invalid, null, "the groups are not strings"),
        TokenFault.ActorWrong => new(TokenStatus.Invalid, null, "the act claim does not name its actors"),
        TokenFault.ResponsibleWrong => new(TokenStatus.Invalid, null, "a responsible claim is not a string"),
        TokenFault.PersonWrong => new(
            TokenStatus.Invalid, null, "the claim that says which person this is, is missing or not plain text"),
        TokenFault.TenantWrong => new(TokenStatus.Invalid, null, "the tenant is not a string"),
        TokenFault.KeyUnknown => new(TokenStatus.Invalid, null, "no key of the issuer fits the token"),
        TokenFault.KeysUnavailable => new(TokenStatus.KeysUnavailable, null, "the issuer's keys are not available"),
        TokenFault.SignatureWrong => new(TokenStatus.Invalid, null, "the signature is wrong"),
        _ => new(TokenStatus.Invalid, null, "the token was not checked"),
    };
}
