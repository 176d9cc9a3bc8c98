namespace Countersign.Policy;

/// <summary>What came of asking for cells of a bucket. Zero is a store that did not answer.</summary>
/// <param name="IsAnswered">False if nobody knows whether any were taken.</param>
/// <param name="Cells">How many were given: they are gone from the bucket.</param>
/// <param name="Left">How many the bucket still holds.</param>
/// <param name="RetryAfter">Where none was given: when the next one comes.</param>
public readonly record struct RateGrant(bool IsAnswered, int Cells, int Left, TimeSpan RetryAfter);

/// <summary>The buckets that a fleet shares. Does not throw for a store that is away.</summary>
public interface IRateStore
{
    /// <summary>Takes up to so many cells of a bucket, in one atomic step.</summary>
    /// <param name="limit">How the bucket fills.</param>
    /// <param name="bucket">Its name, which holds nothing of a call in the clear.</param>
    /// <param name="cells">The most to take.</param>
    ValueTask<RateGrant> TakeAsync(RateLimit limit, string bucket, int cells);
}
