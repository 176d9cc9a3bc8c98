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

    // Each round is lost only to another gateway that filed the same call meanwhile.
    private const int AskRoundsMax = 16;
    private static readonly TimeSpan Kept = TimeSpan.FromDays(30);

    // Beyond the windows of the approval: as long as a client may retry a call whose answer it lost.
    private static readonly TimeSpan RetryKeyKept = TimeSpan.FromDays(1);

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
    public async ValueTask<StoreResult<Approval>> AskAsync(
        Approval draft, ReadOnlyMemory<byte> sealedPayload, AskExtras extras = default)
    {
        ArgumentNullException.ThrowIfNull(draft);
        if (draft.State != ApprovalState.Pending || draft.Version != 1)
            throw new ArgumentException("A draft is pending, in version 1.", nameof(draft));
        string existing = "";
        for (int round = 0; round < AskRoundsMax; round++)
        {
            RedisResult? answer = await AskOnceAsync(draft, sealedPayload, extras, existing);
            if (answer is null) break;
            string how = (string?)answer[0] ?? "";
            switch (how)
            {
                case "filed" or "filed-lapsed" or "joined" or "joined-lapsed":
                    return Read(draft.Id, answer, StoreStatus.Ok);
                case "conflict": return new(StoreStatus.Conflict, null);
                case "mismatch": return new(StoreStatus.Mismatch, null);
                case "none": return new(StoreStatus.NotFound, null);
                case "limited":
                    bool isKnown = long.TryParse((string?)answer[1], CultureInfo.InvariantCulture, out long wait);
                    return new(StoreStatus.Limited, null)
                    {
                        RetryAfter = isKnown ? TimeSpan.FromMilliseconds(wait) : AskLimits.PendingRetryAfter,
                    };
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
        RedisResult? answer = await _store.EvaluateAsync(
            ApprovalScripts.Find, [StoreKeys.Approval(id), StoreKeys.Epoch], []);
        if (answer is null) return default;
        return (string?)answer[0] switch
        {
            "found" or "lapsed" => Read(id, answer, StoreStatus.Ok),
            "none" => new(StoreStatus.NotFound, null),
            _ => default,
        };
    }

    /// <inheritdoc/>
    /// <remarks>An approved approval has lapsed too when another master than the one that settled it answers.</remarks>
    public async ValueTask<StoreResult<Approval>> MoveAsync(
        Approval from, Approval to, IReadOnlyList<SeenPerson>? seen = null)
    {
        ArgumentNullException.ThrowIfNull(from);
        ArgumentNullException.ThrowIfNull(to);
        bool isReview = from.OwesReview && to.Review is not null && to.State == from.State;
        if (from.Id != to.Id || from.Digest != to.Digest || to.Version != from.Version + 1 ||
            !(isReview || ApprovalRules.IsMove(from.State, to.State)))
        {
            throw new ArgumentException("Not a move of the state machine.", nameof(to));
        }

        IReadOnlyList<string> people = Duty.PeopleOf(from, to);
        IReadOnlyList<Duty> duties = people.Count > 0 ? to.Duties : [];
        RedisResult? answer = isReview
            ? await ReviewAsync(from, to)
            : await _store.EvaluateAsync(
                ApprovalScripts.Move, KeysOf(from, duties, seen ?? []), TermsOf(from, to, duties, people, seen ?? []));
        if (answer is null) return default;
        switch ((string?)answer[0])
        {
            case "moved" or "moved-lapsed": return Read(from.Id, answer, StoreStatus.Ok);
            case "none": return new(StoreStatus.NotFound, null);
            case "conflict" or "conflict-lapsed" or "changed": return Read(from.Id, answer, StoreStatus.Conflict);
            case "lapsed": return Read(from.Id, answer, StoreStatus.Lapsed);
            case "duty":
                return Read(from.Id, answer, StoreStatus.DutyConflict) with
                {
                    Separation = duties[(int)answer[5]].Separation,
                };
            case "blind":
                Blind(_logger, from.Id);
                return default;
            default: return default;
        }
    }

    private static RedisKey[] KeysOf(
        Approval from, IReadOnlyList<Duty> duties, IReadOnlyList<SeenPerson> seen) =>
    [
        StoreKeys.Approval(from.Id), StoreKeys.Payload(from.Id), StoreKeys.Digest(from.Digest),
        StoreKeys.PendingApprovals, StoreKeys.Epoch, StoreKeys.Claims, StoreKeys.Run(from.Id), StoreKeys.Runs,
        StoreKeys.Reviews,
        .. duties.Select(one => (RedisKey)StoreKeys.Duty(one.Separation, one.Key)),
        .. seen.Select(person => (RedisKey)StoreKeys.Person(SeenPerson.KeyOf(person.Issuer, person.Subject))),
    ];

    private static RedisValue[] TermsOf(
        Approval from, Approval to, IReadOnlyList<Duty> duties, IReadOnlyList<string> people,
        IReadOnlyList<SeenPerson> seen)
    {
        bool isSettled = from.State == ApprovalState.Pending && to.State == ApprovalState.Approved;
        RedisValue window = isSettled ? (long)to.UseWithin.TotalMilliseconds : "";
        bool breaksGlass = from.Broken is null && to.Broken is not null;
        return
        [
            from.Id, from.Version, ApprovalStates.NameOf(from.State), to.Version, ApprovalStates.NameOf(to.State),
            ApprovalCodec.Write(to), window, StoreKeys.ApprovalChannel, to.Claimant, breaksGlass ? "1" : "",
            duties.Count, to.Function, string.Join(' ', people),
            duties.Count > 0 && to.State == ApprovalState.Claimed ? "1" : "",
            .. duties.Select(one => (RedisValue)(long)one.Window.TotalMilliseconds),
            .. seen.Select(person => (RedisValue)person.Stored),
        ];
    }

    private ValueTask<RedisResult?> ReviewAsync(Approval from, Approval to) => _store.EvaluateAsync(
        ApprovalScripts.Review,
        [StoreKeys.Approval(from.Id), StoreKeys.Epoch, StoreKeys.Reviews],
        [
            from.Id, from.Version, to.Version, ApprovalCodec.Write(to), (long)Kept.TotalMilliseconds,
            StoreKeys.ApprovalChannel,
        ]);

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

    private ValueTask<RedisResult?> AskOnceAsync(
        Approval draft, ReadOnlyMemory<byte> sealedPayload, in AskExtras extras, string existing)
    {
        // The window alone is the gateway's to say; when it begins is the store's.
        long window = (long)(draft.ExpiresAt - draft.CreatedAt).TotalMilliseconds;
        long beyond = (long)draft.UseWithin.TotalMilliseconds;
        string retryKey = extras.RetryKey ?? "";
        return _store.EvaluateAsync(
            ApprovalScripts.Ask,
            [
                StoreKeys.Digest(draft.Digest), StoreKeys.Approval(draft.Id), StoreKeys.Payload(draft.Id),
                StoreKeys.AllApprovals, StoreKeys.PendingApprovals,
                StoreKeys.Approval(existing.Length == 0 ? draft.Id : existing), StoreKeys.Epoch,
                StoreKeys.Run(existing.Length == 0 ? draft.Id : existing), StoreKeys.Runs, StoreKeys.Retry(retryKey),
                StoreKeys.Run(draft.Id),
                .. KeysOf(extras.Limits is null ? [] : AskLimits.CountedOf(draft.Requester)),
            ],
            [
                existing, draft.Id, draft.Version, ApprovalStates.NameOf(draft.State), ApprovalCodec.Write(draft),
                sealedPayload, window, beyond, (long)Kept.TotalMilliseconds, StoreKeys.ApprovalChannel, draft.Digest,
                extras.SealedRun, retryKey.Length > 0 ? "1" : "",
                Math.Max(1, window + beyond + (long)RetryKeyKept.TotalMilliseconds),
                draft.CreatedAt.ToUnixTimeMilliseconds(), extras.Limits?.PendingMax ?? 0, extras.Limits?.PerMinute ?? 0,
                extras.JoinsOnly ? "1" : "",
            ]);
    }

    private static IEnumerable<RedisKey> KeysOf(IReadOnlyList<string> counted) => counted.SelectMany(
        who => (RedisKey[])[StoreKeys.AsksPending(who), StoreKeys.AsksRate(who)]);

    // How it ended, the document, the end of its window by the store, and what only the store knows of it.
    private StoreResult<Approval> Read(string id, RedisResult answer, StoreStatus status)
    {
        byte[]? document = (byte[]?)answer[1];
        Approval? approval = document is null ? null : ApprovalCodec.Read(document);
        if (approval is null || !long.TryParse((string?)answer[2], CultureInfo.InvariantCulture, out long expires))
        {
            // Not what this gateway writes: another version of it, or another hand. Either way it proves nothing.
            Unreadable(_logger, id);
            return default;
        }

        bool isLapsed = ((string?)answer[0])!.EndsWith("lapsed", StringComparison.Ordinal);
        return new(status, approval with
        {
            State = isLapsed ? ApprovalState.Expired : approval.State,
            ExpiresAt = DateTimeOffset.FromUnixTimeMilliseconds(expires),
            Runs = (string?)answer[3] == "1",
            HasOutcome = (string?)answer[4] == "1",
            IsOutcomeTold = (string?)answer[4] == "told",
        });
    }

    [LoggerMessage(EventId = 10, Level = LogLevel.Error, Message = "The stored approval {Id} cannot be read")]
    private static partial void Unreadable(ILogger logger, string id);

    [LoggerMessage(
        EventId = 12, Level = LogLevel.Error,
        Message = "Approval {Id} cannot be settled: the store does not tell its replication id (grant +info)")]
    private static partial void Blind(ILogger logger, string id);
}
