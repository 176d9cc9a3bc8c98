namespace Countersign.Policy.Redis;

/// <summary>
/// Every way a notice moves. A webhook has a sorted set of what is due, by when, one of the dead, by when they were
/// given up, and a hash with what is known of each: <c>id:doc</c>, <c>id:tries</c>, <c>id:lease</c>, <c>id:error</c>.
/// </summary>
internal static class NoticeScripts
{
    private const string Prelude = """
        local function now()
          local time = redis.call('TIME')
          return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
        end
        local function score(at) return string.format('%.0f', at) end
        local function forget(docs, id)
          redis.call('HDEL', docs, id .. ':doc', id .. ':tries', id .. ':lease', id .. ':error')
        end
        local function bury(due, dead, docs, id, error, most)
          redis.call('ZREM', due, id)
          redis.call('HDEL', docs, id .. ':lease')
          redis.call('HSET', docs, id .. ':error', error)
          redis.call('ZADD', dead, score(now()), id)
          while redis.call('ZCARD', dead) > most do
            local oldest = redis.call('ZRANGE', dead, 0, 0)[1]
            redis.call('ZREM', dead, oldest)
            forget(docs, oldest)
          end
        end
        local function keep(due, dead, docs, age)
          redis.call('PEXPIRE', due, age)
          redis.call('PEXPIRE', dead, age)
          redis.call('PEXPIRE', docs, age)
        end

        """;

    /// <summary>
    /// KEYS: noticed, then due, dead and docs of each. ARGV: occasion, keep, most due, most dead, then id and document
    /// of each. Returns filed or known.
    /// </summary>
    public const string File = Prelude + """
        if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 'known' end
        redis.call('HSET', KEYS[1], ARGV[1], '1')
        redis.call('PEXPIRE', KEYS[1], ARGV[2])
        for one = 0, (#ARGV - 4) / 2 - 1 do
          local due, dead, docs = KEYS[one * 3 + 2], KEYS[one * 3 + 3], KEYS[one * 3 + 4]
          local id = ARGV[one * 2 + 5]
          redis.call('HSET', docs, id .. ':doc', ARGV[one * 2 + 6], id .. ':tries', '0')
          if redis.call('ZCARD', due) < tonumber(ARGV[3]) then
            redis.call('ZADD', due, score(now()), id)
          else
            bury(due, dead, docs, id, 'the queue was full', tonumber(ARGV[4]))
          end
          keep(due, dead, docs, ARGV[2])
        end
        return 'filed'
        """;

    /// <summary>KEYS: due, docs. ARGV: lease in milliseconds, its token. Returns id, document and tries; or
    /// nothing.</summary>
    public const string Take = Prelude + """
        local at = now()
        local id = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', score(at), 'LIMIT', 0, 1)[1]
        if not id then return {} end
        local doc = redis.call('HGET', KEYS[2], id .. ':doc')
        if not doc then
          redis.call('ZREM', KEYS[1], id)
          return {}
        end
        redis.call('ZADD', KEYS[1], score(at + tonumber(ARGV[1])), id)
        redis.call('HSET', KEYS[2], id .. ':lease', ARGV[2])
        return {id, doc, redis.call('HINCRBY', KEYS[2], id .. ':tries', 1)}
        """;

    /// <summary>
    /// KEYS: due, dead, docs. ARGV: id, token, keep, how (done, later, dead), delay in milliseconds, error, most dead.
    /// Returns ended, or lost when the lease is another's.
    /// </summary>
    public const string End = Prelude + """
        if redis.call('HGET', KEYS[3], ARGV[1] .. ':lease') ~= ARGV[2] then return 'lost' end
        if ARGV[4] == 'done' then
          redis.call('ZREM', KEYS[1], ARGV[1])
          forget(KEYS[3], ARGV[1])
        elseif ARGV[4] == 'later' then
          redis.call('ZADD', KEYS[1], score(now() + tonumber(ARGV[5])), ARGV[1])
          redis.call('HDEL', KEYS[3], ARGV[1] .. ':lease')
          redis.call('HSET', KEYS[3], ARGV[1] .. ':error', ARGV[6])
        else
          bury(KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[6], tonumber(ARGV[7]))
        end
        keep(KEYS[1], KEYS[2], KEYS[3], ARGV[3])
        return 'ended'
        """;

    /// <summary>KEYS: due, dead, docs. ARGV: id, keep. Returns revived, or none.</summary>
    public const string Revive = Prelude + """
        if redis.call('ZREM', KEYS[2], ARGV[1]) == 0 then return 'none' end
        redis.call('HSET', KEYS[3], ARGV[1] .. ':tries', '0')
        redis.call('ZADD', KEYS[1], score(now()), ARGV[1])
        keep(KEYS[1], KEYS[2], KEYS[3], ARGV[2])
        return 'revived'
        """;
}
