using System.Text.Json.Nodes;
using Countersign.Identity.Inbound;
using Countersign.Policy;
using Xunit;

namespace Countersign.Identity.Tests.Inbound;

public sealed class CallerVerifierTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AGoodTokenNamesItsCallerAndIsThenFoundInTheCache()
    {
        // Proves the whole way: unseen, verified in full, then found; by object identity of the caller.
        ScriptedIssuer issuer = new(ScriptedKey.First);
        await using CallerVerifier verifier = issuer.Verifier();
        byte[] token = ScriptedKey.First.Sign(issuer.Claims());
        Assert.Equal(TokenStatus.Unseen, verifier.TryFind(token, out Caller? nobody));
        Assert.Null(nobody);

        TokenVerification verified = await verifier.VerifyAsync(token, Cancel);

        Assert.True(verified.IsValid);
        Assert.Equal("", verified.Because);
        Assert.Equal("alice", verified.Caller!.Subject);
        Assert.Equal(ScriptedIssuer.Issuer, verified.Caller.Issuer);
        Assert.Equal(CallerKind.Human, verified.Caller.Kind);
        Assert.Equal(["support"], verified.Caller.Groups);
        Assert.Equal(["alice"], verified.Caller.Chain);
        Assert.Equal(TokenStatus.Valid, verifier.TryFind(token, out Caller? found));
        Assert.Same(verified.Caller, found);
        Assert.Same(verified.Caller, (await verifier.VerifyAsync(token, Cancel)).Caller);
    }

    [Theory]
    [InlineData("RS256")]
    [InlineData("PS256")]
    [InlineData("ES256")]
    public async Task EachFamilyOfAlgorithmsVerifies(string algorithm)
    {
        // Proves that RSA with both paddings, and ECDSA, are accepted; by one good token each.
        ScriptedKey key = algorithm == "ES256" ? ScriptedKey.Curve : ScriptedKey.First;
        ScriptedIssuer issuer = new(key);
        await using CallerVerifier verifier = issuer.Verifier();
        byte[] token = key.Sign(key.Header(algorithm), issuer.Claims().ToJsonString());
        Assert.Equal(TokenStatus.Valid, (await verifier.VerifyAsync(token, Cancel)).Status);
    }

    [Theory]
    [InlineData("""{"alg":"RS256","kid":"first"}""")]
    [InlineData("""{"alg":"RS256","kid":"first","typ":"at+jwt"}""")]
    [InlineData("""{"alg":"RS256","kid":"first","typ":"application/AT+JWT"}""")]
    [InlineData("""{"alg":"RS256","typ":"jwt"}""")]
    public async Task TheUsualHeadersAreAccepted(string header)
    {
        // Proves that typ may be absent, JWT or at+jwt in any case, and kid absent; by one good token each.
        ScriptedIssuer issuer = new(ScriptedKey.First, ScriptedKey.Second);
        await using CallerVerifier verifier = issuer.Verifier();
        byte[] token = ScriptedKey.First.Sign(header, issuer.Claims().ToJsonString());
        Assert.Equal(TokenStatus.Valid, (await verifier.VerifyAsync(token, Cancel)).Status);
    }

    [Fact]
    public async Task TheCacheNeverServesPastExpiry()
    {
        // Proves that a cached token is Valid a tick before exp and Expired at it, as the full check says; by moving
        // the clock.
        ScriptedIssuer issuer = new(ScriptedKey.First);
        await using CallerVerifier verifier = issuer.Verifier();
        byte[] token = ScriptedKey.First.Sign(issuer.Claims());
        await verifier.VerifyAsync(token, Cancel);

        issuer.Clock.Advance(TimeSpan.FromSeconds(600) - TimeSpan.FromMilliseconds(1));
        Assert.Equal(TokenStatus.Valid, verifier.TryFind(token, out _));

        issuer.Clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(TokenStatus.Expired, verifier.TryFind(token, out Caller? caller));
        Assert.Null(caller);
        Assert.Equal(TokenStatus.Expired, (await verifier.VerifyAsync(token, Cancel)).Status);
    }

    [Fact]
    public async Task ARememberedTokenIsJudgedAsOneThatIsNot()
    {
        // Proves that what is known by its bytes answers for its very token only, for another one by what the cache
        // says, never past expiry, and that one whose bytes were forgotten is found by its SHA-256.
        ScriptedIssuer issuer = new(ScriptedKey.First);
        await using CallerVerifier verifier = issuer.Verifier();
        byte[] token = ScriptedKey.First.Sign(issuer.Claims()), other = ScriptedKey.First.Sign(issuer.Claims("bob"));
        byte[] forged = [.. token];
        forged[^1] ^= 1;
        Assert.Equal(TokenStatus.Unseen, verifier.TryFind(token, out _));
        await verifier.VerifyAsync(token, Cancel);
        Assert.Equal(TokenStatus.Valid, verifier.TryFind(token, out Caller? first));
        Assert.Equal(TokenStatus.Valid, verifier.TryFind(token, out Caller? again));
        Assert.Same(first, again);
        Assert.Equal(TokenStatus.Unseen, verifier.TryFind(forged, out Caller? nobody));
        Assert.Null(nobody);
        Assert.Equal(TokenStatus.Unseen, verifier.TryFind(token.AsSpan(1), out _));
        await verifier.VerifyAsync(other, Cancel);
        Assert.Equal(TokenStatus.Valid, verifier.TryFind(other, out Caller? bob));
        Assert.NotSame(first, bob);
        verifier.ForgetSeen();
        verifier.ForgetSeen();
        Assert.Equal(TokenStatus.Valid, verifier.TryFind(token, out _));
        issuer.Clock.Advance(TimeSpan.FromSeconds(600));
        Assert.Equal(TokenStatus.Expired, verifier.TryFind(token, out _));
    }

    [Fact]
    public void EveryByteIsToldApart()
    {
        // Proves the comparison at every length around a vector's and every place: the same bytes are the token, one
        // bit elsewhere, one byte less or more is not.
        for (int length = 1; length <= 140; length++)
        {
            byte[] token = [.. Enumerable.Range(0, length).Select(place => (byte)(place * 7))];
            byte[] held = [.. token];
            Assert.True(SeenTokens.AreSame(held, token));
            Assert.False(SeenTokens.AreSame(held, token.AsSpan(1)));
            Assert.False(SeenTokens.AreSame(held, [.. token, 0]));
            for (int place = 0; place < length; place++)
            {
                token[place] ^= 0x80;
                Assert.False(SeenTokens.AreSame(held, token));
                token[place] ^= 0x80;
            }
        }
    }

    [Fact]
    public async Task ACacheHitAllocatesNothing()
    {
        // Proves 0 bytes for found and for unseen tokens; by the thread's own allocation counter over a thousand
        // look-ups.
        ScriptedIssuer issuer = new(ScriptedKey.First);
        await using CallerVerifier verifier = issuer.Verifier();
        byte[] token = ScriptedKey.First.Sign(issuer.Claims());
        byte[] other = ScriptedKey.First.Sign(issuer.Claims("bob"));
        await verifier.VerifyAsync(token, Cancel);
        Assert.Equal(0, AllocatedBy(verifier, token, other));
    }

    [Fact]
    public async Task DamageAnywhereIsRefused()
    {
        // Proves that no character of a token is idle; by changing each to its neighbour in turn, cached original or
        // not.
        ScriptedIssuer issuer = new(ScriptedKey.Curve);
        await using CallerVerifier verifier = issuer.Verifier();
        byte[] token = ScriptedKey.Curve.Sign(issuer.Claims());
        Assert.True((await verifier.VerifyAsync(token, Cancel)).IsValid);
        for (int index = 0; index < token.Length; index++)
        {
            byte[] damaged = [.. token];
            damaged[index] = damaged[index] == (byte)'A' ? (byte)'B' : (byte)'A';
            Assert.False((await verifier.VerifyAsync(damaged, Cancel)).IsValid, $"index {index}");
            Assert.Equal(TokenStatus.Unseen, verifier.TryFind(damaged, out _));
        }
    }

    [Fact]
    public async Task ATokenIsJudgedByTheRulesOfItsOwnIssuer()
    {
        // Proves that a key of one issuer does not verify tokens that name another; by two issuers with one key each.
        ScriptedIssuer issuer = new(ScriptedKey.First);
        string path = Path.Combine(AppContext.BaseDirectory, Guid.NewGuid() + ".pem");
        await File.WriteAllTextAsync(path, ScriptedKey.Second.Rsa.ExportSubjectPublicKeyInfoPem(), Cancel);
        IssuerOptions other = new() { Issuer = "https://other.test", Audiences = ["gateway"], KeysFile = path };
        await using CallerVerifier verifier = new(
            [ScriptedIssuer.Options, other], null, new HttpMessageInvoker(issuer), issuer.Clock,
            Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        JsonObject claims = issuer.Claims();
        claims["iss"] = "https://other.test";
        byte[] own = ScriptedKey.Second.Sign("""{"alg":"RS256"}""", claims.ToJsonString());
        byte[] borrowed = ScriptedKey.First.Sign("""{"alg":"RS256"}""", claims.ToJsonString());

        Assert.True((await verifier.VerifyAsync(own, Cancel)).IsValid);
        Assert.False((await verifier.VerifyAsync(borrowed, Cancel)).IsValid);
        Assert.False((await verifier.VerifyAsync(ScriptedKey.Second.Sign(issuer.Claims()), Cancel)).IsValid);
        File.Delete(path);
    }

    [Fact]
    public async Task AWaitCanBeGivenUpWithoutEndingTheFetch()
    {
        // Proves that a cancelled caller leaves, and that the fetch it waited for still serves the next; by a held
        // answer.
        TaskCompletionSource gate = new(TaskCreationOptions.RunContinuationsAsynchronously);
        ScriptedIssuer issuer = new(ScriptedKey.First) { Gate = gate.Task };
        await using CallerVerifier verifier = issuer.Verifier();
        byte[] token = ScriptedKey.First.Sign(issuer.Claims());
        using CancellationTokenSource gone = new();
        Task<TokenVerification> waiting = verifier.VerifyAsync(token, gone.Token).AsTask();
        await issuer.AskedAsync(Cancel);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);

        gate.SetResult();
        Assert.True((await verifier.VerifyAsync(token, Cancel)).IsValid);
        Assert.Equal(1, issuer.Fetches);
    }

    private static long AllocatedBy(CallerVerifier verifier, byte[] token, byte[] other)
    {
        for (int warm = 0; warm < 1000; warm++)
        {
            verifier.TryFind(token, out Caller? _);
            verifier.TryFind(other, out Caller? _);
        }

        // A collection meanwhile counts what was left of the thread's buffer: the least of some tries is its own.
        long least = long.MaxValue;
        for (int attempt = 0; attempt < 5 && least > 0; attempt++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int round = 0; round < 1000; round++)
            {
                verifier.TryFind(token, out Caller? _);
                verifier.TryFind(other, out Caller? _);
            }

            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }
}
