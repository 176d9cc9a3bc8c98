using System.Buffers.Text;
using System.Text;
using Countersign.Policy;

namespace Countersign.Identity.Outbound;

/// <summary>A key pair and the time from which it signs.</summary>
/// <param name="Keys">The pair.</param>
/// <param name="SignsFrom">Until then it is published only.</param>
public sealed record DatedSigningKeys(SigningKeys Keys, DateTimeOffset SignsFrom)
{
    /// <summary>The JWS header of a JWT signed by it, encoded, and the dot after it.</summary>
    internal byte[] EncodedHead { get; } = Encoding.ASCII.GetBytes(Base64Url.EncodeToString(Encoding.UTF8.GetBytes(
        $$"""{"alg":"{{SigningAlgorithms.NameOf(Keys.Algorithm)}}","typ":"JWT","kid":"{{Keys.KeyId}}"}""")) + ".");

    /// <summary><see cref="SignsFrom"/> in milliseconds since 1970.</summary>
    internal long SignsFromMilliseconds { get; } = SignsFrom.ToUnixTimeMilliseconds();
}

/// <summary>What a published key does. Zero signs nothing.</summary>
public enum SigningKeyState : byte
{
    /// <summary>It signed once, and is published for what it signed.</summary>
    Retired = 0,

    /// <summary>It signs.</summary>
    Signs,

    /// <summary>It will sign.</summary>
    Waits,
}

/// <summary>
/// The fleet's signing keys at one moment, never changed: for each algorithm those that signed, the one that signs and
/// the one that will.
/// </summary>
public sealed class SigningKeySet
{
    private readonly DatedSigningKeys[] _keys;

    /// <summary>Makes a set.</summary>
    /// <param name="version">How many times the fleet's keys have changed.</param>
    /// <param name="keys">In any order.</param>
    public SigningKeySet(long version, IEnumerable<DatedSigningKeys> keys)
    {
        Version = version;
        _keys = [.. keys.OrderBy(one => one.SignsFrom)];
        PublicJwks = SigningKeys.PublicJwks([.. _keys.Select(one => one.Keys)]);
    }

    /// <summary>How many times the fleet's keys have changed.</summary>
    public long Version { get; }

    /// <summary>The keys in the order in which they begin to sign.</summary>
    public IReadOnlyList<DatedSigningKeys> Keys => _keys;

    /// <summary>The JWKS (RFC 7517 section 5) of them all.</summary>
    public string PublicJwks { get; }

    /// <summary>The key that signs at that time: of those that may, the newest. Null if none may.</summary>
    [HotPath]
    internal DatedSigningKeys? SignerAt(SigningAlgorithm algorithm, long unixMilliseconds)
    {
        for (int at = _keys.Length - 1; at >= 0; at--)
        {
            DatedSigningKeys one = _keys[at];
            if (one.Keys.Algorithm == algorithm && one.SignsFromMilliseconds <= unixMilliseconds) return one;
        }

        return null;
    }

    /// <summary>What one of these keys does at that time.</summary>
    public SigningKeyState StateOf(DatedSigningKeys one, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(one);
        if (one.SignsFrom > now) return SigningKeyState.Waits;
        return SignerAt(one.Keys.Algorithm, now.ToUnixTimeMilliseconds()) == one
            ? SigningKeyState.Signs
            : SigningKeyState.Retired;
    }

    /// <summary>The key of that name; null where there is none.</summary>
    public SigningKeys? Find(string keyId) =>
        Array.Find(_keys, one => string.Equals(one.Keys.KeyId, keyId, StringComparison.Ordinal))?.Keys;
}
