using Countersign.Policy;

namespace Countersign.Kit;

/// <summary>The store of signing keys in memory; it can be away.</summary>
internal sealed class InMemorySigningKeyStore : ISigningKeyStore
{
    private readonly Lock _gate = new();

    /// <summary>What it holds.</summary>
    internal StoredSigningKeys Held { get; set; } = new(0, default);

    /// <summary>True while it answers nothing.</summary>
    internal bool IsAway { get; set; }

    public ValueTask<StoreResult<StoredSigningKeys>> ReadAsync()
    {
        lock (_gate) return new(IsAway ? default : new StoreResult<StoredSigningKeys>(StoreStatus.Ok, Held));
    }

    public ValueTask<StoreResult<StoredSigningKeys>> SwapAsync(long from, ReadOnlyMemory<byte> box)
    {
        lock (_gate)
        {
            if (IsAway) return default;
            if (Held.Version == from) Held = new StoredSigningKeys(from + 1, box.ToArray());
            return new(new StoreResult<StoredSigningKeys>(StoreStatus.Ok, Held));
        }
    }
}
