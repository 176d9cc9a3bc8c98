using System.Security.Cryptography;
using System.Xml;

namespace Countersign.Identity.Inbound.Saml;

/// <summary>
/// Decrypts an assertion (XML Encryption 1.1): AES-GCM, or AES-CBC where configuration takes it, under a key for
/// RSA-OAEP.
/// RSA 1.5 is not taken. Every way to fail is the same, so that nobody learns from the difference.
/// </summary>
internal static class SamlDecryption
{
    private const int GcmNonceBytes = 12;
    private const int GcmTagBytes = 16;
    private const int CbcBlockBytes = 16;
    private const string OaepMgf1 = SamlXml.Encryption + "rsa-oaep-mgf1p";
    private const string Oaep = SamlXml.Encryption11 + "rsa-oaep";

    /// <summary>The clear bytes; null for anything that is not as it must be.</summary>
    /// <param name="encrypted">An EncryptedAssertion.</param>
    /// <param name="key">Our key.</param>
    /// <param name="takesCbc">True where CBC, which has no seal of its own, is taken.</param>
    public static byte[]? Decrypt(XmlElement encrypted, RSA key, bool takesCbc)
    {
        if (!SamlXml.TryChild(encrypted, "EncryptedData", SamlXml.Encryption, out XmlElement? data) || data is null)
            return null;
        string method = MethodOf(data);
        int keyBytes = method switch
        {
            SamlXml.Encryption11 + "aes128-gcm" => 16,
            SamlXml.Encryption11 + "aes256-gcm" => 32,
            SamlXml.Encryption + "aes128-cbc" when takesCbc => 16,
            SamlXml.Encryption + "aes256-cbc" when takesCbc => 32,
            _ => 0,
        };
        if (keyBytes == 0 || FindKey(encrypted, data) is not { } wrapped) return null;
        byte[]? secret = null;
        try
        {
            secret = Unwrap(wrapped, key);
            if (secret?.Length != keyBytes || ValueOf(data) is not { } sealedBytes) return null;
            return method.EndsWith("gcm", StringComparison.Ordinal)
                ? OpenGcm(sealedBytes, secret)
                : OpenCbc(sealedBytes, secret);
        }
        catch (CryptographicException)
        {
            return null;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    // Inside the data's KeyInfo, or beside the data, where some providers put it.
    private static XmlElement? FindKey(XmlElement encrypted, XmlElement data)
    {
        XmlElement[] keys =
        [
            .. SamlXml.Children(data, "KeyInfo", SamlXml.Signature)
                .SelectMany(info => SamlXml.Children(info, "EncryptedKey", SamlXml.Encryption)),
            .. SamlXml.Children(encrypted, "EncryptedKey", SamlXml.Encryption),
        ];
        return keys.Length == 1 ? keys[0] : null;
    }

    private static byte[]? Unwrap(XmlElement wrapped, RSA key)
    {
        if (!SamlXml.TryChild(wrapped, "EncryptionMethod", SamlXml.Encryption, out XmlElement? method)
            || method is null || ValueOf(wrapped) is not { } value) return null;
        if (!SamlXml.TryChild(method, "DigestMethod", SamlXml.Signature, out XmlElement? named)) return null;
        if (!SamlXml.TryChild(method, "MGF", SamlXml.Encryption11, out XmlElement? mask)) return null;
        if (SamlXml.Children(method, "OAEPparams", SamlXml.Encryption).Any()) return null;
        string digest = named is null ? "sha1" : LastOf(SamlXml.Attribute(named, "Algorithm"));
        string generator = mask is null ? "mgf1sha1" : LastOf(SamlXml.Attribute(mask, "Algorithm"));

        // The two that one library call can mean: both hashes are the same (RFC 8017 section 7.1).
        return (MethodOf(wrapped), digest, generator) switch
        {
            (OaepMgf1 or Oaep, "sha1", "mgf1sha1") => key.Decrypt(value, RSAEncryptionPadding.OaepSHA1),
            (Oaep, "sha256", "mgf1sha256") => key.Decrypt(value, RSAEncryptionPadding.OaepSHA256),
            _ => null,
        };
    }

    private static byte[]? OpenGcm(byte[] sealedBytes, byte[] secret)
    {
        if (sealedBytes.Length < GcmNonceBytes + GcmTagBytes) return null;
        byte[] clear = new byte[sealedBytes.Length - GcmNonceBytes - GcmTagBytes];
        using AesGcm aes = new(secret, GcmTagBytes);
        aes.Decrypt(
            sealedBytes.AsSpan(0, GcmNonceBytes), sealedBytes.AsSpan(GcmNonceBytes, clear.Length),
            sealedBytes.AsSpan(GcmNonceBytes + clear.Length), clear);
        return clear;
    }

    private static byte[]? OpenCbc(byte[] sealedBytes, byte[] secret)
    {
        if (sealedBytes.Length < 2 * CbcBlockBytes || sealedBytes.Length % CbcBlockBytes != 0) return null;
        using Aes aes = Aes.Create();
        aes.Key = secret;
        byte[] padded = aes.DecryptCbc(
            sealedBytes.AsSpan(CbcBlockBytes), sealedBytes.AsSpan(0, CbcBlockBytes), PaddingMode.None);

        // XML Encryption section 5.2: the last byte counts the padding, whose other bytes may be anything.
        int padding = padded[^1];
        return padding is 0 or > CbcBlockBytes ? null : padded[..^padding];
    }

    private static byte[]? ValueOf(XmlElement element)
    {
        if (!SamlXml.TryChild(element, "CipherData", SamlXml.Encryption, out XmlElement? data) || data is null)
            return null;
        if (!SamlXml.TryChild(data, "CipherValue", SamlXml.Encryption, out XmlElement? value)) return null;
        string? text = SamlXml.TextOf(value);
        if (text is null) return null;
        byte[] bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out int length) ? bytes[..length] : null;
    }

    private static string MethodOf(XmlElement element) =>
        SamlXml.TryChild(element, "EncryptionMethod", SamlXml.Encryption, out XmlElement? method) && method is not null
            ? SamlXml.Attribute(method, "Algorithm") ?? ""
            : "";

    private static string LastOf(string? name) => name is null ? "" : name[(name.LastIndexOf('#') + 1)..];
}
