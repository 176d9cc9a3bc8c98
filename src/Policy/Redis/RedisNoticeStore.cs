using Countersign.Policy.Notices;
using StackExchange.Redis;

namespace Countersign.Policy.Redis;

/// <summary>
/// Notices in Redis, Valkey or Garnet; every move is one script. What nobody delivers or revives is gone after 30 days.
/// </summary>
public sealed class RedisNoticeStore(RedisStore store) : INoticeStore
{
    /// <summary>The most notices that wait for one webhook.</summary>
    public const int WaitingMax = 10_000;

    /// <summary>The most dead notices kept for one webhook; the oldest go first.</summary>
    public const int DeadMax = 1_000;

    /// <summary>The most notices on a page.</summary>
    public const int PageMax = 200;

    private static readonly TimeSpan Kept = TimeSpan.FromDays(30);

    private static long KeptMilliseconds => (long)Kept.TotalMilliseconds;

    /// <inheritdoc/>
    public async ValueTask<StoreStatus> FileAsync(string approval, string occasion, IReadOnlyList<Notice> notices)
    {
        ArgumentException.ThrowIfNullOrEmpty(approval);
        ArgumentException.ThrowIfNullOrEmpty(occasion);
        ArgumentNullException.ThrowIfNull(notices);
        List<RedisKey> keys = [StoreKeys.Noticed(approval)];
        List<RedisValue> arguments = [occasion, KeptMilliseconds, WaitingMax, DeadMax];
        foreach (Notice notice in notices)
        {
            keys.AddRange(KeysOf(notice.Webhook));
            arguments.Add(notice.Id);
            arguments.Add(NoticeCodec.Write(notice));
        }

        RedisResult? answer = await store.EvaluateAsync(NoticeScripts.File, [.. keys], [.. arguments]);
        return (string?)answer switch
        {
            "filed" => StoreStatus.Ok,
            "known" => StoreStatus.Conflict,
            _ => StoreStatus.Unavailable,
        };
    }

    /// <inheritdoc/>
    public async ValueTask<StoreResult<LeasedNotice>> TakeAsync(string webhook, TimeSpan lease)
    {
        string token = Guid.NewGuid().ToString("N");
        RedisResult? answer = await store.EvaluateAsync(
            NoticeScripts.Take, [StoreKeys.NoticesDue(webhook), StoreKeys.Notices(webhook)],
            [(long)lease.TotalMilliseconds, token]);
        if (answer is null) return default;
        if (answer.Length == 0) return new(StoreStatus.NotFound, null);
        Notice? notice = NoticeCodec.Read((byte[])answer[1]!);
        if (notice is not null) return new(StoreStatus.Ok, new LeasedNotice(notice, (int)answer[2], token));

        // Another version of the gateway wrote it, or another hand: this one cannot send it, nor leave it in the way.
        Notice unreadable = new((string)answer[0]!, webhook, "", "", default, "");
        await FailAsync(new LeasedNotice(unreadable, (int)answer[2], token), null, "it cannot be read");
        return new(StoreStatus.NotFound, null);
    }

    /// <inheritdoc/>
    public ValueTask<StoreStatus> CompleteAsync(LeasedNotice taken) => EndAsync(taken, "done", TimeSpan.Zero, "");

    /// <inheritdoc/>
    public ValueTask<StoreStatus> FailAsync(LeasedNotice taken, TimeSpan? delay, string error) =>
        EndAsync(taken, delay is null ? "dead" : "later", delay ?? TimeSpan.Zero, error);

