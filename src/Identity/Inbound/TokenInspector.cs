using System.Text.Json;
using Countersign.Policy;

namespace Countersign.Identity.Inbound;

/// <summary>One thing that was looked at.</summary>
/// <param name="What">What, in a word: <c>signature</c>.</param>
/// <param name="Holds">Whether it is as it must be; null where it could not be looked at.</param>
/// <param name="Because">What is wrong, or what was seen; never holds the token.</param>
public sealed record TokenFinding(string What, bool? Holds, string Because);

/// <summary>How a token maps, and everything that would refuse it.</summary>
/// <param name="Findings">In the order in which they are judged.</param>
public sealed record TokenInspection(IReadOnlyList<TokenFinding> Findings)
{
    /// <summary>The header's <c>alg</c>, <c>kid</c> and <c>typ</c>; empty where there is none.</summary>
    public (string Algorithm, string KeyId, string Type) Header { get; init; } = ("", "", "");

    /// <summary>The <c>iss</c>; empty where it cannot be read.</summary>
    public string Issuer { get; init; } = "";

    /// <summary>The <c>exp</c>, or null.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>The caller that it maps to, whether or not it is proven; null where it maps to none.</summary>
    public Caller? Caller { get; init; }

    /// <summary>True for a token that the gateway would take, from whoever proves what it is bound to.</summary>
    public bool IsTaken { get; init; }
}

/// <summary>Looks at a token as the gateway would, and goes on where the gateway would have stopped.</summary>
public static class TokenInspector
{
    private const int TokenBytesMax = 16 * 1024;

    /// <summary>Looks at one.</summary>
    /// <param name="token">The bytes after <c>Bearer </c>.</param>
    /// <param name="issuers">As the gateway is configured; with <see cref="IssuerOptions.OfGateway"/> for the tokens
    /// that it gives itself.</param>
    /// <param name="verifier">Proves it with the issuer's keys; null looks at everything but them.</param>
    /// <param name="clock">Says what has expired.</param>
    /// <param name="cancel">Ends the waiting for keys.</param>
    public static async ValueTask<TokenInspection> InspectAsync(
        ReadOnlyMemory<byte> token, IReadOnlyList<IssuerOptions> issuers, CallerVerifier? verifier, TimeProvider clock,
        CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(issuers);
        ArgumentNullException.ThrowIfNull(clock);
        List<TokenFinding> findings = [];
        TokenFault fault = CompactToken.TryRead(token.Span, TokenBytesMax, out CompactToken? read);
        if (read is null)
            return await OpaqueAsync(token, issuers, verifier, fault, findings, cancel).ConfigureAwait(false);
        using CompactToken compact = read;
        findings.Add(new("form", true, "a compact JWS that can be read in one way"));
        fault = TokenRules.ReadIssuer(compact.Claims, out string issuer);
        IssuerOptions? options = issuers.FirstOrDefault(one => one.Issuer == issuer);
        if (fault == TokenFault.None && options is null) fault = TokenFault.IssuerUnknown;
        findings.Add(Of("issuer", fault));
        TokenInspection inspection = new(findings) { Header = HeaderOf(compact.Header), Issuer = issuer };
        if (options is null) return inspection;

        List<TokenFault> inHeader = [], inClaims = [], inMapping = [];
        TokenRules.CheckHeader(compact.Header, options, out _, out _, inHeader);
        long nowMs = clock.GetUtcNow().ToUnixTimeMilliseconds();
        TokenRules.CheckClaims(compact.Claims, options, nowMs, out long expiresAtMs, inClaims);
        ClaimMapping.TryMap(compact.Claims, options, out Caller? caller, inMapping);
        AddAll(findings, "header", inHeader, fault => TokenFaults.Explain(fault).Because);
        AddAll(findings, "claims", inClaims, fault => TokenFaults.Explain(fault).Because);
        bool isToldAlready = inMapping.Count > 0 && inMapping.TrueForAll(inClaims.Contains);
        if (isToldAlready) findings.Add(new("mapping", null, "waits for the claims to be right"));
        else AddAll(findings, "mapping", [.. inMapping.Except(inClaims)], one => TokenClaims.Explain(one, options));
        TokenVerification? verified = verifier is null
            ? null
            : await verifier.VerifyAsync(token, cancel).ConfigureAwait(false);
        bool isProven = verified is { Status: TokenStatus.Valid or TokenStatus.NotBound };
        findings.Add(SignatureOf(verified, isProven, findings.TrueForAll(finding => finding.Holds == true), options));
        if (caller is not null && !(caller.BoundKey.IsEmpty && caller.BoundCertificate.IsEmpty))
            findings.Add(new("binding", null, "must come with " + BindingOf(caller)));
        return inspection with
        {
            Caller = verified?.Caller ?? caller,
            ExpiresAt = expiresAtMs > 0 ? DateTimeOffset.FromUnixTimeMilliseconds(expiresAtMs) : null,
            IsTaken = isProven,
        };
    }

