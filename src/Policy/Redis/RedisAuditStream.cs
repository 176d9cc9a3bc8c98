using System.Globalization;
using StackExchange.Redis;

namespace Countersign.Policy.Redis;

/// <summary>
/// One log's entries in a stream of their own, for consumer groups. An entry's id is its number and one, so that the
/// store itself refuses to hold one twice or out of order. Only what every consumer group acknowledged is trimmed, and
/// only to make room; without a group nothing is. Never throws for a store that is away or refuses.
/// </summary>
/// <param name="store">The store; needs streams, which Redis and Valkey have and the embedded store has not.</param>
/// <param name="log">The log's name, safe in a key.</param>
/// <param name="origin">The log's origin.</param>
/// <param name="first">The hash of the log's first entry, as hexadecimal digits.</param>
/// <param name="lengthMax">The most entries that the stream holds, 1,000 or more.</param>
public sealed class RedisAuditStream(RedisStore store, string log, string origin, string first, long lengthMax)
{
    /// <summary>What is told of a store without streams.</summary>
    public const string NoStreams = "this store has no streams; Redis 7 and Valkey have, the embedded store has not";

    // KEYS: stream, streams. ARGV: entry expected next, most entries, first hash and origin; then number, hash and
    // record of each.
    // One script, so that no entry is added after one that was not.
    private const string Append = """
        local key, follows, most = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
        local last, length = 0, 0
        local info = redis.pcall('XINFO', 'STREAM', key)
        if info.err then
          if not string.find(info.err, 'no such key', 1, true) then return {'refused', 0, info.err} end
        else
          for at = 1, #info, 2 do
            if info[at] == 'length' then length = info[at + 1] end
            if info[at] == 'last-generated-id' then last = tonumber(string.match(info[at + 1], '^%d+')) end
          end
        end
        if last < follows then return {'behind', last, ''} end
        local function text(number) return string.format('%.0f', number) end
        local count = (#ARGV - 3) / 3
        local need = 0
        for at = 1, count do
          local id = tonumber(ARGV[at * 3 + 1]) + 1
          if id > last then need = need + 1 else
            local held = redis.call('XRANGE', key, text(id) .. '-0', text(id) .. '-0')
            if held[1] then
              for field = 1, #held[1][2], 2 do
                if held[1][2][field] == 'leaf' and held[1][2][field + 1] ~= ARGV[at * 3 + 2] then
                  return {'contradicted', last, 'entry ' .. text(id - 1)}
                end
              end
            end
          end
        end
        if length + need > most and length > 0 then
          local groups, bound = redis.call('XINFO', 'GROUPS', key), nil
          for _, group in ipairs(groups) do
            local told = {}
            for at = 1, #group, 2 do told[group[at]] = group[at + 1] end
            local free = tonumber(string.match(told['last-delivered-id'], '^%d+')) + 1
            if told['pending'] > 0 then
              free = tonumber(string.match(redis.call('XPENDING', key, told['name'])[2], '^%d+'))
            end
            if not bound or free < bound then bound = free end
          end
          local wanted = last - (most - need) + 1
          if bound and bound > 0 then
            length = length - redis.call('XTRIM', key, 'MINID', text(math.min(bound, wanted)))
          end
        end
        if need > 0 and last == 0 then redis.call('HSET', KEYS[2], key, ARGV[3]) end
        for at = 1, count do
          local id = tonumber(ARGV[at * 3 + 1]) + 1
          if id > last then
            if length >= most then return {'full', last, ''} end
            redis.call('XADD', key, text(id) .. '-0', 'leaf', ARGV[at * 3 + 2], 'record', ARGV[at * 3 + 3])
            last, length = id, length + 1
          end
        end
        return {'taken', last, ''}
        """;

    /// <summary>The stream of a log.</summary>
    public static string KeyOf(string log) => StoreKeys.AuditStream(log);

