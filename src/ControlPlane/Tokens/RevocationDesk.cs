using System.Text;
using System.Text.Json;
using Countersign.ControlPlane.AuditTrail;
using Countersign.ControlPlane.Console.Sessions;
using Countersign.Identity.Inbound;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Countersign.Policy.Revocations;
using Microsoft.AspNetCore.Http;

namespace Countersign.ControlPlane.Tokens;

/// <summary>Revokes: a token by whoever holds it (RFC 7009), anybody's by an admin, one's own by oneself.</summary>
internal sealed class RevocationDesk(
    CallerVerifier callers, TokenTerms terms, ControlPlaneOptions options, SessionDesk? sessions, ActLog acts,
    Func<IReadOnlyList<string>> issuers, TimeProvider clock)
{
    /// <summary><c>POST /oauth/revoke</c>: whoever holds a token may end it. A token that is none needs no end, and the
    /// answer does not tell which it was.</summary>
    public async ValueTask<Reply> HolderAsync(HttpContext context)
    {
        Dictionary<string, string>? form = await RequestReading.FormAsync(
            context, ControlPlaneLimits.TokenRequestBytesMax);
        if (form is null || form.GetValueOrDefault("token", "") is not { Length: > 0 } text)
            return OAuthError.Of(OAuthError.InvalidRequest, "send one form with the token");
        byte[] token = Encoding.UTF8.GetBytes(text);
        TokenVerification verified = await callers.VerifyAsync(token, context.RequestAborted);

        // A bound token is ended by its holder's admin or expiry: without a proof, who sends it may have stolen it.
        if (verified.Caller is not { } caller) return Done();
        Revocation revocation = new(
            RevocationKind.Token, "", GatewayTokens.HashOf(token), clock.GetUtcNow(),
            GatewayTokens.ForgottenAt(verified.ExpiresAt), NameOf(caller), "revoked by its holder");
        return await RevokeAsync(caller, revocation) ?? Done();
    }

    /// <summary><c>POST /api/v1/revocations</c>.</summary>
    public async ValueTask<Reply> FileAsync(HttpContext context, Caller caller)
    {
        (byte[]? body, Reply? refusal) =
            await RequestReading.JsonBodyAsync(context, ControlPlaneLimits.RevocationBytesMax);
        if (refusal is not null) return refusal;
        DateTimeOffset now = clock.GetUtcNow();
        if (RevocationRequest.Read(body, now, out string fault) is not { } request)
            return Reply.Refuse(Refusal.MalformedRequest, fault);
        Revocation revocation = request.ToRevocation(
            now, NameOf(caller), await ForgottenAtAsync(request.Token, context.RequestAborted));
        bool isOwn = revocation.Kind == RevocationKind.Subject && revocation.Issuer == caller.Issuer
            && revocation.Name == caller.Subject && caller.IsPerson;
        if (!isOwn && !(caller.IsPerson && options.PolicyAdmins.Any(caller.IsIn)))
            return Reply.Refuse(Refusal.Denied, "Only policy admins may revoke tokens that are not their own.");
        if (request.Issuer is { } named && Unknown(named) is { } why)
            return Reply.Refuse(Refusal.MalformedRequest, why);
        return await RevokeAsync(caller, revocation)
            ?? Reply.Json(201, json => Write(json, revocation));
    }

    /// <summary><c>GET /api/v1/revocations</c>.</summary>
    public async ValueTask<Reply> ListAsync(Caller caller)
    {
        bool mayRead = options.PolicyAdmins.Any(caller.IsIn) || options.Auditors.Any(caller.IsIn);
        if (!mayRead) return Reply.Refuse(Refusal.Denied, "Only policy admins and auditors may see revocations.");
        StoreResult<RevocationListing> listed = await terms.Revocations.ListAsync(-1);
        if (listed.Value is not { } listing) return Reply.Refuse(Refusal.StoreUnavailable);
        DateTimeOffset now = clock.GetUtcNow();
        return Reply.List(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("items");
            foreach (Revocation one in listing.Items.Where(one => one.Until > now).OrderByDescending(one => one.At))
                Write(json, one);
            json.WriteEndArray();
            json.WriteNull("next");
            json.WriteEndObject();
        });
    }

    private async ValueTask<Reply?> RevokeAsync(Caller caller, Revocation revocation)
    {
        string what = revocation.Kind == RevocationKind.Token ? revocation.Name
            : revocation.Issuer + "|" + revocation.Name;
        using AuditedAct act = acts.Begin(caller, ActWords.RevokeToken, what, revocation.Reason);
        if (!await act.TryIntendAsync()) return Reply.Refuse(Refusal.AuditUnavailable);
        StoreStatus added = await terms.Revocations.AddAsync(revocation);
        if (added == StoreStatus.Ok && revocation.Kind == RevocationKind.Subject && sessions is not null
            && !await sessions.EndAllAsync(revocation.Issuer, revocation.Name))
        {
            added = StoreStatus.Unavailable;
        }

        if (added == StoreStatus.Ok)
        {
            // Here it is in force before anybody is told so. Where the store does not tell now, the feed asks on.
            await callers.CatchUpAsync();
            act.Succeed(revocation.Kind.ToString());
            return null;
        }

        act.Fail(added == StoreStatus.Limited ? "the list is full" : "the store did not confirm it");
        return added == StoreStatus.Limited
            ? Reply.Refuse(Refusal.RateLimited, "The list is full: revoke subjects rather than tokens one by one.")
            : Reply.Refuse(Refusal.StoreUnavailable, "Nobody knows whether it is revoked; try again.");
    }

    // A name that no token has revokes nothing, and who is told that it does looks no further.
    private string? Unknown(string named)
    {
        IReadOnlyList<string> known = issuers();
        if (known.Contains(named)) return null;
        string? near = known.FirstOrDefault(
            one => one.TrimEnd('/').Equals(named.TrimEnd('/'), StringComparison.OrdinalIgnoreCase));
        return "No issuer of that name is known here, so that nothing would be revoked."
            + (near is null ? " It must be an issuer's iss to the letter." : $" Did you mean '{near}'?");
    }

    // Of a JWT its own word will do: it is of no use to anybody after that. Of an opaque token its issuer knows.
    private async ValueTask<DateTimeOffset?> ForgottenAtAsync(string? token, CancellationToken cancellation)
    {
        if (token is null) return null;
        byte[] bytes = Encoding.UTF8.GetBytes(token);
        if (GatewayTokens.ForgottenAt(bytes) is { } said) return said;
        TokenVerification verified = await callers.VerifyAsync(bytes, cancellation);
        return verified.IsValid ? GatewayTokens.ForgottenAt(verified.ExpiresAt) : null;
    }

    // RFC 7009 section 2.2: the same answer for a token that never was one.
    private static Reply Done() => Reply.Json("{}");

    private static string NameOf(Caller caller) => caller.Issuer + "|" + caller.Subject;

    private static void Write(Utf8JsonWriter json, Revocation one)
    {
        json.WriteStartObject();
        json.WriteString("kind", one.Kind switch
        {
            RevocationKind.Token => "token",
            RevocationKind.Id => "id",
            _ => "subject",
        });
        if (one.Kind != RevocationKind.Token) json.WriteString("issuer", one.Issuer);
        json.WriteString(one.Kind switch
        {
            RevocationKind.Token => "token_sha256",
            RevocationKind.Id => "id",
            _ => "subject",
        }, one.Name);
        json.WriteString("at", Timestamps.Format(one.At));
        json.WriteString("until", Timestamps.Format(one.Until));
        json.WriteString("by", one.By);
        json.WriteString("reason", one.Reason);
        json.WriteEndObject();
    }
}
