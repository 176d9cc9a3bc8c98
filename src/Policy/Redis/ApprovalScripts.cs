namespace Countersign.Policy.Redis;

/// <summary>
/// Every way an approval changes. Each script runs atomically in the store and reads the store's own clock. The first
/// element of what it returns says how it ended.
/// </summary>
internal static class ApprovalScripts
{
    // An approved approval is void once another master answers for the store: a failover may have lost its claim. Redis
    // takes a new replication id with every start and every promotion (decision 0042); a store that has none, such as
    // Garnet, is given an epoch per start. The empty answer is a store that tells neither: it settles nothing.
    internal const string Prelude = """
        local function master(epoch)
          local told = redis.pcall('INFO', 'replication')
          local id = type(told) == 'string' and string.match(told, 'master_replid:(%w+)') or ''
          if string.match(id, '[^0]') then return id end
          local own = redis.call('GET', epoch)
          return own and 'epoch:' .. own or ''
        end
        local function milliseconds()
          local time = redis.call('TIME')
          return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
        end
        local function whole(number)
          return string.format('%.0f', number)
        end
        local function lapsed(state, expires, settler, epoch)
          if state == 'pending' then return milliseconds() >= tonumber(expires) end
          if state ~= 'approved' then return false end
          return milliseconds() >= tonumber(expires) or settler == '' or settler ~= master(epoch)
        end
        local function told(how, held)
          return {how, held[4], held[2], held[6] or '', held[7] or ''}
        end

        """;

    // What every question about an approval reads, in the order that told() and the guards rely on.
    private const string Fields = "'state', 'expires', 'master', 'doc', 'v', 'run', 'outcome'";

    // The guard of every move, complete in itself: state, version, window and master are as they were read.
    private const string Guard = Prelude + $$"""
        local now = redis.call('HMGET', KEYS[1], {{Fields}})
        if not now[1] then return {'none'} end
        local late = lapsed(now[1], now[2], now[3], KEYS[5])
        if now[5] ~= ARGV[2] or now[1] ~= ARGV[3] then
          return told(late and 'conflict-lapsed' or 'conflict', now)
        end

        """;

