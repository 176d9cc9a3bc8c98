namespace Countersign.Policy;

/// <summary>The fleet's signing keys as the store holds them.</summary>
/// <param name="Version">How many times they were changed; 0 where there are none yet.</param>
/// <param name="Box">The keys, sealed; empty where there are none yet.</param>
public sealed record StoredSigningKeys(long Version, ReadOnlyMemory<byte> Box);

/// <summary>Where gateways share the keys that they sign with. The store sees them sealed only.</summary>
public interface ISigningKeyStore
{
    /// <summary>What is there now.</summary>
    ValueTask<StoreResult<StoredSigningKeys>> ReadAsync();

    /// <summary>
    /// Puts a box in the place of version <paramref name="from"/>, of which it becomes the next. Returns what is there
    /// afterwards: of two gateways that change the same version, one gets the other's.
    /// </summary>
    ValueTask<StoreResult<StoredSigningKeys>> SwapAsync(long from, ReadOnlyMemory<byte> box);
}
