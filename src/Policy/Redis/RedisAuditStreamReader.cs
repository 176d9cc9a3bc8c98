using StackExchange.Redis;

namespace Countersign.Policy.Redis;

/// <summary>A stream of audit entries that the store knows of.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Origin">Its log's origin.</param>
/// <param name="First">The hash of its log's first entry, as hexadecimal digits.</param>
public sealed record AuditStreamName(string Key, string Origin, string First);

/// <summary>
/// Takes audit entries out of streams as one consumer of a group: what was taken and not acknowledged is given again
/// first. Never throws for a store that is away or refuses.
/// </summary>
public sealed class RedisAuditStreamReader(RedisStore store, string group, string consumer)
{
    /// <summary>The streams of the store; null where it did not answer.</summary>
    public async ValueTask<IReadOnlyList<AuditStreamName>?> StreamsAsync()
    {
        (bool answered, HashEntry[]? streams) = await store.AskAsync(
            StoreKeys.AuditStreams, static (database, key) => database.HashGetAllAsync(key));
        if (!answered) return null;
        List<AuditStreamName> names = [];
        foreach (HashEntry stream in streams!)
        {
            string[] told = stream.Value.ToString().Split(' ', 2);
            if (told.Length == 2) names.Add(new(stream.Name.ToString(), told[1], told[0]));
        }

        return names;
    }

    /// <summary>Makes the group, from the first entry that is there; true if it is there now.</summary>
    public async ValueTask<bool> JoinAsync(string stream)
    {
        (bool answered, bool isThere) = await store.AskAsync(
            (Stream: stream, Group: group),
            static async (database, ask) =>
            {
                try
                {
                    await database.ExecuteAsync("XGROUP", ["CREATE", (RedisKey)ask.Stream, ask.Group, "0", "MKSTREAM"]);
                    return true;
                }
                catch (RedisServerException fault)
                {
                    return fault.Message.StartsWith("BUSYGROUP", StringComparison.Ordinal);
                }
            });
        return answered && isThere;
    }

    /// <summary>
    /// The next entries: with <paramref name="again"/> those that this consumer took and did not acknowledge, else new
    /// ones. Null where the store did not answer.
    /// </summary>
    public async ValueTask<IReadOnlyList<AuditStreamEntry>?> TakeAsync(string stream, bool again, int count)
    {
        (bool answered, StreamEntry[]? found) = await store.AskAsync(
            (Stream: stream, Group: group, Consumer: consumer, From: again ? "0" : ">", Count: count),
            static (database, ask) => database.StreamReadGroupAsync(
                ask.Stream, ask.Group, ask.Consumer, ask.From, ask.Count));
        return answered ? Read(found!) : null;
    }

    /// <summary>
    /// Takes over what other consumers took and have not acknowledged for so long; null where the store did not answer.
    /// </summary>
    public async ValueTask<IReadOnlyList<AuditStreamEntry>?> ClaimAsync(string stream, TimeSpan idle, int count)
    {
        (bool answered, StreamAutoClaimResult found) = await store.AskAsync(
            (Stream: stream, Group: group, Consumer: consumer, Idle: (long)idle.TotalMilliseconds, Count: count),
            static (database, ask) => database.StreamAutoClaimAsync(
                ask.Stream, ask.Group, ask.Consumer, ask.Idle, "0-0", ask.Count));
        return answered ? Read(found.ClaimedEntries) : null;
    }

    /// <summary>Acknowledges entries; false where the store did not answer.</summary>
    public async ValueTask<bool> AcknowledgeAsync(string stream, IReadOnlyList<AuditStreamEntry> entries)
    {
        ArgumentNullException.ThrowIfNull(entries);
        RedisValue[] ids = [.. entries.Select(entry => (RedisValue)(entry.Index + 1 + "-0"))];
        (bool answered, _) = await store.AskAsync(
            (Stream: stream, Group: group, Ids: ids),
            static (database, ask) => database.StreamAcknowledgeAsync(ask.Stream, ask.Group, ask.Ids));
        return answered;
    }

    private static List<AuditStreamEntry> Read(StreamEntry[] found)
    {
        List<AuditStreamEntry> entries = [];
        foreach (StreamEntry entry in found)
        {
            // Deleted since it was taken: it comes without its fields.
            if (entry.IsNull || entry.Values is not { Length: > 0 }) continue;
            byte[] leaf = Convert.FromBase64String(entry["leaf"].ToString());
            entries.Add(new(IndexOf(entry.Id.ToString()), leaf, (byte[])entry["record"]!));
        }

        return entries;
    }

    private static long IndexOf(string id) =>
        long.Parse(id.Split('-')[0], System.Globalization.CultureInfo.InvariantCulture) - 1;
}
