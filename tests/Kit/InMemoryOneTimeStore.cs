using System.Collections.Concurrent;
using Countersign.Policy;
using Countersign.Policy.OneTime;

namespace Countersign.Kit;

/// <summary>Ids that were used, in memory, by the same rules as in Redis.</summary>
internal sealed class InMemoryOneTimeStore(TimeProvider clock) : IOneTimeStore
{
    private readonly ConcurrentDictionary<string, DateTimeOffset> _spent = new();

    /// <summary>True for a store that does not answer.</summary>
    public bool IsAway { get; set; }

    public ValueTask<StoreStatus> SpendAsync(string use, string id, TimeSpan remember)
    {
        if (IsAway) return new(StoreStatus.Unavailable);
        if (remember <= TimeSpan.Zero) return new(StoreStatus.Lapsed);
        DateTimeOffset now = clock.GetUtcNow(), ends = now + remember;
        bool isFirst = false;
        _spent.AddOrUpdate(
            use + "\n" + id,
            _ =>
            {
                isFirst = true;
                return ends;
            },
            (_, until) =>
            {
                isFirst = until <= now;
                return isFirst ? ends : until;
            });
        return new(isFirst ? StoreStatus.Ok : StoreStatus.Conflict);
    }
}
