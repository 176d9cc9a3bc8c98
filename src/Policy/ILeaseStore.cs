namespace Countersign.Policy;

/// <summary>A secret that somebody else must be asked to revoke.</summary>
/// <param name="Broker">Which broker's.</param>
/// <param name="Id">What it is revoked by; opens nothing.</param>
public readonly record struct HeldLease(string Broker, string Id);

/// <summary>
/// Which secrets are held by which start of a gateway: noted before they are used, so that others revoke them where
/// that one is gone.
/// </summary>
public interface ILeaseStore
{
    /// <summary>Notes one.</summary>
    ValueTask<StoreStatus> NoteAsync(HeldLease lease, string start);

    /// <summary>Forgets one that has been revoked.</summary>
    ValueTask<StoreStatus> ForgetAsync(HeldLease lease);

    /// <summary>Those whose start has given no sign of life for that long.</summary>
    ValueTask<StoreResult<IReadOnlyList<HeldLease>>> OrphansAsync(TimeSpan silent);
}
