using System.Text;
using System.Text.Json.Nodes;
using Countersign.Identity.Inbound;
using Countersign.Identity.Outbound;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Countersign.Policy.Revocations;
using Xunit;

namespace Countersign.Identity.Tests.Inbound;

/// <summary>The gateway's own tokens: given for two others, taken back, and nothing else taken for one.</summary>
public sealed class TokenExchangeTests : IAsyncDisposable
{
    private const string Own = "https://gateway.test";

    private readonly ScriptedIssuer _issuer = new(ScriptedKey.First);
    private readonly SigningKeys _keys = SigningKeys.Create();
    private readonly SigningKeyRing _ring;
    private readonly CallerVerifier _verifier;
    private readonly GatewayTokens _tokens;

    public TokenExchangeTests()
    {
        _verifier = _issuer.Verifier();
        _ring = SigningKeyRing.Of(_keys);
        _verifier.TakeOwnTokens(Own, _ring);
        _tokens = new GatewayTokens(() => Own, _ring, _issuer.Clock);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private DateTimeOffset Now => _issuer.Clock.GetUtcNow();

    public async ValueTask DisposeAsync()
    {
        await _verifier.DisposeAsync();
        _keys.Dispose();
        _issuer.Dispose();
    }

    [Fact]
    public async Task AnAgentActsInTheOpen()
    {
        // Proves the whole round: the new token proves the person, with the agent acting, both chains and all groups.
        byte[] token = await JoinAsync(Person(), Agent());
        TokenVerification verified = await _verifier.VerifyAsync(token, Cancel);
        Caller caller = verified.Caller!;
        Assert.Equal((ScriptedIssuer.Issuer, "alice"), (caller.Issuer, caller.Subject));
        Assert.Equal(CallerKind.Agent, caller.Kind);
        Assert.True(caller.IsDelegated);
        Assert.False(caller.IsPerson);
        Assert.Equal(["alice", "owner-olga"], caller.Chain.Order());
        Assert.Equal(["agents", "support"], caller.Groups.Order());
        JsonNode claims = Claims(token);
        Assert.Equal("robot", (string)claims["act"]!["sub"]!);
        Assert.Equal(ScriptedIssuer.Issuer, (string)claims["act"]!["iss"]!);
        Assert.True(verified.ExpiresAt <= Now + TimeSpan.FromMinutes(10));
    }

    [Fact]
    public async Task ATokenIsHandedOnAndOn()
    {
        // Proves nesting: the second agent acts, the first stays below it, and every owner is in the chain.
        byte[] first = await JoinAsync(Person(), Agent());
        byte[] second = await JoinAsync(first, Agent("second", "owner-omar"));
        JsonNode act = Claims(second)["act"]!;
        Assert.Equal("second", (string)act["sub"]!);
        Assert.Equal("robot", (string)act["act"]!["sub"]!);
        Caller caller = (await _verifier.VerifyAsync(second, Cancel)).Caller!;
        Assert.Equal(["alice", "owner-olga", "owner-omar"], caller.Chain.Order());
    }

    [Fact]
    public async Task AScopeHandsOverAll()
    {
        // Proves that nobody sheds a group that a rule or a separation speaks against: by one less, none, one too many.
        JsonObject claims = PersonClaims();
        claims["groups"] = new JsonArray("support", "finance");
        byte[] person = ScriptedKey.First.Sign(claims);
        byte[] token = await JoinAsync(person, Agent(), "finance support");
        Caller caller = (await _verifier.VerifyAsync(token, Cancel)).Caller!;
        Assert.Equal(["agents", "finance", "support"], caller.Groups.Order());
        foreach (string scope in (string[])["support", "", "support finance root"])
            Assert.Equal(TokenExchange.ScopeBecause, await RefusedAsync(person, Agent(), scope));
    }

    [Fact]
    public async Task TwoAgentsOfOnePersonAreTwoCallers()
    {
        // Proves that what one of them asks is not the other's call, nor the person's own.
        string[] digests =
        [
            DigestOf((await _verifier.VerifyAsync(Person(), Cancel)).Caller!),
            DigestOf((await _verifier.VerifyAsync(await JoinAsync(Person(), Agent()), Cancel)).Caller!),
            DigestOf((await _verifier.VerifyAsync(await JoinAsync(Person(), Agent("second")), Cancel)).Caller!),
        ];
        Assert.Equal(3, digests.Distinct().Count());
    }

    [Fact]
    public async Task WhoMayActIsHeldToBeyondOneExchange()
    {
        // Proves that may_act goes on with the new token, so that nobody else acts with that one either.
        JsonObject claims = PersonClaims();
        claims["may_act"] = JsonNode.Parse("""{"sub":"robot"}""");
        byte[] token = await JoinAsync(ScriptedKey.First.Sign(claims), Agent());
        string because = await RefusedAsync(token, Agent("second"));
        Assert.Equal("the subject_token names another who may act with it", because);
    }

    private static string DigestOf(Caller caller) => CallDigest.Compute(new CallParts
    {
        Caller = caller, FunctionId = "f", Method = "POST", Target = "/f"u8,
    });

    [Fact]
    public async Task WhoMayNotBeJoinedIsNot()
    {
        // Proves each refusal: an agent as the person, a person as the agent, an agent that acts for another already.
        Assert.Equal("the subject_token is not a person's", await RefusedAsync(Agent(), Agent()));
        Assert.Equal("the actor_token is not an agent's own", await RefusedAsync(Person(), Person()));
        byte[] delegated = await JoinAsync(Person(), Agent());
        Assert.Equal("the actor_token is not an agent's own", await RefusedAsync(Person(), delegated));
        JsonObject claims = PersonClaims();
        claims.Remove("kind");
        byte[] unstated = ScriptedKey.First.Sign(claims);
        Assert.Equal("the subject_token is not a person's", await RefusedAsync(unstated, Agent()));
    }

    [Theory]
    [InlineData("""{"sub":"robot"}""", true)]
    [InlineData("""{"sub":"robot","iss":"https://issuer.test"}""", true)]
    [InlineData("""{"sub":"robot","iss":"https://other.test"}""", false)]
    [InlineData("""{"sub":"another"}""", false)]
    [InlineData("\"robot\"", false)]
    public async Task APersonMaySayWhoMayAct(string mayAct, bool isJoined)
    {
        // Proves may_act (RFC 8693 section 4.4): named by the person's token, nobody else gets one.
        JsonObject claims = PersonClaims();
        claims["may_act"] = JsonNode.Parse(mayAct);
        byte[] person = ScriptedKey.First.Sign(claims);
        if (isJoined) await JoinAsync(person, Agent());
        else Assert.Equal("the subject_token names another who may act with it", await RefusedAsync(person, Agent()));
    }

    [Fact]
    public async Task ItEndsWithWhatItWasGivenFor()
    {
        // Proves that revoking the person's token, the agent's, or either of them by name ends the token of both.
        Func<byte[], byte[], Revocation>[] ends =
        [
            (person, _) => new(RevocationKind.Token, "", GatewayTokens.HashOf(person), Now, Now.AddDays(1), "", ""),
            (_, agent) => new(RevocationKind.Token, "", GatewayTokens.HashOf(agent), Now, Now.AddDays(1), "", ""),
            (_, _) => new(RevocationKind.Subject, ScriptedIssuer.Issuer, "alice", Now, Now.AddDays(1), "", ""),
            (_, _) => new(RevocationKind.Subject, ScriptedIssuer.Issuer, "robot", Now, Now.AddDays(1), "", ""),
        ];
        foreach (Func<byte[], byte[], Revocation> ending in ends)
        {
            // Exchanged a minute after they were issued: it is as old as they are.
            byte[] person = Person(), agent = Agent();
            Revocation end = ending(person, agent);
            _issuer.Clock.Advance(TimeSpan.FromMinutes(1));
            byte[] token = await JoinAsync(person, agent);
            Assert.True((await _verifier.VerifyAsync(token, Cancel)).IsValid);
            _verifier.Revoke(new RevocationIndex(new RevocationListing(1, [end])));
            Assert.Equal(TokenStatus.Revoked, (await _verifier.VerifyAsync(token, Cancel)).Status);
            _verifier.Revoke(RevocationIndex.Empty);
            await using CallerVerifier another = _issuer.Verifier();
            another.TakeOwnTokens(Own, _ring);
            another.Revoke(new RevocationIndex(new RevocationListing(1, [end])));
            Assert.Equal(TokenStatus.Revoked, (await another.VerifyAsync(token, Cancel)).Status);
        }
    }

    [Fact]
    public async Task ItEndsWithEverythingThatCameBeforeIt()
    {
        // Proves that of tokens that were handed on and on, each ends with every token that came before it: by value,
        // by jti, and by everybody whom one of them names; and that no others end.
        byte[] person = Person(), agent = Agent(), second = Agent("second"), third = Agent("third");
        byte[] one = await JoinAsync(person, agent);
        byte[] two = await JoinAsync(one, second), three = await JoinAsync(two, third);
        byte[] aside = await JoinAsync(Person(), Agent());
        Revocation[] ends =
        [
            ByValue(person), ById(person), ByValue(agent), ById(agent), ByValue(one), ById(one),
            BySubject("alice"), BySubject("robot"),
        ];
        foreach (Revocation end in ends)
        {
            foreach (byte[] token in (byte[][])[one, two, three])
                Assert.True(await IsEndedAsync(token, end), end.Key);
            Assert.Equal(end.Kind == RevocationKind.Subject, await IsEndedAsync(aside, end));
        }

        foreach (Revocation end in (Revocation[])[ByValue(second), ById(second), BySubject("second"), ById(two)])
        {
            Assert.False(await IsEndedAsync(one, end), end.Key);
            Assert.True(await IsEndedAsync(three, end), end.Key);
        }
    }

    [Fact]
    public async Task ItIsAsOldAsTheFirstOfThem()
    {
        // Proves that a gateway that had not heard of a revocation yet makes nothing that outlives it: what it gave,
        // and gave again for that, counts by the date of the person's token.
        byte[] person = Person();
        _issuer.Clock.Advance(TimeSpan.FromSeconds(10));
        Revocation end = BySubject("alice");
        _issuer.Clock.Advance(TimeSpan.FromSeconds(10));
        byte[] one = await JoinAsync(person, Agent());
        _issuer.Clock.Advance(TimeSpan.FromSeconds(10));
        byte[] two = await JoinAsync(one, Agent("second"));
        Assert.True(await IsEndedAsync(one, end));
        Assert.True(await IsEndedAsync(two, end));
    }

    [Fact]
    public async Task HandingOnHasAnEnd()
    {
        // Proves the bound: fifteen times, with a token that everybody still takes, and not once more.
        byte[] token = Person();
        for (int time = 1; time < ClaimMapping.ActorDepthMax; time++)
            token = await JoinAsync(token, Agent("agent-" + time, "owner-" + time));
        Assert.InRange(token.Length, 1, 8 * 1_024);
        Assert.True((await _verifier.VerifyAsync(token, Cancel)).IsValid);
        Assert.Equal("the subject_token was handed on too often", await RefusedAsync(token, Agent()));
    }

    [Fact]
    public async Task WhatAGatewayBeforeGaveIsStillRead()
    {
        // Proves that a token that names its two parents by their whole hashes ends with them.
        byte[] parent = Person();
        GatewayTokenTerms terms = new(
            new Caller(ScriptedIssuer.Issuer, "alice", CallerKind.Human, [], ["alice"]), Now.AddMinutes(5))
        {
            Ancestors = [GatewayTokens.HashOf(parent)],
            ProvenAt = Now.ToUnixTimeSeconds(),
        };
        byte[] token = Encoding.ASCII.GetBytes(_tokens.Write(terms)!.Text);
        Assert.True(await IsEndedAsync(token, ByValue(parent)));
        Assert.False(await IsEndedAsync(token, ByValue(Person())));
        byte[] unreadable = Encoding.ASCII.GetBytes(_tokens.Write(terms with { Ancestors = ["?"] })!.Text);
        Assert.Equal(TokenStatus.Invalid, (await _verifier.VerifyAsync(unreadable, Cancel)).Status);
    }

    private Revocation ByValue(byte[] token) =>
        new(RevocationKind.Token, "", GatewayTokens.HashOf(token), Now, Now.AddDays(1), "", "");

    private Revocation ById(byte[] token)
    {
        JsonNode claims = Claims(token);
        return new(RevocationKind.Id, (string)claims["iss"]!, (string)claims["jti"]!, Now, Now.AddDays(1), "", "");
    }

    private Revocation BySubject(string subject) =>
        new(RevocationKind.Subject, ScriptedIssuer.Issuer, subject, Now, Now.AddDays(1), "", "");

    // Where it was seen before and where it never was, and for whoever waits with it.
    private async Task<bool> IsEndedAsync(byte[] token, Revocation end)
    {
        RevocationIndex list = new(new RevocationListing(1, [end]));
        _verifier.Revoke(RevocationIndex.Empty);
        await using CallerVerifier seen = _issuer.Verifier(), unseen = _issuer.Verifier();
        seen.TakeOwnTokens(Own, _ring);
        unseen.TakeOwnTokens(Own, _ring);
        Caller waits = (await seen.VerifyAsync(token, Cancel)).Caller!;
        seen.Revoke(list);
        unseen.Revoke(list);
        TokenStatus cached = (await seen.VerifyAsync(token, Cancel)).Status;
        Assert.Equal(cached, (await unseen.VerifyAsync(token, Cancel)).Status);
        Assert.Equal(cached == TokenStatus.Revoked, seen.IsRevoked(waits));
        return cached == TokenStatus.Revoked;
    }

    [Fact]
    public async Task ALentCredentialIsNoToken()
    {
        // Proves that what upstreams are given, under the same key, proves nobody here, whatever its audience.
        CredentialIssuer lent = new(Own, _ring, _issuer.Clock);
        byte[] credential = new byte[2_048];
        int length = lent.Write(
            new LentTerms
            {
                Audience = Own,
                Function = "billing.reset",
                Caller = new Caller("i", "alice", CallerKind.Human, [], ["alice"]),
                Call = Guid.Empty,
                TimeToLive = TimeSpan.FromSeconds(30),
            },
            credential);
        TokenVerification verified = await _verifier.VerifyAsync(credential.AsMemory(0, length), Cancel);
        Assert.Equal(TokenStatus.Invalid, verified.Status);
        Assert.Equal("the typ is not JWT or at+jwt", verified.Because);
    }

    [Fact]
    public async Task KeysAreExchangedUnderRunningTokens()
    {
        // Proves that a token of a key that is still published is good, and that none outlives its key, cached or not.
        byte[] token = await JoinAsync(Person(), Agent());
        Assert.True((await _verifier.VerifyAsync(token, Cancel)).IsValid);
        using SigningKeys next = SigningKeys.Create();
        DatedSigningKeys later = new(next, DateTimeOffset.UnixEpoch), earlier = new(_keys, DateTimeOffset.UnixEpoch);
        _ring.Swap(new SigningKeySet(2, [earlier, later]));
        Assert.Equal(TokenStatus.Valid, _verifier.TryFind(token, out _));
        _ring.Swap(new SigningKeySet(3, [later]));
        Assert.Equal(TokenStatus.Unseen, _verifier.TryFind(token, out _));
        Assert.Equal(TokenStatus.Invalid, (await _verifier.VerifyAsync(token, Cancel)).Status);
    }

    [Fact]
    public async Task AnotherGatewaysTokenIsNone()
    {
        // Proves that a token of the right form under a stranger's key, or for another gateway, proves nobody.
        using SigningKeys strange = SigningKeys.Create();
        GatewayTokenTerms terms = new(
            new Caller(ScriptedIssuer.Issuer, "alice", CallerKind.Human, [], ["alice"]), Now.AddMinutes(5));
        string forged = new GatewayTokens(() => Own, SigningKeyRing.Of(strange), _issuer.Clock).Write(terms)!.Text;
        string other = new GatewayTokens(() => "https://other.test", _ring, _issuer.Clock).Write(terms)!.Text;
        Assert.Equal(TokenStatus.Invalid, (await VerifyAsync(forged)).Status);
        Assert.Equal(TokenStatus.UnknownIssuer, (await VerifyAsync(other)).Status);
        Assert.True((await VerifyAsync(_tokens.Write(terms)!.Text)).IsValid);
    }

    private ValueTask<TokenVerification> VerifyAsync(string token) =>
        _verifier.VerifyAsync(Encoding.ASCII.GetBytes(token), Cancel);

    private async Task<byte[]> JoinAsync(byte[] subject, byte[] actor, string? scope = null)
    {
        ExchangeOutcome joined = TokenExchange.Join(
            await ProvenAsync(subject), await ProvenAsync(actor), scope, Now.AddMinutes(15));
        Assert.Equal("", joined.Because);
        return Encoding.ASCII.GetBytes(_tokens.Write(joined.Terms!)!.Text);
    }

    private async Task<string> RefusedAsync(byte[] subject, byte[] actor, string? scope = null)
    {
        ExchangeOutcome joined = TokenExchange.Join(
            await ProvenAsync(subject), await ProvenAsync(actor), scope, Now.AddMinutes(15));
        Assert.Null(joined.Terms);
        return joined.Because;
    }

    private async Task<ExchangedToken> ProvenAsync(byte[] token)
    {
        TokenVerification verified = await _verifier.VerifyAsync(token, Cancel);
        Assert.True(verified.IsValid, verified.Because);
        return new ExchangedToken(token, verified.Caller!, verified.ExpiresAt);
    }

    private JsonObject PersonClaims()
    {
        JsonObject claims = _issuer.Claims();
        claims["jti"] = Guid.NewGuid().ToString();
        return claims;
    }

    private byte[] Person() => ScriptedKey.First.Sign(PersonClaims());

    private byte[] Agent(string name = "robot", string owner = "owner-olga")
    {
        JsonObject claims = _issuer.Claims(name);
        claims["kind"] = "agent";
        claims["groups"] = new JsonArray("agents");
        claims["owner"] = owner;
        claims["jti"] = Guid.NewGuid().ToString();
        return ScriptedKey.First.Sign(claims);
    }

    private static JsonNode Claims(byte[] token)
    {
        string part = Encoding.ASCII.GetString(token).Split('.')[1];
        return JsonNode.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(part))!;
    }
}
