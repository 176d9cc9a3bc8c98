using System.Text;
using System.Text.Json.Nodes;
using Countersign.Identity.Inbound;
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

    [Theory]
    [InlineData("x", "form")]
    [InlineData("a.b.c", "form")]
    public async Task WhatIsNoTokenIsNone(string text, string what)
    {
        // Proves that no form is too odd to be looked at.
        TokenInspection seen = await InspectAsync(Encoding.ASCII.GetBytes(text), _verifier);
        Assert.Equal(what, Assert.Single(seen.Findings, finding => finding.Holds == false).What);
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
