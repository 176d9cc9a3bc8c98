using Countersign.Identity.Inbound;
using Countersign.Policy;
using Xunit;

namespace Countersign.Identity.Tests.Inbound;

public sealed class KeyRotationTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task FiftyCallsAtOnceFetchTheKeysOnce()
    {
        // Proves single flight; by fifty verifications that start while the first answer is held back.
        TaskCompletionSource gate = new(TaskCreationOptions.RunContinuationsAsynchronously);
        ScriptedIssuer issuer = new(ScriptedKey.First) { Gate = gate.Task };
        await using CallerVerifier verifier = issuer.Verifier();
        byte[] token = ScriptedKey.First.Sign(issuer.Claims());
        Task<TokenVerification>[] calls =
            [.. Enumerable.Range(0, 50).Select(_ => verifier.VerifyAsync(token, Cancel).AsTask())];
        gate.SetResult();
        TokenVerification[] verified = await Task.WhenAll(calls);

        Assert.All(verified, one => Assert.True(one.IsValid));
        Assert.Single(verified.Select(one => one.Caller).Distinct());
        Assert.Equal(1, issuer.Fetches);
    }

    [Fact]
    public async Task AnUnknownKeyIsLookedForAtABoundedRate()
    {
        // Proves that a rotated key is picked up at once, and that made-up kids cost one fetch in 10 s; by counting
        // fetches.
        ScriptedIssuer issuer = new(ScriptedKey.First);
        await using CallerVerifier verifier = issuer.Verifier();
        Assert.True((await verifier.VerifyAsync(ScriptedKey.First.Sign(issuer.Claims()), Cancel)).IsValid);
        Assert.Equal(1, issuer.Fetches);

        issuer.Keys = [ScriptedKey.First, ScriptedKey.Second];
        Assert.True((await verifier.VerifyAsync(ScriptedKey.Second.Sign(issuer.Claims()), Cancel)).IsValid);
        Assert.Equal(2, issuer.Fetches);

        for (int index = 0; index < 20; index++)
        {
            string header = $$"""{"alg":"RS256","kid":"made-up-{{index}}"}""";
            byte[] token = ScriptedKey.First.Sign(header, issuer.Claims().ToJsonString());
            Assert.Equal(TokenStatus.Invalid, (await verifier.VerifyAsync(token, Cancel)).Status);
        }

        Assert.Equal(2, issuer.Fetches);
        issuer.Clock.Advance(TimeSpan.FromSeconds(10));
        for (int index = 0; index < 20; index++)
        {
            string header = $$"""{"alg":"RS256","kid":"made-up-{{index}}"}""";
            await verifier.VerifyAsync(ScriptedKey.First.Sign(header, issuer.Claims().ToJsonString()), Cancel);
        }

        Assert.Equal(3, issuer.Fetches);
    }

    [Fact]
    public async Task AWithdrawnKeyForgetsItsCallersAndAKeptOneDoesNot()
    {
        // Proves that a cached token dies with its key, and that others stay; by withdrawing one of two keys.
        ScriptedIssuer issuer = new(ScriptedKey.First, ScriptedKey.Second);
        await using CallerVerifier verifier = issuer.Verifier();
        byte[] kept = ScriptedKey.First.Sign(issuer.Claims());
        byte[] withdrawn = ScriptedKey.Second.Sign(issuer.Claims());
        Assert.True((await verifier.VerifyAsync(kept, Cancel)).IsValid);
        Assert.True((await verifier.VerifyAsync(withdrawn, Cancel)).IsValid);

        issuer.Keys = [ScriptedKey.First];
        await verifier.VerifyAsync(ScriptedKey.Curve.Sign(issuer.Claims()), Cancel);

        Assert.Equal(2, issuer.Fetches);
        Assert.Equal(TokenStatus.Valid, verifier.TryFind(kept, out _));
        Assert.Equal(TokenStatus.Unseen, verifier.TryFind(withdrawn, out Caller? caller));
        Assert.Null(caller);
        Assert.Equal(TokenStatus.Invalid, (await verifier.VerifyAsync(withdrawn, Cancel)).Status);
    }

    [Fact]
    public async Task KeysAreRefreshedInTheBackground()
    {
        // Proves a fetch at the start and one each 5 min, and that the second is used; by moving the clock and
        // counting.
        ScriptedIssuer issuer = new(ScriptedKey.First);
        await using CallerVerifier verifier = issuer.Verifier();
        await verifier.StartAsync(Cancel);
        await issuer.AskedAsync(Cancel);
        Assert.True((await verifier.VerifyAsync(ScriptedKey.First.Sign(issuer.Claims()), Cancel)).IsValid);
        Assert.Equal(1, issuer.Fetches);

        issuer.Keys = [ScriptedKey.Second];
        await issuer.Clock.WaitedOnAsync(TimeSpan.FromMinutes(5), Cancel);
        issuer.Clock.Advance(TimeSpan.FromMinutes(5));
        await issuer.AskedAsync(Cancel);
        await issuer.Clock.WaitedOnAsync(TimeSpan.FromMinutes(5), Cancel);
        Assert.True((await verifier.VerifyAsync(ScriptedKey.Second.Sign(issuer.Claims()), Cancel)).IsValid);
        Assert.Equal(2, issuer.Fetches);
    }

    [Fact]
    public async Task AFailedRefreshIsTriedAgainSooner()
    {
        // Proves that the background asks again after 10 s, not 5 min, when the issuer was away; by counting fetches.
        ScriptedIssuer issuer = new(ScriptedKey.First) { IsAway = true };
        await using CallerVerifier verifier = issuer.Verifier();
        await verifier.StartAsync(Cancel);
        await issuer.Clock.WaitedOnAsync(TimeSpan.FromSeconds(10), Cancel);
        Assert.Equal(1, issuer.Fetches);

        issuer.IsAway = false;
        issuer.Clock.Advance(TimeSpan.FromSeconds(10));
        await issuer.Clock.WaitedOnAsync(TimeSpan.FromMinutes(5), Cancel);
        Assert.True((await verifier.VerifyAsync(ScriptedKey.First.Sign(issuer.Claims()), Cancel)).IsValid);
        Assert.Equal(2, issuer.Fetches);
    }

    [Fact]
    public async Task AnIssuerThatIsAwayLeavesItsKeysUntilTheyAreTooOld()
    {
        // Proves that last good keys serve up to 24 h, cached and in full, and then neither; by moving the clock.
        ScriptedIssuer issuer = new(ScriptedKey.First);
        await using CallerVerifier verifier = issuer.Verifier();
        System.Text.Json.Nodes.JsonObject claims = issuer.Claims();
        claims["exp"] = issuer.Clock.GetUtcNow().AddDays(7).ToUnixTimeSeconds();
        byte[] cached = ScriptedKey.First.Sign(claims);
        Assert.True((await verifier.VerifyAsync(cached, Cancel)).IsValid);

        issuer.IsAway = true;
        issuer.Clock.Advance(TimeSpan.FromHours(24) - TimeSpan.FromMilliseconds(1));
        claims["sub"] = "bob";
        byte[] fresh = ScriptedKey.First.Sign(claims);
        Assert.True((await verifier.VerifyAsync(fresh, Cancel)).IsValid);
        byte[] unknown = ScriptedKey.Second.Sign(claims);
        Assert.Equal(TokenStatus.Invalid, (await verifier.VerifyAsync(unknown, Cancel)).Status);
        Assert.Equal(TokenStatus.Valid, verifier.TryFind(cached, out _));

        issuer.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(TokenStatus.Unseen, verifier.TryFind(cached, out _));
        Assert.Equal(TokenStatus.KeysUnavailable, (await verifier.VerifyAsync(cached, Cancel)).Status);

        issuer.IsAway = false;
        issuer.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True((await verifier.VerifyAsync(cached, Cancel)).IsValid);
        Assert.Equal(TokenStatus.Valid, verifier.TryFind(cached, out _));
    }

    [Fact]
    public async Task AnIssuerThatNeverAnsweredIsNotAskedByEveryCall()
    {
        // Proves one try a second while there are no keys, and recovery; by counting fetches of twenty calls.
        ScriptedIssuer issuer = new(ScriptedKey.First) { IsAway = true };
        await using CallerVerifier verifier = issuer.Verifier();
        byte[] token = ScriptedKey.First.Sign(issuer.Claims());
        for (int index = 0; index < 20; index++)
        {
            Assert.Equal(TokenStatus.KeysUnavailable, (await verifier.VerifyAsync(token, Cancel)).Status);
        }

        Assert.Equal(1, issuer.Fetches);
        issuer.IsAway = false;
        issuer.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True((await verifier.VerifyAsync(token, Cancel)).IsValid);
        Assert.Equal(2, issuer.Fetches);
    }

    [Fact]
    public async Task AnIssuerThatDoesNotAnswerInTimeIsGivenUp()
    {
        // Proves the 5 s limit of a fetch; by an answer that never comes and a clock that moves.
        TaskCompletionSource never = new();
        ScriptedIssuer issuer = new(ScriptedKey.First) { Gate = never.Task };
        await using CallerVerifier verifier = issuer.Verifier();
        Task<TokenVerification> call = verifier.VerifyAsync(ScriptedKey.First.Sign(issuer.Claims()), Cancel).AsTask();
        await issuer.AskedAsync(Cancel);
        issuer.Clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(TokenStatus.KeysUnavailable, (await call).Status);
    }

    [Theory]
    [InlineData("https://evil.test", "https://issuer.test/jwks")]
    [InlineData("https://issuer.test/", "https://issuer.test/jwks")]
    [InlineData("https://issuer.test", "http://issuer.test/jwks")]
    [InlineData("https://issuer.test", "file:///etc/passwd")]
    public async Task ADiscoveryDocumentThatLiesIsNotUsed(string discovered, string keysAddress)
    {
        // Proves that another issuer's document, or keys over plain http, are refused; by a provider that serves them.
        ScriptedIssuer issuer = new(ScriptedKey.First) { DiscoveredIssuer = discovered, KeysAddress = keysAddress };
        await using CallerVerifier verifier = issuer.Verifier();
        byte[] token = ScriptedKey.First.Sign(issuer.Claims());
        Assert.Equal(TokenStatus.KeysUnavailable, (await verifier.VerifyAsync(token, Cancel)).Status);
    }

    [Fact]
    public async Task ADocumentBeyondItsBoundIsNotUsed()
    {
        // Proves the bound on documents; by a limit smaller than the key set, though not than the discovery document.
        ScriptedIssuer issuer = new(ScriptedKey.First);
        await using CallerVerifier verifier = issuer.Verifier(limits: new() { DocumentBytesMax = 128 });
        byte[] token = ScriptedKey.First.Sign(issuer.Claims());
        Assert.Equal(TokenStatus.KeysUnavailable, (await verifier.VerifyAsync(token, Cancel)).Status);
    }
}
