using Countersign.Policy.Approvals;
using StackExchange.Redis;

namespace Countersign.Policy.Redis;

/// <content>What lies beside an approval: its payload, its people, its call to be made, what came of it.</content>
public sealed partial class RedisApprovalStore
{
    // A person who has not shown a token for this long may have left; what they were in then still counts as known.
    private static readonly TimeSpan PersonKept = TimeSpan.FromDays(30);

    /// <inheritdoc/>
    public ValueTask<StoreResult<byte[]>> PayloadAsync(string id)
    {
        ArgumentNullException.ThrowIfNull(id);
        return BytesAsync(StoreKeys.Payload(id));
    }

    /// <inheritdoc/>
    public async ValueTask<StoreResult<IReadOnlyList<SeenPerson>>> SeenAsync(Approval approval)
    {
        IReadOnlyList<(string Issuer, string Subject)> people = SeenPerson.BehindOf(approval);
        if (people.Count == 0) return new(StoreStatus.Ok, []);
        RedisKey[] keys =
            [.. people.Select(person => (RedisKey)StoreKeys.Person(SeenPerson.KeyOf(person.Issuer, person.Subject)))];
        (bool answered, RedisValue[]? texts) = await _store.AskAsync(
            keys, static (database, asked) => database.StringGetAsync(asked, CommandFlags.DemandMaster));
        if (!answered) return default;
        return new(
            StoreStatus.Ok,
            [.. people.Select((person, at) => new SeenPerson(person.Issuer, person.Subject, texts![at].ToString()))]);
    }

    /// <inheritdoc/>
    public async ValueTask<StoreResult<SeenPerson>> SeenAsync(string issuer, string subject)
    {
        string key = StoreKeys.Person(SeenPerson.KeyOf(issuer, subject));
        (bool answered, RedisValue text) = await _store.AskAsync(
            key, static (database, asked) => database.StringGetAsync(asked, CommandFlags.DemandMaster));
        return answered ? new(StoreStatus.Ok, new SeenPerson(issuer, subject, text.ToString())) : default;
    }

    /// <inheritdoc/>
    public async ValueTask<StoreStatus> NoteAsync(Caller person)
    {
        ArgumentNullException.ThrowIfNull(person);
        RedisResult? answer = await _store.EvaluateAsync(
            ApprovalScripts.Note,
            [StoreKeys.Person(SeenPerson.KeyOf(person.Issuer, person.Subject))],
            [person.IssuedAt, SeenPerson.TextOf(person), (long)PersonKept.TotalMilliseconds]);
        return answer is null ? StoreStatus.Unavailable : StoreStatus.Ok;
    }

    /// <inheritdoc/>
    public async ValueTask<StoreStatus> BindAsync(Approval approval, string retryKey)
    {
        ArgumentNullException.ThrowIfNull(approval);
        ArgumentException.ThrowIfNullOrEmpty(retryKey);
        RedisResult? answer = await _store.EvaluateAsync(
            ApprovalScripts.Bind,
            [StoreKeys.Approval(approval.Id), StoreKeys.Epoch, StoreKeys.Retry(retryKey)],
            [
                $"{approval.Digest} {approval.Id}",
                (long)approval.UseWithin.TotalMilliseconds + (long)RetryKeyKept.TotalMilliseconds,
            ]);
        return (string?)answer?[0] switch
        {
            "bound" => StoreStatus.Ok,
            "mismatch" => StoreStatus.Mismatch,
            "none" => StoreStatus.NotFound,
            _ => StoreStatus.Unavailable,
        };
    }

    /// <inheritdoc/>
    public async ValueTask<StoreResult<IReadOnlyList<string>>> ListRunsAsync(int limit)
    {
        (bool answered, RedisValue[]? ids) = await _store.AskAsync(
            limit, static (database, most) => database.SortedSetRangeByRankAsync(
                StoreKeys.Runs, 0, most - 1, Order.Ascending, CommandFlags.DemandMaster));
        return answered ? new(StoreStatus.Ok, [.. ids!.Select(id => id.ToString())]) : default;
    }

    /// <inheritdoc/>
    public ValueTask<StoreResult<byte[]>> RunAsync(string id)
    {
        ArgumentNullException.ThrowIfNull(id);
        return BytesAsync(StoreKeys.Run(id));
    }

    /// <inheritdoc/>
    public async ValueTask<StoreStatus> KeepOutcomeAsync(
        string id, ReadOnlyMemory<byte> sealedOutcome, TimeSpan keep)
    {
        ArgumentNullException.ThrowIfNull(id);
        RedisResult? answer = await _store.EvaluateAsync(
            ApprovalScripts.KeepOutcome,
            [StoreKeys.Approval(id), StoreKeys.Outcome(id)],
            [id, sealedOutcome, (long)keep.TotalMilliseconds, StoreKeys.ApprovalChannel]);
        if (answer is null) return StoreStatus.Unavailable;
        return (string?)answer[0] == "kept" ? StoreStatus.Ok : StoreStatus.NotFound;
    }

    /// <inheritdoc/>
    public ValueTask<StoreResult<byte[]>> OutcomeAsync(string id)
    {
        ArgumentNullException.ThrowIfNull(id);
        return BytesAsync(StoreKeys.Outcome(id));
    }

    /// <inheritdoc/>
    public async ValueTask<StoreResult<byte[]>> TakeOutcomeAsync(string id)
    {
        ArgumentNullException.ThrowIfNull(id);
        RedisResult? answer = await _store.EvaluateAsync(
            ApprovalScripts.TakeOutcome, [StoreKeys.Approval(id), StoreKeys.Outcome(id)], []);
        if (answer is null) return default;
        return (string?)answer[0] == "taken"
            ? new(StoreStatus.Ok, (byte[]?)answer[1])
            : new(StoreStatus.NotFound, null);
    }

    private async ValueTask<StoreResult<byte[]>> BytesAsync(string key)
    {
        (bool answered, RedisValue bytes) = await _store.AskAsync(
            key, static (database, asked) => database.StringGetAsync(asked, CommandFlags.DemandMaster));
        if (!answered) return default;
        return bytes.IsNull ? new(StoreStatus.NotFound, null) : new(StoreStatus.Ok, (byte[]?)bytes);
    }
}
