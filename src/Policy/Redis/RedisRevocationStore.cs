using System.Globalization;
using Countersign.Policy.Revocations;
using StackExchange.Redis;

namespace Countersign.Policy.Redis;

/// <summary>
/// Revocations in the store: a hash of them, a sorted set of when each may be forgotten, by the store's clock, and a
/// number that grows with every change, so that who polls asks for little.
/// </summary>
public sealed class RedisRevocationStore(RedisStore store) : IRevocationStore
{
    /// <summary>More than this are not kept: revoke the subject instead of its tokens one by one.</summary>
    public const int RevocationsMax = 50_000;

    private const int PrunedAtOnceMax = 1_000;

    // KEYS: list, ends, version. ARGV: key, document, end, most, channel, most pruned at once.
    private const string Add = """
        local time = redis.call('TIME')
        local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
        local over = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now), 'LIMIT', 0, ARGV[6])
        for _, key in ipairs(over) do
          redis.call('HDEL', KEYS[1], key)
          redis.call('ZREM', KEYS[2], key)
        end
        local known = redis.call('ZSCORE', KEYS[2], ARGV[1])
        if not known and redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[4]) then return 'full' end
        local ends = ARGV[3]
        if known and tonumber(known) > tonumber(ends) then ends = known end
        redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
        redis.call('ZADD', KEYS[2], ends, ARGV[1])
        local version = redis.call('INCR', KEYS[3])
        redis.pcall('PUBLISH', ARGV[5], string.format('%.0f', version))
        return 'ok'
        """;

    // KEYS: list, version. ARGV: the version that is known. Returns the version, then every document if it is another.
    private const string List = """
        local version = redis.call('GET', KEYS[2]) or '0'
        if version == ARGV[1] then return {version} end
        local told = redis.call('HVALS', KEYS[1])
        table.insert(told, 1, version)
        return told
        """;

    /// <inheritdoc/>
    public async ValueTask<StoreStatus> AddAsync(Revocation revocation)
    {
        ArgumentNullException.ThrowIfNull(revocation);
        RedisResult? answer = await store.EvaluateAsync(
            Add, [StoreKeys.Revocations, StoreKeys.RevocationEnds, StoreKeys.RevocationVersion],
            [
                revocation.Key, RevocationCodec.Write(revocation), revocation.Until.ToUnixTimeMilliseconds(),
                RevocationsMax, StoreKeys.RevocationChannel, PrunedAtOnceMax,
            ]);
        if (answer is null) return StoreStatus.Unavailable;
        return (string?)answer == "ok" ? StoreStatus.Ok : StoreStatus.Limited;
    }

    /// <inheritdoc/>
    public async ValueTask<StoreResult<RevocationListing>> ListAsync(long known)
    {
        RedisResult? answer = await store.EvaluateAsync(
            List, [StoreKeys.Revocations, StoreKeys.RevocationVersion], [known]);
        if (answer is null || answer.Length == 0) return default;
        if (!long.TryParse((string?)answer[0], NumberStyles.None, CultureInfo.InvariantCulture, out long version))
            return default;
        if (version == known) return new(StoreStatus.NotFound, null);
        List<Revocation> items = new(answer.Length);
        for (int at = 1; at < answer.Length; at++)
        {
            // One that cannot be read revokes something that nobody can tell: better no list than one without it.
            if (RevocationCodec.Read((byte[]?)answer[at]) is not { } read) return default;
            items.Add(read);
        }

        return new(StoreStatus.Ok, new RevocationListing(version, items));
    }
}
