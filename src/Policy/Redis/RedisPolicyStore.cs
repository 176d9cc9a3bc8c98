using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using StackExchange.Redis;

namespace Countersign.Policy.Redis;

/// <summary>A policy version without its text.</summary>
/// <param name="Version">Counts from 1, without gaps.</param>
/// <param name="Author">Who published it.</param>
/// <param name="At">When, by the store's clock.</param>
/// <param name="Sha256">64 lower-case hexadecimal digits over the document's UTF-8 bytes.</param>
public record PolicyRevision(long Version, string Author, DateTimeOffset At, string Sha256);

/// <summary>A policy version.</summary>
/// <param name="Version">Counts from 1, without gaps.</param>
/// <param name="Author">Who published it.</param>
/// <param name="At">When, by the store's clock.</param>
/// <param name="Sha256">64 lower-case hexadecimal digits over the document's UTF-8 bytes.</param>
/// <param name="Document">The policy as JSON; what gateways compile.</param>
/// <param name="Source">The text its author wrote, YAML with comments.</param>
public sealed record StoredPolicy(
    long Version, string Author, DateTimeOffset At, string Sha256, string Document, string Source)
    : PolicyRevision(Version, Author, At, Sha256);

/// <summary>Some policy versions, newest first.</summary>
/// <param name="Items">The versions.</param>
/// <param name="Current">The version in force; 0 for none.</param>
/// <param name="Next">Pass it on as <c>before</c> for the next page; 0 at the end.</param>
public sealed record PolicyHistory(IReadOnlyList<PolicyRevision> Items, long Current, long Next);

/// <summary>Immutable, numbered policy versions, and which of them is in force. Every change is one script.</summary>
public sealed class RedisPolicyStore(RedisStore store)
{
    /// <summary>The most versions on a page.</summary>
    public const int PageMax = 100;

    // KEYS: latest, versions, current. ARGV: document, source, author, sha256, 1 to activate, the version that must be
    // in force or empty for any, 1 to publish only into an empty store, channel.
    private const string PublishScript = """
        local latest = tonumber(redis.call('GET', KEYS[1]) or '0')
        local current = redis.call('GET', KEYS[3]) or '0'
        if ARGV[7] == '1' and latest > 0 then return {'conflict', current} end
        if ARGV[6] ~= '' and ARGV[6] ~= current then return {'conflict', current} end
        local time = redis.call('TIME')
        local at = string.format('%.0f', tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000))
        local version = string.format('%.0f', latest + 1)
        redis.call('SET', KEYS[1], version)
        redis.call('HSET', KEYS[2], version .. ':document', ARGV[1], version .. ':source', ARGV[2],
          version .. ':author', ARGV[3], version .. ':sha256', ARGV[4], version .. ':at', at)
        if ARGV[5] == '1' then
          redis.call('SET', KEYS[3], version)
          redis.call('PUBLISH', ARGV[8], version)
        end
        return {'ok', version, at}
        """;

    // KEYS as above. ARGV: version, the version that must be in force or empty for any, channel.
    private const string ActivateScript = """
        local current = redis.call('GET', KEYS[3]) or '0'
        if redis.call('HEXISTS', KEYS[2], ARGV[1] .. ':sha256') == 0 then return {'none'} end
        if ARGV[2] ~= '' and ARGV[2] ~= current then return {'conflict', current} end
        redis.call('SET', KEYS[3], ARGV[1])
        redis.call('PUBLISH', ARGV[3], ARGV[1])
        return {'ok'}
        """;

    private static readonly RedisKey[] Keys = [StoreKeys.LatestPolicy, StoreKeys.Policies, StoreKeys.CurrentPolicy];

    /// <summary>
    /// Stores the next version and, with <paramref name="activate"/>, puts it in force in the same step. The document
    /// must have been compiled: nothing here reads it. A conflict means that <paramref name="expectedCurrent"/> is in
    /// force no more.
    /// </summary>
    public ValueTask<StoreResult<StoredPolicy>> PublishAsync(
        string document, string source, string author, bool activate = true, long? expectedCurrent = null) =>
        PublishAsync(document, source, author, activate, expectedCurrent, onlyFirst: false);

    /// <summary>
    /// Publishes and activates version 1 of a store that has none; a conflict when it has some, and nothing changes.
    /// </summary>
    public ValueTask<StoreResult<StoredPolicy>> BootstrapAsync(string document, string source, string author) =>
        PublishAsync(document, source, author, activate: true, expectedCurrent: null, onlyFirst: true);

    /// <summary>
    /// Puts a stored version in force, newer or older than the present one. Not found: there is no such version; a
    /// conflict: <paramref name="expectedCurrent"/> is in force no more.
    /// </summary>
    public async ValueTask<StoreStatus> ActivateAsync(long version, long? expectedCurrent = null)
    {
        RedisResult? answer = await store.EvaluateAsync(
            ActivateScript, Keys, [version, Expected(expectedCurrent), StoreKeys.PolicyChannel]);
        if (answer is null) return StoreStatus.Unavailable;
        return (string?)answer[0] switch
        {
            "ok" => StoreStatus.Ok,
            "none" => StoreStatus.NotFound,
            "conflict" => StoreStatus.Conflict,
            _ => StoreStatus.Unavailable,
        };
    }

