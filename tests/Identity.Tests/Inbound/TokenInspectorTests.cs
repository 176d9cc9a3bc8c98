using System.Text;
using System.Text.Json.Nodes;
using Countersign.Identity.Inbound;
using Countersign.Identity.Outbound;
using Countersign.Policy;
using Xunit;

namespace Countersign.Identity.Tests.Inbound;

/// <summary>What is said of a token that is looked at.</summary>
public sealed class TokenInspectorTests : IAsyncDisposable
{
    private readonly ScriptedIssuer _issuer = new(ScriptedKey.First);
    private readonly CallerVerifier _verifier;

    public TokenInspectorTests() => _verifier = _issuer.Verifier();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _verifier.DisposeAsync();
        _issuer.Dispose();
    }

    [Fact]
    public async Task AGoodTokenIsShownWhole()
    {
        // Proves what is told of a token that is taken, and that the same offline leaves the signature open.
        byte[] token = ScriptedKey.First.Sign(_issuer.Claims());
        TokenInspection online = await InspectAsync(token, _verifier);
        Assert.True(online.IsTaken);
        Assert.All(online.Findings, finding => Assert.True(finding.Holds));
        Assert.Equal(("RS256", "first", "JWT"), online.Header);
        Assert.Equal("alice", online.Caller!.Subject);
        Assert.Equal(_issuer.Clock.GetUtcNow().AddSeconds(600), online.ExpiresAt);
        TokenInspection offline = await InspectAsync(token, null);
        Assert.False(offline.IsTaken);
        Assert.Null(offline.Findings.Single(finding => finding.What == "signature").Holds);
    }

    [Fact]
    public async Task EverythingThatIsWrongIsTold()
    {
        // Proves that it goes on after the first fault: two rules are broken, and both are told, with the caller.
        JsonObject claims = _issuer.Claims();
        claims["aud"] = "another";
        string header = """{"alg":"HS256","typ":"JWT"}""";
        TokenInspection seen = await InspectAsync(ScriptedKey.First.Sign(header, claims.ToJsonString()), _verifier);
        string[] wrong = [.. seen.Findings.Where(finding => finding.Holds == false).Select(finding => finding.What)];
        Assert.Equal(["header", "claims"], wrong);
        Assert.Equal("alice", seen.Caller!.Subject);
        Assert.False(seen.IsTaken);
    }

    [Fact]
    public async Task EveryFaultAmongTheClaimsIsTold()
    {
        // Proves that no fault hides another, in the header, the claims and the mapping, and that all are plain words.
        JsonObject claims = _issuer.Claims();
        long now = _issuer.Clock.GetUtcNow().ToUnixTimeSeconds();
        claims["aud"] = "another";
        claims["exp"] = now - 1;
        claims["nbf"] = now + 3600;
        claims["cnf"] = new JsonObject { ["kid"] = "x" };
        claims["kind"] = "robot";
        claims["groups"] = true;
        string header = """{"alg":"HS256","typ":"secevent+jwt","crit":["x"]}""";
        TokenInspection seen = await InspectAsync(ScriptedKey.First.Sign(header, claims.ToJsonString()), _verifier);
        string[] wrong =
        [
            .. seen.Findings.Where(finding => finding.Holds == false).Select(one => one.What + ": " + one.Because),
        ];
        Assert.Equal(
            [
                "header: the header holds a key, a key address or crit",
                "header: the typ is not JWT or at+jwt",
                "header: the algorithm is not allowed for this issuer",
                "claims: the cnf is neither x5t#S256 nor jkt",
                "claims: the token is not for this audience",
                "claims: the token has expired",
                "claims: the token is not valid yet",
                "mapping: 'kind' is none of human, agent, ci and service",
                "mapping: one of groups is no list of texts",
            ],
            wrong);
    }

    [Fact]
    public async Task WhatTheClaimsAlreadyLackIsNotToldTwice()
    {
        // Proves that a mapping which only fails for a fault of the claims is left open, with no caller.
        JsonObject claims = _issuer.Claims();
        claims.Remove("sub");
        TokenInspection seen = await InspectAsync(ScriptedKey.First.Sign(claims), _verifier);
        Assert.Equal("claims", Assert.Single(seen.Findings, finding => finding.Holds == false).What);
        Assert.Null(seen.Findings.Single(finding => finding.What == "mapping").Holds);
        Assert.Null(seen.Caller);
    }

    [Fact]
    public async Task ATokenOfTheGatewayItselfIsTaken()
    {
        // Proves that the gateway's own token is known, proven by its keys where they can be had, and open otherwise.
        const string Own = "https://gateway.test";
        using SigningKeys keys = SigningKeys.Create();
        SigningKeyRing ring = SigningKeyRing.Of(keys);
        Caller caller = new(ScriptedIssuer.Issuer, "alice", CallerKind.Human, ["staff"], ["alice"]);
        GatewayTokenTerms terms = new(caller, _issuer.Clock.GetUtcNow().AddMinutes(5));
        byte[] token = Encoding.ASCII.GetBytes(
            new GatewayTokens(() => Own, ring, _issuer.Clock).Write(terms)!.Text);
        IssuerOptions[] issuers = [ScriptedIssuer.Options, IssuerOptions.OfGateway(Own)];
        TokenInspection away = await TokenInspector.InspectAsync(token, issuers, _verifier, _issuer.Clock, Cancel);
        Assert.DoesNotContain(away.Findings, finding => finding.Holds == false);
        Assert.Null(away.Findings.Single(finding => finding.What == "signature").Holds);
        Assert.Equal((ScriptedIssuer.Issuer, "alice"), (away.Caller!.Issuer, away.Caller.Subject));
        _verifier.TakeOwnTokens(Own, ring);
        TokenInspection known = await TokenInspector.InspectAsync(token, issuers, _verifier, _issuer.Clock, Cancel);
        Assert.True(known.IsTaken);
        Assert.All(known.Findings, finding => Assert.True(finding.Holds));
    }

    [Fact]
    public async Task AnOpaqueTokenIsOpenUntilItsIssuerIsAsked()
    {
        // Proves that nothing is said against what only its issuer can read, while that is not asked.
        IssuerOptions options = ScriptedIssuer.Options with
        {
            Introspection = new IntrospectionOptions
            {
                Endpoint = "https://issuer.test/introspect",
                ClientId = "gateway",
                ClientSecret = "secret"u8.ToArray(),
                TokenPrefix = "op_",
            },
        };
        foreach ((string text, bool? holds) in new (string, bool?)[] { ("op_1", null), ("other", false) })
        {
            TokenInspection seen = await TokenInspector.InspectAsync(
                Encoding.ASCII.GetBytes(text), [options], null, _issuer.Clock, Cancel);
            Assert.Equal(holds, Assert.Single(seen.Findings).Holds);
            Assert.Equal(("", "", ""), seen.Header);
        }
    }

    [Theory]
    [InlineData("x", "form")]
    [InlineData("a.b.c", "form")]
    public async Task WhatIsNoTokenIsNone(string text, string what)
    {
        // Proves that no form is too odd to be looked at.
        TokenInspection seen = await InspectAsync(Encoding.ASCII.GetBytes(text), _verifier);
        Assert.Equal(what, Assert.Single(seen.Findings, finding => finding.Holds == false).What);
        Assert.Equal(("", "", ""), seen.Header);
        Assert.Null(seen.Caller);
    }

    [Fact]
    public async Task ABindingIsTold()
    {
        // Proves that a bound token is said to be good with what it is bound to.
        JsonObject claims = _issuer.Claims();
        claims["cnf"] = new JsonObject { ["jkt"] = new string('A', 43) };
        TokenInspection seen = await InspectAsync(ScriptedKey.First.Sign(claims), _verifier);
        Assert.True(seen.IsTaken);
        Assert.Equal(
            "must come with a DPoP proof of its key",
            Assert.Single(seen.Findings, finding => finding.What == "binding").Because);
    }

    private ValueTask<TokenInspection> InspectAsync(byte[] token, CallerVerifier? verifier) =>
        TokenInspector.InspectAsync(token, [ScriptedIssuer.Options], verifier, _issuer.Clock, Cancel);
}
