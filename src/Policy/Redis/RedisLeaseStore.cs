using StackExchange.Redis;

namespace Countersign.Policy.Redis;

/// <summary>Leases in one hash, judged by gateways' signs of life (see <see cref="ClaimSweep"/>).</summary>
public sealed class RedisLeaseStore(RedisStore store) : ILeaseStore
{
    private const char Between = '\n';

    // KEYS: gateways, leases. ARGV: milliseconds of silence. Returns the leases of starts that were silent for longer.
    private const string Orphans = """
        local time = redis.call('TIME')
        local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
        local held = redis.call('HGETALL', KEYS[2])
        local orphans = {}
        for at = 1, #held, 2 do
          local seen = redis.call('ZSCORE', KEYS[1], held[at + 1])
          if not seen or now - tonumber(seen) > tonumber(ARGV[1]) then table.insert(orphans, held[at]) end
        end
        return orphans
        """;

    /// <inheritdoc/>
    public async ValueTask<StoreStatus> NoteAsync(HeldLease lease, string start)
    {
        ArgumentException.ThrowIfNullOrEmpty(start);
        (bool answered, _) = await store.AskAsync(
            (Field: FieldOf(lease), Start: start),
            static (database, note) => database.HashSetAsync(
                StoreKeys.Leases, note.Field, note.Start, When.Always, CommandFlags.DemandMaster));
        return answered ? StoreStatus.Ok : StoreStatus.Unavailable;
    }

    /// <inheritdoc/>
    public async ValueTask<StoreStatus> ForgetAsync(HeldLease lease)
    {
        (bool answered, _) = await store.AskAsync(
            FieldOf(lease),
            static (database, field) => database.HashDeleteAsync(
                StoreKeys.Leases, field, CommandFlags.DemandMaster));
        return answered ? StoreStatus.Ok : StoreStatus.Unavailable;
    }

    /// <inheritdoc/>
    public async ValueTask<StoreResult<IReadOnlyList<HeldLease>>> OrphansAsync(TimeSpan silent)
    {
        RedisResult? answer = await store.EvaluateAsync(
            Orphans, [StoreKeys.Gateways, StoreKeys.Leases], [(long)silent.TotalMilliseconds]);
        if (answer is null) return default;
        List<HeldLease> leases = [];
        foreach (string? field in (string?[]?)answer ?? [])
        {
            int between = field?.IndexOf(Between, StringComparison.Ordinal) ?? -1;
            if (between > 0) leases.Add(new HeldLease(field![..between], field[(between + 1)..]));
        }

        return new(StoreStatus.Ok, leases);
    }

    private static string FieldOf(HeldLease lease) => lease.Broker + Between + lease.Id;
}
