using System.Globalization;
using StackExchange.Redis;

namespace Countersign.Policy.Redis;

/// <summary>
/// The buckets of limits in the store, by the generic cell rate algorithm: of a bucket nothing is kept but the time at
/// which it will be full, and that only until then.
/// </summary>
public sealed class RedisRateStore(RedisStore store) : IRateStore
{
    // KEYS: bucket. ARGV: microseconds per cell, cells it holds, cells wanted. Returns cells given, cells left, and
    // microseconds until there is one more where none was given.
    private const string Take = """
        local time = redis.call('TIME')
        local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
        local interval = tonumber(ARGV[1])
        local full = tonumber(redis.call('GET', KEYS[1]) or '0')
        if full < now then full = now end
        local room = math.floor((now + interval * tonumber(ARGV[2]) - full) / interval + 0.000001)
        local given = math.min(room, tonumber(ARGV[3]))
        if given < 1 then
          return {0, 0, string.format('%.0f', full + interval - now - interval * tonumber(ARGV[2]))}
        end
        full = full + given * interval
        local kept = string.format('%.0f', math.ceil((full - now) / 1000) + 1)
        redis.call('SET', KEYS[1], string.format('%.3f', full), 'PX', kept)
        return {given, room - given, '0'}
        """;

    /// <inheritdoc/>
    public async ValueTask<RateGrant> TakeAsync(RateLimit limit, string bucket, int cells)
    {
        ArgumentNullException.ThrowIfNull(limit);
        ArgumentException.ThrowIfNullOrEmpty(bucket);
        RedisResult? answer = await store.EvaluateAsync(
            Take,
            [StoreKeys.Bucket(bucket)],
            [limit.IntervalMicroseconds.ToString("F3", CultureInfo.InvariantCulture), limit.Burst, cells]);
        if (answer is null) return default;
        long wait = long.Parse((string)answer[2]!, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        return new RateGrant(
            true, (int)answer[0], (int)answer[1], TimeSpan.FromMicroseconds(Math.Max(0, wait)));
    }
}