    /// <summary>
    /// KEYS: digest, approval, payload, all, pending, the approval that the digest or the retry key is believed to
    /// name, epoch, its run, runs, retry key, run; then two for each who is counted: pending ones, and the minute.
    /// ARGV: its id or empty; id, version, state, document, sealed payload, decide
    /// window, payload kept beyond it, keep, channel, digest, sealed run or empty, 1 for a retry key, kept of it, time
    /// of creation, pending ones and asks of a minute that each may have; times
    /// in milliseconds. Its first write is one that a full store refuses, and so all of it: what removes something
    /// comes behind. Returns filed; limited and when to come back if that is known;
    /// joined and the approval; retry and the id to ask with; conflict when the id is
    /// taken; mismatch when the retry key stands for another call.
    /// </summary>
    public const string Ask = Prelude + $$"""
        local function remember(id, key)
          if ARGV[13] ~= '1' then return end
          redis.call('SET', KEYS[10], ARGV[11] .. ' ' .. id, 'PX', ARGV[14])
          redis.call('HSET', key, 'keyed', '1')
        end
        if ARGV[13] == '1' then
          local known = redis.call('GET', KEYS[10])
          if known then
            local digest, id = string.match(known, '^(%S+) (%S+)$')
            if digest ~= ARGV[11] then return {'mismatch'} end
            if id ~= ARGV[1] then return {'retry', id} end
            local old = redis.call('HMGET', KEYS[6], {{Fields}})
            if old[1] then
              return told(lapsed(old[1], old[2], old[3], KEYS[7]) and 'joined-lapsed' or 'joined', old)
            end
          end
        end
        local held = redis.call('GET', KEYS[1])
        if held and held ~= ARGV[1] then return {'retry', held} end
        if held then
          local old = redis.call('HMGET', KEYS[6], {{Fields}})
          local live = old[1] == 'pending' or old[1] == 'approved'
          if live and not lapsed(old[1], old[2], old[3], KEYS[7]) then
            remember(held, KEYS[6])
            if ARGV[12] ~= '' and redis.call('EXISTS', KEYS[8]) == 0 then
              redis.call('HSET', KEYS[6], 'run', '1')
              local left = tonumber(old[2]) - milliseconds() + tonumber(ARGV[8])
              redis.call('SET', KEYS[8], ARGV[12], 'PX', whole(left))
              redis.call('ZADD', KEYS[9], whole(milliseconds()), held)
              redis.pcall('PUBLISH', ARGV[10], held)
              old[6] = '1'
            end
            return told('joined', old)
          end
        end
        if redis.call('EXISTS', KEYS[2]) == 1 then return {'conflict'} end
        if ARGV[18] == '1' then return {'none'} end
        local at = milliseconds()
        local expires = whole(at + tonumber(ARGV[7]))
        local full, over = {}, {}
        for who = 12, #KEYS, 2 do
          local live = redis.call('ZCOUNT', KEYS[who], '(' .. whole(at), '+inf')
          if live >= tonumber(ARGV[16]) then
            for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[who], '(' .. whole(at), '+inf')) do
              if not redis.call('ZSCORE', KEYS[5], id) then
                live = live - 1
                over[#over + 1] = {KEYS[who], id}
              end
            end
            if live >= tonumber(ARGV[16]) then return {'limited', ''} end
          end
          local spent = tonumber(redis.call('GET', KEYS[who + 1]) or '0')
          if spent < at then spent = at end
          full[who] = spent + 60000 / tonumber(ARGV[17])
          if full[who] > at + 60000.001 then return {'limited', whole(math.ceil(full[who] - at - 60000))} end
        end
        for who = 12, #KEYS, 2 do
          redis.call('ZADD', KEYS[who], expires, ARGV[2])
          redis.call('ZREMRANGEBYSCORE', KEYS[who], '-inf', whole(at))
          local left = redis.call('PTTL', KEYS[who])
          if left < tonumber(ARGV[7]) then redis.call('PEXPIRE', KEYS[who], whole(math.max(1, tonumber(ARGV[7])))) end
          redis.call('SET', KEYS[who + 1], string.format('%.3f', full[who]), 'PX', whole(math.ceil(full[who] - at) + 1))
        end
        for _, one in ipairs(over) do redis.call('ZREM', one[1], one[2]) end
        local gone = whole(at + tonumber(ARGV[7]) + tonumber(ARGV[8]))
        redis.call('HSET', KEYS[2], 'v', ARGV[3], 'state', ARGV[4], 'expires', expires, 'master', '', 'doc', ARGV[5])
        redis.call('PEXPIRE', KEYS[2], ARGV[9])
        redis.call('SET', KEYS[3], ARGV[6])
        redis.call('PEXPIREAT', KEYS[3], gone)
        redis.call('SET', KEYS[1], ARGV[2])
        redis.call('PEXPIREAT', KEYS[1], gone)
        remember(ARGV[2], KEYS[2])
        if ARGV[12] ~= '' then
          redis.call('HSET', KEYS[2], 'run', '1')
          redis.call('SET', KEYS[11], ARGV[12])
          redis.call('PEXPIREAT', KEYS[11], gone)
          redis.call('ZADD', KEYS[9], whole(at), ARGV[2])
        end
        local old = whole(at - tonumber(ARGV[9]))
        redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', old)
        redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', old)
        redis.call('ZREMRANGEBYSCORE', KEYS[9], '-inf', old)
        redis.call('ZADD', KEYS[4], ARGV[15], ARGV[2])
        redis.call('ZADD', KEYS[5], ARGV[15], ARGV[2])
        redis.pcall('PUBLISH', ARGV[10], ARGV[2])
        local late = milliseconds() >= tonumber(expires)
        return {late and 'filed-lapsed' or 'filed', ARGV[5], expires, ARGV[12] ~= '' and '1' or '', ''}
        """;

