using System.Buffers.Text;
using System.Security.Cryptography;

namespace Countersign.Masking;

/// <summary>
/// The key that tokens are made with: <c>tok_</c> and 22 characters of base64url, the first 128 bits of HMAC-SHA-256
/// over the field class, a zero byte and the decoded value. Without the key a token tells nothing; with it, values of
/// which there are few can be found by trying them all.
/// </summary>
public sealed class TokenKey
{
    /// <summary>The fewest bytes a key has: as many as half its hash, so that guessing it is no use.</summary>
    public const int BytesMin = 16;

    private const int HashBytes = 32;
    private const int KeptBytes = 16;

    private readonly byte[] _key;

    private TokenKey(byte[] key) => _key = key;

    /// <summary>Bytes of a token.</summary>
    internal static int TokenBytes => 4 + Base64Url.GetEncodedLength(KeptBytes);

    /// <summary>A key from its bytes, of which it keeps a copy.</summary>
    /// <exception cref="ArgumentException">There are fewer than <see cref="BytesMin"/>.</exception>
    public static TokenKey From(ReadOnlySpan<byte> key)
    {
        if (key.Length < BytesMin) throw new ArgumentException("a token key has at least 16 bytes", nameof(key));
        return new TokenKey(key.ToArray());
    }

    /// <summary>Writes the token of <paramref name="subject"/> to <paramref name="target"/>, of at least
    /// <see cref="TokenBytes"/>.</summary>
    internal void Write(ReadOnlySpan<byte> subject, Span<byte> target)
    {
        Span<byte> hash = stackalloc byte[HashBytes];
        HMACSHA256.HashData(_key, subject, hash);
        "tok_"u8.CopyTo(target);
        Base64Url.EncodeToUtf8(hash[..KeptBytes], target[4..]);
    }
}
