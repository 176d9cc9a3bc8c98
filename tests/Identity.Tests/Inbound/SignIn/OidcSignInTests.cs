using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using System.Web;
using Countersign.Identity.Inbound;
using Countersign.Identity.Inbound.SignIn;
using Countersign.Policy;
using Xunit;

namespace Countersign.Identity.Tests.Inbound.SignIn;

public sealed class OidcSignInTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task SomebodyIsSentAwayAndComesBackKnown()
    {
        // Proves the whole flow: the address asks for a code with PKCE, state and nonce that are new each time, the
        // code is redeemed with the verifier of that challenge, and the caller is the ID token's.
        ScriptedProvider provider = new();
        await using OidcSignIn signIn = provider.SignIn("s3 cret");
        SignInStart start = (await signIn.BeginAsync(0, ScriptedProvider.RedirectUri, Cancel))!;
        var query = HttpUtility.ParseQueryString(start.Address.Query);
        Assert.Equal("https://issuer.test/authorize", start.Address.GetLeftPart(UriPartial.Path));
        Assert.Equal("code", query["response_type"]);
        Assert.Equal("S256", query["code_challenge_method"]);
        Assert.Equal("openid", query["scope"]);
        Assert.Equal(ScriptedProvider.RedirectUri, query["redirect_uri"]);
        Assert.Equal(start.Attempt.State, query["state"]);
        Assert.Equal(start.Attempt.Nonce, query["nonce"]);
        byte[] verifier = Encoding.ASCII.GetBytes(start.Attempt.Verifier);
        Assert.Equal(Base64Url.EncodeToString(SHA256.HashData(verifier)), query["code_challenge"]);
        SignInStart next = (await signIn.BeginAsync(0, ScriptedProvider.RedirectUri, Cancel))!;
        Assert.Empty(new[] { start.Attempt.State, start.Attempt.Nonce, start.Attempt.Verifier }
            .Intersect([next.Attempt.State, next.Attempt.Nonce, next.Attempt.Verifier]));

        provider.Give(ScriptedKey.First.Sign(provider.Claims(start.Attempt)));
        SignInResult result = await FinishAsync(signIn, start.Attempt);
        Assert.Equal("", result.Because);
        Assert.Equal(("carol", CallerKind.Human), (result.Caller!.Subject, result.Caller.Kind));
        Assert.Equal(["finance"], result.Caller.Groups);
        (string form, string authorization) = Assert.Single(provider.Redeemed);
        Assert.Equal(
            "Basic " + Convert.ToBase64String(Encoding.ASCII.GetBytes("console:s3%20cret")), authorization);
        var sent = HttpUtility.ParseQueryString(form);
        Assert.Equal("authorization_code", sent["grant_type"]);
        Assert.Equal("the-code", sent["code"]);
        Assert.Equal(start.Attempt.Verifier, sent["code_verifier"]);
        Assert.Equal(ScriptedProvider.RedirectUri, sent["redirect_uri"]);
        Assert.Null(sent["client_secret"]);
    }

    [Theory]
    [InlineData("nonce", "another", "was not made for this sign-in")]
    [InlineData("nonce", null, "was not made for this sign-in")]
    [InlineData("aud", "gateway", "not for this audience")]
    [InlineData("aud", "other-client", "not for this audience")]
    [InlineData("iss", "https://other.test", "issuer is not known")]
    [InlineData("azp", "other-client", "another client")]
    [InlineData("exp", 1, "has expired")]
    [InlineData("sub", null, "the sub is missing")]
    public async Task AnIdTokenThatIsNotOursIsRefused(string claim, object? value, string because)
    {
        // Proves each check of the ID token (OpenID Connect Core 3.1.3.7) by breaking one claim at a time.
        ScriptedProvider provider = new();
        await using OidcSignIn signIn = provider.SignIn();
        SignInStart start = (await signIn.BeginAsync(0, ScriptedProvider.RedirectUri, Cancel))!;
        JsonObject claims = provider.Claims(start.Attempt);
        claims.Remove(claim);
        if (value is string text) claims[claim] = text;
        else if (value is int number) claims[claim] = number;
        provider.Give(ScriptedKey.First.Sign(claims));
        SignInResult result = await FinishAsync(signIn, start.Attempt);
        Assert.Null(result.Caller);
        Assert.Contains(because, result.Because, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnAccessTokenAndAnothersSignatureAreRefused()
    {
        // Proves that a token of another kind, another key's, and one for several audiences without azp sign nobody in.
        ScriptedProvider provider = new();
        await using OidcSignIn signIn = provider.SignIn();
        SignInStart start = (await signIn.BeginAsync(0, ScriptedProvider.RedirectUri, Cancel))!;
        string claims = provider.Claims(start.Attempt).ToJsonString();
        string header = ScriptedKey.First.Header().Replace("\"JWT\"", "\"at+jwt\"", StringComparison.Ordinal);
        provider.Give(ScriptedKey.First.Sign(header, claims));
        Assert.Contains("access token", (await FinishAsync(signIn, start.Attempt)).Because, StringComparison.Ordinal);
        provider.Give(ScriptedKey.Second.Sign(ScriptedKey.First.Header(), claims));
        Assert.Contains("signature", (await FinishAsync(signIn, start.Attempt)).Because, StringComparison.Ordinal);
        JsonObject several = provider.Claims(start.Attempt);
        several["aud"] = new JsonArray(ScriptedProvider.ClientId, "gateway");
        provider.Give(ScriptedKey.First.Sign(several));
        Assert.Contains("another client", (await FinishAsync(signIn, start.Attempt)).Because, StringComparison.Ordinal);
        several["azp"] = ScriptedProvider.ClientId;
        provider.Give(ScriptedKey.First.Sign(several));
        Assert.NotNull((await FinishAsync(signIn, start.Attempt)).Caller);
    }

    [Theory]
    [InlineData(false, null, true)]
    [InlineData(false, "https://issuer.test", true)]
    [InlineData(false, "https://other.test", false)]
    [InlineData(true, null, false)]
    [InlineData(true, "https://issuer.test", true)]
    public async Task TheAnswerNamesWhoWasAsked(bool namesItself, string? issuer, bool isTaken)
    {
        // Proves RFC 9207 against mix-up: an issuer that says it names itself must, and nobody may name another.
        ScriptedProvider provider = new() { NamesItself = namesItself };
        await using OidcSignIn signIn = provider.SignIn();
        SignInStart start = (await signIn.BeginAsync(0, ScriptedProvider.RedirectUri, Cancel))!;
        provider.Give(ScriptedKey.First.Sign(provider.Claims(start.Attempt)));
        SignInResult result =
            await signIn.FinishAsync(start.Attempt, "the-code", issuer, ScriptedProvider.RedirectUri, Cancel);
        Assert.Equal(isTaken, result.Caller is not null);
        Assert.Equal(isTaken ? 1 : 0, provider.Redeemed.Count);
    }

    [Fact]
    public async Task AProviderThatRefusesOrIsAwayLetsNobodyIn()
    {
        // Proves that every bad answer of the token endpoint is a refusal and no exception.
        ScriptedProvider provider = new();
        await using OidcSignIn signIn = provider.SignIn();
        SignInStart start = (await signIn.BeginAsync(0, ScriptedProvider.RedirectUri, Cancel))!;
        string[] bodies = ["", "[]", "{}", "{\"id_token\":7}", "{\"id_token\":\"x.y\"}", new string(' ', 70_000)];
        foreach (string body in bodies)
        {
            provider.Redeems = () => new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(body) };
            Assert.Null((await FinishAsync(signIn, start.Attempt)).Caller);
        }

        provider.Redeems = () => new HttpResponseMessage(HttpStatusCode.BadRequest);
        Assert.Null((await FinishAsync(signIn, start.Attempt)).Caller);
        provider.IsAway = true;
        Assert.Null((await FinishAsync(signIn, start.Attempt)).Caller);
    }

    [Theory]
    [InlineData("https://other.test", "https://issuer.test/token")]
    [InlineData("https://issuer.test", "http://issuer.test/token")]
    public async Task AProviderThatIsNotWhatItShouldBeIsNotUsed(string issuer, string tokenEndpoint)
    {
        // Proves that a discovery document of another issuer, or with an endpoint in the clear, leads nowhere.
        ScriptedProvider provider = new() { DiscoveredIssuer = issuer, TokenEndpoint = tokenEndpoint };
        await using OidcSignIn signIn = provider.SignIn();
        Assert.Null(await signIn.BeginAsync(0, ScriptedProvider.RedirectUri, Cancel));
    }

    [Fact]
    public async Task TheSecretGoesWhereTheProviderTakesIt()
    {
        // Proves that a provider which takes the secret in the body alone gets it there, and one without a secret gets
        // the client's name there.
        ScriptedProvider provider = new() { Methods = ["client_secret_post"] };
        await using OidcSignIn signIn = provider.SignIn("geheim");
        SignInStart start = (await signIn.BeginAsync(0, ScriptedProvider.RedirectUri, Cancel))!;
        provider.Give(ScriptedKey.First.Sign(provider.Claims(start.Attempt)));
        Assert.NotNull((await FinishAsync(signIn, start.Attempt)).Caller);
        (string form, string authorization) = Assert.Single(provider.Redeemed);
        Assert.Equal("", authorization);
        Assert.Equal("geheim", HttpUtility.ParseQueryString(form)["client_secret"]);
        Assert.Equal(ScriptedProvider.ClientId, HttpUtility.ParseQueryString(form)["client_id"]);
    }

    [Fact]
    public void ClientsAreCheckedWhole()
    {
        // Proves that every error of every client is told.
        IssuerOptions issuer = new() { Issuer = "https://issuer.test", Audiences = ["gateway"] };
        SignInClient good = new() { Issuer = issuer, ClientId = "console", Name = "Test" };
        Assert.Empty(SignInClient.Check([good]));
        Assert.Equal(2, SignInClient.Check([good with { ClientId = "", Scope = "profile" }]).Count);
        Assert.Single(SignInClient.Check([good, good]));
        Assert.Single(SignInClient.Check([good with { AuthorizationEndpoint = "https://issuer.test/a" }]));
        Assert.Single(SignInClient.Check(
            [good with { AuthorizationEndpoint = "https://issuer.test/a", TokenEndpoint = "http://issuer.test/t" }]));
    }

    private static ValueTask<SignInResult> FinishAsync(OidcSignIn signIn, SignInAttempt attempt) =>
        signIn.FinishAsync(attempt, "the-code", null, ScriptedProvider.RedirectUri, Cancel);
}
