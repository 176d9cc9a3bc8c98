using System.Security.Cryptography;
using System.Text;
using Countersign.Policy.OneTime;
using StackExchange.Redis;

namespace Countersign.Policy.Redis;

/// <summary>Ids that were used, each a string that expires by itself.</summary>
public sealed class RedisOneTimeStore(RedisStore store) : IOneTimeStore
{
    /// <inheritdoc/>
    public async ValueTask<StoreStatus> SpendAsync(string use, string id, TimeSpan remember)
    {
        ArgumentException.ThrowIfNullOrEmpty(use);
        ArgumentException.ThrowIfNullOrEmpty(id);
        if (remember <= TimeSpan.Zero) return StoreStatus.Lapsed;
        string hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(id)));
        (bool answered, bool isFirst) = await store.AskAsync(
            (Key: StoreKeys.Spent(use, hash), remember),
            static (database, ask) => database.StringSetAsync(
                ask.Key, 1, ask.remember, When.NotExists, CommandFlags.DemandMaster));
        return !answered ? StoreStatus.Unavailable : isFirst ? StoreStatus.Ok : StoreStatus.Conflict;
    }
}
