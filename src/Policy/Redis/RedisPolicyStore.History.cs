using StackExchange.Redis;

namespace Countersign.Policy.Redis;

/// <summary>What the chained changes tell: which versions there are, which were in force, and by whom.</summary>
public sealed partial class RedisPolicyStore
{
    private const int ChangesInBatch = 500;

    // Nearly always the last change is the one looked for: versions that wait for approval are few.
    private const int ChangesInLook = 20;

    // What was in force is read from so many of the last changes; a version that is older than these is not judged.
    private const int TrailMax = 5_000;

    /// <summary>Versions below <paramref name="before"/>, newest first; null begins with the newest.</summary>
    /// <param name="limit">Held to 1..<see cref="PageMax"/>.</param>
    /// <param name="before">What <see cref="PolicyHistory.Next"/> said.</param>
    public async ValueTask<StoreResult<PolicyHistory>> ListAsync(int limit, long? before = null)
    {
        if (await MarkAsync() is not { } mark) return default;
        long newest = Math.Min(mark.Latest, (before ?? long.MaxValue) - 1);
        long oldest = Math.Max(1, newest - Math.Clamp(limit, 1, PageMax) + 1);
        var items = new List<PolicyRevision>();
        if (newest >= oldest)
        {
            string[] names = ["author", "at", "sha256", "change", "previous", "hash"];
            RedisValue[]? fields = await FieldsAsync(newest, oldest, names);
            if (fields is null) return default;
            for (int at = 0; at < fields.Length; at += names.Length)
            {
                // A store that was restored has no version but the one that it was given back.
                if (fields[at + 2].IsNull) continue;
                items.Add(new PolicyRevision(
                    newest - (at / names.Length), fields[at].ToString(), Time(fields[at + 1]),
                    fields[at + 2].ToString())
                {
                    Change = Number(fields[at + 3]),
                    Previous = fields[at + 4].ToString(),
                    Hash = fields[at + 5].ToString(),
                });
            }
        }

        long from = Math.Max(1, mark.Change - TrailMax + 1);
        if (await ChangesAsync(from, mark.Change) is not { } changes) return default;
        PolicyTrail trail = new(changes, from);
        return new(
            StoreStatus.Ok,
            new PolicyHistory(
                [.. items.Select(item => item with { WasInForce = trail.WasInForce(item) })], mark,
                oldest > 1 && newest >= oldest ? oldest : 0)
            {
                Before = trail.Before(mark.Current),
            });
    }

    /// <summary>
    /// The changes from one number to another, in their order; those that are missing or cannot be read are left out.
    /// Null when the store does not answer.
    /// </summary>
    internal async ValueTask<IReadOnlyList<PolicyChange>?> ChangesAsync(long from, long to)
    {
        List<PolicyChange> changes = [];
        for (long first = Math.Max(1, from); first <= to; first += ChangesInBatch)
        {
            RedisValue[] numbers = new RedisValue[(int)Math.Min(ChangesInBatch, to - first + 1)];
            for (int at = 0; at < numbers.Length; at++) numbers[at] = first + at;
            (bool answered, RedisValue[]? texts) = await store.AskAsync(
                numbers,
                static (database, asked) =>
                    database.HashGetAsync(StoreKeys.PolicyChanges, asked, CommandFlags.DemandMaster));
            if (!answered) return null;
            foreach (RedisValue text in texts!)
            {
                if (PolicyChange.Read((byte[]?)text) is { } change) changes.Add(change);
            }
        }

        return changes;
    }

    /// <summary>Who put the version in force there; nobody where nothing is in force or it is not known any more. Null
    /// when the store does not answer.</summary>
    public async ValueTask<PolicyAuthor?> AuthorInForceAsync(PolicyMark mark)
    {
        ArgumentNullException.ThrowIfNull(mark);
        long to = mark.Change, least = Math.Max(1, mark.Change - TrailMax + 1);
        while (to >= least)
        {
            long from = Math.Max(least, to - ChangesInLook + 1);
            if (await ChangesAsync(from, to) is not { } changes) return null;
            PolicyChange? last = changes.LastOrDefault(change => change.Kind != PolicyChangeKind.Store);
            if (last is not null)
                return last.Version == mark.Current ? PolicyAuthor.Of(last.Author) : new PolicyAuthor("", "");
            to = from - 1;
        }

        return new PolicyAuthor("", "");
    }
}
