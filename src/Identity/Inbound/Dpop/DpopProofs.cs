using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Countersign.Policy;
using Countersign.Policy.OneTime;
using Microsoft.IdentityModel.Tokens;

namespace Countersign.Identity.Inbound.Dpop;

/// <summary>How a proof ended. Zero is one that proves nothing.</summary>
public enum DpopStatus : byte
{
    /// <summary>Not a proof for this request, of this token, at this time.</summary>
    Invalid = 0,

    /// <summary>Its key was proved.</summary>
    Proved,

    /// <summary>It must hold the nonce that <see cref="DpopProofs.Nonce"/> gives (RFC 9449 section 8).</summary>
    NonceNeeded,

    /// <summary>Whether it was used before, nobody knows: the store does not answer.</summary>
    StoreAway,
}

/// <summary>What came of a proof.</summary>
/// <param name="Status">How it ended.</param>
/// <param name="Key">The SHA-256 thumbprint of its key (RFC 7638), 32 bytes, when proved; else empty.</param>
/// <param name="Because">A constant sentence, safe in <c>error_description</c>; empty when proved.</param>
public readonly record struct DpopOutcome(DpopStatus Status, ReadOnlyMemory<byte> Key, string Because);

/// <summary>The terms of proofs.</summary>
public sealed record DpopOptions
{
    /// <summary>True asks for a nonce of the gateway in every proof, so that none can be made beforehand.</summary>
    public bool RequiresNonce { get; init; } = true;

