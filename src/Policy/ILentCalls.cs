namespace Countersign.Policy;

/// <summary>
/// Whether a call is in flight, asked of the gateway that makes it, over the store: nothing is written for a call, so
/// that none waits for the store to be told of it (docs/decisions/0070).
/// </summary>
public interface ILentCalls
{
    /// <summary>Answers for one start of a gateway until the process ends. Call it once for each.</summary>
    /// <param name="start">The start, as its credentials name it.</param>
    /// <param name="isInFlight">Whether it makes that call at this moment. Called beside the calls.</param>
    Task ServeAsync(string start, Func<Guid, bool> isInFlight);

    /// <summary>
    /// Asks that start: <see cref="StoreStatus.Ok"/> while it makes the call. Not found if it does not, or if nobody
    /// answered in time, which is what a gateway that is gone does.
    /// </summary>
    ValueTask<StoreStatus> AskAsync(string start, Guid call);
}
