using System.Text;
using Countersign.ControlPlane.AuditTrail;
using Countersign.Identity.Inbound;
using Countersign.Identity.Inbound.Dpop;
using Countersign.Identity.Inbound.Saml;
using Countersign.Policy;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Countersign.ControlPlane.Tokens;

/// <summary>Whether a request came with a proof of a key, and what to answer where it did not do.</summary>
/// <param name="Key">The key's thumbprint; empty without a proof.</param>
/// <param name="Refused">The answer to a proof that is none; null goes on.</param>
internal readonly record struct ProofFinding(ReadOnlyMemory<byte> Key, Reply? Refused);

/// <summary><c>POST /oauth/token</c>: tokens for tokens (RFC 8693).</summary>
internal sealed class TokenDesk(
    CallerVerifier callers, TokenTerms terms, SamlService? saml, ActLog acts, Func<string> publicUrl,
    TimeProvider clock)
{
    /// <summary>Where tokens are asked for.</summary>
    public const string Path = "/oauth/token";

    public const string SamlGrant = "urn:ietf:params:oauth:grant-type:saml2-bearer";
    public const string ExchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange";

    private const string AccessTokenType = "urn:ietf:params:oauth:token-type:access_token";
    private const string JwtType = "urn:ietf:params:oauth:token-type:jwt";
    private const string IdTokenType = "urn:ietf:params:oauth:token-type:id_token";

    /// <summary>What proofs may be signed with.</summary>
    public static IReadOnlyList<string> ProofAlgorithms => DpopProofs.Algorithms;

    /// <summary>The grants that are offered.</summary>
    public IReadOnlyList<string> Grants { get; } = saml is null ? [ExchangeGrant] : [ExchangeGrant, SamlGrant];

    /// <summary>True where tokens can be bound to keys.</summary>
    public bool TakesProofs => terms.Proofs is not null;

    public async ValueTask<Reply> TokenAsync(HttpContext context)
    {
        Dictionary<string, string>? form = await RequestReading.FormAsync(
            context, ControlPlaneLimits.TokenRequestBytesMax);
        if (form is null)
            return OAuthError.Of(OAuthError.InvalidRequest, "send one form, with every parameter at most once");
        string grant = form.GetValueOrDefault("grant_type", "");
        if (grant.Length == 0) return OAuthError.Of(OAuthError.InvalidRequest, "the grant_type is missing");
        if (!IsForUs(form)) return OAuthError.Of(OAuthError.InvalidTarget, "the resource is none of this gateway's");
        ProofFinding proof = await ProofAsync(context, Path, default);
        if (proof.Refused is not null) return proof.Refused;
        return grant switch
        {
            ExchangeGrant => await ExchangeAsync(
                form, new SenderProof(BearerCallers.ThumbprintOf(context), proof.Key), context.RequestAborted),
            SamlGrant when saml is not null => await AssertAsync(saml, form, proof.Key, context.RequestAborted),
            _ => OAuthError.Of(OAuthError.UnsupportedGrant, "that grant is not offered here"),
        };
    }

    private async ValueTask<Reply> ExchangeAsync(
        Dictionary<string, string> form, SenderProof sender, CancellationToken cancel)
    {
        string wanted = form.GetValueOrDefault("requested_token_type", AccessTokenType);
        if (wanted is not (AccessTokenType or JwtType))
            return OAuthError.Of(OAuthError.InvalidRequest, "that requested_token_type is not issued here");
        (ExchangedToken? subject, Reply? refused) = await ProvenAsync(form, "subject_token", default, cancel);
        if (subject is null) return refused!;

        // An agent's own token may be bound to the key of which it sent a proof, or to its certificate, and then so is
        // the new one; a person's cannot be handed on.
        (ExchangedToken? actor, refused) = await ProvenAsync(form, "actor_token", sender, cancel);
        if (actor is null) return refused!;
        string? scope = form.GetValueOrDefault("scope");
        ExchangeOutcome joined = TokenExchange.Join(subject, actor, scope, clock.GetUtcNow() + terms.TimeToLive);
        if (joined.Terms is not { } agreed)
        {
            using AuditedAct refusal = acts.Begin(
                actor.Caller, ActWords.IssueToken, subject.Caller.Subject, "for " + subject.Caller.Issuer);
            refusal.Fail(joined.Because);
            return OAuthError.Of(OAuthError.InvalidRequest, joined.Because);
        }

        return await IssueAsync(actor.Caller, BoundTo(agreed, sender.Key), AccessTokenType);
    }

    // RFC 7522: somebody whom a SAML provider vouches for.
    private async ValueTask<Reply> AssertAsync(
        SamlService provider, Dictionary<string, string> form, ReadOnlyMemory<byte> key, CancellationToken cancel)
    {
        if (form.GetValueOrDefault("assertion", "") is not { Length: > 0 } assertion)
            return OAuthError.Of(OAuthError.InvalidRequest, "the assertion is missing");
        SamlResult result = await provider.AcceptBearerAsync(assertion, publicUrl() + Path, cancel);
        if (result.Caller is not { } caller)
        {
            return result.IsStoreAway
                ? OAuthError.Of(OAuthError.TemporarilyUnavailable, result.Because, 503)
                : OAuthError.Of(OAuthError.InvalidGrant, result.Because);
        }

        if (form.TryGetValue("scope", out string? scope) && !TokenExchange.IsWhole(scope, caller))
            return OAuthError.Of(OAuthError.InvalidScope, TokenExchange.ScopeBecause);

        // The assertion was to be shown within minutes; the token that is given for it lives by its own terms.
        Caller vouched = new(caller.Issuer, caller.Subject, caller.Kind, caller.Groups, caller.Chain, caller.Tenant);
        GatewayTokenTerms agreed = new(vouched, clock.GetUtcNow() + terms.TimeToLive) { ProvenAt = caller.IssuedAt };
        return await IssueAsync(caller, BoundTo(agreed, key), AccessTokenType);
    }

    /// <summary>Issues a token, once it is in the audit that it is.</summary>
    internal async ValueTask<Reply> IssueAsync(Caller actor, GatewayTokenTerms agreed, string type)
    {
        DateTimeOffset now = clock.GetUtcNow();
        long seconds = (long)(agreed.ExpiresAt - now).TotalSeconds;
        if (seconds < 1) return OAuthError.Of(OAuthError.InvalidGrant, "a token of the exchange expires this moment");
        using AuditedAct act = acts.Begin(
            actor, ActWords.IssueToken, agreed.Caller.Subject, "for " + agreed.Caller.Issuer);
        if (!await act.TryIntendAsync())
            return OAuthError.Of(OAuthError.TemporarilyUnavailable, "the audit log cannot be written", 503);
        if (terms.Tokens.Write(agreed) is not { } token)
        {
            act.Fail("no key may sign");
            return OAuthError.Of(OAuthError.TemporarilyUnavailable, "no key may sign: the store does not answer", 503);
        }

        act.Succeed($"jti {token.Id}, {seconds} s");
        return Reply.Json(200, json =>
        {
            json.WriteStartObject();
            json.WriteString("access_token", token.Text);
            json.WriteString("issued_token_type", type);
            json.WriteString("token_type", agreed.Caller.BoundKey.IsEmpty ? "Bearer" : "DPoP");
            json.WriteNumber("expires_in", seconds);
            json.WriteString("scope", string.Join(' ', agreed.Caller.Groups));
            json.WriteEndObject();
        });
    }

    /// <summary>The terms, bound to the key of which a proof was sent.</summary>
    internal static GatewayTokenTerms BoundTo(GatewayTokenTerms agreed, ReadOnlyMemory<byte> key)
    {
        if (key.IsEmpty) return agreed;
        Caller caller = agreed.Caller;
        return agreed with
        {
            Caller = new Caller(
                caller.Issuer, caller.Subject, caller.Kind, caller.Groups, caller.Chain, caller.Tenant)
            {
                IsDelegated = caller.IsDelegated,
                BoundCertificate = caller.BoundCertificate,
                BoundKey = key,
            },
        };
    }

    private async ValueTask<(ExchangedToken? Token, Reply? Refused)> ProvenAsync(
        Dictionary<string, string> form, string name, SenderProof sender, CancellationToken cancel)
    {
        string text = form.GetValueOrDefault(name, ""), type = form.GetValueOrDefault(name + "_type", "");
        if (text.Length == 0) return (null, OAuthError.Of(OAuthError.InvalidRequest, $"the {name} is missing"));
        if (type is not (AccessTokenType or JwtType or IdTokenType))
            return (null, OAuthError.Of(OAuthError.InvalidRequest, $"the {name}_type is missing or not taken"));
        byte[] token = Encoding.UTF8.GetBytes(text);
        TokenVerification verified = await callers.VerifyAsync(token, sender, cancel);

        // One that is not bound came with the proof of the key that the new token is to be bound to.
        if (!verified.IsValid && !sender.Key.IsEmpty)
            verified = await callers.VerifyAsync(token, sender with { Key = default }, cancel);
        if (verified.Status == TokenStatus.KeysUnavailable)
            return (null, OAuthError.Of(OAuthError.TemporarilyUnavailable, $"{name}: {verified.Because}", 503));
        if (verified.Caller is { ResourcePaths.Count: > 0 })
            return (null, OAuthError.Of(OAuthError.InvalidRequest, $"{name}: {BearerCallers.ForAnotherResource}"));
        return verified.IsValid
            ? (new ExchangedToken(token, verified.Caller!, verified.ExpiresAt), null)
            : (null, OAuthError.Of(OAuthError.InvalidRequest, $"{name}: {verified.Because}"));
    }

    private async ValueTask<ProofFinding> ProofAsync(HttpContext context, string path, ReadOnlyMemory<byte> token)
    {
        StringValues sent = context.Request.Headers["DPoP"];
        if (sent.Count == 0) return default;
        if (terms.Proofs is not { } proofs || sent.Count > 1)
            return new(default, OAuthError.Of(OAuthError.InvalidProof, "send one DPoP proof, where they are taken"));
        DpopOutcome outcome = await proofs.CheckAsync(
            Encoding.UTF8.GetBytes(sent.ToString()), context.Request.Method, publicUrl() + path, token);
        if (outcome.Status == DpopStatus.Proved) return new(outcome.Key, null);
        context.Response.Headers["DPoP-Nonce"] = proofs.Nonce();
        return new(default, outcome.Status switch
        {
            DpopStatus.NonceNeeded => OAuthError.Of(OAuthError.UseNonce, outcome.Because),
            DpopStatus.StoreAway => OAuthError.Of(OAuthError.TemporarilyUnavailable, outcome.Because, 503),
            _ => OAuthError.Of(OAuthError.InvalidProof, outcome.Because),
        });
    }

    // RFC 8707: a client that names a resource gets no token for another.
    private bool IsForUs(Dictionary<string, string> form)
    {
        foreach (string name in (string[])["resource", "audience"])
        {
            if (!form.TryGetValue(name, out string? named)) continue;
            bool isOurs = terms.Tokens.Issuer == named.TrimEnd('/')
                || terms.Resources().Any(resource => resource.TrimEnd('/') == named.TrimEnd('/'));
            if (!isOurs) return false;
        }

        return true;
    }
}
