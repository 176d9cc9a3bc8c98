using System.Globalization;
using StackExchange.Redis;

namespace Countersign.Policy.Redis;

/// <summary>
/// The fleet, as its nodes report it. A report that is not renewed shows its node as lost, and is forgotten later. All
/// times are the store's, so that the nodes' clocks need not agree.
/// </summary>
public sealed class RedisNodeStore(RedisStore store)
{
    /// <summary>A node that was silent for this long is lost: it reports five times in it.</summary>
    public static readonly TimeSpan LostAfter = TimeSpan.FromSeconds(10);

    /// <summary>A node that was silent for this long is forgotten: long enough for somebody to see that it is
    /// lost.</summary>
    public static readonly TimeSpan ForgottenAfter = TimeSpan.FromMinutes(10);

    /// <summary>More nodes than this are not kept; a new one is not shown until another is forgotten.</summary>
    public const int NodesMax = 1_000;

    private const string Now = """
        local time = redis.call('TIME')
        local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
        local function text(number) return string.format('%.0f', number) end
        for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', text(now - tonumber(ARGV[1])))) do
          redis.call('HDEL', KEYS[1], id)
          redis.call('ZREM', KEYS[2], id)
        end

        """;

    // KEYS: reports, last contacts. ARGV: forget after, lost after, milliseconds; id, report, most nodes.
    private const string Report = Now + """
        local known = redis.call('ZSCORE', KEYS[2], ARGV[3])
        if not known and redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[5]) then return {'full'} end
        redis.call('HSET', KEYS[1], ARGV[3], ARGV[4])
        redis.call('ZADD', KEYS[2], text(now), ARGV[3])
        redis.call('PEXPIRE', KEYS[1], ARGV[1])
        redis.call('PEXPIRE', KEYS[2], ARGV[1])
        return {'ok', redis.call('ZCOUNT', KEYS[2], text(now - tonumber(ARGV[2])), '+inf')}
        """;

    // KEYS: reports, last contacts, current policy, versions. ARGV: forget after, milliseconds. Returns now, the
    // current version and the SHA-256 of its document or empty, then time of the last contact and report of each node.
    private const string List = Now + """
        local current = redis.call('GET', KEYS[3]) or '0'
        local told = {text(now), current, redis.call('HGET', KEYS[4], current .. ':sha256') or ''}
        for _, id in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
          local report = redis.call('HGET', KEYS[1], id)
          if report then
            told[#told + 1] = text(tonumber(redis.call('ZSCORE', KEYS[2], id)))
            told[#told + 1] = report
          end
        end
        return told
        """;

    private const string Leave = """
        redis.call('HDEL', KEYS[1], ARGV[1])
        redis.call('ZREM', KEYS[2], ARGV[1])
        return 1
        """;

    private static readonly RedisKey[] Keys = [StoreKeys.Nodes, StoreKeys.NodeContacts];
    private static readonly RedisKey[] ListKeys = [.. Keys, StoreKeys.CurrentPolicy, StoreKeys.Policies];

    /// <summary>
    /// Stores or renews a report. Returns how many nodes are alive, or null when the store did not take it.
    /// </summary>
    public async ValueTask<int?> ReportAsync(NodeReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        RedisResult? answer = await store.EvaluateAsync(
            Report,
            Keys,
            [
                Milliseconds(ForgottenAfter), Milliseconds(LostAfter), report.Instance, report.Write(), NodesMax,
            ]);
        return answer is not null && (string?)answer[0] == "ok" ? (int)answer[1] : null;
    }

    /// <summary>Forgets a node that ends in order.</summary>
    public async ValueTask LeaveAsync(string instance)
    {
        ArgumentNullException.ThrowIfNull(instance);
        await store.EvaluateAsync(Leave, Keys, [instance]);
    }

    /// <summary>Every node that is not forgotten, by name.</summary>
    public async ValueTask<StoreResult<Fleet>> ListAsync()
    {
        RedisResult? answer = await store.EvaluateAsync(List, ListKeys, [Milliseconds(ForgottenAfter)]);
        if (answer is null) return default;
        long now = Number((string?)answer[0]);
        List<FleetNode> nodes = [];
        for (int at = 3; at + 1 < answer.Length; at += 2)
        {
            if (NodeReport.Read((byte[]?)answer[at + 1]) is not { } report) continue;
            long seen = Number((string?)answer[at]);
            nodes.Add(new FleetNode(
                report, DateTimeOffset.FromUnixTimeMilliseconds(seen),
                TimeSpan.FromMilliseconds(Math.Max(0, now - seen))));
        }

        FleetNode[] ordered =
        [
            .. nodes.OrderBy(node => node.Report.Name, StringComparer.Ordinal).ThenBy(node => node.Report.StartedAt),
        ];
        return new(StoreStatus.Ok, new Fleet(Number((string?)answer[1]), ordered)
        {
            Sha256 = (string?)answer[2] ?? "",
        });
    }

    private static long Milliseconds(TimeSpan span) => (long)span.TotalMilliseconds;

    private static long Number(string? text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : 0;
}
