using System.Globalization;
using Countersign.Identity.Outbound;
using Microsoft.AspNetCore.Http;

namespace Countersign.ControlPlane.Tokens;

/// <summary>What function owners check lent credentials with (DESIGN section 8).</summary>
internal static class TokenEndpoints
{
    public static void Map(Routes routes, SigningKeyRing keys, SigningTerms terms, Func<string> publicUrl)
    {
        // A key is published for longer than that before it signs.
        string caching = "max-age=" + terms.CachedSeconds.ToString(CultureInfo.InvariantCulture);
        routes.Open(
            HttpMethods.Get,
            "/oauth/jwks",
            _ => new(Reply.Json(keys.Current.PublicJwks, "application/jwk-set+json") with { CacheControl = caching }));
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
