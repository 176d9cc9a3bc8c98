using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;

namespace Countersign.Identity.Inbound;

/// <summary>What a token is bound to (<c>cnf</c>, RFC 7800): a client certificate (RFC 8705), a key whose holder sends
/// proofs (RFC 9449), both, or nothing.</summary>
/// <param name="Certificate">SHA-256 of the certificate, 32 bytes; empty when it is not bound to one.</param>
/// <param name="Key">SHA-256 thumbprint of the key (RFC 7638), 32 bytes; empty when it is not bound to one.</param>
internal readonly record struct Confirmation(byte[] Certificate, byte[] Key)
{
    private const string CertificateMember = "x5t#S256";
    private const string KeyMember = "jkt";

    /// <summary>
    /// True for no <c>cnf</c>, with nothing bound, and for one that holds a certificate's SHA-256, a key's thumbprint,
    /// or both, and nothing else: what we cannot check, we cannot let pass.
    /// </summary>
    /// <param name="claims">The payload.</param>
    /// <param name="bound">What it is bound to.</param>
    internal static bool TryRead(JsonElement claims, out Confirmation bound)
    {
        bound = new([], []);
        if (!claims.TryGetProperty("cnf", out JsonElement confirmation)) return true;
        if (confirmation.ValueKind != JsonValueKind.Object) return false;
        byte[] certificate = [], key = [];
        foreach (JsonProperty member in confirmation.EnumerateObject())
        {
            if (!TryReadHash(member.Value, out byte[] hash)) return false;
            if (member.Name == CertificateMember) certificate = hash;
            else if (member.Name == KeyMember) key = hash;
            else return false;
        }

        bound = new(certificate, key);
        return certificate.Length + key.Length > 0;
    }

    private static bool TryReadHash(JsonElement element, out byte[] hash)
    {
        hash = [];
        if (!ClaimText.TryRead(element, out string text)) return false;
        if (text.Length != Base64Url.GetEncodedLength(SHA256.HashSizeInBytes) || !Base64Url.IsValid(text)) return false;
        hash = Base64Url.DecodeFromChars(text);
        return hash.Length == SHA256.HashSizeInBytes;
    }
}
