using System.Buffers;
using System.Buffers.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Countersign.Identity.Inbound;

/// <summary>
/// A compact JWS (RFC 7515 section 7.1) taken apart by rules that leave no second reading: canonical base64url, valid
/// UTF-8, JSON objects without duplicate members at any depth. Nothing in it is proven yet.
/// </summary>
internal sealed class CompactToken : IDisposable
{
    private static ReadOnlySpan<byte> Alphabet => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"u8;

    private static readonly SearchValues<byte> AlphabetBytes = SearchValues.Create(Alphabet);

    // Deeper than any actor chain that ClaimMapping accepts, so that its own limit is the one that speaks.
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 32 };

    private readonly JsonDocument _header;
    private readonly JsonDocument _claims;

    private readonly byte[] _signed;
    private readonly byte[] _signature;

    private CompactToken(byte[] signed, byte[] signature, JsonDocument header, JsonDocument claims)
    {
        _signed = signed;
        _signature = signature;
        _header = header;
        _claims = claims;
    }

    /// <summary>What is signed: the first two parts and the dot between them.</summary>
    public ReadOnlySpan<byte> Signed => _signed;

    /// <summary>The third part, decoded.</summary>
    public ReadOnlySpan<byte> Signature => _signature;

    public JsonElement Header => _header.RootElement;

    public JsonElement Claims => _claims.RootElement;

    /// <summary>Reads <paramref name="token"/>; <see cref="TokenFault.None"/> when <paramref name="read"/> is
    /// set.</summary>
    public static TokenFault TryRead(ReadOnlySpan<byte> token, int tokenBytesMax, out CompactToken? read)
    {
        read = null;
        if (token.Length > tokenBytesMax) return TokenFault.TooLong;

        int first = token.IndexOf((byte)'.');
        int last = token.LastIndexOf((byte)'.');
        if (first <= 0 || last <= first + 1 || last == token.Length - 1) return TokenFault.NotCompact;
        ReadOnlySpan<byte> header = token[..first];
        ReadOnlySpan<byte> claims = token[(first + 1)..last];
        if (claims.Contains((byte)'.')) return TokenFault.NotCompact;
        if (!IsCanonical(header) || !IsCanonical(claims) || !IsCanonical(token[(last + 1)..]))
            return TokenFault.NotCanonical;

        JsonDocument? headerJson = ParseObject(header);
        if (headerJson is null) return TokenFault.HeaderNotJson;
        JsonDocument? claimsJson = ParseObject(claims);
        if (claimsJson is null)
        {
            headerJson.Dispose();
            return TokenFault.PayloadNotJson;
        }

        read = new CompactToken(
            token[..last].ToArray(), Base64Url.DecodeFromUtf8(token[(last + 1)..]), headerJson, claimsJson);
        return TokenFault.None;
    }

    /// <summary>Wipes what could be sent again.</summary>
    public void Dispose()
    {
        _signature.AsSpan().Clear();
        _header.Dispose();
        _claims.Dispose();
    }

    /// <summary>True for base64url without padding, white space or bits that a decoder would drop (RFC 4648 section
    /// 3.5).</summary>
    internal static bool IsCanonical(ReadOnlySpan<byte> part)
    {
        if (part.IsEmpty || part.ContainsAnyExcept(AlphabetBytes)) return false;
        int rest = part.Length % 4;
        if (rest == 0) return true;
        if (rest == 1) return false;
        int droppedBits = rest == 2 ? 0b1111 : 0b11;
        return (Alphabet.IndexOf(part[^1]) & droppedBits) == 0;
    }

    private static JsonDocument? ParseObject(ReadOnlySpan<byte> part)
    {
        byte[] json = Base64Url.DecodeFromUtf8(part);
        if (!Utf8.IsValid(json)) return null;
        try
        {
            JsonDocument document = JsonDocument.Parse(json, Strict);
            if (document.RootElement.ValueKind == JsonValueKind.Object) return document;
            document.Dispose();
            return null;
        }
        catch (JsonException)
        {
            return null;
        }
        catch (InvalidOperationException)
        {
            return null; // a member name with half a surrogate pair
        }
    }
}
