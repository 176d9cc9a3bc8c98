using Countersign.Identity.Outbound;
using Microsoft.AspNetCore.Http;

namespace Countersign.ControlPlane.Tokens;

/// <summary>What function owners check lent credentials with (DESIGN section 8).</summary>
internal static class TokenEndpoints
{
    // Long enough to spare requests, short enough that a rotated key is known before its first credential is old.
    private const string KeysCaching = "max-age=300";

    public static void Map(Routes routes, SigningKeys keys, Func<string> publicUrl)
    {
        routes.Open(
            HttpMethods.Get,
            "/oauth/jwks",
            _ => new(Reply.Json(keys.PublicJwks(), "application/jwk-set+json") with { CacheControl = KeysCaching }));
        routes.Open(HttpMethods.Get, "/.well-known/oauth-authorization-server", _ => new(Metadata(publicUrl())));
    }

    /// <summary>RFC 8414 section 2. No grant is offered, and the two lists say so: absent, they would mean
    /// defaults.</summary>
    internal static Reply Metadata(string publicUrl) => Reply.Json(200, json =>
    {
        json.WriteStartObject();
        json.WriteString("issuer", publicUrl);
        json.WriteString("jwks_uri", publicUrl + "/oauth/jwks");
        json.WriteStartArray("response_types_supported");
        json.WriteEndArray();
        json.WriteStartArray("grant_types_supported");
        json.WriteEndArray();
        json.WriteEndObject();
    });
}
