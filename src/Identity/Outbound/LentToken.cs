using System.Buffers.Text;
using System.Text.Json;

namespace Countersign.Identity.Outbound;

/// <summary>A lent JWT whose signature verifies and whose time has not passed.</summary>
/// <param name="Claims">Its claims, one JSON object.</param>
/// <param name="Audience">Who it is for.</param>
/// <param name="Call">The call it was written for.</param>
/// <param name="Gateway">The start of the gateway that makes that call; empty for a credential that several calls may
/// use, which lives until it expires.</param>
public sealed record LentToken(ReadOnlyMemory<byte> Claims, string Audience, Guid Call, string Gateway)
{
    /// <summary>The most bytes a token may have.</summary>
    public const int BytesMax = 65_536;

    /// <summary>
    /// Reads a token that <see cref="CredentialIssuer"/> wrote with a key of the ring; null for anything else.
    /// </summary>
    /// <param name="token">The compact form (RFC 7515 section 7.1).</param>
    /// <param name="issuer">The <c>iss</c> that it must have.</param>
    /// <param name="ring">The keys.</param>
    /// <param name="now">The time: a token is good until, and not at, its <c>exp</c>.</param>
    public static LentToken? Read(ReadOnlySpan<byte> token, string issuer, SigningKeyRing ring, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(ring);
        int head = token.IndexOf((byte)'.') + 1;
        int tail = token.LastIndexOf((byte)'.');
        if (token.Length > BytesMax || head <= 1 || tail <= head) return null;
        Span<byte> signature = stackalloc byte[SigningKeys.SignatureBytes];
        ReadOnlySpan<byte> encoded = token[(tail + 1)..];
        if (encoded.Length != Base64Url.GetEncodedLength(SigningKeys.SignatureBytes)
            || !Base64Url.IsValid(encoded)
            || !Base64Url.TryDecodeFromUtf8(encoded, signature, out int signatureBytes)
            || signatureBytes != SigningKeys.SignatureBytes)
        {
            return null;
        }

        // The header is compared as the bytes that we write, so that it can say nothing else.
        foreach (DatedSigningKeys one in ring.Current.Keys)
        {
            if (!token[..head].SequenceEqual(one.EncodedHead)) continue;
            return one.Keys.Verifies(token[..tail], signature) ? ReadClaims(token[head..tail], issuer, now) : null;
        }

        return null;
    }

    private static LentToken? ReadClaims(ReadOnlySpan<byte> part, string issuer, DateTimeOffset now)
    {
        byte[] claims = Base64Url.DecodeFromUtf8(part);
        using JsonDocument document = JsonDocument.Parse(claims);
        JsonElement root = document.RootElement;
        bool isLent = root.GetProperty("iss").GetString() == issuer
            && root.TryGetProperty("exp", out JsonElement exp) && exp.GetInt64() > now.ToUnixTimeSeconds()
            && root.TryGetProperty("jti", out JsonElement jti) && jti.TryGetGuid(out _)
            && root.TryGetProperty("aud", out JsonElement aud) && aud.ValueKind == JsonValueKind.String;
        if (!isLent) return null;
        string gateway = root.TryGetProperty("gateway", out JsonElement named) ? named.GetString() ?? "" : "";
        return new LentToken(
            claims, root.GetProperty("aud").GetString()!, root.GetProperty("jti").GetGuid(), gateway);
    }
}
