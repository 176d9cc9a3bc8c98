namespace Countersign.Policy.Redis;

/// <summary>
/// Every key and channel, in one place. They share one hash tag, so that all lie in one slot and a script may use
/// several on a cluster. Scripts declare every key they touch: Garnet locks those, and only those, while a script runs.
/// </summary>
internal static class StoreKeys
{
    /// <summary>The hash tag.</summary>
    public const string Tag = "{countersign}:";

    /// <summary>Sorted set of all approvals' ids by creation time, in milliseconds.</summary>
    public const string AllApprovals = Tag + "approvals:all";

    /// <summary>Sorted set of the pending ones.</summary>
    public const string PendingApprovals = Tag + "approvals:pending";

    /// <summary>Channel that carries the id of every approval that is filed or moved.</summary>
    public const string ApprovalChannel = Tag + "approvals";

    /// <summary>
    /// What tells one start of a store without replication ids from the next; absent where there are such ids.
    /// </summary>
    public const string Epoch = Tag + "epoch";

    /// <summary>Sorted set of gateways' starts by their last sign of life, in the store's milliseconds.</summary>
    public const string Gateways = Tag + "gateways";

    /// <summary>Hash of claimed approvals that are not settled yet: id to the start that claimed it.</summary>
    public const string Claims = Tag + "approvals:claims";

    /// <summary>Sorted set of approvals that a gateway makes the call of once they are approved.</summary>
    public const string Runs = Tag + "approvals:runs";

    /// <summary>Sorted set of approvals whose glass was broken and whose review is owed.</summary>
    public const string Reviews = Tag + "approvals:reviews";

    /// <summary>The number of the policy version in force.</summary>
    public const string CurrentPolicy = Tag + "policy:current";

    /// <summary>The last change of policy: its number, its hash and the version in force since.</summary>
    public const string PolicyChange = Tag + "policy:change";

    /// <summary>Hash of every change of policy, by number.</summary>
    public const string PolicyChanges = Tag + "policy:changes";

    /// <summary>The highest policy version.</summary>
    public const string LatestPolicy = Tag + "policy:latest";

    /// <summary>
    /// Hash of every policy version, with fields such as <c>7:document</c>, <c>7:source</c>, <c>7:author</c>,
    /// <c>7:at</c>,
    /// <c>7:sha256</c>, <c>7:change</c>, <c>7:previous</c> and <c>7:hash</c>.
    /// </summary>
    public const string Policies = Tag + "policy:versions";

    /// <summary>Channel that carries the version put in force.</summary>
    public const string PolicyChannel = Tag + "policy";

    /// <summary>Hash of the nodes' reports, by instance.</summary>
    public const string Nodes = Tag + "nodes";

    /// <summary>Sorted set of the nodes' instances by their last contact, in milliseconds.</summary>
    public const string NodeContacts = Tag + "nodes:seen";

    /// <summary>Hash of revocations, by what they name.</summary>
    public const string Revocations = Tag + "revocations";

    /// <summary>Sorted set of the same by when they may be forgotten, in milliseconds.</summary>
    public const string RevocationEnds = Tag + "revocations:ends";

    /// <summary>How often the list has changed.</summary>
    public const string RevocationVersion = Tag + "revocations:version";

    /// <summary>Channel that carries that number when it grows.</summary>
    public const string RevocationChannel = Tag + "revocations";

    /// <summary>Hash of secrets that a vault must be asked to revoke: broker and lease to the start that holds
    /// it.</summary>
    public const string Leases = Tag + "leases";

    /// <summary>Hash of the fleet's signing keys: their number <c>v</c> and their sealed <c>box</c>.</summary>
    public const string SigningKeys = Tag + "signing-keys";

    /// <summary>Hash of the audit logs of the fleet: log's key to the sealed key of its gateway as a witness.</summary>
    public const string Logs = Tag + "audit:logs";

    /// <summary>Sorted set of those logs by their last sign of life, in the store's milliseconds.</summary>
    public const string LogsSeen = Tag + "audit:logs:seen";

