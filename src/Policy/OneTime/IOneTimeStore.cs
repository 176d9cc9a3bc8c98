namespace Countersign.Policy.OneTime;

/// <summary>
/// What may be used once in the whole fleet: assertion ids, requests that wait for their answer, proofs. None throws
/// for a store that is away.
/// </summary>
public interface IOneTimeStore
{
    /// <summary>Uses an id up. <see cref="StoreStatus.Conflict"/> if somebody used it before.</summary>
    /// <param name="use">What kind of id; ids of two uses never meet.</param>
    /// <param name="id">The id: whatever a stranger sent; only its hash is stored.</param>
    /// <param name="remember">For how long a second use is refused: as long as the id could be good.</param>
    ValueTask<StoreStatus> SpendAsync(string use, string id, TimeSpan remember);
}
