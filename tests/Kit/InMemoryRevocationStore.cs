using Countersign.Policy;
using Countersign.Policy.Revocations;

namespace Countersign.Kit;

/// <summary>Revocations in memory; tells whoever listens, as a feed would.</summary>
internal sealed class InMemoryRevocationStore : IRevocationStore
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Revocation> _items = [];
    private long _version;

    /// <summary>True for a store that does not answer.</summary>
    public bool IsAway { get; set; }

    /// <summary>Gets each new list.</summary>
    public Action<RevocationListing>? Heard { get; set; }

    public ValueTask<StoreStatus> AddAsync(Revocation revocation)
    {
        if (IsAway) return new(StoreStatus.Unavailable);
        lock (_gate)
        {
            _items[revocation.Key] = revocation;
            _version++;
            Heard?.Invoke(new RevocationListing(_version, [.. _items.Values]));
            return new(StoreStatus.Ok);
        }
    }

    public ValueTask<StoreResult<RevocationListing>> ListAsync(long known)
    {
        if (IsAway) return default;
        lock (_gate)
        {
            return new(known == _version
                ? new StoreResult<RevocationListing>(StoreStatus.NotFound, null)
                : new StoreResult<RevocationListing>(
                    StoreStatus.Ok, new RevocationListing(_version, [.. _items.Values])));
        }
    }
}
