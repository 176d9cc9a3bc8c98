using System.Net;
using System.Text.Json.Nodes;
using Countersign.Identity.Inbound;
using Countersign.Identity.Inbound.SignIn;
using Microsoft.Extensions.Logging.Abstractions;

namespace Countersign.Identity.Tests.Inbound.SignIn;

/// <summary>An identity provider with a code flow and without a network: answers what it is told to.</summary>
internal sealed class ScriptedProvider : HttpMessageHandler
{
    public const string Issuer = "https://issuer.test";
    public const string ClientId = "console";
    public const string RedirectUri = "https://control.test/console/signin/callback";

    public ScriptedClock Clock { get; } = new();

    public string DiscoveredIssuer { get; set; } = Issuer;

    public string TokenEndpoint { get; set; } = Issuer + "/token";

    public bool NamesItself { get; set; }

    public string[] Methods { get; set; } = [];

    /// <summary>Makes the answer of the token endpoint.</summary>
    public Func<HttpResponseMessage>? Redeems { get; set; }

    /// <summary>The forms that the token endpoint was sent, each with its Authorization field.</summary>
    public List<(string Form, string Authorization)> Redeemed { get; } = [];

    public bool IsAway { get; set; }

    public OidcSignIn SignIn(string secret = "") => new(
        [
            new SignInClient
            {
                Issuer = new IssuerOptions { Issuer = Issuer, Audiences = ["gateway"] }, ClientId = ClientId,
                Name = "Test", ClientSecret = System.Text.Encoding.UTF8.GetBytes(secret),
            },
        ],
        new HttpMessageInvoker(this), Clock, NullLogger.Instance);

    /// <summary>The claims of a sound ID token for that attempt.</summary>
    public JsonObject Claims(SignInAttempt attempt)
    {
        long now = Clock.GetUtcNow().ToUnixTimeSeconds();
        return new JsonObject
        {
            ["iss"] = Issuer, ["aud"] = ClientId, ["sub"] = "carol", ["kind"] = "human",
            ["groups"] = new JsonArray("finance"), ["iat"] = now, ["exp"] = now + 300, ["nonce"] = attempt.Nonce,
        };
    }

    /// <summary>The token endpoint gives that ID token.</summary>
    public void Give(byte[] idToken) => Redeems = () => new HttpResponseMessage(HttpStatusCode.OK)
    {
        Content = new StringContent(new JsonObject
        {
            ["access_token"] = "opaque", ["token_type"] = "Bearer",
            ["id_token"] = System.Text.Encoding.ASCII.GetString(idToken),
        }.ToJsonString()),
    };

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        if (IsAway) throw new HttpRequestException("connection refused");
        switch (request.RequestUri!.AbsolutePath)
        {
            case "/.well-known/openid-configuration":
                JsonObject document = new()
                {
                    ["issuer"] = DiscoveredIssuer, ["jwks_uri"] = Issuer + "/jwks",
                    ["authorization_endpoint"] = Issuer + "/authorize", ["token_endpoint"] = TokenEndpoint,
                    ["authorization_response_iss_parameter_supported"] = NamesItself,
                };
                if (Methods.Length > 0)
                {
                    document["token_endpoint_auth_methods_supported"] =
                        new JsonArray([.. Methods.Select(method => (JsonNode)method)]);
                }

                return Ok(document);
            case "/jwks":
                return Ok(new JsonObject { ["keys"] = new JsonArray(ScriptedKey.First.Jwk()) });
            default:
                string form = await request.Content!.ReadAsStringAsync(cancel);
                Redeemed.Add((form, request.Headers.Authorization?.ToString() ?? ""));
                return Redeems!();
        }
    }

    private static HttpResponseMessage Ok(JsonObject body) =>
        new(HttpStatusCode.OK) { Content = new StringContent(body.ToJsonString()) };
}
