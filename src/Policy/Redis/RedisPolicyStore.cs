using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Countersign.Policy.Approvals;
using StackExchange.Redis;

namespace Countersign.Policy.Redis;

/// <summary>A policy version without its text.</summary>
/// <param name="Version">Counts from 1, with gaps only where somebody went on from a store that had lost
/// versions.</param>
/// <param name="Author">Who published it.</param>
/// <param name="At">When, by the store's clock.</param>
/// <param name="Sha256">64 lower-case hexadecimal digits over the document's UTF-8 bytes.</param>
public record PolicyRevision(long Version, string Author, DateTimeOffset At, string Sha256)
{
    /// <summary>The number of the change that brought it.</summary>
    public long Change { get; init; }

    /// <summary>The hash of the change before that one, or empty for the first.</summary>
    public string Previous { get; init; } = "";

    /// <summary>The hash of the change that brought it.</summary>
    public string Hash { get; init; } = "";

    /// <summary>Whether it was ever in force, in a list; null if that is not known.</summary>
    public bool? WasInForce { get; init; }
}

/// <summary>A policy version.</summary>
/// <param name="Version">Counts from 1, with gaps only where somebody went on from a store that had lost
/// versions.</param>
/// <param name="Author">Who published it.</param>
/// <param name="At">When, by the store's clock.</param>
/// <param name="Sha256">64 lower-case hexadecimal digits over the document's UTF-8 bytes.</param>
/// <param name="Document">The policy as JSON; what gateways compile.</param>
/// <param name="Source">The text its author wrote, YAML with comments.</param>
public sealed record StoredPolicy(
    long Version, string Author, DateTimeOffset At, string Sha256, string Document, string Source)
    : PolicyRevision(Version, Author, At, Sha256);

/// <summary>What must be so for a change to be made; what is null is not asked.</summary>
/// <param name="Current">The version in force; 0 for none.</param>
/// <param name="Change">The number of the last change; 0 for none.</param>
public readonly record struct PolicyExpectation(long? Current = null, long? Change = null)
{
    internal bool Holds(PolicyMark mark) =>
        (Current is null || Current == mark.Current) && (Change is null || Change == mark.Change);
}

/// <summary>Immutable, numbered policy versions, and which of them is in force. Every change is one script.</summary>
public sealed partial class RedisPolicyStore(RedisStore store)
{
    /// <summary>Who publishes what a gateway's configuration gives to a store that has none.</summary>
    public const string BootstrapAuthor = "bootstrap";

    /// <summary>The most versions on a page.</summary>
    public const int PageMax = 100;

    // Each round is lost only to another publisher, whose change was made.
    private const int RoundsMax = 256;

    private static readonly RedisKey[] Keys =
    [
        StoreKeys.PolicyChange, StoreKeys.LatestPolicy, StoreKeys.CurrentPolicy, StoreKeys.Policies,
        StoreKeys.PolicyChanges,
    ];

    private static readonly RedisKey[] ReadKeys = Keys[..4];

    /// <summary>
    /// Stores the next version and, with <paramref name="activate"/>, puts it in force in the same step. The document
    /// must have been compiled: nothing here reads it. A conflict means that what was expected is not so.
    /// </summary>
    /// <param name="document">The policy as JSON.</param>
    /// <param name="source">The text its author wrote.</param>
    /// <param name="author">Who publishes it.</param>
    /// <param name="activate">False only stores it.</param>
    /// <param name="expected">What must be so.</param>
    /// <param name="resumeAfter">How far anybody has seen a store that has lost changes: the change and the version get
    /// numbers beyond, since what was lost may still run somewhere. Null is no such change.</param>
    /// <param name="issuer">The issuer that vouches for the author; empty for none.</param>
    public ValueTask<StoreResult<StoredPolicy>> PublishAsync(
        string document, string source, string author, bool activate = true, PolicyExpectation expected = default,
        PolicyMark? resumeAfter = null, string issuer = "")
    {
        PolicyChangeKind kind = activate ? PolicyChangeKind.Publish : PolicyChangeKind.Store;
        NewVersion made = new(document, source, author, kind, Version: null) { Issuer = issuer };
        return AddAsync(made, expected, resumeAfter);
    }

