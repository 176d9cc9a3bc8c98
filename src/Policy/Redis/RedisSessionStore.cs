using Countersign.Policy.Sessions;
using StackExchange.Redis;

namespace Countersign.Policy.Redis;

/// <summary>Sessions in the store: a string each that expires by itself, and one mark for each person who ended all of
/// theirs.</summary>
public sealed class RedisSessionStore(RedisStore store) : ISessionStore
{
    private const string Confirm = """
        local ended = redis.call('GET', KEYS[2])
        if ended and tonumber(ended) >= tonumber(ARGV[1]) then
          redis.call('DEL', KEYS[1])
          return 0
        end
        if tonumber(ARGV[2]) > 0 then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
        return redis.call('EXISTS', KEYS[1])
        """;

    /// <inheritdoc/>
    public async ValueTask<StoreStatus> AddAsync(string key, ReadOnlyMemory<byte> box, TimeSpan goodFor)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        (bool answered, bool kept) = await store.AskAsync(
            (Key: StoreKeys.Session(key), Box: (RedisValue)box, goodFor),
            static (database, ask) => database.StringSetAsync(
                ask.Key, ask.Box, ask.goodFor, When.NotExists, CommandFlags.DemandMaster));
        return !answered ? StoreStatus.Unavailable : kept ? StoreStatus.Ok : StoreStatus.Conflict;
    }

    /// <inheritdoc/>
    public async ValueTask<StoreResult<byte[]>> FindAsync(string key)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        (bool answered, RedisValue box) = await store.AskAsync(
            StoreKeys.Session(key),
            static (database, name) => database.StringGetAsync(name, CommandFlags.DemandMaster));
        if (!answered) return default;
        return box.IsNull ? new(StoreStatus.NotFound, null) : new(StoreStatus.Ok, (byte[]?)box);
    }

    /// <inheritdoc/>
    public async ValueTask<StoreStatus> ConfirmAsync(
        string key, string person, DateTimeOffset begunAt, TimeSpan goodFor)
    {
        RedisResult? answer = await store.EvaluateAsync(
            Confirm, [StoreKeys.Session(key), StoreKeys.SessionsEnded(person)],
            [begunAt.ToUnixTimeMilliseconds(), (long)goodFor.TotalMilliseconds]);
        if (answer is null) return StoreStatus.Unavailable;
        return (long)answer == 1 ? StoreStatus.Ok : StoreStatus.NotFound;
    }

    /// <inheritdoc/>
    public async ValueTask<StoreStatus> EndAsync(string key)
    {
        (bool answered, bool _) = await store.AskAsync(
            StoreKeys.Session(key),
            static (database, name) => database.KeyDeleteAsync(name, CommandFlags.DemandMaster));
        return answered ? StoreStatus.Ok : StoreStatus.Unavailable;
    }

    /// <inheritdoc/>
    public async ValueTask<StoreStatus> EndAllAsync(string person, DateTimeOffset at, TimeSpan remember)
    {
        (bool answered, bool _) = await store.AskAsync(
            (Key: StoreKeys.SessionsEnded(person), At: at.ToUnixTimeMilliseconds(), remember),
            static (database, ask) => database.StringSetAsync(
                ask.Key, ask.At, ask.remember, When.Always, CommandFlags.DemandMaster));
        return answered ? StoreStatus.Ok : StoreStatus.Unavailable;
    }
}
