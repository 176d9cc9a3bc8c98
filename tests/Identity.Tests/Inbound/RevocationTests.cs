using System.Text.Json.Nodes;
using Countersign.Identity.Inbound;
using Countersign.Policy;
using Countersign.Policy.Revocations;
using Xunit;

namespace Countersign.Identity.Tests.Inbound;

/// <summary>What is revoked proves nobody, seen before or not.</summary>
public sealed class RevocationTests : IAsyncDisposable
{
    private readonly ScriptedIssuer _issuer = new(ScriptedKey.First);
    private readonly CallerVerifier _verifier;

    public RevocationTests() => _verifier = _issuer.Verifier();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _verifier.DisposeAsync();
        _issuer.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ATokenByItsHash(bool isSeenBefore)
    {
        // Proves that one token ends and the subject's others do not, whether it was cached or never seen.
        byte[] token = Token("alice", "one");
        byte[] other = Token("alice", "two");
        if (isSeenBefore) Assert.True((await _verifier.VerifyAsync(token, Cancel)).IsValid);
        Revoke(new(RevocationKind.Token, "", GatewayTokens.HashOf(token), Now, Now.AddHours(1), "", ""));
        Assert.NotEqual(TokenStatus.Valid, _verifier.TryFind(token, out _));
        Assert.Equal(TokenStatus.Revoked, (await _verifier.VerifyAsync(token, Cancel)).Status);
        Assert.Equal(TokenStatus.Revoked, (await _verifier.VerifyAsync(token, Cancel)).Status);
        Assert.NotEqual(TokenStatus.Valid, _verifier.TryFind(token, out _));
        Assert.True((await _verifier.VerifyAsync(other, Cancel)).IsValid);
    }

    [Fact]
    public async Task AnIdOfItsIssuerAlone()
    {
        // Proves that a jti is revoked for one issuer, and that another issuer's of the same text is not.
        byte[] token = Token("alice", "one");
        Revoke(new(RevocationKind.Id, "https://other.test", "one", Now, Now.AddHours(1), "", ""));
        Assert.True((await _verifier.VerifyAsync(token, Cancel)).IsValid);
        Revoke(new(RevocationKind.Id, ScriptedIssuer.Issuer, "one", Now, Now.AddHours(1), "", ""));
        Assert.Equal(TokenStatus.Revoked, (await _verifier.VerifyAsync(token, Cancel)).Status);
    }

    [Fact]
    public async Task ASubjectsTokensUpToNow()
    {
        // Proves that what was issued before ends, also where the subject only acts, and what is issued later is good.
        byte[] own = Token("alice", "one"), others = Token("bob", "two");
        JsonObject claims = Claims("bob", "three");
        claims["act"] = new JsonObject { ["sub"] = "alice" };
        byte[] acted = ScriptedKey.First.Sign(claims);
        foreach (byte[] token in new[] { own, others, acted })
            Assert.True((await _verifier.VerifyAsync(token, Cancel)).IsValid);
        Revoke(new(RevocationKind.Subject, ScriptedIssuer.Issuer, "alice", Now, Now.AddHours(1), "", ""));
        Assert.Equal(TokenStatus.Revoked, (await _verifier.VerifyAsync(own, Cancel)).Status);
        Assert.Equal(TokenStatus.Revoked, (await _verifier.VerifyAsync(acted, Cancel)).Status);
        Assert.True((await _verifier.VerifyAsync(others, Cancel)).IsValid);
        _issuer.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True((await _verifier.VerifyAsync(Token("alice", "four"), Cancel)).IsValid);
    }

    [Fact]
    public async Task ATokenWithoutADateCountsAsOld()
    {
        // Proves that a token that does not say when it was issued ends with its subject's.
        JsonObject claims = Claims("alice", "one");
        claims.Remove("iat");
        Revoke(new(RevocationKind.Subject, ScriptedIssuer.Issuer, "alice", Now, Now.AddHours(1), "", ""));
        _issuer.Clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(
            TokenStatus.Revoked, (await _verifier.VerifyAsync(ScriptedKey.First.Sign(claims), Cancel)).Status);
    }

    [Theory]
    [InlineData("token")]
    [InlineData("id")]
    [InlineData("subject")]
    public async Task WhatWasLentEndsWithWhatItWasLentFor(string how)
    {
        // Proves that a caller whose token is gone is still known to be revoked, by whichever of the three, and that
        // what the credential says is enough to know it; that another token of the same caller is not touched unless
        // the subject is revoked; and that neither token nor id can be read in it.
        byte[] token = Token("alice", "one");
        Caller caller = (await _verifier.VerifyAsync(token, Cancel)).Caller!;
        Caller other = (await _verifier.VerifyAsync(Token("alice", "two"), Cancel)).Caller!;
        Assert.Equal(2, caller.ProofMarks.Count);
        Assert.Empty(caller.ProofMarks.Intersect(other.ProofMarks));
        Assert.All(caller.ProofMarks, mark => Assert.Equal(22, mark.Length));
        Assert.DoesNotContain("one", caller.ProofMarks);
        Assert.False(_verifier.IsRevoked(caller));
        Revoke(how switch
        {
            "token" => new(RevocationKind.Token, "", GatewayTokens.HashOf(token), Now, Now.AddHours(1), "", ""),
            "id" => new(RevocationKind.Id, ScriptedIssuer.Issuer, "one", Now, Now.AddHours(1), "", ""),
            _ => new(RevocationKind.Subject, ScriptedIssuer.Issuer, "alice", Now, Now.AddHours(1), "", ""),
        });
        Assert.True(_verifier.IsRevoked(caller));
        Assert.Equal(how == "subject", _verifier.IsRevoked(other));
        Assert.Equal(how != "subject", _verifier.IsRevoked([], Now, caller.ProofMarks));
        Assert.False(_verifier.IsRevoked([(ScriptedIssuer.Issuer, "bob")], Now, other.ProofMarks));
    }

    private DateTimeOffset Now => _issuer.Clock.GetUtcNow();

    private void Revoke(Revocation one) => _verifier.Revoke(new RevocationIndex(new RevocationListing(1, [one])));

    private JsonObject Claims(string subject, string id)
    {
        JsonObject claims = _issuer.Claims(subject);
        claims["jti"] = id;
        return claims;
    }

    private byte[] Token(string subject, string id) => ScriptedKey.First.Sign(Claims(subject, id));
}
