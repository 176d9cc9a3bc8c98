using System.Globalization;
using Countersign.Identity.Inbound.Saml;
using Countersign.Identity.Outbound;
using Microsoft.AspNetCore.Http;

namespace Countersign.ControlPlane.Tokens;

/// <summary>What function owners check lent credentials with (DESIGN section 8), and where clients get and end the
/// gateway's own tokens.</summary>
internal static class TokenEndpoints
{
    public static void Map(
        Routes routes, SigningKeyRing keys, SigningTerms terms, TokenDesk? tokens, RevocationDesk? revocations,
        SamlService? saml, Func<string> publicUrl)
    {
        // A key is published for longer than that before it signs.
        string caching = "max-age=" + terms.CachedSeconds.ToString(CultureInfo.InvariantCulture);
        routes.Open(
            HttpMethods.Get,
            "/oauth/jwks",
            _ => new(Reply.Json(keys.Current.PublicJwks, "application/jwk-set+json") with { CacheControl = caching }));
        routes.Open(
            HttpMethods.Get, "/.well-known/oauth-authorization-server",
            _ => new(AuthorizationServer.Metadata(publicUrl(), tokens)));
        routes.Open(HttpMethods.Get, SamlService.MetadataPath, _ => new(saml is null
            ? Reply.Refuse(Refusal.NotFound, "No SAML provider is configured.")
            : new Reply(200, "application/samlmetadata+xml", saml.Metadata())));
        if (tokens is null || revocations is null) return;
        routes.Open(HttpMethods.Post, TokenDesk.Path, tokens.TokenAsync);
        routes.Open(HttpMethods.Post, "/oauth/revoke", revocations.HolderAsync);
        routes.Known(HttpMethods.Post, "/api/v1/revocations", revocations.FileAsync);
        routes.Known(HttpMethods.Get, "/api/v1/revocations", (_, caller) => revocations.ListAsync(caller));
    }
}
