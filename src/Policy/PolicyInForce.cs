namespace Countersign.Policy;

/// <summary>
/// The snapshot that calls are decided under, and when the store was last heard. One writer, the policy feed; any
/// number of readers, who read it once per call (STYLE rule 12).
/// </summary>
public sealed class PolicyInForce
{
    private PolicySnapshot? _current;
    private long _contactAt;
    private volatile bool _isDoubted;

    /// <summary>The snapshot in force; null until the first one is loaded, and then every call is refused.</summary>
    public PolicySnapshot? Current => Volatile.Read(ref _current);

    /// <summary>
    /// Timestamp (<see cref="TimeProvider.GetTimestamp"/>) of the last word from the store; 0 is never.
    /// </summary>
    public long ContactAt => Volatile.Read(ref _contactAt);

    /// <summary>
    /// True while the store answers with an older policy than was seen: what does much harm must not rely on it.
    /// </summary>
    public bool IsDoubted => _isDoubted;

    /// <summary>Says whether the store's policy is in doubt.</summary>
    public void Doubt(bool isDoubted) => _isDoubted = isDoubted;

    /// <summary>Puts a snapshot in force.</summary>
    public void Swap(PolicySnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        Volatile.Write(ref _current, snapshot);
    }

    /// <summary>Notes that the store was heard at <paramref name="timestamp"/>.</summary>
    public void Heard(long timestamp) => Volatile.Write(ref _contactAt, timestamp);
}
