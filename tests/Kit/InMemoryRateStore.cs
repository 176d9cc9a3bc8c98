using Countersign.Policy;

namespace Countersign.Kit;

/// <summary>Shared buckets in memory, by the same arithmetic as the store's.</summary>
internal sealed class InMemoryRateStore(TimeProvider clock) : IRateStore
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, double> _fullAt = new(StringComparer.Ordinal);

    /// <summary>True answers nothing.</summary>
    internal bool IsAway { get; set; }

    /// <summary>True takes questions and never answers, as a server that stands still.</summary>
    internal bool StandsStill { get; set; }

    /// <summary>How often it was asked.</summary>
    internal int Asked { get; private set; }

    /// <summary>The buckets that it knows.</summary>
    internal int Buckets => _fullAt.Count;

    public ValueTask<RateGrant> TakeAsync(RateLimit limit, string bucket, int cells)
    {
        ArgumentNullException.ThrowIfNull(limit);
        lock (_gate)
        {
            Asked++;
            if (StandsStill) return new(new TaskCompletionSource<RateGrant>().Task);
            if (IsAway) return default;
            double now = clock.GetUtcNow().ToUnixTimeMilliseconds() * 1_000.0;
            double full = Math.Max(now, _fullAt.GetValueOrDefault(bucket));
            double interval = limit.IntervalMicroseconds;
            int room = (int)(((now + (interval * limit.Burst) - full) / interval) + 0.000001);
            int given = Math.Min(room, cells);
            if (given < 1)
            {
                double wait = full + interval - now - (interval * limit.Burst);
                return new(new RateGrant(true, 0, 0, TimeSpan.FromMicroseconds(wait)));
            }

            _fullAt[bucket] = full + (given * interval);
            return new(new RateGrant(true, given, room - given, TimeSpan.Zero));
        }
    }
}