    /// <summary>
    /// KEYS: approval, epoch, retry key. ARGV: what the key stands for, its digest and id; kept of the key beyond the
    /// approval's window, in milliseconds. Returns bound; mismatch where it stands for something else; none where it
    /// stands for nothing and the approval is not live.
    /// </summary>
    public const string Bind = Prelude + $$"""
        local known = redis.call('GET', KEYS[3])
        if known then return {known == ARGV[1] and 'bound' or 'mismatch'} end
        local now = redis.call('HMGET', KEYS[1], {{Fields}})
        local live = now[1] == 'pending' or now[1] == 'approved'
        if not live or lapsed(now[1], now[2], now[3], KEYS[2]) then return {'none'} end
        local left = tonumber(now[2]) - milliseconds() + tonumber(ARGV[2])
        redis.call('SET', KEYS[3], ARGV[1], 'PX', whole(left))
        redis.call('HSET', KEYS[1], 'keyed', '1')
        return {'bound'}
        """;

    /// <summary>KEYS: approval, epoch. Returns found or lapsed, and the approval; none.</summary>
    public const string Find = Prelude + $$"""
        local now = redis.call('HMGET', KEYS[1], {{Fields}})
        if not now[1] then return {'none'} end
        return told(lapsed(now[1], now[2], now[3], KEYS[2]) and 'lapsed' or 'found', now)
        """;

    /// <summary>
    /// KEYS: approval, payload, digest, pending, epoch, claims, run, runs, reviews; then the duties, then what the
    /// control listener last saw of each person whose groups count. ARGV: id, version and state it must have, version,
    /// state and document it gets, its new window in milliseconds or empty (what is void ends now), channel, the
    /// claimant or empty, 1 if this breaks the glass, how many duties, the function, the people who act, 1 to write
    /// that; then the duties' windows, then what must still be there of each person. Returns moved and the approval;
    /// none; conflict or lapsed and what is there; duty, the same and its place if a separation refuses; changed if a
    /// person's groups were seen anew meanwhile; blind if nobody knows which master this is.
    /// </summary>
    public const string Move = Guard + DutyScripts.Functions + """
        if late then return told('lapsed', now) end
        local duties = tonumber(ARGV[11])
        for seen = 15 + duties, #ARGV do
          if (redis.call('GET', KEYS[seen - 5]) or '') ~= ARGV[seen] then return told('changed', now) end
        end
        local refused = meets(10, 15, duties, ARGV[12], ARGV[13])
        if ARGV[14] == '1' and not refused then refused = full(10, 15, duties, ARGV[13]) end
        if refused then
          local answer = told('duty', now)
          answer[6] = whole(refused)
          return answer
        end
        local state = ARGV[5]
        if state == 'approved' then
          now[3] = master(KEYS[5])
          if now[3] == '' then return {'blind'} end
        end
        if ARGV[7] ~= '' then now[2] = whole(milliseconds() + tonumber(ARGV[7])) end
        if state == 'expired' then now[2] = whole(math.min(tonumber(now[2]), milliseconds())) end
        redis.call('HSET', KEYS[1], 'v', ARGV[4], 'state', state, 'expires', now[2], 'master', now[3], 'doc', ARGV[6])
        if state ~= 'pending' then redis.call('ZREM', KEYS[4], ARGV[1]) end
        if state == 'claimed' then redis.call('HSET', KEYS[6], ARGV[1], ARGV[9]) end
        if ARGV[14] == '1' then act(10, 15, duties, ARGV[12], ARGV[13]) end
        if now[1] == 'claimed' then redis.call('HDEL', KEYS[6], ARGV[1]) end
        if state ~= 'pending' and state ~= 'approved' then
          if redis.call('GET', KEYS[3]) == ARGV[1] then redis.call('DEL', KEYS[3]) end
          redis.call('DEL', KEYS[7])
          redis.call('ZREM', KEYS[8], ARGV[1])
          if state == 'denied' or state == 'cancelled' or state == 'revoked' or state == 'expired' then
            redis.call('DEL', KEYS[2])
          end
        end
        if ARGV[10] == '1' then
          redis.call('PERSIST', KEYS[1])
          redis.call('ZADD', KEYS[9], whole(milliseconds()), ARGV[1])
        end
        redis.pcall('PUBLISH', ARGV[8], ARGV[1])
        now[4] = ARGV[6]
        return told('moved', now)
        """;

