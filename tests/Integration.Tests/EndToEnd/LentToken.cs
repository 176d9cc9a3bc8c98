using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Xunit;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>The function owner's side of a lent credential: checks it with the published keys alone.</summary>
internal static class LentToken
{
    /// <summary>The claims, once the signature has been verified.</summary>
    /// <param name="authorization">The Authorization field as the function got it.</param>
    /// <param name="jwks">The key set of the control listener.</param>
    public static JsonObject Verify(string authorization, JsonObject jwks)
    {
        Assert.StartsWith("Bearer ", authorization, StringComparison.Ordinal);
        string[] parts = authorization["Bearer ".Length..].Split('.');
        Assert.Equal(3, parts.Length);
        JsonObject header = Decode(parts[0]);
        Assert.Equal("ES256", header["alg"]!.ToString());
        string keyId = header["kid"]!.ToString();
        JsonNode key = Assert.Single(jwks["keys"]!.AsArray(), one => one!["kid"]!.ToString() == keyId)!;
        using ECDsa verifier = ECDsa.Create(new ECParameters
        {
            Curve = ECCurve.NamedCurves.nistP256,
            Q = new ECPoint { X = Bytes(key["x"]!.ToString()), Y = Bytes(key["y"]!.ToString()) },
        });
        byte[] text = Encoding.ASCII.GetBytes(parts[0] + "." + parts[1]);
        bool verifies = verifier.VerifyData(text, Bytes(parts[2]), HashAlgorithmName.SHA256);
        Assert.True(verifies, "the signature does not verify");
        return Decode(parts[1]);
    }

    private static JsonObject Decode(string part) => JsonNode.Parse(Bytes(part))!.AsObject();

    private static byte[] Bytes(string text) => Base64Url.DecodeFromChars(text);
}
