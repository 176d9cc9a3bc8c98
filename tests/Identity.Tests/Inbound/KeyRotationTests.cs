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

    [Fact]
    public async Task TwoIssuersWithTheSameKeyIdDoNotMeet()
    {
        // Proves that keys are scoped to their issuer: of two with the same kid each verifies its own tokens alone, and
        // neither's key vouches under the other's name.
        using ScriptedIssuer first = new(ScriptedKey.First);
        using ScriptedIssuer second = new(new ScriptedKey("first", ScriptedKey.Second.Rsa))
        {
            DiscoveredIssuer = "https://second.test",
            KeysAddress = "https://second.test/jwks",
        };
        IssuerOptions other = ScriptedIssuer.Options with { Issuer = "https://second.test" };
        await using CallerVerifier verifier = new(
            [ScriptedIssuer.Options, other], null, new HttpMessageInvoker(new ByHost(first, second)), first.Clock,
            Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        foreach ((ScriptedIssuer issuer, string name, ScriptedKey key) in new[]
        {
            (first, ScriptedIssuer.Issuer, ScriptedKey.First), (second, "https://second.test", second.Keys[0]),
        })
        {
            System.Text.Json.Nodes.JsonObject claims = issuer.Claims();
            claims["iss"] = name;
            TokenVerification good = await verifier.VerifyAsync(key.Sign(claims), Cancel);
            Assert.Equal(name, good.Caller?.Issuer);
            claims["iss"] = name == ScriptedIssuer.Issuer ? "https://second.test" : ScriptedIssuer.Issuer;
            Assert.Equal(TokenStatus.Invalid, (await verifier.VerifyAsync(key.Sign(claims), Cancel)).Status);
        }
    }

    [Fact]
    public async Task KeysRotateWhileCallsRun()
    {
        // A soak: eight callers verify without end while keys come, overlap with the one before, and go. No token whose
        // key is published fails, and none whose key is gone passes, though it was verified a moment ago.
        ScriptedKey[] keys = [ScriptedKey.First, ScriptedKey.Second, ScriptedKey.Curve];
        ScriptedIssuer issuer = new(ScriptedKey.First);
        await using CallerVerifier verifier = issuer.Verifier(limits: new() { UnknownKeyCooldown = TimeSpan.Zero });
        byte[][] tokens = [.. keys.Select(key => key.Sign(issuer.Claims()))];
        byte[] published = tokens[0];
        long[] turns = new long[8];
        using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        Task[] callers = [.. Enumerable.Range(0, turns.Length).Select(caller => Task.Run(async () =>
        {
            while (!over.IsCancellationRequested)
            {
                byte[] token = Volatile.Read(ref published);
                bool isKnown = verifier.TryFind(token, out _) == TokenStatus.Valid;
                if (!isKnown) Assert.Equal("", (await verifier.VerifyAsync(token, Cancel)).Because);
                Interlocked.Increment(ref turns[caller]);
                await Task.Yield(); // the pool has few threads, and the fetch needs one
            }
        }, Cancel))];
        for (int round = 1; round <= 60; round++)
        {
            int next = round % 3, last = (round + 2) % 3, gone = (round + 1) % 3;
            issuer.Keys = [keys[last], keys[next]];
            await verifier.VerifyAsync(Unknown(issuer, round), Cancel); // fetched at once
            Assert.True((await verifier.VerifyAsync(tokens[next], Cancel)).IsValid);
            if (round > 1) Assert.Equal(TokenStatus.Invalid, (await verifier.VerifyAsync(tokens[gone], Cancel)).Status);
            Volatile.Write(ref published, tokens[next]);
            long[] before = [.. turns.Select((_, caller) => Interlocked.Read(ref turns[caller]))];

            // Two turns on: nobody still holds the token before.
            for (int caller = 0; caller < turns.Length; caller++)
            {
                while (Interlocked.Read(ref turns[caller]) < before[caller] + 2 && !callers[caller].IsCompleted)
                    await Task.Yield();
            }
        }

        await over.CancelAsync();
        await Task.WhenAll(callers);
    }

    private static byte[] Unknown(ScriptedIssuer issuer, int round) => ScriptedKey.First.Sign(
        $$"""{"alg":"RS256","kid":"made-up-{{round}}"}""", issuer.Claims().ToJsonString());

    /// <summary>Sends each request to the issuer of its host.</summary>
    private sealed class ByHost(ScriptedIssuer first, ScriptedIssuer second) : HttpMessageHandler
    {
        private readonly HttpMessageInvoker _first = new(first), _second = new(second);

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancel) =>
            (request.RequestUri!.Host == "second.test" ? _second : _first).SendAsync(request, cancel);
    }
}
