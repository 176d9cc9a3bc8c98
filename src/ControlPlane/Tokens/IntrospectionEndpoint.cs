using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Countersign.Identity.Inbound;
using Countersign.Identity.Outbound;
using Countersign.Policy;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;

namespace Countersign.ControlPlane.Tokens;

/// <summary>
/// Says whether a lent credential is good at this moment (RFC 7662): while its call is in flight, and no longer.
/// </summary>
internal sealed class IntrospectionEndpoint(
    IntrospectionTerms options, SigningKeyRing keys, ILentCalls? calls, BearerCallers bearers,
    CallerVerifier callers, Func<string> publicUrl, TimeProvider clock)
{
    public const string Path = "/oauth/introspect";

    private const int BodyBytesMax = LentToken.BytesMax + 4_096;
    private const string FormType = "application/x-www-form-urlencoded";
    private const string Challenge = "Basic realm=\"countersign\", charset=\"UTF-8\", Bearer realm=\"countersign\"";

    // RFC 7662 section 2.2: nothing of a token that is not active, nor why.
    private static readonly Reply Inactive = Reply.Json(200, json =>
    {
        json.WriteStartObject();
        json.WriteBoolean("active", false);
        json.WriteEndObject();
    });

    public void Map(Routes routes) => routes.Open(HttpMethods.Post, Path, AnswerAsync);

    private async ValueTask<Reply> AnswerAsync(HttpContext context)
    {
        if (await AskerAsync(context) is not { } asker) return Unknown();
        string type = context.Request.ContentType ?? "";
        if (!type.StartsWith(FormType, StringComparison.OrdinalIgnoreCase))
            return Invalid("The body must be a form (RFC 7662 section 2.1).");
        byte[]? body = await RequestReading.BodyAsync(context, BodyBytesMax);
        if (body is null) return Invalid("The body is too large.");
        if (TokenIn(body) is not { } text) return Invalid("One 'token' is needed.");
        return await IntrospectAsync(text, asker);
    }

    private static string? TokenIn(byte[] body)
    {
        try
        {
            StringValues token = new FormReader(Encoding.UTF8.GetString(body)) { ValueLengthLimit = BodyBytesMax }
                .ReadForm().GetValueOrDefault("token");
            return token.Count == 1 && token[0] is { Length: > 0 } text ? text : null;
        }
        catch (InvalidDataException)
        {
            return null; // more fields, or longer ones, than anybody sends
        }
    }

    private async ValueTask<Reply> IntrospectAsync(string text, Asker asker)
    {
        LentToken? token = LentToken.Read(Encoding.UTF8.GetBytes(text), publicUrl(), keys, clock.GetUtcNow());
        if (token is null || !asker.MayAsk(token.Audience) || IsRevoked(token)) return Inactive;
        if (token.Gateway.Length > 0)
        {
            StoreStatus answer = calls is null
                ? StoreStatus.NotFound
                : await calls.AskAsync(token.Gateway, token.Call);
            if (answer == StoreStatus.Unavailable) return Reply.Refuse(Refusal.StoreUnavailable);
            if (answer != StoreStatus.Ok) return Inactive;
        }

        return Reply.Json(200, json =>
        {
            using JsonDocument claims = JsonDocument.Parse(token.Claims);
            json.WriteStartObject();
            json.WriteBoolean("active", true);
            json.WriteString("token_type", "Bearer");
            foreach (JsonProperty claim in claims.RootElement.EnumerateObject()) claim.WriteTo(json);
            json.WriteEndObject();
        });
    }

    // Lent to somebody who was revoked since, or whose token was: a credential that several calls use would live until
    // it expires, and one whose call is in flight until that ends.
    private bool IsRevoked(LentToken token)
    {
        using JsonDocument claims = JsonDocument.Parse(token.Claims);
        JsonElement all = claims.RootElement;
        List<(string Issuer, string Subject)> named = [];
        for (JsonElement one = all; one.TryGetProperty("act", out JsonElement actor); one = actor)
        {
            if (actor.TryGetProperty("iss", out JsonElement issuer)
                && actor.TryGetProperty("sub", out JsonElement subject))
            {
                named.Add((issuer.GetString()!, subject.GetString()!));
            }
        }

        string[] marks = all.TryGetProperty("lent_for", out JsonElement list)
            ? [.. list.EnumerateArray().Select(static one => one.GetString()!)]
            : [];
        return callers.IsRevoked(named, DateTimeOffset.FromUnixTimeSeconds(all.GetProperty("iat").GetInt64()), marks);
    }

    // A session at the console is no client: a browser sends it whoever made it ask.
    private async ValueTask<Asker?> AskerAsync(HttpContext context)
    {
        StringValues authorization = context.Request.Headers.Authorization;
        if (authorization.Count != 1) return null;
        string field = authorization.ToString();
        if (field.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase)) return ClientOf(field[6..]);
        BearerOutcome outcome = await bearers.IdentifyAsync(context);
        bool mayAsk = outcome.Caller is { } caller && caller.Groups.Any(options.Groups.Contains);
        return mayAsk ? new Asker(null) : null;
    }

    private Asker? ClientOf(string credentials)
    {
        byte[] bytes = new byte[credentials.Length];
        if (!Convert.TryFromBase64String(credentials.Trim(), bytes, out int count)) return null;
        string text = Encoding.UTF8.GetString(bytes, 0, count);
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0) return null;

        // RFC 6749 section 2.3.1 encodes both as in a form; many clients do not.
        return Find(WebUtility.UrlDecode(text[..colon]), WebUtility.UrlDecode(text[(colon + 1)..]))
            ?? Find(text[..colon], text[(colon + 1)..]);
    }

    private Asker? Find(string id, string secret)
    {
        Asker? asker = null;
        byte[] given = SHA256.HashData(Encoding.UTF8.GetBytes(secret));
        foreach (IntrospectionClient client in options.Clients)
        {
            // Compared for every client, so that time says nothing of which there are.
            bool isSecret = CryptographicOperations.FixedTimeEquals(given, SHA256.HashData(client.Secret.Span));
            if (isSecret && string.Equals(client.Id, id, StringComparison.Ordinal)) asker = new(client.Audiences);
        }

        return asker;
    }

    private static Reply Unknown() =>
        Reply.Refuse(Refusal.Unauthenticated, "A client that may ask must authenticate.") with
        {
            Challenge = Challenge,
        };

    // RFC 6749 section 5.2.
    private static Reply Invalid(string description) => Reply.Json(400, json =>
    {
        json.WriteStartObject();
        json.WriteString("error", "invalid_request");
        json.WriteString("error_description", description);
        json.WriteEndObject();
    });

    /// <summary>Who asks, and for which audiences; null is all of them.</summary>
    private sealed record Asker(IReadOnlyList<string>? Audiences)
    {
        public bool MayAsk(string audience) => Audiences is null || Audiences.Contains(audience);
    }
}
