using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;

namespace Countersign.Identity.Inbound;

/// <summary>What a token is bound to (<c>cnf</c>, RFC 7800): nothing, or a client certificate (RFC 8705).</summary>
internal static class Confirmation
{
    private const string CertificateMember = "x5t#S256";

    /// <summary>
    /// True for no <c>cnf</c>, with nothing bound, and for one that holds a certificate's SHA-256 and nothing else:
    /// what we cannot check, we cannot let pass.
    /// </summary>
    /// <param name="claims">The payload.</param>
    /// <param name="bound">32 bytes, or none.</param>
    internal static bool TryReadCertificate(JsonElement claims, out byte[] bound)
    {
        bound = [];
        if (!claims.TryGetProperty("cnf", out JsonElement confirmation)) return true;
        if (confirmation.ValueKind != JsonValueKind.Object) return false;
        string text = "";
        foreach (JsonProperty member in confirmation.EnumerateObject())
        {
            if (member.Name != CertificateMember || text.Length > 0 || !ClaimText.TryRead(member.Value, out text))
            {
                return false;
            }
        }

        if (text.Length != Base64Url.GetEncodedLength(SHA256.HashSizeInBytes) || !Base64Url.IsValid(text)) return false;
        bound = Base64Url.DecodeFromChars(text);
        return bound.Length == SHA256.HashSizeInBytes;
    }
}
