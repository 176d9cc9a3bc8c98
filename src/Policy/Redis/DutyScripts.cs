namespace Countersign.Policy.Redis;

/// <summary>
/// What dynamic separations remember: for each object a hash, of each person the functions done and when, as
/// <c>function milliseconds;</c>. At most 1,000 people. Gone a window after the last of them.
/// </summary>
internal static class DutyScripts
{
    // For scripts that begin with the prelude. keyAt and argAt say where the duties' keys and windows begin. meets()
    // and full() return the place of the first duty that is in conflict or has no room.
    internal const string Functions = """
        local function live(at, key, window, own, person)
          local kept = ''
          for name, when in string.gmatch(redis.call('HGET', key, person) or '', '(%S+) (%d+);') do
            if tonumber(when) + window > at and name ~= own then kept = kept .. name .. ' ' .. when .. ';' end
          end
          return kept
        end
        local function meets(keyAt, argAt, count, own, people)
          local at = milliseconds()
          for n = 0, count - 1 do
            for person in string.gmatch(people, '%S+') do
              if live(at, KEYS[keyAt + n], tonumber(ARGV[argAt + n]), own, person) ~= '' then return n end
            end
          end
          return nil
        end
        local function prune(at, key, window)
          local all = redis.call('HGETALL', key)
          for i = 1, #all, 2 do
            local counts = false
            for when in string.gmatch(all[i + 1], ' (%d+);') do
              if tonumber(when) + window > at then counts = true end
            end
            if not counts then redis.call('HDEL', key, all[i]) end
          end
        end
        local function full(keyAt, argAt, count, people)
          local at = milliseconds()
          for n = 0, count - 1 do
            local key = KEYS[keyAt + n]
            local new = 0
            for person in string.gmatch(people, '%S+') do
              local held = redis.call('HGET', key, person)
              if not held then new = new + 1 end
              if held and #held > 8000 then return n end
            end
            if redis.call('HLEN', key) + new > 1000 then
              prune(at, key, tonumber(ARGV[argAt + n]))
              if redis.call('HLEN', key) + new > 1000 then return n end
            end
          end
          return nil
        end
        local function act(keyAt, argAt, count, own, people)
          local at = milliseconds()
          for n = 0, count - 1 do
            local key = KEYS[keyAt + n]
            local window = tonumber(ARGV[argAt + n])
            for person in string.gmatch(people, '%S+') do
              local kept = live(at, key, window, own, person)
              redis.call('HSET', key, person, kept .. own .. ' ' .. whole(at) .. ';')
            end
            redis.call('PEXPIRE', key, whole(window))
          end
        end

        """;

    /// <summary>
    /// KEYS: the duties. ARGV: function, people, 1 to write, 1 to enforce; the windows in milliseconds. Returns acted,
    /// and the place of a duty in conflict or empty; duty and its place where that is enforced.
    /// </summary>
    public const string Act = ApprovalScripts.Prelude + Functions + """
        local met = meets(1, 5, #KEYS, ARGV[1], ARGV[2])
        local room = nil
        if ARGV[3] == '1' and not met then room = full(1, 5, #KEYS, ARGV[2]) end
        if ARGV[4] == '1' and (met or room) then return {'duty', whole(met or room)} end
        if ARGV[3] == '1' and not room then act(1, 5, #KEYS, ARGV[1], ARGV[2]) end
        return {'acted', (met or room) and whole(met or room) or ''}
        """;
}