    /// <summary>The version in force; 0 for none. Null when the store does not answer.</summary>
    public async ValueTask<long?> CurrentAsync()
    {
        (bool answered, RedisValue version) = await store.AskAsync(
            StoreKeys.CurrentPolicy, static (database, key) => database.StringGetAsync(key, CommandFlags.DemandMaster));
        return answered ? Number(version) : null;
    }

    /// <summary>One version, with its text.</summary>
    public async ValueTask<StoreResult<StoredPolicy>> GetAsync(long version)
    {
        RedisValue[]? fields = await FieldsAsync(version, version, "author", "at", "sha256", "document", "source");
        if (fields is null) return default;
        if (fields[3].IsNull) return new(StoreStatus.NotFound, null);
        var policy = new StoredPolicy(
            version, fields[0].ToString(), Time(fields[1]), fields[2].ToString(), fields[3].ToString(),
            fields[4].ToString());
        return new(StoreStatus.Ok, policy);
    }

    /// <summary>Versions below <paramref name="before"/>, newest first; null begins with the newest.</summary>
    /// <param name="limit">Held to 1..<see cref="PageMax"/>.</param>
    /// <param name="before">What <see cref="PolicyHistory.Next"/> said.</param>
    public async ValueTask<StoreResult<PolicyHistory>> ListAsync(int limit, long? before = null)
    {
        (bool answered, RedisValue[]? numbers) = await store.AskAsync(
            0,
            static (database, _) => database.StringGetAsync(
                [StoreKeys.LatestPolicy, StoreKeys.CurrentPolicy], CommandFlags.DemandMaster));
        if (!answered) return default;
        long newest = Math.Min(Number(numbers![0]), (before ?? long.MaxValue) - 1);
        long oldest = Math.Max(1, newest - Math.Clamp(limit, 1, PageMax) + 1);
        var items = new List<PolicyRevision>();
        if (newest >= oldest)
        {
            RedisValue[]? fields = await FieldsAsync(newest, oldest, "author", "at", "sha256");
            if (fields is null) return default;
            for (int item = 0; item < fields.Length / 3; item++)
            {
                items.Add(new PolicyRevision(
                    newest - item, fields[item * 3].ToString(), Time(fields[(item * 3) + 1]),
                    fields[(item * 3) + 2].ToString()));
            }
        }

        long next = oldest > 1 && items.Count > 0 ? oldest : 0;
        return new(StoreStatus.Ok, new PolicyHistory(items, Number(numbers[1]), next));
    }

    /// <summary>64 lower-case hexadecimal digits over the document's UTF-8 bytes.</summary>
    internal static string Sha256Of(string document) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(document)));

    private static RedisValue Expected(long? version) => version is { } known ? known : RedisValue.EmptyString;

    private static long Number(RedisValue value) => value.TryParse(out long number) ? number : 0;

    private static DateTimeOffset Time(RedisValue milliseconds) =>
        DateTimeOffset.FromUnixTimeMilliseconds(Number(milliseconds));

    private async ValueTask<StoreResult<StoredPolicy>> PublishAsync(
        string document, string source, string author, bool activate, long? expectedCurrent, bool onlyFirst)
    {
        ArgumentException.ThrowIfNullOrEmpty(document);
        ArgumentNullException.ThrowIfNull(source);
        ArgumentException.ThrowIfNullOrEmpty(author);
        string sha256 = Sha256Of(document);
        RedisResult? answer = await store.EvaluateAsync(
            PublishScript,
            Keys,
            [
                document, source, author, sha256, activate ? 1 : 0, Expected(expectedCurrent), onlyFirst ? 1 : 0,
                StoreKeys.PolicyChannel,
            ]);
        if (answer is null) return default;
        if ((string?)answer[0] != "ok") return new(StoreStatus.Conflict, null);
        return new(
            StoreStatus.Ok,
            new StoredPolicy((long)answer[1], author, Time((RedisValue)answer[2]), sha256, document, source));
    }

    private async ValueTask<RedisValue[]?> FieldsAsync(long newest, long oldest, params string[] names)
    {
        var fields = new List<RedisValue>();
        for (long version = newest; version >= oldest; version--)
        {
            foreach (string name in names)
                fields.Add(string.Create(CultureInfo.InvariantCulture, $"{version}:{name}"));
        }

        (bool answered, RedisValue[]? values) = await store.AskAsync(
            fields.ToArray(),
            static (database, asked) => database.HashGetAsync(StoreKeys.Policies, asked, CommandFlags.DemandMaster));
        return answered ? values : null;
    }
}
