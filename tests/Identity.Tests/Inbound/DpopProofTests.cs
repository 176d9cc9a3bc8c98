using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Countersign.Identity.Inbound;
using Countersign.Identity.Inbound.Dpop;
using Countersign.Kit;
using Xunit;

namespace Countersign.Identity.Tests.Inbound;

/// <summary>Proofs of possession (RFC 9449): each check of section 4.3, and the token bound to the key.</summary>
public sealed class DpopProofTests : IDisposable
{
    private const string Url = "https://gateway.test/billing/7/reset";

    private readonly ScriptedIssuer _issuer = new(ScriptedKey.First);
    private readonly InMemoryOneTimeStore _spent;
    private readonly DpopProofs _proofs;

    public DpopProofTests()
    {
        _spent = new InMemoryOneTimeStore(_issuer.Clock);
        _proofs = new DpopProofs(new byte[32], _spent, new DpopOptions(), _issuer.Clock);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _issuer.Dispose();

    [Fact]
    public async Task ABoundTokenNeedsItsKeysProof()
    {
        // Proves that cnf.jkt is never a plain bearer, cached or not; that its key's proof lets it pass; no other's.
        byte[] token = Token(Thumbprint(ScriptedKey.Curve));
        await using CallerVerifier verifier = _issuer.Verifier();
        Assert.Equal(TokenStatus.NotBound, (await verifier.VerifyAsync(token, Cancel)).Status);
        Assert.Equal(TokenStatus.NotBound, verifier.TryFind(token, out _));
        Assert.Equal(TokenStatus.NotBound, verifier.TryFind(token, default, out _));

        DpopOutcome proof = await CheckAsync(Proof(token), token);
        Assert.Equal(DpopStatus.Proved, proof.Status);
        SenderProof sender = new(default, proof.Key);
        Assert.True((await verifier.VerifyAsync(token, sender, Cancel)).IsValid);
        DpopOutcome others = await CheckAsync(Proof(token, key: ScriptedKey.Second), token);
        Assert.Equal(DpopStatus.Proved, others.Status);
        Assert.Equal(
            TokenStatus.NotBound,
            (await verifier.VerifyAsync(token, new SenderProof(default, others.Key), Cancel)).Status);
        byte[] plain = ScriptedKey.First.Sign(_issuer.Claims());
        Assert.Equal(TokenStatus.NotBound, (await verifier.VerifyAsync(plain, sender, Cancel)).Status);
        Assert.True((await verifier.VerifyAsync(plain, Cancel)).IsValid);
    }

    [Fact]
    public async Task AProofIsUsedOnce()
    {
        // Proves the replay store, that another key's proof of the same jti is another, and that it fails closed.
        byte[] token = Token(Thumbprint(ScriptedKey.Curve));
        byte[] proof = Proof(token);
        Assert.Equal(DpopStatus.Proved, (await CheckAsync(proof, token)).Status);
        Assert.Equal("the DPoP proof was used before", (await CheckAsync(proof, token)).Because);
        Assert.Equal(DpopStatus.Proved, (await CheckAsync(Proof(token, key: ScriptedKey.Second), token)).Status);
        _spent.IsAway = true;
        byte[] next = Proof(token, claims => claims["jti"] = "next");
        Assert.Equal(DpopStatus.StoreAway, (await CheckAsync(next, token)).Status);
    }

    [Fact]
    public async Task ANonceIsTakenForAWhile()
    {
        // Proves that a proof without our nonce, or with an old one, is asked again; and one given out lately is taken.
        byte[] token = Token(Thumbprint(ScriptedKey.Curve));
        string nonce = _proofs.Nonce();
        byte[] without = Proof(token, claims => claims.Remove("nonce"));
        Assert.Equal(DpopStatus.NonceNeeded, (await CheckAsync(without, token)).Status);
        Assert.Equal(
            DpopStatus.NonceNeeded, (await CheckAsync(Proof(token, claims => claims["nonce"] = "x"), token)).Status);
        _issuer.Clock.Advance(TimeSpan.FromMinutes(2));
        Assert.NotEqual(nonce, _proofs.Nonce());
        Assert.Equal(
            DpopStatus.Proved, (await CheckAsync(Proof(token, claims => claims["nonce"] = nonce), token)).Status);
        _issuer.Clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(
            DpopStatus.NonceNeeded, (await CheckAsync(Proof(token, claims => claims["nonce"] = nonce), token)).Status);
    }

    [Theory]
    [InlineData("typ", "\"JWT\"", "the DPoP proof is of another type")]
    [InlineData("typ", null, "the DPoP proof is of another type")]
    [InlineData("alg", "\"none\"", "the DPoP proof's algorithm is not an asymmetric one that is known here")]
    [InlineData("alg", "\"HS256\"", "the DPoP proof's algorithm is not an asymmetric one that is known here")]
    [InlineData("alg", "\"ES384\"", "the DPoP proof's signature is wrong")]
    [InlineData("jwk", null, "the DPoP proof's jwk is not a public key")]
    [InlineData("jwk", "\"x\"", "the DPoP proof's jwk is not a public key")]
    [InlineData("jwk", """{"kty":"oct","k":"AAAA"}""", "the DPoP proof's jwk is not a public key")]
    [InlineData("jwk", """{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}""", "the DPoP proof's signature is wrong")]
    [InlineData("jku", "\"https://evil.test\"", "the DPoP proof names a key elsewhere, or crit")]
    [InlineData("crit", "[\"x\"]", "the DPoP proof names a key elsewhere, or crit")]
    public async Task AHeaderThatIsWrongProvesNothing(string member, string? json, string because)
    {
        // Proves each check of the header; by one member that is wrong in an else good proof.
        JsonObject header = Header(ScriptedKey.Curve);
        header.Remove(member);
        if (json is not null) header[member] = JsonNode.Parse(json);
        byte[] token = Token(Thumbprint(ScriptedKey.Curve));
        byte[] proof = ScriptedKey.Curve.Sign(header.ToJsonString(), Claims(token).ToJsonString());
        Assert.Equal(because, (await CheckAsync(proof, token)).Because);
    }

    [Theory]
    [InlineData("jti", null, "the DPoP proof has no jti")]
    [InlineData("jti", "\"\"", "the DPoP proof has no jti")]
    [InlineData("htm", "\"GET\"", "the DPoP proof is for another method")]
    [InlineData("htm", "\"post\"", "the DPoP proof is for another method")]
    [InlineData("htu", "\"https://gateway.test/billing/8/reset\"", "the DPoP proof is for another address")]
    [InlineData("htu", "\"http://gateway.test/billing/7/reset\"", "the DPoP proof is for another address")]
    [InlineData("htu", "\"https://gateway.test/billing/7/?x=/reset\"", "the DPoP proof is for another address")]
    [InlineData("htu", "\"https://evil.test/billing/7/reset\"", "the DPoP proof is for another address")]
    [InlineData("htu", "\"/billing/7/reset\"", "the DPoP proof is for another address")]
    [InlineData("iat", null, "the DPoP proof has no iat")]
    [InlineData("iat", "\"now\"", "the DPoP proof has no iat")]
    [InlineData("iat", "1", "the DPoP proof is too old")]
    [InlineData("iat", "99999999999", "the DPoP proof is of the future")]
    [InlineData("ath", null, "the DPoP proof is for another token")]
    [InlineData("ath", "\"x\"", "the DPoP proof is for another token")]
    public async Task AClaimThatIsWrongProvesNothing(string claim, string? json, string because)
    {
        // Proves each check of the claims; by one that is wrong or missing in an else good proof.
        byte[] token = Token(Thumbprint(ScriptedKey.Curve));
        byte[] proof = Proof(token, claims =>
        {
            claims.Remove(claim);
            if (json is not null) claims[claim] = JsonNode.Parse(json);
        });
        Assert.Equal(because, (await CheckAsync(proof, token)).Because);
    }

    [Fact]
    public async Task AProofThatBringsItsPrivateKeyIsNone()
    {
        // Proves that a key which the proof itself gives away proves nothing (RFC 9449 section 4.3).
        JsonObject header = Header(ScriptedKey.Curve);
        header["jwk"]!["d"] = Base64Url.EncodeToString(ScriptedKey.Curve.Ec.ExportParameters(true).D);
        byte[] token = Token(Thumbprint(ScriptedKey.Curve));
        byte[] proof = ScriptedKey.Curve.Sign(header.ToJsonString(), Claims(token).ToJsonString());
        Assert.Equal("the DPoP proof's jwk is not a public key", (await CheckAsync(proof, token)).Because);
    }

    [Theory]
    [InlineData("HTTPS://Gateway.test:443/billing/7/reset")]
    [InlineData("https://gateway.test/billing/7/reset?a=1&b=/x")]
    [InlineData("https://gateway.test/billing/7/reset#part")]
    [InlineData("https://gateway.test/billing/7/reset?#")]
    public async Task AnAddressIsComparedAsItIsMeant(string address)
    {
        // Proves that an address is the same with its default port and another case of its host, and whatever query
        // and fragment a client left in it (RFC 9449 section 4.3, the ninth check).
        byte[] token = Token(Thumbprint(ScriptedKey.Curve));
        byte[] proof = Proof(token, claims => claims["htu"] = address);
        Assert.Equal(DpopStatus.Proved, (await CheckAsync(proof, token)).Status);
    }

    private ValueTask<DpopOutcome> CheckAsync(byte[] proof, byte[] token) =>
        _proofs.CheckAsync(proof, "POST", Url, token);

    private byte[] Proof(byte[] token, Action<JsonObject>? change = null, ScriptedKey? key = null)
    {
        JsonObject claims = Claims(token);
        change?.Invoke(claims);
        ScriptedKey signer = key ?? ScriptedKey.Curve;
        return signer.Sign(Header(signer).ToJsonString(), claims.ToJsonString());
    }

    private JsonObject Claims(byte[] token) => new()
    {
        ["jti"] = "one",
        ["htm"] = "POST",
        ["htu"] = Url,
        ["iat"] = _issuer.Clock.GetUtcNow().ToUnixTimeSeconds(),
        ["ath"] = Base64Url.EncodeToString(SHA256.HashData(token)),
        ["nonce"] = _proofs.Nonce(),
    };

    private static JsonObject Header(ScriptedKey key)
    {
        JsonObject jwk = key.Jwk();
        jwk.Remove("kid");
        jwk.Remove("use");
        JsonObject header = JsonNode.Parse(key.Header())!.AsObject();
        header["typ"] = "dpop+jwt";
        header["jwk"] = jwk;
        return header;
    }

    private byte[] Token(string thumbprint)
    {
        JsonObject claims = _issuer.Claims();
        claims["cnf"] = new JsonObject { ["jkt"] = thumbprint };
        return ScriptedKey.First.Sign(claims);
    }

    // RFC 7638 section 3.2, written out.
    private static string Thumbprint(ScriptedKey key)
    {
        JsonObject jwk = key.Jwk();
        string text = $$"""{"crv":"P-256","kty":"EC","x":"{{jwk["x"]}}","y":"{{jwk["y"]}}"}""";
        return Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }
}