    /// <summary>
    /// Closes a review that is owed, whatever has become of the approval meanwhile. KEYS: approval, epoch, reviews.
    /// ARGV: id, version it must have, version and document it gets, keep, channel. Returns as Move does.
    /// </summary>
    public const string Review = Prelude + $$"""
        local now = redis.call('HMGET', KEYS[1], {{Fields}})
        if not now[1] then return {'none'} end
        local late = lapsed(now[1], now[2], now[3], KEYS[2])
        if now[5] ~= ARGV[2] or not redis.call('ZSCORE', KEYS[3], ARGV[1]) then
          return told(late and 'conflict-lapsed' or 'conflict', now)
        end
        redis.call('HSET', KEYS[1], 'v', ARGV[3], 'doc', ARGV[4])
        redis.call('PEXPIRE', KEYS[1], ARGV[5])
        redis.call('ZREM', KEYS[3], ARGV[1])
        redis.pcall('PUBLISH', ARGV[6], ARGV[1])
        now[4] = ARGV[4]
        return told(late and 'moved-lapsed' or 'moved', now)
        """;

    /// <summary>
    /// Keeps what came of a claimed call. KEYS: approval, outcome. ARGV: id, sealed outcome, keep, channel. Returns
    /// kept; none where nothing can have come of it.
    /// </summary>
    public const string KeepOutcome = """
        local state = redis.call('HGET', KEYS[1], 'state')
        if state ~= 'executed' and state ~= 'failed' and state ~= 'unknown' then return {'none'} end
        redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
        redis.call('HSET', KEYS[1], 'outcome', '1')
        redis.pcall('PUBLISH', ARGV[4], ARGV[1])
        return {'kept'}
        """;

    /// <summary>
    /// KEYS: approval, outcome. Returns taken and the sealed outcome, which is gone then unless a retry key stands for
    /// the approval; none where there is none, or it was taken.
    /// </summary>
    public const string TakeOutcome = """
        local waits = redis.call('HMGET', KEYS[1], 'outcome', 'keyed')
        local box = waits[1] == '1' and redis.call('GET', KEYS[2])
        if not box then return {'none'} end
        if waits[2] ~= '1' then redis.call('DEL', KEYS[2]) end
        redis.call('HSET', KEYS[1], 'outcome', 'told')
        return {'taken', box}
        """;

    /// <summary>
    /// Notes a person's groups unless a newer token has told of them. KEYS: person. ARGV: when the token was issued, in
    /// seconds; what to keep, which begins with the same; keep.
    /// </summary>
    public const string Note = """
        local held = redis.call('GET', KEYS[1])
        if held and tonumber(string.match(held, '^(%d+)')) > tonumber(ARGV[1]) then return {'older'} end
        redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
        return {'noted'}
        """;

    /// <summary>
    /// A gateway's sign of life. KEYS: gateways. ARGV: its start, how long the dead are remembered. Returns the
    /// milliseconds since its last sign, or -1 for its first.
    /// </summary>
    public const string Beat = Prelude + """
        local at = milliseconds()
        local last = redis.call('ZSCORE', KEYS[1], ARGV[1])
        redis.call('ZADD', KEYS[1], whole(at), ARGV[1])
        redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', whole(at - tonumber(ARGV[2])))
        return last and whole(at - tonumber(last)) or '-1'
        """;

    /// <summary>
    /// KEYS: gateways, claims. ARGV: lease in milliseconds. Returns the ids of claims whose gateway has given no sign
    /// of life for that long, and the gateway of each.
    /// </summary>
    public const string Orphans = Prelude + """
        local since = milliseconds() - tonumber(ARGV[1])
        local claims = redis.call('HGETALL', KEYS[2])
        local orphans = {}
        for at = 1, #claims, 2 do
          local seen = redis.call('ZSCORE', KEYS[1], claims[at + 1])
          if not seen or tonumber(seen) < since then
            orphans[#orphans + 1] = claims[at]
            orphans[#orphans + 1] = claims[at + 1]
          end
        end
        return orphans
        """;
}
