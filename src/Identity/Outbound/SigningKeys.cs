using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Countersign.Policy;
using NSec.Cryptography;

namespace Countersign.Identity.Outbound;

/// <summary>
/// One key pair of the gateways' own: ES256 (RFC 7518 section 3.4) or EdDSA on Ed25519 (RFC 8037), named by its RFC
/// 7638 thumbprint, so that every gateway that shares it gives it the same name. Thread-safe.
/// </summary>
public sealed class SigningKeys : IDisposable
{
    /// <summary>Bytes of a signature: 64 for both algorithms.</summary>
    internal const int SignatureBytes = 64;

    private readonly ECParameters _pair;

    // An ECDsa object is not promised to be safe for two threads at once, so that each thread has its own.
    private readonly ThreadLocal<ECDsa>? _signer;
    private readonly Key? _edwards;

    private SigningKeys(ECParameters pair)
    {
        _pair = pair;
        _signer = new ThreadLocal<ECDsa>(() => ECDsa.Create(_pair), trackAllValues: true);
        Algorithm = SigningAlgorithm.Es256;
        string x = Base64Url.EncodeToString(pair.Q.X);
        string y = Base64Url.EncodeToString(pair.Q.Y);

        // RFC 7638 section 3.2: the required members alone, in this order, without white space.
        KeyId = Thumbprint($$"""{"crv":"P-256","kty":"EC","x":"{{x}}","y":"{{y}}"}""");
        PublicJwk = $$"""
            {"kty":"EC","crv":"P-256","x":"{{x}}","y":"{{y}}","use":"sig","alg":"ES256","kid":"{{KeyId}}"}
            """;
    }

    private SigningKeys(Key edwards)
    {
        _edwards = edwards;
        Algorithm = SigningAlgorithm.EdDsa;
        string x = Base64Url.EncodeToString(edwards.PublicKey.Export(KeyBlobFormat.RawPublicKey));

        // RFC 8037 section 2 says which members are required.
        KeyId = Thumbprint($$"""{"crv":"Ed25519","kty":"OKP","x":"{{x}}"}""");
        PublicJwk = $$"""{"kty":"OKP","crv":"Ed25519","x":"{{x}}","use":"sig","alg":"EdDSA","kid":"{{KeyId}}"}""";
    }

    /// <summary>How it signs.</summary>
    public SigningAlgorithm Algorithm { get; }

    /// <summary>The same as JWS names it: <c>ES256</c> or <c>EdDSA</c>.</summary>
    public string AlgorithmName => SigningAlgorithms.NameOf(Algorithm);

    /// <summary>The <c>kid</c>: the base64url SHA-256 thumbprint of the public key (RFC 7638), 43 characters.</summary>
    public string KeyId { get; }

    /// <summary>The public key as a JWK (RFC 7517), one line of JSON.</summary>
    public string PublicJwk { get; }

    /// <summary>Makes a new pair for ES256.</summary>
    public static SigningKeys Create() => Create(SigningAlgorithm.Es256);

    /// <summary>Makes a new pair.</summary>
    public static SigningKeys Create(SigningAlgorithm algorithm)
    {
        if (algorithm == SigningAlgorithm.EdDsa) return new SigningKeys(Key.Create(SignatureAlgorithm.Ed25519, Open));
        ArgumentOutOfRangeException.ThrowIfNotEqual(algorithm, SigningAlgorithm.Es256);
        using ECDsa pair = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new SigningKeys(pair.ExportParameters(includePrivateParameters: true));
    }

    /// <summary>Takes a pair that <see cref="ExportPkcs8"/> gave; false when the bytes are not exactly one P-256 or
    /// Ed25519 pair.</summary>
    /// <param name="pkcs8">An unencrypted PKCS#8 PrivateKeyInfo (RFC 5208, RFC 8410).</param>
    /// <param name="keys">The pair.</param>
    public static bool TryImport(ReadOnlySpan<byte> pkcs8, [NotNullWhen(true)] out SigningKeys? keys)
    {
        keys = null;
        if (Key.TryImport(SignatureAlgorithm.Ed25519, pkcs8, KeyBlobFormat.PkixPrivateKey, out Key? edwards, Open))
        {
            keys = new SigningKeys(edwards!);
            return true;
        }

        try
        {
            using ECDsa pair = ECDsa.Create();
            pair.ImportPkcs8PrivateKey(pkcs8, out int bytesRead);
            ECParameters parameters = pair.ExportParameters(includePrivateParameters: true);
            bool isP256 = parameters.Curve.IsNamed
                && parameters.Curve.Oid.Value == ECCurve.NamedCurves.nistP256.Oid.Value;
            if (bytesRead != pkcs8.Length || !isP256) return false;
            keys = new SigningKeys(parameters);
            return true;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    /// <summary>The pair as PKCS#8 (RFC 5208, RFC 8410), to be sealed and shared. The caller wipes it.</summary>
    public byte[] ExportPkcs8()
    {
        if (_edwards is not null) return _edwards.Export(KeyBlobFormat.PkixPrivateKey);
        using ECDsa pair = ECDsa.Create(_pair);
        return pair.ExportPkcs8PrivateKey();
    }

    /// <summary>The JWKS (RFC 7517 section 5) that holds this key alone.</summary>
    public string PublicJwks() => PublicJwks(this);

    /// <summary>The JWKS of several keys: those in use, the next ones, and those whose credentials may still
    /// live.</summary>
    public static string PublicJwks(params ReadOnlySpan<SigningKeys> keys)
    {
        StringBuilder json = new("{\"keys\":[");
        for (int index = 0; index < keys.Length; index++)
        {
            if (index > 0) json.Append(',');
            json.Append(keys[index].PublicJwk);
        }

        return json.Append("]}").ToString();
    }

    /// <summary>Wipes the private key. No credential may be written with it any more.</summary>
    public void Dispose()
    {
        _edwards?.Dispose();
        if (_signer is null) return;
        foreach (ECDsa signer in _signer.Values) signer.Dispose();
        _signer.Dispose();
        CryptographicOperations.ZeroMemory(_pair.D);
    }

    /// <summary>Signs: r and s as they are (IEEE P1363), or R and S of RFC 8032; both are what a JWS holds.</summary>
    [HotPath]
    internal bool TrySign(ReadOnlySpan<byte> text, Span<byte> signature)
    {
        if (_edwards is not null)
        {
            SignatureAlgorithm.Ed25519.Sign(_edwards, text, signature[..SignatureBytes]);
            return true;
        }

        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(text, digest);
        return _signer!.Value!.TrySignHash(
            digest, signature, DSASignatureFormat.IeeeP1363FixedFieldConcatenation, out int written)
            && written == SignatureBytes;
    }

    /// <summary>True if the signature is this key's over the text.</summary>
    internal bool Verifies(ReadOnlySpan<byte> text, ReadOnlySpan<byte> signature)
    {
        if (signature.Length != SignatureBytes) return false;
        return _edwards is not null
            ? SignatureAlgorithm.Ed25519.Verify(_edwards.PublicKey, text, signature)
            : _signer!.Value!.VerifyData(
                text, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }

    // The pair is shared with the other gateways, so it must be exportable; it lies in guarded memory until then.
    private static KeyCreationParameters Open => new()
    {
        ExportPolicy = KeyExportPolicies.AllowPlaintextExport,
    };

    private static string Thumbprint(string required) =>
        Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes(required)));
}
