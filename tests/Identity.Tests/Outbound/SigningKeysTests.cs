using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Countersign.Identity.Outbound;
using Microsoft.IdentityModel.Tokens;
using Xunit;

namespace Countersign.Identity.Tests.Outbound;

public sealed class SigningKeysTests
{
    [Fact]
    public void TheNameOfAnEdwardsKeyIsTheOneOfRfc8037()
    {
        // Proves import, JWK and thumbprint of Ed25519; by the key of RFC 8037 appendix A.
        byte[] pkcs8 =
        [
            .. Convert.FromHexString("302e020100300506032b657004220420"),
            .. Convert.FromHexString("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"),
        ];
        Assert.True(SigningKeys.TryImport(pkcs8, out SigningKeys? imported));
        using SigningKeys keys = imported;
        Assert.Equal("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", keys.KeyId);
        Assert.Contains("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", keys.PublicJwk, StringComparison.Ordinal);
        Assert.Equal(pkcs8, keys.ExportPkcs8());
        byte[] signature = new byte[64];
        Assert.True(keys.TrySign("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"u8, signature));
        Assert.Equal(
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
            Base64UrlEncoder.Encode(signature));
    }

    [Fact]
    public void TheNameIsTheThumbprintOfThePublicKey()
    {
        // Proves the RFC 7638 thumbprint; by an independent one computed from the published JWK.
        using SigningKeys keys = SigningKeys.Create();
        JsonWebKey jwk = Assert.Single(new JsonWebKeySet(keys.PublicJwks()).Keys);
        Assert.Equal(keys.KeyId, Base64UrlEncoder.Encode(jwk.ComputeJwkThumbprint()));
        Assert.Equal(keys.KeyId, jwk.Kid);
        Assert.Equal(("EC", "P-256", "sig", "ES256"), (jwk.Kty, jwk.Crv, jwk.Use, jwk.Alg));
    }

    [Fact]
    public void NothingPrivateIsPublished()
    {
        // Proves that the JWKS has public members alone; by listing them.
        using SigningKeys one = SigningKeys.Create();
        using SigningKeys two = SigningKeys.Create();
        using JsonDocument jwks = JsonDocument.Parse(SigningKeys.PublicJwks(one, two));
        Assert.Equal(2, jwks.RootElement.GetProperty("keys").GetArrayLength());
        foreach (JsonElement key in jwks.RootElement.GetProperty("keys").EnumerateArray())
        {
            Assert.Equal(
                ["alg", "crv", "kid", "kty", "use", "x", "y"],
                key.EnumerateObject().Select(member => member.Name).Order());
        }
    }

    [Fact]
    public void APairThatIsSharedIsTheSamePair()
    {
        // Proves that export and import keep the pair; by the name, and a signature of one that the other's key
        // verifies.
        using SigningKeys original = SigningKeys.Create();
        byte[] pkcs8 = original.ExportPkcs8();
        Assert.True(SigningKeys.TryImport(pkcs8, out SigningKeys? shared));
        using SigningKeys imported = shared;
        Assert.Equal(original.KeyId, imported.KeyId);
        byte[] signature = new byte[64];
        byte[] text = Encoding.ASCII.GetBytes("text");
        Assert.True(imported.TrySign(text, signature));
        using ECDsa key = ECDsa.Create();
        key.ImportPkcs8PrivateKey(pkcs8, out _);
        Assert.True(key.VerifyData(text, signature, HashAlgorithmName.SHA256));
    }

    [Fact]
    public void WhatIsNotOneP256PairIsNotImported()
    {
        // Proves that rubbish, a trailing byte, another curve and another type of key are refused; by one of each.
        using SigningKeys keys = SigningKeys.Create();
        using ECDsa curve = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        using RSA rsa = RSA.Create(2048);
        byte[][] wrong =
            [[], [1, 2, 3], [.. keys.ExportPkcs8(), 0], curve.ExportPkcs8PrivateKey(), rsa.ExportPkcs8PrivateKey()];
        foreach (byte[] one in wrong)
        {
            Assert.False(SigningKeys.TryImport(one, out SigningKeys? none));
            Assert.Null(none);
        }
    }
}
