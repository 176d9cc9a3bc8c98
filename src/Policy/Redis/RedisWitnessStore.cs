using System.Globalization;
using StackExchange.Redis;

namespace Countersign.Policy.Redis;

/// <summary>What one other gateway of the fleet has for this one, as far as witnessing goes.</summary>
/// <param name="Log">Its log's public key: what it goes by.</param>
/// <param name="Box">Its key as a witness, sealed by the fleet's own key.</param>
/// <param name="Ask">What it asks of this gateway; empty for nothing.</param>
/// <param name="Answered">What this gateway answered last; empty for nothing.</param>
/// <param name="Answer">What it answered this gateway last; empty for nothing.</param>
public sealed record WitnessPeer(
    string Log, ReadOnlyMemory<byte> Box, ReadOnlyMemory<byte> Ask, ReadOnlyMemory<byte> Answered,
    ReadOnlyMemory<byte> Answer);

/// <summary>
/// Where gateways leave requests and answers for each other as witnesses of their logs, and the newest head of each.
/// The store is a mailbox and no more: nothing in it is believed but by signature or seal.
/// </summary>
public sealed class RedisWitnessStore(RedisStore store)
{
    /// <summary>A log that gave no sign of life for this long has no gateway at work.</summary>
    public static readonly TimeSpan LiveFor = TimeSpan.FromSeconds(30);

    /// <summary>How long the head of a log without a gateway is kept: it shows what the log must still hold.</summary>
    public static readonly TimeSpan KeptFor = TimeSpan.FromDays(30);

    /// <summary>More logs than this are not kept; a new one is not witnessed until another is forgotten.</summary>
    public const int LogsMax = 1_000;

    // KEYS: logs, seen, heads, asks, answers. ARGV: own log, box; live for, kept for, milliseconds; most logs.
    private const string Renew = """
        local time = redis.call('TIME')
        local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
        local function text(number) return string.format('%.0f', number) end
        for _, old in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', text(now - tonumber(ARGV[4])))) do
          redis.call('HDEL', KEYS[1], old)
          redis.call('HDEL', KEYS[3], old)
          redis.call('ZREM', KEYS[2], old)
        end
        local me = ARGV[1]
        if redis.call('ZSCORE', KEYS[2], me) or redis.call('ZCARD', KEYS[2]) < tonumber(ARGV[5]) then
          redis.call('HSET', KEYS[1], me, ARGV[2])
          redis.call('ZADD', KEYS[2], text(now), me)
        end
        local told = {}
        for _, log in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], text(now - tonumber(ARGV[3])), '+inf')) do
          local box = redis.call('HGET', KEYS[1], log)
          if log ~= me and box then
            told[#told + 1] = log
            told[#told + 1] = box
            told[#told + 1] = redis.call('HGET', KEYS[4], log .. '|' .. me) or ''
            told[#told + 1] = redis.call('HGET', KEYS[5], log .. '|' .. me) or ''
            told[#told + 1] = redis.call('HGET', KEYS[5], me .. '|' .. log) or ''
          end
        end
        return told
        """;

    private const string Put = """
        redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
        return 1
        """;

    private const string Get = "return {redis.call('HGET', KEYS[1], ARGV[1]) or ''}";

    private static readonly RedisKey[] Keys =
    [
        StoreKeys.Logs, StoreKeys.LogsSeen, StoreKeys.LogHeads, StoreKeys.WitnessAsks, StoreKeys.WitnessAnswers,
    ];

    /// <summary>Gives a sign of life, and tells who else lives and what they want; null without the store.</summary>
    public async ValueTask<IReadOnlyList<WitnessPeer>?> RenewAsync(string log, ReadOnlyMemory<byte> box)
    {
        RedisResult? answer = await store.EvaluateAsync(
            Renew, Keys, [log, box, Milliseconds(LiveFor), Milliseconds(KeptFor), LogsMax]);
        if (answer is null) return null;
        List<WitnessPeer> peers = [];
        for (int at = 0; at + 4 < answer.Length; at += 5)
        {
            peers.Add(new WitnessPeer(
                (string?)answer[at] ?? "", (byte[]?)answer[at + 1], (byte[]?)answer[at + 2], (byte[]?)answer[at + 3],
                (byte[]?)answer[at + 4]));
        }

        return peers;
    }

    /// <summary>Leaves a request for a witness; false where the store did not take it.</summary>
    public ValueTask<bool> AskAsync(string log, string witness, ReadOnlyMemory<byte> request) =>
        PutAsync(StoreKeys.WitnessAsks, log + "|" + witness, request);

    /// <summary>Leaves an answer for a log; false where the store did not take it.</summary>
    public ValueTask<bool> AnswerAsync(string log, string witness, ReadOnlyMemory<byte> answer) =>
        PutAsync(StoreKeys.WitnessAnswers, log + "|" + witness, answer);

    /// <summary>Publishes a log's newest head; false where the store did not take it.</summary>
    public ValueTask<bool> PublishAsync(string log, ReadOnlyMemory<byte> note) =>
        PutAsync(StoreKeys.LogHeads, log, note);

    /// <summary>The newest head that was published of a log; empty for none, null without the store.</summary>
    public async ValueTask<ReadOnlyMemory<byte>?> HeadAsync(string log)
    {
        RedisResult? answer = await store.EvaluateAsync(Get, [StoreKeys.LogHeads], [log]);
        return answer is null ? null : new ReadOnlyMemory<byte>((byte[]?)answer[0]);
    }

    private async ValueTask<bool> PutAsync(string key, string field, ReadOnlyMemory<byte> value) =>
        await store.EvaluateAsync(Put, [key], [field, value]) is not null;

    private static string Milliseconds(TimeSpan span) =>
        ((long)span.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);
}
