using Countersign.Policy;

namespace Countersign.DataPlane.Calls;

/// <summary>A store of buckets that is always away.</summary>
internal sealed class NoRateStore : IRateStore
{
    public ValueTask<RateGrant> TakeAsync(RateLimit limit, string bucket, int cells) => default;
}
