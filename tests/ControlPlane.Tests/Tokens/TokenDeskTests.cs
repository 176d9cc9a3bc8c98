using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Countersign.ControlPlane.Tokens;
using Countersign.Policy.Revocations;
using Xunit;

namespace Countersign.ControlPlane.Tests.Tokens;

/// <summary>Tokens for tokens, and their end, over HTTP.</summary>
public sealed class TokenDeskTests
{
    private const string AccessToken = "urn:ietf:params:oauth:token-type:access_token";

    [Fact]
    public async Task A_person_and_an_agent_get_one_token()
    {
        // Proves the exchange as RFC 8693 writes it, that the listener itself takes what it gave, and that it is
        // audited.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        Answer answer = await ExchangeAsync(gate, gate.Token("alice", "finance"), gate.Token("helper-bot", "agents"));
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal("Bearer", answer.Json.GetProperty("token_type").GetString());
        Assert.Equal(AccessToken, answer.Json.GetProperty("issued_token_type").GetString());
        Assert.Equal(900, answer.Json.GetProperty("expires_in").GetInt32());
        Assert.Equal("no-store", answer.Message.Headers.CacheControl!.ToString());
        string token = answer.Json.GetProperty("access_token").GetString()!;
        Assert.Equal(HttpStatusCode.OK, (await gate.GetAsync("/api/v1/approvals", token)).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await gate.GetAsync("/api/v1/revocations", token)).Status);
    }

    [Theory]
    [InlineData("grant_type", "", "invalid_request")]
    [InlineData("grant_type", "password", "unsupported_grant_type")]
    [InlineData("subject_token", "", "invalid_request")]
    [InlineData("subject_token", "x.y.z", "invalid_request")]
    [InlineData("subject_token_type", "", "invalid_request")]
    [InlineData("subject_token_type", "urn:ietf:params:oauth:token-type:saml2", "invalid_request")]
    [InlineData("actor_token", "", "invalid_request")]
    [InlineData("actor_token", "x.y.z", "invalid_request")]
    [InlineData("requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token", "invalid_request")]
    [InlineData("resource", "https://elsewhere.test", "invalid_target")]
    [InlineData("audience", "https://elsewhere.test", "invalid_target")]
    [InlineData("scope", "root", "invalid_request")]
    public async Task A_request_that_is_wrong_gets_none(string name, string value, string error)
    {
        // Proves each refusal by one parameter that is wrong in an else good request.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        Answer answer = await ExchangeAsync(
            gate, gate.Token("alice", "finance"), gate.Token("helper-bot", "agents"), form => form[name] = value);
        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Equal(error, answer.Json.GetProperty("error").GetString());
        Assert.DoesNotContain("eyJ", answer.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_resource_of_this_gateway_may_be_named()
    {
        // Proves RFC 8707 on the good side: either listener.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        foreach (string resource in (string[])["https://data.test/", gate.Address])
        {
            Answer answer = await ExchangeAsync(
                gate, gate.Token("alice"), gate.Token("helper-bot"), form => form["resource"] = resource);
            Assert.Equal(HttpStatusCode.OK, answer.Status);
        }
    }

    [Fact]
    public async Task A_body_that_two_could_read_differently_is_refused()
    {
        // Proves that a parameter sent twice, and anything but a form, is none.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        const string Form = "application/x-www-form-urlencoded";
        Answer twice = await gate.PostAsync("/oauth/token", null, "grant_type=a&grant_type=b", Form);
        Answer json = await gate.PostAsync("/oauth/token", null, "{}");
        Assert.Equal("invalid_request", twice.Json.GetProperty("error").GetString());
        Assert.Equal("invalid_request", json.Json.GetProperty("error").GetString());
    }

    [Fact]
    public async Task A_proof_binds_the_new_token()
    {
        // Proves DPoP at the token endpoint: a nonce is asked for, then the token is bound and is no plain bearer.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Answer asked = await ExchangeAsync(
            gate, gate.Token("alice"), gate.Token("helper-bot"), proof: Proof(gate, key, "one", nonce: null));
        Assert.Equal("use_dpop_nonce", asked.Json.GetProperty("error").GetString());
        string nonce = asked.Message.Headers.GetValues("DPoP-Nonce").Single();
        string proof = Proof(gate, key, "two", nonce);
        Answer bound = await ExchangeAsync(gate, gate.Token("alice"), gate.Token("helper-bot"), proof: proof);
        Assert.Equal("DPoP", bound.Json.GetProperty("token_type").GetString());
        string token = bound.Json.GetProperty("access_token").GetString()!;
        Assert.Equal(HttpStatusCode.Unauthorized, (await gate.GetAsync("/api/v1/approvals", token)).Status);
        Answer again = await ExchangeAsync(gate, gate.Token("alice"), gate.Token("helper-bot"), proof: proof);
        Assert.Equal("invalid_dpop_proof", again.Json.GetProperty("error").GetString());
    }

    [Fact]
    public async Task Whoever_holds_a_token_may_end_it()
    {
        // Proves RFC 7009: the token is refused from then on, and what is none is answered the same.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        string token = gate.Token("alice", "finance");
        Assert.Equal(HttpStatusCode.OK, (await gate.GetAsync("/api/v1/approvals", token)).Status);
        Assert.Equal(HttpStatusCode.OK, (await EndAsync(gate, token)).Status);
        Answer refused = await gate.GetAsync("/api/v1/approvals", token);
        Assert.Equal(HttpStatusCode.Unauthorized, refused.Status);
        Assert.Contains("revoked", refused.Body, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await EndAsync(gate, "no.such.token")).Status);
        Assert.Equal(HttpStatusCode.OK, (await EndAsync(gate, token)).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await EndAsync(gate, "")).Status);
    }

    [Fact]
    public async Task Admins_revoke_anybody_and_people_themselves()
    {
        // Proves who may revoke whom, that an agent may not, and that the list shows what was done and never a token.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        string alice = gate.Token("alice", "finance"), root = gate.Token("root", "policy-admins");
        string issuer = Kit.TestIssuer.Issuer;
        string bob = $$"""{"issuer":"{{issuer}}","subject":"bob","reason":"left"}""";
        Assert.Equal(HttpStatusCode.Forbidden, (await FileAsync(gate, alice, bob)).Status);
        Assert.Equal(
            HttpStatusCode.Forbidden, (await FileAsync(gate, gate.Token("admin-bot", "policy-admins"), bob)).Status);
        Answer filed = await FileAsync(gate, root, bob);
        Assert.Equal(HttpStatusCode.Created, filed.Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await gate.GetAsync("/api/v1/approvals", gate.Token("bob"))).Status);
        string own = $$"""{"issuer":"{{issuer}}","subject":"alice"}""";
        Assert.Equal(HttpStatusCode.Created, (await FileAsync(gate, alice, own)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await gate.GetAsync("/api/v1/approvals", alice)).Status);
        string carol = gate.Token("carol");
        Assert.Equal(HttpStatusCode.Created, (await FileAsync(gate, root, $$"""{"token":"{{carol}}"}""")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await gate.GetAsync("/api/v1/approvals", carol)).Status);
        Answer list = await gate.GetAsync("/api/v1/revocations", root);
        Assert.Equal(3, list.Json.GetProperty("items").GetArrayLength());
        Assert.DoesNotContain("eyJ", list.Body, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Forbidden, (await gate.GetAsync("/api/v1/revocations", gate.Token("dave"))).Status);
    }

    [Fact]
    public async Task A_revocation_is_in_force_before_it_is_confirmed()
    {
        // Proves that the listener that says 201 refuses from then on, though no news of the store has come yet.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        Action<RevocationListing> hears = gate.Revocations.Heard!;
        gate.Revocations.Heard = null;
        gate.Callers.Revocations = new AskedFeed(gate.Revocations, hears);
        string alice = gate.Token("alice");
        Assert.Equal(HttpStatusCode.OK, (await gate.GetAsync("/api/v1/approvals", alice)).Status);
        string body = $$"""{"issuer":"{{Kit.TestIssuer.Issuer}}","subject":"alice"}""";
        Answer filed = await FileAsync(gate, gate.Token("root", "policy-admins"), body);
        Assert.Equal(HttpStatusCode.Created, filed.Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await gate.GetAsync("/api/v1/approvals", alice)).Status);
    }

    [Fact]
    public async Task A_revocation_that_nobody_confirms_is_none()
    {
        // Proves that a store that is away is told to whoever revokes.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        gate.Revocations.IsAway = true;
        Answer answer = await FileAsync(
            gate, gate.Token("root", "policy-admins"), """{"issuer":"https://issuer.test","subject":"bob"}""");
        Assert.Equal("store-unavailable", answer.Problem);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"subject":"bob"}""")]
    [InlineData("""{"issuer":"i","subject":"bob","id":"7"}""")]
    [InlineData("""{"issuer":"i","token":"x"}""")]
    [InlineData("""{"token_sha256":"zz"}""")]
    [InlineData("""{"issuer":"i","subject":""}""")]
    [InlineData("""{"issuer":"i","subject":"bob","subject":"carol"}""")]
    [InlineData("""{"issuer":"i","subject":"bob","until":"soon"}""")]
    [InlineData("""{"issuer":"i","subject":"bob","who":"me"}""")]
    public async Task A_revocation_names_one_thing(string body)
    {
        // Proves that what does not say what it revokes is malformed.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        Answer answer = await FileAsync(gate, gate.Token("root", "policy-admins"), body);
        Assert.Equal("malformed-request", answer.Problem);
    }

    [Fact]
    public async Task The_metadata_names_what_is_offered()
    {
        // Proves RFC 8414: the endpoints under the public URL, and the grants.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        JsonElement metadata = (await gate.GetAsync("/.well-known/oauth-authorization-server")).Json;
        Assert.Equal(gate.Address, metadata.GetProperty("issuer").GetString());
        Assert.Equal(gate.Address + "/oauth/token", metadata.GetProperty("token_endpoint").GetString());
        JsonElement grants = metadata.GetProperty("grant_types_supported");
        Assert.Equal(TokenDesk.ExchangeGrant, grants.EnumerateArray().First().GetString());
    }

    internal static Task<Answer> ExchangeAsync(
        ControlFixture gate, string subject, string actor, Action<Dictionary<string, string>>? change = null,
        string? proof = null)
    {
        Dictionary<string, string> form = new()
        {
            ["grant_type"] = TokenDesk.ExchangeGrant,
            ["subject_token"] = subject,
            ["subject_token_type"] = AccessToken,
            ["actor_token"] = actor,
            ["actor_token_type"] = AccessToken,
        };
        change?.Invoke(form);
        HttpRequestMessage request = new(HttpMethod.Post, gate.Address + "/oauth/token")
        {
            Content = new FormUrlEncodedContent(form),
        };
        if (proof is not null) request.Headers.Add("DPoP", proof);
        return gate.SendAsync(request);
    }

    private static Task<Answer> EndAsync(ControlFixture gate, string token) => gate.PostAsync(
        "/oauth/revoke", null, "token=" + Uri.EscapeDataString(token), "application/x-www-form-urlencoded");

    private static Task<Answer> FileAsync(ControlFixture gate, string token, string body) =>
        gate.PostAsync("/api/v1/revocations", token, body);

    private static string Proof(ControlFixture gate, ECDsa key, string id, string? nonce)
    {
        ECPoint point = key.ExportParameters(false).Q;
        JsonObject header = new()
        {
            ["typ"] = "dpop+jwt",
            ["alg"] = "ES256",
            ["jwk"] = new JsonObject
            {
                ["kty"] = "EC",
                ["crv"] = "P-256",
                ["x"] = Base64Url.EncodeToString(point.X),
                ["y"] = Base64Url.EncodeToString(point.Y),
            },
        };
        JsonObject claims = new()
        {
            ["jti"] = id,
            ["htm"] = "POST",
            ["htu"] = gate.Address + "/oauth/token",
            ["iat"] = gate.Clock.GetUtcNow().ToUnixTimeSeconds(),
        };
        if (nonce is not null) claims["nonce"] = nonce;
        string text = Part(header.ToJsonString()) + "." + Part(claims.ToJsonString());
        byte[] signature = key.SignData(Encoding.ASCII.GetBytes(text), HashAlgorithmName.SHA256);
        return text + "." + Base64Url.EncodeToString(signature);
    }

    private static string Part(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));

    /// <summary>Knows what the store has when it is asked, and not before.</summary>
    private sealed class AskedFeed(IRevocationStore store, Action<RevocationListing> hears) : IRevocationFeed
    {
        public async ValueTask<bool> CatchUpAsync()
        {
            if ((await store.ListAsync(-1)).Value is not { } listing) return false;
            hears(listing);
            return true;
        }
    }
}