    /// <summary>Hash of those logs' newest cosigned heads.</summary>
    public const string LogHeads = Tag + "audit:heads";

    /// <summary>Hash of the streams of audit entries: a stream's key to its log's first hash and
    /// origin.</summary>
    public const string AuditStreams = Tag + "audit:streams";

    /// <summary>Hash of what logs ask of witnesses: <c>log|witness' log</c> to the request.</summary>
    public const string WitnessAsks = Tag + "audit:asks";

    /// <summary>Hash of the answers, by the same names.</summary>
    public const string WitnessAnswers = Tag + "audit:answers";

    /// <summary>
    /// Hash of one approval: <c>v</c>, <c>state</c>, <c>expires</c>, <c>master</c>, <c>doc</c>, <c>run</c>,
    /// <c>outcome</c> (1 while it waits, <c>told</c> once it was fetched), <c>keyed</c> (1 if a retry key stands for
    /// it).
    /// </summary>
    public static string Approval(string id) => Tag + "approval:" + id;

    /// <summary>The stream of one log's entries.</summary>
    public static string AuditStream(string log) => Tag + "audit:stream:" + log;

    /// <summary>The sealed payload of one approval.</summary>
    public static string Payload(string id) => Tag + "payload:" + id;

    /// <summary>Sorted set of pending approvals of one requester or person, by the end of their window; those decided
    /// meanwhile too, until it is full.</summary>
    public static string AsksPending(string who) => Tag + "asks:pending:" + who;

    /// <summary>When one requester or person will have all asks of a minute again, in milliseconds.</summary>
    public static string AsksRate(string who) => Tag + "asks:rate:" + who;

    /// <summary>The id of the live approval of a digest.</summary>
    public static string Digest(string digest) => Tag + "digest:" + digest;

    /// <summary>When one bucket of a limit will be full, in microseconds.</summary>
    public static string Bucket(string name) => Tag + "limit:" + name;

    /// <summary>The sealed call that is made once its approval is approved.</summary>
    public static string Run(string id) => Tag + "run:" + id;

    /// <summary>What came of one approval's call, sealed, until it is fetched.</summary>
    public static string Outcome(string id) => Tag + "outcome:" + id;

    /// <summary>The digest and the approval that a caller's <c>Idempotency-Key</c> stands for.</summary>
    public static string Retry(string key) => Tag + "retry:" + key;

    /// <summary>What the control listener last saw of a person's groups.</summary>
    public static string Person(string person) => Tag + "person:" + person;

    /// <summary>Hash of the occasions of one approval that notices were filed for.</summary>
    public static string Noticed(string approval) => Tag + "noticed:" + approval;

    /// <summary>Sorted set of one webhook's notices by when they are due, in milliseconds.</summary>
    public static string NoticesDue(string webhook) => Tag + "notices:" + webhook + ":due";

    /// <summary>Sorted set of those that were given up, by when.</summary>
    public static string NoticesDead(string webhook) => Tag + "notices:" + webhook + ":dead";

    /// <summary>Hash of what is known of one webhook's notices.</summary>
    public static string Notices(string webhook) => Tag + "notices:" + webhook;

    /// <summary>Hash of the people who did something to one object that a separation keeps apart.</summary>
    public static string Duty(string separation, string key) => Tag + "duty:" + separation + ":" + key;

    /// <summary>Channel that one start of a gateway is asked on, whether it makes a call.</summary>
    public static string LentQuestions(string start) => Tag + "lent:" + start;

    /// <summary>Channel that whoever asked hears the answers on.</summary>
    public static string LentAnswers(string asker) => Tag + "lent-answers:" + asker;

    /// <summary>One sealed session of a person at the console, by the hash of its id.</summary>
    public static string Session(string key) => Tag + "session:" + key;

    /// <summary>When a person ended all of their sessions, in milliseconds.</summary>
    public static string SessionsEnded(string person) => Tag + "sessions-ended:" + person;

    /// <summary>Says that an id of some use was used, by its hash.</summary>
    public static string Spent(string use, string hash) => Tag + "spent:" + use + ":" + hash;
}
