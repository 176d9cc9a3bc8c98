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

    /// <summary>Hash of one approval: <c>v</c>, <c>state</c>, <c>expires</c>, <c>master</c>, <c>doc</c>.</summary>
    public static string Approval(string id) => Tag + "approval:" + id;

    /// <summary>The sealed payload of one approval.</summary>
    public static string Payload(string id) => Tag + "payload:" + id;

    /// <summary>The id of the live approval of a digest.</summary>
    public static string Digest(string digest) => Tag + "digest:" + digest;

    /// <summary>One shared secret, sealed.</summary>
    public static string Secret(string name) => Tag + "secret:" + name;

    /// <summary>One sealed session of a person at the console, by the hash of its id.</summary>
    public static string Session(string key) => Tag + "session:" + key;

    /// <summary>When a person ended all of their sessions, in milliseconds.</summary>
    public static string SessionsEnded(string person) => Tag + "sessions-ended:" + person;
}
