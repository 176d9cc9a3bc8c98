using System.Globalization;
using Countersign.Policy.Approvals;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Countersign.Policy.Redis;

/// <summary>
/// Approvals in Redis, Valkey or Garnet. An approval is a hash that is swapped by version; every move is one script
/// (docs/decisions/0005). Approvals are kept 30 days after they were asked; sealed payloads until both windows are
/// over.
/// </summary>
public sealed partial class RedisApprovalStore : IApprovalStore
{
    /// <summary>The most approvals on a page.</summary>
    public const int PageMax = 200;

    // A page of a rare state must not read the whole index: after this many the page ends early, with a cursor.
    private const int ScannedMax = 1_000;
    private const int ScanBatch = 100;

    // Each round is lost only to another gateway that filed the same call meanwhile.
    private const int AskRoundsMax = 16;
    private static readonly TimeSpan Kept = TimeSpan.FromDays(30);

    private readonly RedisStore _store;
    private readonly ApprovalWatchers _watchers;
    private readonly ILogger _logger;

    private RedisApprovalStore(RedisStore store, ILogger logger)
    {
        _store = store;
        _logger = logger;
        _watchers = new ApprovalWatchers(logger);
    }

    /// <summary>
    /// Makes the store and the one subscription that wakes its watchers. Works on a store that is away too.
    /// </summary>
    public static async Task<RedisApprovalStore> OpenAsync(RedisStore store, ILogger logger)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(logger);
        var approvals = new RedisApprovalStore(store, logger);
        store.Reconnected += approvals._watchers.WakeAll;
        await store.ListenAsync(StoreKeys.ApprovalChannel, approvals._watchers.Wake);
        return approvals;
    }

    /// <inheritdoc/>
    public async ValueTask<StoreResult<Approval>> AskAsync(Approval draft, ReadOnlyMemory<byte> sealedPayload)
    {
        ArgumentNullException.ThrowIfNull(draft);
        if (draft.State != ApprovalState.Pending || draft.Version != 1)
            throw new ArgumentException("A draft is pending, in version 1.", nameof(draft));
        string existing = "";
        for (int round = 0; round < AskRoundsMax; round++)
        {
            RedisResult? answer = await AskOnceAsync(draft, sealedPayload, existing);
            if (answer is null) break;
            switch ((string?)answer[0])
            {
                case "filed": return new(StoreStatus.Ok, draft);
                case "joined": return Read(draft.Digest, (byte[]?)answer[1], StoreStatus.Ok, isLapsed: false);
                case "conflict": return new(StoreStatus.Conflict, null);
                case "retry": existing = (string?)answer[1] ?? ""; break;
                default: return default;
            }
        }

        return default;
    }

    /// <inheritdoc/>
    public async ValueTask<StoreResult<Approval>> FindAsync(string id)
    {
        ArgumentNullException.ThrowIfNull(id);
        RedisResult? answer = await _store.EvaluateAsync(ApprovalScripts.Find, [StoreKeys.Approval(id)], []);
        if (answer is null) return default;
        return (string?)answer[0] switch
        {
            "found" => Read(id, (byte[]?)answer[1], StoreStatus.Ok, isLapsed: false),
            "lapsed" => Read(id, (byte[]?)answer[1], StoreStatus.Ok, isLapsed: true),
            "none" => new(StoreStatus.NotFound, null),
            _ => default,
        };
    }

    /// <inheritdoc/>
    /// <remarks>
    /// <paramref name="limit"/> is held to 1..<see cref="PageMax"/>.
    /// </remarks>
    public async ValueTask<StoreResult<ApprovalPage>> ListAsync(
        ApprovalState? state, int limit, string? cursor, Func<Approval, bool>? where = null)
    {
        if (!ApprovalCursor.TryRead(cursor, out ApprovalCursor after)) return new(StoreStatus.NotFound, null);
        int wanted = Math.Clamp(limit, 1, PageMax);
        string index = state == ApprovalState.Pending ? StoreKeys.PendingApprovals : StoreKeys.AllApprovals;
        var items = new List<Approval>(wanted);
        var stale = new List<RedisValue>();
        bool atEnd = false;
        double from = after.CreatedMilliseconds;
        int skip = 0;
        for (int scanned = 0; scanned < ScannedMax && items.Count < wanted && !atEnd; scanned += ScanBatch)
        {
            SortedSetEntry[]? batch = await ScanAsync(index, from, skip);
            if (batch is null) return default;
            atEnd = batch.Length < ScanBatch;
            foreach ((string id, StoreResult<Approval> found, double score) in await FindAllAsync(batch, after))
            {
                if (found.Status == StoreStatus.Unavailable) return default;
                if (items.Count == wanted)
                {
                    atEnd = false;
                    break;
                }

                after = new ApprovalCursor(score, id);
                if (found.Value is { } approval && (state is null || approval.State == state))
                {
                    if (where is null || where(approval)) items.Add(approval);
                }
                else if (found.Value?.State != ApprovalState.Pending)
                {
                    stale.Add(id);
                }
            }

            // Go on from where this batch ended, so that what leaves the index meanwhile shifts nothing; within one
            // millisecond there is no place to go on from but the count.
            skip = after.CreatedMilliseconds < from ? 0 : skip + batch.Length;
            from = Math.Min(from, after.CreatedMilliseconds);
        }

        if (state == ApprovalState.Pending) await ForgetAsync(stale);
        return new(StoreStatus.Ok, new ApprovalPage(items, atEnd ? null : after.ToString()));
    }

    /// <inheritdoc/>
    /// <remarks>An approved approval has lapsed too when another master than the one that settled it answers.</remarks>
    public async ValueTask<StoreResult<Approval>> MoveAsync(Approval from, Approval to)
    {
        ArgumentNullException.ThrowIfNull(from);
        ArgumentNullException.ThrowIfNull(to);
        if (from.Id != to.Id || from.Digest != to.Digest || to.Version != from.Version + 1 ||
            !ApprovalRules.IsMove(from.State, to.State))
        {
            throw new ArgumentException("Not a move of the state machine.", nameof(to));
        }

        RedisResult? answer = await _store.EvaluateAsync(
            ApprovalScripts.Move,
            [
                StoreKeys.Approval(from.Id), StoreKeys.Payload(from.Id), StoreKeys.Digest(from.Digest),
                StoreKeys.PendingApprovals,
            ],
            [
                from.Id, from.Version, ApprovalStates.NameOf(from.State), to.Version, ApprovalStates.NameOf(to.State),
                to.ExpiresAt.ToUnixTimeMilliseconds(), ApprovalCodec.Write(to), StoreKeys.ApprovalChannel,
            ]);
        if (answer is null) return default;
        return (string?)answer[0] switch
        {
            "moved" => new(StoreStatus.Ok, to),
            "none" => new(StoreStatus.NotFound, null),
            "conflict" => Read(from.Id, (byte[]?)answer[1], StoreStatus.Conflict, isLapsed: false),
            "conflict-lapsed" => Read(from.Id, (byte[]?)answer[1], StoreStatus.Conflict, isLapsed: true),
            "lapsed" => Read(from.Id, (byte[]?)answer[1], StoreStatus.Lapsed, isLapsed: true),
            _ => default,
        };
    }

    /// <inheritdoc/>
    public async ValueTask<StoreResult<byte[]>> PayloadAsync(string id)
    {
        ArgumentNullException.ThrowIfNull(id);
        (bool answered, RedisValue payload) = await _store.AskAsync(
            StoreKeys.Payload(id), static (database, key) => database.StringGetAsync(key, CommandFlags.DemandMaster));
        if (!answered) return default;
        return payload.IsNull ? new(StoreStatus.NotFound, null) : new(StoreStatus.Ok, (byte[]?)payload);
    }

    /// <inheritdoc/>
    public IDisposable Watch(string id, Action moved)
    {
        ArgumentNullException.ThrowIfNull(id);
        ArgumentNullException.ThrowIfNull(moved);
        return _watchers.Add(id, moved);
    }

    /// <inheritdoc/>
    public IDisposable WatchAll(Action<string?> moved)
    {
        ArgumentNullException.ThrowIfNull(moved);
        return _watchers.AddForAll(moved);
    }

    private ValueTask<RedisResult?> AskOnceAsync(Approval draft, ReadOnlyMemory<byte> sealedPayload, string existing)
    {
        long expires = draft.ExpiresAt.ToUnixTimeMilliseconds();
        return _store.EvaluateAsync(
            ApprovalScripts.Ask,
            [
                StoreKeys.Digest(draft.Digest), StoreKeys.Approval(draft.Id), StoreKeys.Payload(draft.Id),
                StoreKeys.AllApprovals, StoreKeys.PendingApprovals,
                StoreKeys.Approval(existing.Length == 0 ? draft.Id : existing),
            ],
            [
                existing, draft.Id, draft.Version, ApprovalStates.NameOf(draft.State), expires,
                ApprovalCodec.Write(draft), sealedPayload, draft.CreatedAt.ToUnixTimeMilliseconds(),
                expires + (long)draft.UseWithin.TotalMilliseconds, (long)Kept.TotalMilliseconds,
                StoreKeys.ApprovalChannel,
            ]);
    }

    private async ValueTask<SortedSetEntry[]?> ScanAsync(string index, double from, int skip)
    {
        (bool answered, SortedSetEntry[]? batch) = await _store.AskAsync(
            (index, from, skip),
            static (database, ask) => database.SortedSetRangeByScoreWithScoresAsync(
                ask.index, double.NegativeInfinity, ask.from, Exclude.None, Order.Descending, ask.skip, ScanBatch,
                CommandFlags.DemandMaster));
        return answered ? batch : null;
    }

    // What is no longer pending never is again. Trimming the index is no move, so it needs no script and no answer.
    private async ValueTask ForgetAsync(List<RedisValue> stale)
    {
        if (stale.Count == 0) return;
        await _store.AskAsync(
            stale.ToArray(),
            static (database, ids) => database.SortedSetRemoveAsync(StoreKeys.PendingApprovals, ids));
    }

    // Pipelined: a batch costs one round trip. What has gone from the store, by age, is not found and is left out.
    private async ValueTask<List<(string Id, StoreResult<Approval> Found, double Score)>> FindAllAsync(
        SortedSetEntry[] batch, ApprovalCursor after)
    {
        var asked = new List<(string Id, Task<StoreResult<Approval>> Found, double Score)>(batch.Length);
        foreach (SortedSetEntry entry in batch)
        {
            string id = entry.Element.ToString();
            if (after.IsBefore(entry.Score, id)) asked.Add((id, FindAsync(id).AsTask(), entry.Score));
        }

        var found = new List<(string, StoreResult<Approval>, double)>(asked.Count);
        foreach ((string id, Task<StoreResult<Approval>> finding, double score) in asked)
            found.Add((id, await finding, score));
        return found;
    }

    private StoreResult<Approval> Read(string id, byte[]? document, StoreStatus status, bool isLapsed)
    {
        Approval? approval = document is null ? null : ApprovalCodec.Read(document);
        if (approval is null)
        {
            // Not what this gateway writes: another version of it, or another hand. Either way it proves nothing.
            Unreadable(_logger, id);
            return default;
        }

        return new(status, isLapsed ? approval with { State = ApprovalState.Expired } : approval);
    }

    [LoggerMessage(EventId = 10, Level = LogLevel.Error, Message = "The stored approval {Id} cannot be read")]
    private static partial void Unreadable(ILogger logger, string id);
}

/// <summary>Where a page ended.</summary>
internal readonly record struct ApprovalCursor(double CreatedMilliseconds, string Id)
{
    /// <summary>Reads what <see cref="ToString"/> wrote; null is the beginning. False for anything else.</summary>
    public static bool TryRead(string? cursor, out ApprovalCursor after)
    {
        after = new ApprovalCursor(double.PositiveInfinity, "");
        if (cursor is null) return true;
        int point = cursor.IndexOf('.', StringComparison.Ordinal);
        CultureInfo culture = CultureInfo.InvariantCulture;
        long at = 0;
        bool isNumber = point > 0 && long.TryParse(cursor.AsSpan(0, point), NumberStyles.None, culture, out at);
        if (!isNumber) return false;
        after = new ApprovalCursor(at, cursor[(point + 1)..]);
        return after.Id.Length > 0;
    }

    /// <summary>
    /// True for an entry that comes after this one, newest first; ties are broken by id, as the store does.
    /// </summary>
    public bool IsBefore(double score, string id) =>
        score < CreatedMilliseconds || (score == CreatedMilliseconds && string.CompareOrdinal(id, Id) < 0);

    /// <inheritdoc/>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{(long)CreatedMilliseconds}.{Id}");
}