    /// <summary>How the stream stands.</summary>
    public async ValueTask<AuditStreamAnswer> OpenAsync()
    {
        (bool answered, AuditStreamAnswer? answer) = await store.AskAsync(
            StoreKeys.AuditStream(log),
            static async (database, key) =>
            {
                try
                {
                    return Read(await database.ExecuteAsync("XINFO", ["STREAM", (RedisKey)key]));
                }
                catch (RedisServerException fault)
                {
                    return Told(fault);
                }
            });
        return answered ? answer! : new(AuditStreamStatus.Unavailable, "it did not answer");
    }

    /// <summary>
    /// Adds entries that are not there yet, in order. <paramref name="follows"/> is the entry that was to come next: a
    /// stream whose last entry is before that lost some.
    /// </summary>
    public async ValueTask<AuditStreamAnswer> AppendAsync(long follows, IReadOnlyList<AuditStreamEntry> entries)
    {
        ArgumentNullException.ThrowIfNull(entries);
        RedisValue[] arguments = new RedisValue[3 + (entries.Count * 3)];
        (arguments[0], arguments[1], arguments[2]) = (follows, lengthMax, first + " " + origin);
        for (int at = 0; at < entries.Count; at++)
        {
            arguments[(at * 3) + 3] = entries[at].Index;
            arguments[(at * 3) + 4] = Convert.ToBase64String(entries[at].Leaf.Span);
            arguments[(at * 3) + 5] = entries[at].Record;
        }

        (bool answered, AuditStreamAnswer? answer) = await store.AskAsync(
            (Keys: new RedisKey[] { StoreKeys.AuditStream(log), StoreKeys.AuditStreams }, Arguments: arguments),
            static async (database, ask) =>
            {
                try
                {
                    return Outcome(await database.ScriptEvaluateAsync(
                        Append, ask.Keys, ask.Arguments, CommandFlags.DemandMaster));
                }
                catch (RedisServerException fault)
                {
                    return Told(fault);
                }
            });
        return answered ? answer! : new(AuditStreamStatus.Unavailable, "it did not answer");
    }

    private static AuditStreamAnswer Outcome(RedisResult result)
    {
        long next = (long)result[1];
        string message = (string?)result[2] ?? "";
        return (string?)result[0] switch
        {
            "taken" => new(AuditStreamStatus.Taken, "", next),
            "full" => new(
                AuditStreamStatus.Full, "it is full until every consumer group has acknowledged more", next),
            "behind" => new(AuditStreamStatus.Behind, "it expects earlier entries first", next),
            "contradicted" => new(AuditStreamStatus.Contradicted, $"its {message} is not that of the log", next),
            _ => Told(message),
        };
    }

    private static AuditStreamAnswer Read(RedisResult info)
    {
        long next = 0;
        byte[] leaf = [];
        for (int at = 0; at + 1 < info.Length; at += 2)
        {
            RedisResult value = info[at + 1];
            if ((string?)info[at] == "last-generated-id") next = Number((string?)value);
            if ((string?)info[at] != "last-entry" || value.IsNull || value.Length < 2) continue;
            for (int field = 0; field + 1 < value[1].Length; field += 2)
            {
                if ((string?)value[1][field] == "leaf") leaf = Convert.FromBase64String((string)value[1][field + 1]!);
            }
        }

        return new(AuditStreamStatus.Taken, "", next, leaf);
    }

    private static long Number(string? id) => long.Parse((id ?? "0").Split('-')[0], CultureInfo.InvariantCulture);

    private static AuditStreamAnswer Told(RedisServerException fault) => Told(fault.Message);

    private static AuditStreamAnswer Told(string message)
    {
        if (message.Contains("no such key", StringComparison.OrdinalIgnoreCase)) return new(AuditStreamStatus.Taken);
        if (message.Contains("unknown command", StringComparison.OrdinalIgnoreCase))
            return new(AuditStreamStatus.Unsupported, NoStreams);
        return message.StartsWith("OOM", StringComparison.Ordinal)
            ? new(AuditStreamStatus.Full, "the store is out of memory")
            : new(AuditStreamStatus.Refused, message);
    }
}
