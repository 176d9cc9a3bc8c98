namespace Countersign.Policy.Redis;

/// <summary>
/// Every way an approval changes. Each script runs atomically in the store and reads the store's own clock. The first
/// element of what it returns says how it ended.
/// </summary>
internal static class ApprovalScripts
{
    // An approved approval is void once another master answers for the store: a failover may have lost its claim.
    // A store that does not tell its replication id has the same, empty one at the settling and at the claim.
    internal const string Prelude = """
        local function master()
          local told = redis.pcall('INFO', 'replication')
          if type(told) ~= 'string' then return '' end
          return string.match(told, 'master_replid:(%w+)') or ''
        end
        local function milliseconds()
          local time = redis.call('TIME')
          return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
        end
        local function lapsed(state, expires, settler)
          if state == 'pending' then return milliseconds() >= tonumber(expires) end
          if state ~= 'approved' then return false end
          return milliseconds() >= tonumber(expires) or settler ~= master()
        end

        """;

    /// <summary>
    /// KEYS: digest, approval, payload, all, pending, the approval the digest is believed to name. ARGV: its id or
    /// empty; id, version, state, expires, document, sealed payload, created, payload until, keep, channel; times in
    /// milliseconds. Returns filed; joined and the document; retry and the id the digest names; conflict when the id is
    /// taken.
    /// </summary>
    public const string Ask = Prelude + """
        local held = redis.call('GET', KEYS[1])
        if held and held ~= ARGV[1] then return {'retry', held} end
        if held then
          local old = redis.call('HMGET', KEYS[6], 'state', 'expires', 'master', 'doc')
          if (old[1] == 'pending' or old[1] == 'approved') and not lapsed(old[1], old[2], old[3]) then
            return {'joined', old[4]}
          end
        end
        if redis.call('EXISTS', KEYS[2]) == 1 then return {'conflict'} end
        redis.call('HSET', KEYS[2], 'v', ARGV[3], 'state', ARGV[4], 'expires', ARGV[5], 'master', '', 'doc', ARGV[6])
        redis.call('PEXPIRE', KEYS[2], ARGV[10])
        redis.call('SET', KEYS[3], ARGV[7])
        redis.call('PEXPIREAT', KEYS[3], ARGV[9])
        redis.call('SET', KEYS[1], ARGV[2])
        redis.call('PEXPIREAT', KEYS[1], ARGV[9])
        local old = string.format('%.0f', milliseconds() - tonumber(ARGV[10]))
        redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', old)
        redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', old)
        redis.call('ZADD', KEYS[4], ARGV[8], ARGV[2])
        redis.call('ZADD', KEYS[5], ARGV[8], ARGV[2])
        redis.call('PUBLISH', ARGV[11], ARGV[2])
        return {'filed'}
        """;

    /// <summary>KEYS: approval. Returns found or lapsed, and the document; none.</summary>
    public const string Find = Prelude + """
        local now = redis.call('HMGET', KEYS[1], 'state', 'expires', 'master', 'doc')
        if not now[1] then return {'none'} end
        if lapsed(now[1], now[2], now[3]) then return {'lapsed', now[4]} end
        return {'found', now[4]}
        """;

    /// <summary>
    /// KEYS: approval, payload, digest, pending. ARGV: id, version and state it must have, version, state, expires and
    /// document it gets, channel. Returns moved; none; conflict or lapsed, and the document that is there.
    /// </summary>
    public const string Move = Prelude + """
        local now = redis.call('HMGET', KEYS[1], 'state', 'expires', 'master', 'doc', 'v')
        if not now[1] then return {'none'} end
        local late = lapsed(now[1], now[2], now[3])
        if now[5] ~= ARGV[2] or now[1] ~= ARGV[3] then
          return {late and 'conflict-lapsed' or 'conflict', now[4]}
        end
        if late then return {'lapsed', now[4]} end
        local state = ARGV[5]
        local settler = now[3]
        if state == 'approved' then settler = master() end
        redis.call('HSET', KEYS[1], 'v', ARGV[4], 'state', state, 'expires', ARGV[6], 'master', settler, 'doc', ARGV[7])
        if state ~= 'pending' then redis.call('ZREM', KEYS[4], ARGV[1]) end
        if state ~= 'pending' and state ~= 'approved' then
          if redis.call('GET', KEYS[3]) == ARGV[1] then redis.call('DEL', KEYS[3]) end
          if state == 'denied' or state == 'cancelled' or state == 'revoked' or state == 'expired' then redis.call('DEL', KEYS[2]) end
        end
        redis.call('PUBLISH', ARGV[8], ARGV[1])
        return {'moved'}
        """;
}
