using System.Globalization;
using StackExchange.Redis;

namespace Countersign.Policy.Redis;

/// <summary>The fleet's signing keys: one hash, its number and its sealed box, changed by one script.</summary>
public sealed class RedisSigningKeyStore(RedisStore store) : ISigningKeyStore
{
    // KEYS: the keys. ARGV: the version to replace, or nothing to read; the next one; its box.
    private const string Turn = """
        local held = redis.call('HGET', KEYS[1], 'v') or '0'
        if ARGV[1] ~= '' and ARGV[1] == held then
          redis.call('HSET', KEYS[1], 'v', ARGV[2], 'box', ARGV[3])
          return {ARGV[2], ARGV[3]}
        end
        return {held, redis.call('HGET', KEYS[1], 'box') or ''}
        """;

    /// <inheritdoc/>
    public ValueTask<StoreResult<StoredSigningKeys>> ReadAsync() => TurnAsync("", "", RedisValue.EmptyString);

    /// <inheritdoc/>
    public ValueTask<StoreResult<StoredSigningKeys>> SwapAsync(long from, ReadOnlyMemory<byte> box)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(from);
        return TurnAsync(
            from.ToString(CultureInfo.InvariantCulture), (from + 1).ToString(CultureInfo.InvariantCulture), box);
    }

    private async ValueTask<StoreResult<StoredSigningKeys>> TurnAsync(string from, string to, RedisValue box)
    {
        RedisResult? answer = await store.EvaluateAsync(Turn, [StoreKeys.SigningKeys], [from, to, box]);
        if (answer is null || answer.Length != 2) return default;
        bool isNumber = long.TryParse((string?)answer[0], NumberStyles.None, CultureInfo.InvariantCulture, out long v);
        return isNumber ? new(StoreStatus.Ok, new StoredSigningKeys(v, (byte[]?)answer[1])) : default;
    }
}
