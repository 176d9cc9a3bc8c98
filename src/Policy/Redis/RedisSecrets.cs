using StackExchange.Redis;

namespace Countersign.Policy.Redis;

/// <summary>Secrets that all gateways share, such as signing keys. The store sees them sealed only.</summary>
public sealed class RedisSecrets(RedisStore store)
{
    private const string GetOrAdd = """
        local held = redis.call('GET', KEYS[1])
        if held then return held end
        redis.call('SET', KEYS[1], ARGV[1])
        return ARGV[1]
        """;

    /// <summary>
    /// The sealed secret of that name. The first writer wins: everybody else gets what the first one stored.
    /// </summary>
    /// <param name="name">Its name.</param>
    /// <param name="sealedSecret">What to store if there is none; never the secret itself.</param>
    public async ValueTask<StoreResult<byte[]>> GetOrAddAsync(string name, ReadOnlyMemory<byte> sealedSecret)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        RedisResult? answer = await store.EvaluateAsync(GetOrAdd, [StoreKeys.Secret(name)], [sealedSecret]);
        return answer is null || answer.IsNull ? default : new(StoreStatus.Ok, (byte[]?)answer);
    }
}