    /// <summary>How old a proof may be, and for how long it is remembered as used; 5 s to 10 min.</summary>
    public TimeSpan ProofMaxAge { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How far a sender's clock may be ahead; 0 to 5 min.</summary>
    public TimeSpan ClockSkew { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>
/// Checks DPoP proofs (RFC 9449 section 4.3): each is for one request, made with the key that it brings, lately, with a
/// nonce of this fleet, and used once. Thread-safe.
/// </summary>
public sealed class DpopProofs
{
    private const int ProofBytesMax = 8 * 1024;
    private const int IdCharactersMax = 256;
    private const int NonceMacBytes = 16;

    private static readonly TimeSpan NonceEvery = TimeSpan.FromMinutes(2);
    private static readonly string[] Forbidden = ["jku", "x5u", "x5c", "crit"];
    private static readonly string[] PrivateMembers = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

    private readonly byte[] _nonceKey;
    private readonly IOneTimeStore _spent;
    private readonly DpopOptions _options;
    private readonly TimeProvider _clock;

    /// <summary>Makes it.</summary>
    /// <param name="nonceKey">What nonces are made with: the same for every gateway of the fleet, 32 bytes.</param>
    /// <param name="spent">Where proofs that were used are remembered.</param>
    /// <param name="options">The terms.</param>
    /// <param name="clock">Says how old a proof is.</param>
    public DpopProofs(ReadOnlySpan<byte> nonceKey, IOneTimeStore spent, DpopOptions options, TimeProvider clock)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(nonceKey.Length, 32);
        _nonceKey = nonceKey.ToArray();
        _spent = spent;
        _options = options;
        _clock = clock;
    }

    /// <summary>What proofs may be signed with.</summary>
    public static IReadOnlyList<string> Algorithms => IssuerOptions.KnownAlgorithms;

    /// <summary>The nonce to send now. One given out is taken for two to four minutes.</summary>
    public string Nonce() => NonceOf(Slot);

    private long Slot => _clock.GetUtcNow().Ticks / NonceEvery.Ticks;

    /// <summary>Checks one proof.</summary>
    /// <param name="proof">The value of the one DPoP field.</param>
    /// <param name="method">The request's method.</param>
    /// <param name="url">The request's address, without query and fragment.</param>
    /// <param name="token">The access token that came with it; empty at the token endpoint.</param>
    public async ValueTask<DpopOutcome> CheckAsync(
        ReadOnlyMemory<byte> proof, string method, string url, ReadOnlyMemory<byte> token)
    {
        if (CompactToken.TryRead(proof.Span, ProofBytesMax, out CompactToken? read) != TokenFault.None)
            return No("the DPoP proof is not one unambiguous compact JWS");
        using CompactToken compact = read!;
        string because = Judge(compact, method, url, token.Span, out byte[] key, out string id);
        if (because.Length > 0) return No(because);
        if (_options.RequiresNonce && !HasNonce(compact.Claims))
            return new(DpopStatus.NonceNeeded, default, "the DPoP proof needs the nonce that is sent here");
        StoreStatus spent = await _spent.SpendAsync(
            "dpop", Convert.ToHexStringLower(key) + ":" + id, _options.ProofMaxAge + _options.ClockSkew)
            .ConfigureAwait(false);
        return spent switch
        {
            StoreStatus.Ok => new(DpopStatus.Proved, key, ""),
            StoreStatus.Conflict => No("the DPoP proof was used before"),
            _ => new(DpopStatus.StoreAway, default, "nobody knows whether the DPoP proof was used before"),
        };
    }

    private string Judge(
        CompactToken proof, string method, string url, ReadOnlySpan<byte> token, out byte[] key, out string id)
    {
        key = [];
        id = "";
        JsonElement claims = proof.Claims;
        string because = Verify(proof, out key);
        if (because.Length > 0) return because;
        if (!TryText(claims, "jti", out id) || id.Length is 0 or > IdCharactersMax)
            return "the DPoP proof has no jti";
        if (!TryText(claims, "htm", out string said) || said != method)
            return "the DPoP proof is for another method";
        if (!TryText(claims, "htu", out string address) || !IsSame(address, url))
            return "the DPoP proof is for another address";
        if (!claims.TryGetProperty("iat", out JsonElement iat) || !TokenRules.TryReadDate(iat, out long issuedMs))
            return "the DPoP proof has no iat";
        long nowMs = _clock.GetUtcNow().ToUnixTimeMilliseconds();
        if (issuedMs > nowMs + (long)_options.ClockSkew.TotalMilliseconds) return "the DPoP proof is of the future";
        if (issuedMs < nowMs - (long)_options.ProofMaxAge.TotalMilliseconds) return "the DPoP proof is too old";
        if (token.IsEmpty) return "";
        string hash = Base64Url.EncodeToString(SHA256.HashData(token));
        return TryText(claims, "ath", out string bound) && bound == hash
            ? ""
            : "the DPoP proof is for another token";
    }

    private static string Verify(CompactToken proof, out byte[] thumbprint)
    {
        thumbprint = [];
        JsonElement header = proof.Header;
        if (!TryText(header, "typ", out string type) || !type.Equals("dpop+jwt", StringComparison.OrdinalIgnoreCase))
            return "the DPoP proof is of another type";
        if (Forbidden.Any(name => header.TryGetProperty(name, out _)))
            return "the DPoP proof names a key elsewhere, or crit";
        if (!TryText(header, "alg", out string algorithm) || !IssuerOptions.KnownAlgorithms.Contains(algorithm))
            return "the DPoP proof's algorithm is not an asymmetric one that is known here";
        if (!header.TryGetProperty("jwk", out JsonElement jwk) || jwk.ValueKind != JsonValueKind.Object
            || PrivateMembers.Any(name => jwk.TryGetProperty(name, out _)))
        {
            return "the DPoP proof's jwk is not a public key";
        }

        try
        {
            JsonWebKey parsed = new(jwk.GetRawText());
            if (IssuerKey.FromJwk(parsed) is not { } key || !key.Fits(algorithm, null)
                || !key.IsSigned(algorithm, proof.Signed, proof.Signature))
            {
                return "the DPoP proof's signature is wrong";
            }

            thumbprint = parsed.ComputeJwkThumbprint();
            return "";
        }
        catch (ArgumentException)
        {
            return "the DPoP proof's jwk cannot be read";
        }
    }

    // RFC 9449 section 4.3: any query and fragment is ignored, and the rest normalized as RFC 3986 sections 6.2.2 and
    // 6.2.3 say.
    private static bool IsSame(string said, string url) =>
        Uri.TryCreate(said, UriKind.Absolute, out Uri? one) && Uri.TryCreate(url, UriKind.Absolute, out Uri? other)
        && string.Equals(
            one.GetLeftPart(UriPartial.Path), other.GetLeftPart(UriPartial.Path), StringComparison.Ordinal);

    private bool HasNonce(JsonElement claims)
    {
        if (!TryText(claims, "nonce", out string nonce)) return false;
        byte[] said = Encoding.UTF8.GetBytes(nonce);
        long slot = Slot;
        return CryptographicOperations.FixedTimeEquals(said, Encoding.ASCII.GetBytes(NonceOf(slot)))
            || CryptographicOperations.FixedTimeEquals(said, Encoding.ASCII.GetBytes(NonceOf(slot - 1)));
    }

    private string NonceOf(long slot)
    {
        Span<byte> number = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(number, slot);
        return Base64Url.EncodeToString(HMACSHA256.HashData(_nonceKey, number).AsSpan(0, NonceMacBytes));
    }

    private static bool TryText(JsonElement element, string name, out string text)
    {
        text = "";
        return element.TryGetProperty(name, out JsonElement value) && ClaimText.TryRead(value, out text);
    }

    private static DpopOutcome No(string because) => new(DpopStatus.Invalid, default, because);
}