    private static async ValueTask<TokenInspection> OpaqueAsync(
        ReadOnlyMemory<byte> token, IReadOnlyList<IssuerOptions> issuers, CallerVerifier? verifier, TokenFault fault,
        List<TokenFinding> findings, CancellationToken cancel)
    {
        IssuerOptions? asked = OpaqueProof.IssuerOf(token.Span, issuers, TokenBytesMax);
        if (verifier is null && asked is not null)
        {
            findings.Add(new("form", null, "opaque, if it is a token; its issuer was not asked"));
            return new TokenInspection(findings) { Issuer = asked.Issuer };
        }

        TokenVerification verified = verifier is null
            ? TokenFaults.Explain(fault)
            : await verifier.VerifyAsync(token, cancel).ConfigureAwait(false);
        bool isProven = verified.Status == TokenStatus.Valid;
        findings.Add(new("form", isProven, isProven ? "opaque; its issuer says that it is active" : verified.Because));
        return new TokenInspection(findings)
        {
            Issuer = verified.Caller?.Issuer ?? asked?.Issuer ?? "",
            Caller = verified.Caller,
            ExpiresAt = isProven ? verified.ExpiresAt : null,
            IsTaken = isProven,
        };
    }

    // Keys that are away prove nothing against a token of the gateway's own: the gateway itself needs to fetch none.
    private static TokenFinding SignatureOf(
        TokenVerification? verified, bool isProven, bool isRuled, IssuerOptions options)
    {
        if (verified is not { } answer) return new("signature", null, "was not looked at");
        if (isProven) return new("signature", true, "");
        if (!isRuled) return new("signature", null, "is not looked at before the rest is right");
        bool isAway = answer.Status is TokenStatus.KeysUnavailable or TokenStatus.UnknownIssuer;
        return options.IsGateway && isAway
            ? new("signature", null, "was not looked at: the gateway did not answer with its keys")
            : new("signature", false, answer.Because);
    }

    private static void AddAll(
        List<TokenFinding> findings, string what, List<TokenFault> faults, Func<TokenFault, string> explain)
    {
        if (faults.Count == 0) findings.Add(new(what, true, ""));
        foreach (TokenFault fault in faults) findings.Add(new(what, false, explain(fault)));
    }

    private static string BindingOf(Caller caller) =>
        caller.BoundKey.IsEmpty ? "its client certificate"
        : caller.BoundCertificate.IsEmpty ? "a DPoP proof of its key"
        : "its client certificate, and a DPoP proof of its key";

    private static (string Algorithm, string KeyId, string Type) HeaderOf(JsonElement header) =>
        (TextOf(header, "alg"), TextOf(header, "kid"), TextOf(header, "typ"));

    private static string TextOf(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && ClaimText.TryRead(value, out string text) ? text : "";

    private static TokenFinding Of(string what, TokenFault fault) => fault == TokenFault.None
        ? new(what, true, "")
        : new(what, false, TokenFaults.Explain(fault).Because);
}
