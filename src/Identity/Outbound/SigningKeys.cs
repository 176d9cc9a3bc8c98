using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace Countersign.Identity.Outbound;

/// <summary>
/// The gateway's own key pair for lent credentials: ES256 (RFC 7518 section 3.4), named by its RFC 7638 thumbprint, so
/// that every gateway that shares it gives it the same name. Thread-safe.
/// </summary>
public sealed class SigningKeys : IDisposable
{
    /// <summary>Bytes of a signature: r and s of 32 each (RFC 7518 section 3.4).</summary>
    internal const int SignatureBytes = 64;

    private readonly ECParameters _pair;

    // An ECDsa object is not promised to be safe for two threads at once, so that each thread has its own.
    private readonly ThreadLocal<ECDsa> _signer;

    private SigningKeys(ECParameters pair)
    {
        _pair = pair;
        _signer = new ThreadLocal<ECDsa>(() => ECDsa.Create(_pair), trackAllValues: true);
        string x = Base64Url.EncodeToString(pair.Q.X);
        string y = Base64Url.EncodeToString(pair.Q.Y);

        // RFC 7638 section 3.2: the required members alone, in this order, without white space.
        string required = $$"""{"crv":"P-256","kty":"EC","x":"{{x}}","y":"{{y}}"}""";
        KeyId = Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes(required)));
        PublicJwk = $$"""
            {"kty":"EC","crv":"P-256","x":"{{x}}","y":"{{y}}","use":"sig","alg":"ES256","kid":"{{KeyId}}"}
            """;
    }

    /// <summary>The <c>kid</c>: the base64url SHA-256 thumbprint of the public key (RFC 7638), 43 characters.</summary>
    public string KeyId { get; }

    /// <summary>The public key as a JWK (RFC 7517), one line of JSON.</summary>
    public string PublicJwk { get; }

    /// <summary>Makes a new pair.</summary>
    public static SigningKeys Create()
    {
        using ECDsa pair = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new SigningKeys(pair.ExportParameters(includePrivateParameters: true));
    }

    /// <summary>Takes a pair that <see cref="ExportPkcs8"/> gave; false when the bytes are not exactly one P-256
    /// pair.</summary>
    /// <param name="pkcs8">An unencrypted PKCS#8 PrivateKeyInfo (RFC 5208).</param>
    /// <param name="keys">The pair.</param>
    public static bool TryImport(ReadOnlySpan<byte> pkcs8, [NotNullWhen(true)] out SigningKeys? keys)
    {
        keys = null;
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

    /// <summary>The pair as PKCS#8 (RFC 5208), to be sealed and shared. The caller wipes it.</summary>
    public byte[] ExportPkcs8()
    {
        using ECDsa pair = ECDsa.Create(_pair);
        return pair.ExportPkcs8PrivateKey();
    }

    /// <summary>The JWKS (RFC 7517 section 5) that holds this key alone.</summary>
    public string PublicJwks() => PublicJwks(this);

    /// <summary>The JWKS of several keys: the one in use, the next one, and those whose credentials may still
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
        foreach (ECDsa signer in _signer.Values) signer.Dispose();
        _signer.Dispose();
        CryptographicOperations.ZeroMemory(_pair.D);
    }

    /// <summary>Signs: ECDSA over SHA-256, r and s as they are (IEEE P1363), which is what a JWS holds.</summary>
    [HotPath]
    internal bool TrySign(ReadOnlySpan<byte> text, Span<byte> signature)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(text, digest);
        return _signer.Value!.TrySignHash(
            digest, signature, DSASignatureFormat.IeeeP1363FixedFieldConcatenation, out int written)
            && written == SignatureBytes;
    }
}