    /// <summary>
    /// Publishes and activates the first version of a store that has none; a conflict when it has some, and nothing
    /// changes. It is version 1, or the one beyond what was lost.
    /// </summary>
    public ValueTask<StoreResult<StoredPolicy>> BootstrapAsync(
        string document, string source, string author, PolicyMark? resumeAfter = null) =>
        AddAsync(
            new NewVersion(document, source, author, PolicyChangeKind.Publish, Version: null) { IsFirst = true },
            default, resumeAfter);

    /// <summary>
    /// Gives a store that has lost everything a version back, under its own number; a conflict when
    /// <paramref name="expected"/> does not hold.
    /// </summary>
    internal ValueTask<StoreResult<StoredPolicy>> RestoreAsync(
        StoredPolicy policy, PolicyExpectation expected, PolicyMark resumeAfter) =>
        AddAsync(
            new NewVersion(
                policy.Document, policy.Source, policy.Author, PolicyChangeKind.Restore, policy.Version),
            expected, resumeAfter);

    /// <summary>
    /// Puts a stored version in force, newer or older than the present one. Not found: there is no such version; a
    /// conflict: what was expected is not so.
    /// </summary>
    public async ValueTask<StoreStatus> ActivateAsync(
        long version, string author, PolicyExpectation expected = default, PolicyMark? resumeAfter = null,
        string issuer = "")
    {
        ArgumentException.ThrowIfNullOrEmpty(author);
        for (int round = 0; round < RoundsMax; round++)
        {
            if (await ReadAsync(version) is not { } read) return StoreStatus.Unavailable;
            if (read.Sha256.Length == 0) return StoreStatus.NotFound;
            if (!expected.Holds(read.Mark)) return StoreStatus.Conflict;
            PolicyChange change = Next(
                read, PolicyChangeKind.Activate, version, read.Sha256, new PolicyAuthor(issuer, author), resumeAfter);
            StoreStatus status = await ChangeAsync(
                read, change,
                new PolicyMark(change.Number, change.Hash, version, LatestOf(read.Mark, resumeAfter)), []);
            if (status != StoreStatus.Conflict) return status;
        }

        return StoreStatus.Unavailable;
    }

    /// <summary>
    /// Spends an approval and puts its version in force, in one step. A conflict: another version is in force than the
    /// one that the approval was asked over. Not found and lapsed are the approval's.
    /// </summary>
    /// <param name="approved">The approval as it was read; its policy version must be in force.</param>
    /// <param name="executed">What it becomes.</param>
    /// <param name="target">The version to put in force.</param>
    /// <param name="resumeAfter">As for <see cref="PublishAsync"/>.</param>
    public async ValueTask<StoreStatus> ActivateApprovedAsync(
        Approval approved, Approval executed, StoredPolicy target, PolicyMark? resumeAfter = null)
    {
        ArgumentNullException.ThrowIfNull(approved);
        ArgumentNullException.ThrowIfNull(executed);
        ArgumentNullException.ThrowIfNull(target);
        for (int round = 0; round < RoundsMax; round++)
        {
            if (await ReadAsync(target.Version) is not { } read) return StoreStatus.Unavailable;
            if (read.Sha256 != target.Sha256) return StoreStatus.Conflict;
            PolicyChange change = Next(
                read, PolicyChangeKind.Activate, target.Version, target.Sha256,
                new PolicyAuthor(approved.Requester.Issuer, approved.Requester.Subject), resumeAfter);
            PolicyMark then = new(change.Number, change.Hash, target.Version, LatestOf(read.Mark, resumeAfter));
            RedisResult? answer = await store.EvaluateAsync(
                PolicyScripts.ActivateApproved,
                [
                    StoreKeys.PolicyChange, StoreKeys.CurrentPolicy, StoreKeys.PolicyChanges,
                    StoreKeys.Approval(approved.Id), StoreKeys.Digest(approved.Digest), StoreKeys.Epoch,
                    StoreKeys.LatestPolicy,
                ],
                [
                    approved.Id, approved.Version, executed.Version, ApprovalCodec.Write(executed),
                    StoreKeys.ApprovalChannel, read.Text, Text(then), change.Number, change.Write(),
                    approved.PolicyVersion, target.Version, StoreKeys.PolicyChannel, read.Mark.Latest, then.Latest,
                ]);
            if (answer is null) return StoreStatus.Unavailable;
            switch ((string?)answer[0])
            {
                case "ok": return StoreStatus.Ok;
                case "void": return StoreStatus.Conflict;
                case "none" or "moved": return StoreStatus.NotFound;
                case "lapsed": return StoreStatus.Lapsed;
                case "retry": continue;
                default: return StoreStatus.Unavailable;
            }
        }

        return StoreStatus.Unavailable;
    }

