using Countersign.Policy;

namespace Countersign.Identity.Outbound;

/// <summary>
/// The keys that this process signs with: a snapshot that its keeper swaps. What signs reads it once per signature.
/// Thread-safe.
/// </summary>
public sealed class SigningKeyRing
{
    private SigningKeySet _current;
    private long _goodUntilMilliseconds;

    /// <summary>Begins with these, which are good until then.</summary>
    internal SigningKeyRing(SigningKeySet current, DateTimeOffset goodUntil)
    {
        _current = current;
        _goodUntilMilliseconds = goodUntil.ToUnixTimeMilliseconds();
    }

    /// <summary>A ring of keys that sign at once and are never changed. They are not disposed of here.</summary>
    public static SigningKeyRing Of(params ReadOnlySpan<SigningKeys> keys)
    {
        List<DatedSigningKeys> dated = [];
        foreach (SigningKeys one in keys) dated.Add(new DatedSigningKeys(one, DateTimeOffset.UnixEpoch));
        return new SigningKeyRing(new SigningKeySet(1, dated), DateTimeOffset.MaxValue);
    }

    /// <summary>Raised after the keys changed, on the keeper's own task.</summary>
    internal event Action? Swapped;

    /// <summary>The keys as they are now.</summary>
    public SigningKeySet Current => Volatile.Read(ref _current);

    /// <summary>What will sign from now on; called by the one keeper.</summary>
    internal void Swap(SigningKeySet next)
    {
        Volatile.Write(ref _current, next);
        Swapped?.Invoke();
    }

    /// <summary>The store was heard, so that the keys are good until then.</summary>
    internal void Extend(DateTimeOffset goodUntil) =>
        Volatile.Write(ref _goodUntilMilliseconds, goodUntil.ToUnixTimeMilliseconds());

    /// <summary>The key that signs now; null if there is none for the algorithm, or if the store has been away for so
    /// long that others may not publish it any more.</summary>
    [HotPath]
    internal DatedSigningKeys? Signer(SigningAlgorithm algorithm, long unixMilliseconds)
    {
        if (unixMilliseconds > Volatile.Read(ref _goodUntilMilliseconds)) return null;
        return Volatile.Read(ref _current).SignerAt(algorithm, unixMilliseconds);
    }
}
