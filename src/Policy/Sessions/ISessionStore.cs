namespace Countersign.Policy.Sessions;

/// <summary>
/// Where the sessions of people at the console live, by the hash of their ids, sealed. None throws for a store that is
/// away.
/// </summary>
public interface ISessionStore
{
    /// <summary>Keeps a new session for <paramref name="goodFor"/>.</summary>
    ValueTask<StoreStatus> AddAsync(string key, ReadOnlyMemory<byte> box, TimeSpan goodFor);

    /// <summary>Reads one; not found once it has ended or idled too long.</summary>
    ValueTask<StoreResult<byte[]>> FindAsync(string key);

    /// <summary>
    /// Confirms in one step that the session lives and its person has not ended all of theirs since it began, and gives
    /// it <paramref name="goodFor"/> from now; <see cref="TimeSpan.Zero"/> leaves its end where it is. Not found means
    /// that it is over.
    /// </summary>
    ValueTask<StoreStatus> ConfirmAsync(string key, string person, DateTimeOffset begunAt, TimeSpan goodFor);

    /// <summary>Ends one.</summary>
    ValueTask<StoreStatus> EndAsync(string key);

    /// <summary>Ends all that the person began before <paramref name="at"/>, on every device.</summary>
    /// <param name="person">The person's key.</param>
    /// <param name="at">Now.</param>
    /// <param name="remember">The longest that a session can live.</param>
    ValueTask<StoreStatus> EndAllAsync(string person, DateTimeOffset at, TimeSpan remember);
}