    /// <summary>64 lower-case hexadecimal digits over a text's UTF-8 bytes.</summary>
    public static string HashOf(string text) => Sha256Of(text);

    /// <summary>The version in force; 0 for none. Null when the store does not answer.</summary>
    public async ValueTask<long?> CurrentAsync() => (await MarkAsync())?.Current;

    /// <summary>How far the store is. Null when it does not answer.</summary>
    public async ValueTask<PolicyMark?> MarkAsync() => (await ReadAsync(0))?.Mark;

    /// <summary>One version, with its text.</summary>
    public async ValueTask<StoreResult<StoredPolicy>> GetAsync(long version)
    {
        RedisValue[]? fields = await FieldsAsync(
            version, version, "author", "at", "sha256", "change", "previous", "hash", "document", "source");
        if (fields is null) return default;
        if (fields[6].IsNull) return new(StoreStatus.NotFound, null);
        var policy = new StoredPolicy(
            version, fields[0].ToString(), Time(fields[1]), fields[2].ToString(), fields[6].ToString(),
            fields[7].ToString())
        {
            Change = Number(fields[3]),
            Previous = fields[4].ToString(),
            Hash = fields[5].ToString(),
        };
        return new(StoreStatus.Ok, policy);
    }

    /// <summary>64 lower-case hexadecimal digits over the document's UTF-8 bytes.</summary>
    internal static string Sha256Of(string document) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(document)));

    private static long Number(RedisValue value) => value.TryParse(out long number) ? number : 0;

    private static DateTimeOffset Time(RedisValue milliseconds) =>
        DateTimeOffset.FromUnixTimeMilliseconds(Number(milliseconds));

    private async ValueTask<StoreResult<StoredPolicy>> AddAsync(
        NewVersion made, PolicyExpectation expected, PolicyMark? resumeAfter)
    {
        ArgumentException.ThrowIfNullOrEmpty(made.Document);
        ArgumentNullException.ThrowIfNull(made.Source);
        ArgumentException.ThrowIfNullOrEmpty(made.Author);
        string sha256 = Sha256Of(made.Document);
        for (int round = 0; round < RoundsMax; round++)
        {
            if (await ReadAsync(0) is not { } read) return default;
            PolicyMark mark = read.Mark;
            bool isTaken = made.IsFirst && mark.Latest > 0;
            if (isTaken || !expected.Holds(mark)) return new(StoreStatus.Conflict, null);
            long latest = LatestOf(mark, resumeAfter);
            long version = made.Version ?? latest + 1;
            PolicyChange change = Next(
                read, made.Kind, version, sha256, new PolicyAuthor(made.Issuer, made.Author), resumeAfter);
            long current = made.Kind == PolicyChangeKind.Store ? mark.Current : version;
            PolicyMark then = new(change.Number, change.Hash, current, Math.Max(version, latest));
            StoreStatus status = await ChangeAsync(
                read, change, then,
                [
                    version, made.Document, made.Source, made.Author, sha256, change.At, change.Number,
                    change.Previous, change.Hash,
                ]);
            if (status == StoreStatus.Unavailable) return default;
            if (status == StoreStatus.Conflict) continue;
            StoredPolicy stored = new(
                version, made.Author, DateTimeOffset.FromUnixTimeMilliseconds(change.At), sha256, made.Document,
                made.Source)
            {
                Change = change.Number,
                Previous = change.Previous,
                Hash = change.Hash,
            };
            return new(StoreStatus.Ok, stored);
        }

        return default;
    }

    // A number that was lost is not given out again: it stands for another document wherever that is known.
    private static long LatestOf(PolicyMark mark, PolicyMark? resumeAfter) =>
        Math.Max(mark.Latest, resumeAfter?.Latest ?? 0);

    private static PolicyChange Next(
        Reading read, PolicyChangeKind kind, long version, string sha256, PolicyAuthor author,
        PolicyMark? resumeAfter) => new(
        Math.Max(read.Mark.Change, resumeAfter?.Change ?? 0) + 1,
        kind, version, sha256, author.Text, read.At, read.Mark.Hash,
        // A version that is only stored takes nothing back: what goes on is the change that puts it in force.
        Resumes: resumeAfter is not null && kind != PolicyChangeKind.Store);

    private async ValueTask<StoreStatus> ChangeAsync(
        Reading read, PolicyChange change, PolicyMark then, RedisValue[] version)
    {
        RedisResult? answer = await store.EvaluateAsync(
            PolicyScripts.Change,
            Keys,
            [
                read.Text, read.Mark.Latest, Text(then), change.Number, change.Write(), then.Current,
                StoreKeys.PolicyChannel, then.Latest, .. version,
            ]);
        if (answer is null) return StoreStatus.Unavailable;
        return (string?)answer[0] switch
        {
            "ok" => StoreStatus.Ok,
            "retry" => StoreStatus.Conflict,
            _ => StoreStatus.Unavailable,
        };
    }

    // The last change in one key, so that it is compared and swapped in one step: number, hash, current version.
    private static string Text(PolicyMark mark) =>
        string.Create(CultureInfo.InvariantCulture, $"{mark.Change} {mark.Hash} {mark.Current}");

    private async ValueTask<Reading?> ReadAsync(long version)
    {
        RedisResult? answer = await store.EvaluateAsync(PolicyScripts.Read, ReadKeys, [version]);
        if (answer is null) return null;
        string text = (string?)answer[1] ?? "";
        long latest = Number((RedisValue)answer[2]), current = Number((RedisValue)answer[3]);
        string[] parts = text.Split(' ');
        PolicyMark mark = parts.Length == 3 && long.TryParse(parts[0], CultureInfo.InvariantCulture, out long number)
            ? new PolicyMark(number, parts[1], Number(parts[2]), latest, (string?)answer[5] ?? "")
            : new PolicyMark(0, "", current, latest, (string?)answer[5] ?? "");
        return new Reading(Number((RedisValue)answer[0]), text, mark, (string?)answer[4] ?? "");
    }

    private async ValueTask<RedisValue[]?> FieldsAsync(long newest, long oldest, params string[] names)
    {
        var fields = new List<RedisValue>();
        for (long version = newest; version >= oldest; version--)
        {
            foreach (string name in names)
                fields.Add(string.Create(CultureInfo.InvariantCulture, $"{version}:{name}"));
        }

        (bool answered, RedisValue[]? values) = await store.AskAsync(
            fields.ToArray(),
            static (database, asked) => database.HashGetAsync(StoreKeys.Policies, asked, CommandFlags.DemandMaster));
        return answered ? values : null;
    }

    private sealed record NewVersion(
        string Document, string Source, string Author, PolicyChangeKind Kind, long? Version)
    {
        public bool IsFirst { get; init; }

        public string Issuer { get; init; } = "";
    }

    private sealed record Reading(long At, string Text, PolicyMark Mark, string Sha256);
}