    /// <inheritdoc/>
    /// <remarks><paramref name="limit"/> is held to 1..<see cref="PageMax"/>.</remarks>
    public async ValueTask<StoreResult<NoticePage>> ListAsync(
        IReadOnlyList<string> webhooks, bool dead, int limit, string? cursor)
    {
        ArgumentNullException.ThrowIfNull(webhooks);
        if (!ApprovalCursor.TryRead(cursor, out ApprovalCursor after)) return new(StoreStatus.NotFound, null);
        int wanted = Math.Clamp(limit, 1, PageMax);
        List<(FiledNotice Filed, ApprovalCursor At)> all = [];
        foreach (string webhook in webhooks)
        {
            // Of one millisecond there may be more than fit a page; so many of one webhook are not.
            string key = dead ? StoreKeys.NoticesDead(webhook) : StoreKeys.NoticesDue(webhook);
            (bool answered, SortedSetEntry[]? entries) = await store.AskAsync(
                (key, from: after.CreatedMilliseconds, take: wanted + PageMax),
                static (database, ask) => database.SortedSetRangeByScoreWithScoresAsync(
                    ask.key, double.NegativeInfinity, ask.from, Exclude.None, Order.Descending, 0, ask.take,
                    CommandFlags.DemandMaster));
            if (!answered) return default;
            SortedSetEntry[] here =
                [.. entries!.Where(one => after.IsBefore(one.Score, one.Element.ToString())).Take(wanted + 1)];
            if (here.Length > 0 && !await ReadAsync(webhook, here, all)) return default;
        }

        all.Sort(static (left, right) => left.At.IsBefore(right.At.CreatedMilliseconds, right.At.Id) ? -1 : 1);
        List<FiledNotice> items = [.. all.Take(wanted).Select(one => one.Filed)];
        return new(StoreStatus.Ok, new NoticePage(items, all.Count > wanted ? all[wanted - 1].At.ToString() : null));
    }

    /// <inheritdoc/>
    public async ValueTask<StoreStatus> ReviveAsync(IReadOnlyList<string> webhooks, string id)
    {
        ArgumentNullException.ThrowIfNull(webhooks);
        foreach (string webhook in webhooks)
        {
            RedisResult? answer =
                await store.EvaluateAsync(NoticeScripts.Revive, KeysOf(webhook), [id, KeptMilliseconds]);
            if (answer is null) return StoreStatus.Unavailable;
            if ((string?)answer == "revived") return StoreStatus.Ok;
        }

        return StoreStatus.NotFound;
    }

    private static RedisKey[] KeysOf(string webhook) =>
        [StoreKeys.NoticesDue(webhook), StoreKeys.NoticesDead(webhook), StoreKeys.Notices(webhook)];

    private async ValueTask<StoreStatus> EndAsync(LeasedNotice taken, string how, TimeSpan delay, string error)
    {
        ArgumentNullException.ThrowIfNull(taken);
        RedisResult? answer = await store.EvaluateAsync(
            NoticeScripts.End, KeysOf(taken.Notice.Webhook),
            [
                taken.Notice.Id, taken.Lease, KeptMilliseconds, how, (long)delay.TotalMilliseconds, error, DeadMax,
            ]);
        return (string?)answer switch
        {
            "ended" => StoreStatus.Ok,
            "lost" => StoreStatus.Lapsed,
            _ => StoreStatus.Unavailable,
        };
    }

    private async ValueTask<bool> ReadAsync(
        string webhook, SortedSetEntry[] entries, List<(FiledNotice Filed, ApprovalCursor At)> all)
    {
        RedisValue[] fields = [.. entries.SelectMany(one => (RedisValue[])
            [one.Element + ":doc", one.Element + ":tries", one.Element + ":error"])];
        (bool answered, RedisValue[]? values) = await store.AskAsync(
            (key: StoreKeys.Notices(webhook), fields),
            static (database, ask) => database.HashGetAsync(ask.key, ask.fields, CommandFlags.DemandMaster));
        if (!answered) return false;
        for (int index = 0; index < entries.Length; index++)
        {
            // Gone meanwhile, or unreadable: neither can be shown.
            if ((byte[]?)values![index * 3] is not { } document) continue;
            if (NoticeCodec.Read(document) is not { } notice) continue;
            string id = entries[index].Element.ToString();
            double score = entries[index].Score;
            _ = values[(index * 3) + 1].TryParse(out int tries);
            DateTimeOffset at = DateTimeOffset.FromUnixTimeMilliseconds((long)score);
            string error = values[(index * 3) + 2].ToString();
            all.Add((new FiledNotice(notice, tries, error, at), new ApprovalCursor(score, id)));
        }

        return true;
    }
}
