namespace Countersign.Policy.Redis;

/// <summary>Every way the policy changes. Each script runs atomically in the store. Messages are sent by <c>pcall</c>:
/// a store that forbids the channel must not keep the change from being made, which polls find.</summary>
internal static class PolicyScripts
{
    /// <summary>
    /// KEYS: change, latest, current, versions. ARGV: a version, or 0. Returns the store's time in milliseconds, the
    /// last change as <see cref="RedisPolicyStore"/> writes it or empty, the latest and the current version, and the
    /// SHA-256 of the version asked for and of the current one, or empty.
    /// </summary>
    public const string Read = """
        local time = redis.call('TIME')
        local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
        local current = redis.call('GET', KEYS[3]) or '0'
        return {string.format('%.0f', now), redis.call('GET', KEYS[1]) or '', redis.call('GET', KEYS[2]) or '0',
          current, redis.call('HGET', KEYS[4], ARGV[1] .. ':sha256') or '',
          redis.call('HGET', KEYS[4], current .. ':sha256') or ''}
        """;

    /// <summary>
    /// Spends an approval and puts its version in force, in one step. KEYS: change, current, changes, approval, digest,
    /// epoch, latest. ARGV: the approval's id, the version of it that was read, the version and document it gets,
    /// channel of approvals; the last change as it was read, the last change now, its number, the whole of it; the
    /// version that must be in force, the one that is then, channel of policy, the latest version as it was read and
    /// now. Returns ok; none, moved or lapsed for the approval; void if another version is in force; retry if another
    /// change was faster.
    /// </summary>
    public const string ActivateApproved = ApprovalScripts.Prelude + """
        local now = redis.call('HMGET', KEYS[4], 'state', 'expires', 'master', 'v')
        if not now[1] then return {'none'} end
        if now[1] ~= 'approved' or now[4] ~= ARGV[2] then return {'moved'} end
        if lapsed(now[1], now[2], now[3], KEYS[6]) then return {'lapsed'} end
        if (redis.call('GET', KEYS[2]) or '0') ~= ARGV[10] then return {'void'} end
        if (redis.call('GET', KEYS[1]) or '') ~= ARGV[6] then return {'retry'} end
        if (redis.call('GET', KEYS[7]) or '0') ~= ARGV[13] then return {'retry'} end
        redis.call('SET', KEYS[7], ARGV[14])
        redis.call('HSET', KEYS[3], ARGV[8], ARGV[9])
        redis.call('SET', KEYS[1], ARGV[7])
        redis.call('SET', KEYS[2], ARGV[11])
        redis.call('HSET', KEYS[4], 'v', ARGV[3], 'state', 'executed', 'doc', ARGV[4])
        if redis.call('GET', KEYS[5]) == ARGV[1] then redis.call('DEL', KEYS[5]) end
        redis.pcall('PUBLISH', ARGV[5], ARGV[1])
        redis.pcall('PUBLISH', ARGV[12], ARGV[11])
        return {'ok'}
        """;

    /// <summary>
    /// KEYS: change, latest, current, versions, changes. ARGV: the last change and the latest version as they were
    /// read; the last change now, its number, the whole of it; the version in force now; channel; the
    /// latest version now; then for a new version its number, document, source, author, sha256, time, change's number,
    /// previous hash and hash. Returns ok, or retry if another was faster.
    /// </summary>
    public const string Change = """
        if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return {'retry'} end
        if (redis.call('GET', KEYS[2]) or '0') ~= ARGV[2] then return {'retry'} end
        redis.call('SET', KEYS[2], ARGV[8])
        if #ARGV > 8 then
          local version = ARGV[9]
          redis.call('HSET', KEYS[4], version .. ':document', ARGV[10], version .. ':source', ARGV[11],
            version .. ':author', ARGV[12], version .. ':sha256', ARGV[13], version .. ':at', ARGV[14],
            version .. ':change', ARGV[15], version .. ':previous', ARGV[16], version .. ':hash', ARGV[17])
        end
        redis.call('HSET', KEYS[5], ARGV[4], ARGV[5])
        redis.call('SET', KEYS[1], ARGV[3])
        local before = redis.call('GET', KEYS[3]) or '0'
        if before ~= ARGV[6] then redis.call('SET', KEYS[3], ARGV[6]) end
        redis.pcall('PUBLISH', ARGV[7], ARGV[6])
        return {'ok'}
        """;
}
