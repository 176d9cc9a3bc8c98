using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using Countersign.Policy;

namespace Countersign.DataPlane.Calls;

/// <summary>Whose calls are counted together under which limit.</summary>
/// <param name="Limit">The limit, of one snapshot.</param>
/// <param name="Issuer">Of a caller; else empty.</param>
/// <param name="Name">The caller's subject, the function's id, or the person.</param>
internal readonly record struct RateKey(RateLimit Limit, string Issuer, string Name)
{
    // People are compared as separation of duties compares them: without regard to case.
    private StringComparison Comparison =>
        Limit.Per == RateScope.Chain ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;

    public bool Equals(RateKey other) =>
        ReferenceEquals(Limit, other.Limit) && string.Equals(Name, other.Name, Comparison)
        && string.Equals(Issuer, other.Issuer, StringComparison.Ordinal);

    public override int GetHashCode() => HashCode.Combine(
        RuntimeHelpers.GetHashCode(Limit), Name.GetHashCode(Comparison), Issuer.GetHashCode(StringComparison.Ordinal));

    /// <summary>A name in the store that no other key has, and that tells nobody whose it is.</summary>
    internal string StoreName()
    {
        string name = Limit.Per == RateScope.Chain ? Name.ToLowerInvariant() : Name;
        string text = $"{(int)Limit.Per} {Issuer.Length} {Issuer}{name}";
        return Limit.Id + ":" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..32];
    }
}

/// <summary>The buckets that this node holds cells of, of which there are never more than a bound.</summary>
internal sealed class RateTable(int bucketsMax)
{
    private readonly ConcurrentDictionary<RateKey, RateBucket> _buckets = new();
    private int _count;

    internal int Count => Volatile.Read(ref _count);

    /// <summary>The bucket of a key. Past the bound it is one that nobody else finds, which costs only its
    /// leases.</summary>
    [HotPath]
    internal RateBucket Get(in RateKey key, long now) =>
        _buckets.TryGetValue(key, out RateBucket? bucket) ? bucket : Make(key, now);

    private RateBucket Make(in RateKey key, long now)
    {
        RateBucket made = new(key.Limit, key.StoreName());
        if (Count >= bucketsMax) Sweep(now);
        if (Count >= bucketsMax) return made;
        if (!_buckets.TryAdd(key, made)) return _buckets.TryGetValue(key, out RateBucket? other) ? other : made;
        Interlocked.Increment(ref _count);
        return made;
    }

    private void Sweep(long now)
    {
        foreach (KeyValuePair<RateKey, RateBucket> entry in _buckets)
        {
            if (entry.Value.IsIdle(now) && _buckets.TryRemove(entry)) Interlocked.Decrement(ref _count);
        }
    }
}
