namespace Countersign.Policy.Revocations;

/// <summary>Where revocations live until the tokens that they name have expired. None throws for a store that is
/// away.</summary>
public interface IRevocationStore
{
    /// <summary>Adds one and tells every gateway. <see cref="StoreStatus.Limited"/> when the list is full.</summary>
    ValueTask<StoreStatus> AddAsync(Revocation revocation);

    /// <summary>The list, or not found where it has not changed since <paramref name="known"/>.</summary>
    /// <param name="known">The version that the asker has; -1 asks for the list in any case.</param>
    ValueTask<StoreResult<RevocationListing>> ListAsync(long known);
}
