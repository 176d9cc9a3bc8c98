using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using NSec.Cryptography;

namespace Countersign.Bench.Operations;

/// <summary>A key of an issuer for one algorithm, and tokens signed with it.</summary>
internal sealed class BenchKey : IDisposable
{
    internal const string Issuer = "https://issuer.test";

    private readonly string _algorithm;
    private readonly RSA? _rsa;
    private readonly ECDsa? _curve;
    private readonly Key? _edwards;

    internal BenchKey(string algorithm)
    {
        _algorithm = algorithm;
        if (algorithm == "EdDSA") _edwards = Key.Create(SignatureAlgorithm.Ed25519);
        else if (algorithm == "ES256") _curve = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        else _rsa = RSA.Create(2048);
    }

    /// <summary>The public half.</summary>
    internal string Jwks
    {
        get
        {
            if (_edwards is not null)
            {
                string point = Part(_edwards.PublicKey.Export(KeyBlobFormat.RawPublicKey));
                return $$"""{"keys":[{"kty":"OKP","crv":"Ed25519","x":"{{point}}"}]}""";
            }

            if (_curve is not null)
            {
                ECPoint q = _curve.ExportParameters(includePrivateParameters: false).Q;
                return $$"""{"keys":[{"kty":"EC","crv":"P-256","x":"{{Part(q.X)}}","y":"{{Part(q.Y)}}"}]}""";
            }

            RSAParameters rsa = _rsa!.ExportParameters(includePrivateParameters: false);
            return $$"""{"keys":[{"kty":"RSA","n":"{{Part(rsa.Modulus)}}","e":"{{Part(rsa.Exponent)}}"}]}""";
        }
    }

    /// <summary>The token of that number.</summary>
    internal byte[] Token(int number)
    {
        long now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        string header = $$"""{"alg":"{{_algorithm}}","typ":"JWT"}""";
        string claims = $$"""
            {"iss":"{{Issuer}}","aud":"gateway","sub":"alice","kind":"human","groups":["support","staff"],
            "iat":{{now}},"nbf":{{now}},"exp":{{now + 7_200}},"jti":"{{number}}"}
            """;
        string text = Part(Encoding.UTF8.GetBytes(header)) + "." + Part(Encoding.UTF8.GetBytes(claims));
        byte[] bytes = Encoding.ASCII.GetBytes(text);
        byte[] signature = _edwards is not null ? SignatureAlgorithm.Ed25519.Sign(_edwards, bytes)
            : _curve is not null ? _curve.SignData(bytes, HashAlgorithmName.SHA256)
            : _rsa!.SignData(
                bytes, HashAlgorithmName.SHA256,
                _algorithm == "PS256" ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1);
        return Encoding.ASCII.GetBytes(text + "." + Part(signature));
    }

    public void Dispose()
    {
        _rsa?.Dispose();
        _curve?.Dispose();
        _edwards?.Dispose();
    }

    private static string Part(ReadOnlySpan<byte> bytes) => Base64Url.EncodeToString(bytes);
}
