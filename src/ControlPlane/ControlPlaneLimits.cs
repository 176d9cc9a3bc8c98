namespace Countersign.ControlPlane;

/// <summary>Every bound of the control listener (STYLE rule 10).</summary>
internal static class ControlPlaneLimits
{
    /// <summary>Twice the largest policy document, so that one somewhat too large is told so by the policy
    /// reader.</summary>
    public const int BodyBytesMax = 2 * 1_048_576;

    /// <summary>What Kestrel still reads of a body that was refused: without it, whoever sends too much would meet a
    /// reset connection in place of the 413. Beyond this they do.</summary>
    public const int DrainedBytesMax = 8 * 1_048_576;

    /// <summary>A decision: the longest reason with every character escaped, and room for the rest.</summary>
    public const int DecisionBytesMax = 16_384;

    /// <summary>The policy feed asks the store once a second: five that stay unanswered are no accident.</summary>
    public static readonly TimeSpan StoreSilenceMax = TimeSpan.FromSeconds(5);

    /// <summary>What was approved is in force at once; this is for a store that goes away just then.</summary>
    public static readonly TimeSpan ProposalUseWithin = TimeSpan.FromHours(1);

    /// <summary>A request for a token: two tokens, or an assertion, form-encoded.</summary>
    public const int TokenRequestBytesMax = 512 * 1_024;

    /// <summary>A revocation: a token, or names, and a reason.</summary>
    public const int RevocationBytesMax = 64 * 1_024;

    /// <summary>How long a revocation is remembered where nobody says how long its tokens live.</summary>
    public static readonly TimeSpan RevocationRemembered = TimeSpan.FromDays(30);

    /// <summary>The longest that one is remembered, whatever a token says of its end.</summary>
    public static readonly TimeSpan RevocationRememberedMax = TimeSpan.FromDays(3_660);

    /// <summary>The shortest, where nobody says so: for a token that has expired already.</summary>
    public static readonly TimeSpan RevocationRememberedMin = TimeSpan.FromHours(1);

    public const int ReasonCharactersMax = 500;
    public const int PointerCharactersMax = 500;
    public const int ConnectionsMax = 4_096;

    /// <summary>What answers under way get when the listener stops. None waits for anything slower than the
    /// store.</summary>
    public static readonly TimeSpan StopWithin = TimeSpan.FromSeconds(5);

    /// <summary>How long a TLS handshake may take.</summary>
    public static readonly TimeSpan HandshakeWithin = TimeSpan.FromSeconds(10);

    public const int ApprovalsOnPage = 50;
    public const int ApprovalsOnPageMax = 200;

    /// <summary>Pages of the store that one answer may be gathered from, where most approvals are not the
    /// viewer's.</summary>
    public const int StorePagesMax = 16;

    /// <summary>Pages of the store that earlier approvals like one are looked for in.</summary>
    public const int EarlierPagesMax = 4;

    public const int EarlierOnPage = 10;
    public const int EarlierOnPageMax = 50;

    /// <summary>Moves of approvals that wait to be read once for all who listen; beyond it everybody looks
    /// anew.</summary>
    public const int FeedHeardMax = 4_096;

    /// <summary>Open windows whose end is told; about 100 bytes each.</summary>
    public const int FeedWindowsMax = 10_000;

    /// <summary>Moves that wait for one listener; beyond it that one looks anew.</summary>
    public const int ListenerItemsMax = 256;

    /// <summary>Event streams at once, and for one person: a browser's tabs, a terminal or two.</summary>
    public const int StreamsMax = 1_024;

    public const int StreamsPerCallerMax = 16;

    /// <summary>The newest pending approvals that a stream begins with.</summary>
    public const int SnapshotMax = 500;

    /// <summary>Less than the half minute after which proxies give up on a silent answer; at each, the viewer must
    /// prove again who they are.</summary>
    public static readonly TimeSpan HeartbeatEvery = TimeSpan.FromSeconds(15);

    /// <summary>What a viewer's connection may take for one event before it is cut.</summary>
    public static readonly TimeSpan EventWithin = TimeSpan.FromSeconds(10);

    /// <summary>Attempts to deliver a notice, over about eight hours; then it is among the dead.</summary>
    public const int DeliveriesMax = 8;

    /// <summary>What a receiver may take to answer; those of chats do it in a second.</summary>
    public static readonly TimeSpan DeliveryWithin = TimeSpan.FromSeconds(10);

    /// <summary>How long a notice is one gateway's: longer than an attempt can take.</summary>
    public static readonly TimeSpan NoticeLease = TimeSpan.FromSeconds(30);

    /// <summary>What happened longer ago is no news: a webhook that is new is not told of last month.</summary>
    public static readonly TimeSpan NoticeAgeMax = TimeSpan.FromDays(1);

    /// <summary>The newest approvals that are looked at for notices that nobody filed.</summary>
    public const int NoticesLookedBackMax = 2_000;

    public const int NoticeNameCharactersMax = 120;
    public const int NoticeReasonCharactersMax = 500;

    /// <summary>Moves tried against others who move the same approval; each that fails means that another's
    /// succeeded.</summary>
    public const int MoveAttemptsMax = 16;

    public const int PoliciesOnPage = 50;

    public const int CallsOnPage = 100;
    public const int CallsOnPageMax = 1_000;

    /// <summary>Entries looked at for one answer; what lies before them is for the next page.</summary>
    public const int CallEntriesScannedMax = 262_144;

    /// <summary>Searches of the log at once; the others wait.</summary>
    public const int CallSearchesMax = 2;
}
