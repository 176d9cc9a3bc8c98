using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Microsoft.IdentityModel.Tokens;

namespace Countersign.Identity.Inbound;

/// <summary>Reads an issuer's keys from a file of PEM blocks or a JWKS.</summary>
internal static class IssuerKeyFile
{
    private const int FileBytesMax = 1024 * 1024;

    /// <summary>Reads <paramref name="path"/>; null when <paramref name="keys"/> holds at least one, else what is
    /// wrong.</summary>
    public static string? TryRead(string path, out IReadOnlyList<IssuerKey> keys)
    {
        keys = [];
        string text;
        try
        {
            if (new FileInfo(path).Length > FileBytesMax) return $"the keys file '{path}' is too large";
            text = File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return $"the keys file '{path}' cannot be read: {e.Message}";
        }

        List<IssuerKey> found = [];
        string? error = text.AsSpan().TrimStart() is ['{', ..] ? ReadJwks(text, found) : ReadPem(text, found);
        if (error is not null) return $"the keys file '{path}' {error}";
        if (found.Count == 0) return $"the keys file '{path}' holds no public key that can verify tokens";
        keys = found;
        return null;
    }

    private static string? ReadJwks(string text, List<IssuerKey> found)
    {
        try
        {
            foreach (JsonWebKey jwk in new JsonWebKeySet(text).Keys)
            {
                if (IssuerKey.FromJwk(jwk) is { } key) found.Add(key);
            }

            return null;
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            return "is not a JWKS";
        }
    }

    private static string? ReadPem(string text, List<IssuerKey> found)
    {
        ReadOnlySpan<char> rest = text;
        while (PemEncoding.TryFind(rest, out PemFields fields))
        {
            ReadOnlySpan<char> label = rest[fields.Label];
            if (label.EndsWith("PRIVATE KEY")) return "holds a private key, which has no place here";
            byte[] der = Convert.FromBase64String(rest[fields.Base64Data].ToString());
            try
            {
                if (ReadBlock(label, der) is not { } key) return $"holds a '{label}' that cannot verify tokens";
                found.Add(key);
            }
            catch (CryptographicException)
            {
                return $"holds a broken '{label}'";
            }

            rest = rest[fields.Location.End..];
        }

        return null;
    }

    private static IssuerKey? ReadBlock(ReadOnlySpan<char> label, byte[] der)
    {
        if (label is "PUBLIC KEY") return IssuerKey.FromPublicKey(PublicKey.CreateFromSubjectPublicKeyInfo(der, out _));
        if (label is "CERTIFICATE")
        {
            using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate(der);
            return IssuerKey.FromPublicKey(certificate.PublicKey);
        }

        if (label is not "RSA PUBLIC KEY") return null;
        using RSA rsa = RSA.Create();
        rsa.ImportRSAPublicKey(der, out _);
        return IssuerKey.FromRsa(rsa.ExportParameters(false), null, null);
    }
}
