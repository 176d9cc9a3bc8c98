using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Countersign.Identity.Outbound;
using Microsoft.IdentityModel.Tokens;
using NSec.Cryptography;
using EdwardsKey = NSec.Cryptography.PublicKey;
using PublicKey = System.Security.Cryptography.X509Certificates.PublicKey;

namespace Countersign.Identity.Inbound;

/// <summary>One public key of an issuer and the algorithms it may verify: those of its type and curve, never a
/// MAC.</summary>
internal sealed class IssuerKey
{
    // NIST SP 800-131A: smaller moduli are no longer acceptable.
    private const int RsaBitsMin = 2048;
    private const int RsaBitsMax = 8192;

    private static readonly string[] RsaAlgorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];

    private readonly string[] _algorithms;
    private readonly byte[] _publicKey;
    private readonly bool _isRsa;
    private readonly EdwardsKey? _edwards;

    // One verification at a time has the object that is kept; more at once make their own.
    private AsymmetricAlgorithm? _idle;
    private bool _isRemoved;

    private IssuerKey(AsymmetricAlgorithm key, string? keyId, string[] algorithms)
    {
        KeyId = keyId;
        _algorithms = algorithms;
        _isRsa = key is RSA;
        _publicKey = key.ExportSubjectPublicKeyInfo();
        _idle = key;
    }

    private IssuerKey(EdwardsKey key, byte[] publicKey, string? keyId)
    {
        KeyId = keyId;
        _algorithms = ["EdDSA"];
        _publicKey = publicKey;
        _edwards = key;
    }

    /// <summary>The <c>kid</c>; null for a key that has none, which any <c>kid</c> may then mean.</summary>
    public string? KeyId { get; }

    /// <summary>True once the issuer no longer publishes it: callers it vouched for are forgotten.</summary>
    public bool IsRemoved => Volatile.Read(ref _isRemoved);

    public void Remove() => Volatile.Write(ref _isRemoved, true);

    public bool Fits(string algorithm, string? keyId) =>
        _algorithms.Contains(algorithm)
        && (keyId is null || KeyId is null || string.Equals(keyId, KeyId, StringComparison.Ordinal));

    /// <summary>True for a signature that this key made over <paramref name="input"/>, exactly as the algorithm
    /// writes them (RFC 7518 sections 3.3 to 3.5).</summary>
    /// <param name="algorithm">One that <see cref="Fits"/>.</param>
    /// <param name="input">What was signed.</param>
    /// <param name="signature">For ES algorithms r and s of full length.</param>
    public bool IsSigned(string algorithm, ReadOnlySpan<byte> input, ReadOnlySpan<byte> signature)
    {
        if (!_algorithms.Contains(algorithm)) return false;
        if (_edwards is not null) return SignatureAlgorithm.Ed25519.Verify(_edwards, input, signature);
        HashAlgorithmName hash = algorithm.AsSpan(2) switch
        {
            "256" => HashAlgorithmName.SHA256,
            "384" => HashAlgorithmName.SHA384,
            _ => HashAlgorithmName.SHA512,
        };
        AsymmetricAlgorithm key = Interlocked.Exchange(ref _idle, null) ?? Open();
        try
        {
            if (key is ECDsa curve)
            {
                return curve.VerifyData(
                    input, signature, hash, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
            }

            RSASignaturePadding padding = algorithm[0] == 'P' ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1;
            return ((RSA)key).VerifyData(input, signature, hash, padding);
        }
        catch (CryptographicException)
        {
            return false; // a signature that the library cannot even read
        }
        finally
        {
            Interlocked.Exchange(ref _idle, key)?.Dispose();
        }
    }

    private AsymmetricAlgorithm Open()
    {
        AsymmetricAlgorithm key = _isRsa ? RSA.Create() : ECDsa.Create();
        key.ImportSubjectPublicKeyInfo(_publicKey, out _);
        return key;
    }

    /// <summary>True for the same key under the same terms.</summary>
    public bool Equals(IssuerKey other) =>
        _publicKey.AsSpan().SequenceEqual(other._publicKey)
        && string.Equals(KeyId, other.KeyId, StringComparison.Ordinal)
        && _algorithms.AsSpan().SequenceEqual(other._algorithms);

    /// <summary>Takes a key of a JWKS; null when it is not a signature key that we may use, or is broken.</summary>
    public static IssuerKey? FromJwk(JsonWebKey jwk)
    {
        if (!string.IsNullOrEmpty(jwk.Use) && jwk.Use != "sig") return null;
        if (jwk.KeyOps.Count > 0 && !jwk.KeyOps.Contains("verify")) return null;
        string? keyId = string.IsNullOrEmpty(jwk.Kid) ? null : jwk.Kid;
        string? algorithm = string.IsNullOrEmpty(jwk.Alg) ? null : jwk.Alg;
        try
        {
            return jwk.Kty switch
            {
                "RSA" => FromRsa(
                    new()
                    {
                        Modulus = Base64UrlEncoder.DecodeBytes(jwk.N),
                        Exponent = Base64UrlEncoder.DecodeBytes(jwk.E),
                    },
                    keyId, algorithm),
                "EC" => FromPoint(jwk, keyId, algorithm),
                "OKP" when jwk.Crv == "Ed25519" && algorithm is null or "EdDSA" =>
                    FromEdwards(Base64UrlEncoder.DecodeBytes(jwk.X), keyId),
                _ => null, // oct and whatever else: not for us
            };
        }
        catch (Exception e) when (e is CryptographicException or FormatException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>Takes the public half of a pair of our own.</summary>
    public static IssuerKey FromOwn(SigningKeys pair) =>
        FromJwk(new JsonWebKey(pair.PublicJwk))
        ?? throw new ArgumentException("not a key for signatures", nameof(pair));

    /// <summary>Takes a SubjectPublicKeyInfo or a certificate's key; null when it is neither RSA nor a NIST
    /// curve.</summary>
    public static IssuerKey? FromPublicKey(PublicKey publicKey)
    {
        using RSA? rsa = publicKey.GetRSAPublicKey();
        if (rsa is not null) return FromRsa(rsa.ExportParameters(false), null, null);
        using ECDsa? ec = publicKey.GetECDsaPublicKey();
        return ec is null ? null : FromEc(ec.ExportParameters(false), null, null);
    }

    /// <summary>Takes an RSA public key; null when it is too small, or so large that verifying is an attack.</summary>
    public static IssuerKey? FromRsa(RSAParameters parameters, string? keyId, string? algorithm)
    {
        int bits = parameters.Modulus!.AsSpan().TrimStart((byte)0).Length * 8;
        if (bits is < RsaBitsMin or > RsaBitsMax || WeakModulus.IsRoca(parameters.Modulus)) return null;
        string[] algorithms = Narrow(RsaAlgorithms, algorithm);
        return algorithms.Length == 0 ? null : new(RSA.Create(parameters), keyId, algorithms);
    }

    // RFC 8037 section 2.
    private static IssuerKey? FromEdwards(byte[] raw, string? keyId) =>
        EdwardsKey.TryImport(SignatureAlgorithm.Ed25519, raw, KeyBlobFormat.RawPublicKey, out EdwardsKey? key)
            ? new(key!, raw, keyId)
            : null;

    private static IssuerKey? FromPoint(JsonWebKey jwk, string? keyId, string? algorithm)
    {
        ECCurve? curve = jwk.Crv switch
        {
            "P-256" => ECCurve.NamedCurves.nistP256,
            "P-384" => ECCurve.NamedCurves.nistP384,
            "P-521" => ECCurve.NamedCurves.nistP521,
            _ => null,
        };
        if (curve is null) return null;
        ECPoint point = new() { X = Base64UrlEncoder.DecodeBytes(jwk.X), Y = Base64UrlEncoder.DecodeBytes(jwk.Y) };
        return FromEc(new() { Curve = curve.Value, Q = point }, keyId, algorithm);
    }

    private static IssuerKey? FromEc(ECParameters parameters, string? keyId, string? algorithm)
    {
        // Creating it proves that the point is on its curve.
        ECDsa ec = ECDsa.Create(parameters);
        string[] algorithms = Narrow(
            ec.KeySize switch { 256 => ["ES256"], 384 => ["ES384"], 521 => ["ES512"], _ => [] }, algorithm);
        if (algorithms.Length > 0 && IsNist(parameters.Curve)) return new(ec, keyId, algorithms);
        ec.Dispose();
        return null;
    }

    private static bool IsNist(ECCurve curve) =>
        curve.IsNamed && curve.Oid.Value is "1.2.840.10045.3.1.7" or "1.3.132.0.34" or "1.3.132.0.35";

    // RFC 7517 section 4.4: a key that names an algorithm is for no other.
    private static string[] Narrow(string[] algorithms, string? named) =>
        named is null ? algorithms : algorithms.Contains(named) ? [named] : [];
}
