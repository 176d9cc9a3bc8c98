using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Countersign.Identity.Inbound;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Countersign.Identity.Tests.Inbound;

/// <summary>Opaque tokens: their issuer is asked (RFC 7662), and in doubt they prove nobody.</summary>
public sealed class IntrospectionTests : IAsyncDisposable
{
    private static readonly byte[] Token = Encoding.ASCII.GetBytes("opaque-7f3a9c");

    private readonly ScriptedClock _clock = new();
    private readonly AskedIssuer _issuer = new();
    private CallerVerifier? _verifier;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        if (_verifier is not null) await _verifier.DisposeAsync();
        _issuer.Dispose();
    }

    [Fact]
    public async Task AnActiveTokenProvesItsCallerAndIsAskedForNowAndThen()
    {
        // Proves the mapping, that the secret and the token are sent as the RFC says, and that an answer holds 30 s.
        CallerVerifier verifier = Verifier();
        TokenVerification verified = await verifier.VerifyAsync(Token, Cancel);
        Assert.True(verified.IsValid, verified.Because);
        Assert.Equal("alice", verified.Caller!.Subject);
        Assert.Equal(["support"], verified.Caller.Groups);
        Assert.Equal("token=opaque-7f3a9c&token_type_hint=access_token", _issuer.LastBody);
        Assert.Equal("Basic " + Convert.ToBase64String("gate%20way:s%3Acret"u8), _issuer.LastAuthorization);
        Assert.Equal(TokenStatus.Valid, verifier.TryFind(Token, out _));
        Assert.True((await verifier.VerifyAsync(Token, Cancel)).IsValid);
        Assert.Equal(1, _issuer.Questions);

        _clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(TokenStatus.Unseen, verifier.TryFind(Token, out _));
        _issuer.Answer["active"] = false;
        Assert.Equal(TokenStatus.Invalid, (await verifier.VerifyAsync(Token, Cancel)).Status);
        Assert.Equal(2, _issuer.Questions);
    }

    [Fact]
    public async Task WhatIsNotActiveIsNotAskedForByEveryCall()
    {
        // Proves that a refused token costs one question in 5 s.
        _issuer.Answer = new JsonObject { ["active"] = false };
        CallerVerifier verifier = Verifier();
        for (int index = 0; index < 10; index++)
            Assert.Equal(TokenStatus.Invalid, (await verifier.VerifyAsync(Token, Cancel)).Status);
        Assert.Equal(1, _issuer.Questions);
        _clock.Advance(TimeSpan.FromSeconds(5));
        await verifier.VerifyAsync(Token, Cancel);
        Assert.Equal(2, _issuer.Questions);
    }

    [Fact]
    public async Task FiftyCallsAtOnceAskOnce()
    {
        // Proves single flight for one token; by fifty verifications while the answer is held back.
        TaskCompletionSource gate = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _issuer.Gate = gate.Task;
        CallerVerifier verifier = Verifier();
        Task<TokenVerification>[] calls =
            [.. Enumerable.Range(0, 50).Select(_ => verifier.VerifyAsync(Token, Cancel).AsTask())];
        gate.SetResult();
        Assert.All(await Task.WhenAll(calls), one => Assert.True(one.IsValid));
        Assert.Equal(1, _issuer.Questions);
    }

    [Theory]
    [InlineData("""{"active":"true"}""", TokenStatus.Invalid)]
    [InlineData("""{"active":1}""", TokenStatus.Invalid)]
    [InlineData("{}", TokenStatus.KeysUnavailable)]
    [InlineData("[]", TokenStatus.KeysUnavailable)]
    [InlineData("active", TokenStatus.KeysUnavailable)]
    [InlineData("""{"active":false,"active":true}""", TokenStatus.KeysUnavailable)]
    public async Task AnAnswerThatIsNoneFailsClosed(string answer, TokenStatus status)
    {
        // Proves that only true is true, and that what cannot be read in one way proves nobody.
        _issuer.Raw = answer;
        Assert.Equal(status, (await Verifier().VerifyAsync(Token, Cancel)).Status);
    }

    [Theory]
    [InlineData("iss", "\"https://evil.test\"", TokenStatus.Invalid)]
    [InlineData("aud", "\"other\"", TokenStatus.Invalid)]
    [InlineData("aud", null, TokenStatus.Invalid)]
    [InlineData("sub", null, TokenStatus.Invalid)]
    [InlineData("exp", null, TokenStatus.Invalid)]
    [InlineData("exp", "1", TokenStatus.Expired)]
    [InlineData("nbf", "99999999999", TokenStatus.NotYetValid)]
    [InlineData("cnf", "{\"x5t\":\"x\"}", TokenStatus.Invalid)]
    [InlineData("token_type", "\"DPoP\"", TokenStatus.Invalid)]
    [InlineData("token_type", "\"dpop\"", TokenStatus.Invalid)]
    [InlineData("token_type", "\"Bearer\"", TokenStatus.Valid)]
    [InlineData("kind", "\"robot\"", TokenStatus.Invalid)]
    public async Task AnAnswerIsHeldToTheRulesOfEveryToken(string claim, string? json, TokenStatus status)
    {
        // Proves each rule about what an active token must say.
        _issuer.Answer.Remove(claim);
        if (json is not null) _issuer.Answer[claim] = JsonNode.Parse(json);
        Assert.Equal(status, (await Verifier().VerifyAsync(Token, Cancel)).Status);
    }

    [Theory]
    [InlineData(HttpStatusCode.InternalServerError)]
    [InlineData(HttpStatusCode.Unauthorized)]
    [InlineData(HttpStatusCode.Found)]
    public async Task AnIssuerThatDoesNotAnswerProvesNobody(HttpStatusCode status)
    {
        // Proves that it fails closed, and that the next call asks again.
        _issuer.Status = status;
        CallerVerifier verifier = Verifier();
        Assert.Equal(TokenStatus.KeysUnavailable, (await verifier.VerifyAsync(Token, Cancel)).Status);
        _issuer.Status = HttpStatusCode.OK;
        Assert.True((await verifier.VerifyAsync(Token, Cancel)).IsValid);
    }

    [Fact]
    public async Task AnIssuerIsAskedOfItsOwnTokensAlone()
    {
        // Proves that a token without the prefix, or that could not be one, is shown to nobody; nor is a JWT.
        CallerVerifier verifier = Verifier("opaque-");
        foreach (string text in (string[])["other-7f3a9c", "opaque-", "opaque-a b", "opaque-\u00e9", "a.b.c"])
        {
            Assert.Equal(
                TokenStatus.Malformed, (await verifier.VerifyAsync(Encoding.UTF8.GetBytes(text), Cancel)).Status);
        }

        Assert.Equal(0, _issuer.Questions);
        Assert.True((await verifier.VerifyAsync(Token, Cancel)).IsValid);
    }

    [Fact]
    public void TwoIssuersNeedPrefixesApart()
    {
        // Proves that no configuration shows one issuer's tokens to another.
        IssuerOptions one = Options(""), other = Options("gl-") with { Issuer = "https://second.test" };
        Assert.Single(IssuerOptions.Check([one, other]));
        Assert.Empty(IssuerOptions.Check([Options("op-"), other]));
    }

    private CallerVerifier Verifier(string prefix = "") => _verifier = new CallerVerifier(
        [Options(prefix)], null, new HttpMessageInvoker(_issuer), _clock, NullLogger.Instance);

    private static IssuerOptions Options(string prefix) => ScriptedIssuer.Options with
    {
        Introspection = new IntrospectionOptions
        {
            Endpoint = "https://issuer.test/introspect",
            ClientId = "gate way",
            ClientSecret = "s:cret"u8.ToArray(),
            TokenPrefix = prefix,
        },
    };

    private sealed class AskedIssuer : HttpMessageHandler
    {
        private int _questions;

        public JsonObject Answer { get; set; } = new()
        {
            ["active"] = true,
            ["iss"] = ScriptedIssuer.Issuer,
            ["aud"] = ScriptedIssuer.Audience,
            ["sub"] = "alice",
            ["kind"] = "human",
            ["groups"] = new JsonArray("support"),
            ["exp"] = 1_900_000_000,
        };

        public string? Raw { get; set; }

        public HttpStatusCode Status { get; set; } = HttpStatusCode.OK;

        public Task? Gate { get; set; }

        public string LastBody { get; private set; } = "";

        public string LastAuthorization { get; private set; } = "";

        public int Questions => Volatile.Read(ref _questions);

        protected override async Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request, CancellationToken cancel)
        {
            Interlocked.Increment(ref _questions);
            LastBody = await request.Content!.ReadAsStringAsync(cancel);
            LastAuthorization = request.Headers.Authorization!.ToString();
            if (Gate is not null) await Gate.WaitAsync(cancel);
            return new HttpResponseMessage(Status) { Content = new StringContent(Raw ?? Answer.ToJsonString()) };
        }
    }
}
