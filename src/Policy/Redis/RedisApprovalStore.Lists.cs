using System.Globalization;
using Countersign.Policy.Approvals;
using StackExchange.Redis;

namespace Countersign.Policy.Redis;

/// <content>Lists, which read an index and then each approval.</content>
public sealed partial class RedisApprovalStore
{
    // A page of a rare state must not read the whole index: after this many the page ends early, with a cursor.
    private const int ScannedMax = 1_000;
    private const int ScanBatch = 100;

    /// <inheritdoc/>
    /// <remarks>
    /// <paramref name="limit"/> is held to 1..<see cref="PageMax"/>. A page may hold fewer, even none, and still name a
    /// next one.
    /// </remarks>
    public async ValueTask<StoreResult<ApprovalPage>> ListAsync(
        ApprovalState? state, int limit, string? cursor, Func<Approval, bool>? where = null)
    {
        string index = state == ApprovalState.Pending ? StoreKeys.PendingApprovals : StoreKeys.AllApprovals;
        (StoreResult<ApprovalPage> page, List<RedisValue> stale) = await ScanAsync(
            index, limit, cursor,
            one => (state is null || one.State == state) && (where is null || where(one)),
            one => one.State != ApprovalState.Pending);
        if (state == ApprovalState.Pending && page.IsOk) await ForgetAsync(StoreKeys.PendingApprovals, stale);
        return page;
    }

    /// <inheritdoc/>
    public async ValueTask<StoreResult<ApprovalPage>> ListOwedAsync(
        int limit, string? cursor, Func<Approval, bool>? where = null) =>
        (await ScanAsync(
            StoreKeys.Reviews, limit, cursor, one => one.OwesReview && (where is null || where(one)),
            _ => false)).Page;

    // Gathers a page of what is wanted from an index, and what of it the index need not have any more.
    private async ValueTask<(StoreResult<ApprovalPage> Page, List<RedisValue> Stale)> ScanAsync(
        string index, int limit, string? cursor, Predicate<Approval> isWanted, Predicate<Approval> isStale)
    {
        var stale = new List<RedisValue>();
        if (!ApprovalCursor.TryRead(cursor, out ApprovalCursor after)) return (new(StoreStatus.NotFound, null), stale);
        int wanted = Math.Clamp(limit, 1, PageMax);
        var items = new List<Approval>(wanted);
        bool atEnd = false;
        double from = after.CreatedMilliseconds;
        int skip = 0;
        for (int scanned = 0; scanned < ScannedMax && items.Count < wanted && !atEnd; scanned += ScanBatch)
        {
            SortedSetEntry[]? batch = await ScanAsync(index, from, skip);
            if (batch is null) return (default, stale);
            atEnd = batch.Length < ScanBatch;
            foreach ((string id, StoreResult<Approval> found, double score) in await FindAllAsync(batch, after))
            {
                if (found.Status == StoreStatus.Unavailable) return (default, stale);
                if (items.Count == wanted)
                {
                    atEnd = false;
                    break;
                }

                after = new ApprovalCursor(score, id);
                if (found.Value is { } approval && isWanted(approval)) items.Add(approval);
                else if (found.Value is null || isStale(found.Value)) stale.Add(id);
            }

            // Go on from where this batch ended, so that what leaves the index meanwhile shifts nothing; within one
            // millisecond there is no place to go on from but the count.
            skip = after.CreatedMilliseconds < from ? 0 : skip + batch.Length;
            from = Math.Min(from, after.CreatedMilliseconds);
        }

        return (new(StoreStatus.Ok, new ApprovalPage(items, atEnd ? null : after.ToString())), stale);
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
    private async ValueTask ForgetAsync(string index, List<RedisValue> stale)
    {
        if (stale.Count == 0) return;
        await _store.AskAsync(
            (index, ids: stale.ToArray()),
            static (database, ask) => database.SortedSetRemoveAsync(ask.index, ask.ids));
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
