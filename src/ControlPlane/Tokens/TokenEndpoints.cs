using Countersign.Identity.Outbound;
using Microsoft.AspNetCore.Http;

namespace Countersign.ControlPlane.Tokens;

/// <summary>What function owners check lent credentials with (DESIGN section 8), and where clients get and end the
/// gateway's own tokens.</summary>
internal static class TokenEndpoints
{
    // Long enough to spare requests, short enough that a rotated key is known before its first credential is old.
    private const string KeysCaching = "max-age=300";

    public static void Map(
        Routes routes, SigningKeys keys, TokenDesk? tokens, RevocationDesk? revocations, Func<string> publicUrl)
    {
        routes.Open(
            HttpMethods.Get,
            "/oauth/jwks",
            _ => new(Reply.Json(keys.PublicJwks(), "application/jwk-set+json") with { CacheControl = KeysCaching }));
        routes.Open(
            HttpMethods.Get, "/.well-known/oauth-authorization-server",
            _ => new(AuthorizationServer.Metadata(publicUrl(), tokens)));
        if (tokens is null || revocations is null) return;
        routes.Open(HttpMethods.Post, "/oauth/token", tokens.TokenAsync);
        routes.Open(HttpMethods.Post, "/oauth/revoke", revocations.HolderAsync);
        routes.Known(HttpMethods.Post, "/api/v1/revocations", revocations.FileAsync);
        routes.Known(HttpMethods.Get, "/api/v1/revocations", (_, caller) => revocations.ListAsync(caller));
    }
}
