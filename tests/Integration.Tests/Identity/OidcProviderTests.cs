using Countersign.Identity.Inbound;
using Countersign.Policy;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Countersign.Integration.Tests.Identity;

public sealed class OidcProviderTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TokensOfARealProviderVerifyByDiscoveryAlone()
    {
        // Proves discovery, JWKS and RFC 9068 tokens of an independent provider end to end; by two clients' own tokens.
        await using OidcProvider provider = await OidcProvider.StartAsync(Cancel);
        using HttpMessageInvoker http = new(new SocketsHttpHandler { AllowAutoRedirect = false });
        await using CallerVerifier verifier = Verifier(provider.Issuer, "gateway", http);
        await verifier.StartAsync(Cancel);

        byte[] token = await provider.TokenAsync("ci", Cancel);
        TokenVerification ci = await verifier.VerifyAsync(token, Cancel);
        TokenVerification alice = await verifier.VerifyAsync(await provider.TokenAsync("alice", Cancel), Cancel);

        Assert.Equal(TokenStatus.Valid, ci.Status);
        Assert.Equal(provider.Issuer, ci.Caller!.Issuer);
        Assert.Equal("ci", ci.Caller.Subject);
        Assert.Equal(CallerKind.Ci, ci.Caller.Kind);
        Assert.Equal(["ci"], ci.Caller.Groups);
        Assert.Equal(["dave"], ci.Caller.Chain);
        Assert.Equal(TokenStatus.Valid, verifier.TryFind(token, out Caller? cached));
        Assert.Same(ci.Caller, cached);
        Assert.Equal(TokenStatus.Valid, alice.Status);
        Assert.Equal(CallerKind.Human, alice.Caller!.Kind);
        Assert.Equal(["support"], alice.Caller.Groups);
        Assert.Equal(["alice"], alice.Caller.Chain);
    }

    [Fact]
    public async Task AnotherAudienceOrProviderDoesNotDo()
    {
        // Proves that a real token is refused for another audience, and by one who trusts another provider's keys.
        await using OidcProvider provider = await OidcProvider.StartAsync(Cancel);
        await using OidcProvider other = await OidcProvider.StartAsync(Cancel);
        using HttpMessageInvoker http = new(new SocketsHttpHandler { AllowAutoRedirect = false });
        await using CallerVerifier audience = Verifier(provider.Issuer, "another", http);
        await using CallerVerifier stranger = Verifier(other.Issuer, "gateway", http);

        byte[] token = await provider.TokenAsync("ci", Cancel);
        Assert.Equal(TokenStatus.Invalid, (await audience.VerifyAsync(token, Cancel)).Status);
        Assert.Equal(TokenStatus.UnknownIssuer, (await stranger.VerifyAsync(token, Cancel)).Status);
    }

    private static CallerVerifier Verifier(string issuer, string audience, HttpMessageInvoker http) =>
        new(
            [new IssuerOptions { Issuer = issuer, Audiences = [audience], RequiresNotBefore = false }], null, http,
            TimeProvider.System,
            NullLogger.Instance);
}
