namespace Countersign.DataPlane;

/// <summary>
/// Every bound of the data plane, in one place (STYLE rule 10). Read from configuration once, then frozen.
/// </summary>
public sealed record Limits
{
    /// <summary>The longest request or response head, bytes, 1 KiB to 1 MiB.</summary>
    public int HeadBytesMax { get; init; } = 32_768;

    /// <summary>The most fields in a head, 1 to 1,000.</summary>
    public int FieldsMax { get; init; } = 100;

    /// <summary>The longest request target, bytes, 1 to <see cref="HeadBytesMax"/>.</summary>
    public int TargetBytesMax { get; init; } = 8_192;

    /// <summary>The largest request body, bytes. Zero means that no request may have a body.</summary>
    public long BodyBytesMax { get; init; } = 104_857_600;

    /// <summary>Extensions of all chunks of one request body together, bytes, 0 to 64 KiB.</summary>
    public int ChunkExtensionBytesMax { get; init; } = 1_024;

    /// <summary>The trailers of one request body with their line ends, bytes, 0 to 1 MiB.</summary>
    public int TrailerBytesMax { get; init; } = 8_192;

    /// <summary>The most trailers of one request body, 0 to 1,000.</summary>
    public int TrailersMax { get; init; } = 32;

    /// <summary>The largest request body that can be paused for approval, bytes: it is buffered whole.</summary>
    public int ApprovalBodyBytesMax { get; init; } = 1_048_576;

    /// <summary>
    /// How much of a masked answer is held back, bytes, so that one that cannot be masked is refused cleanly.
    /// </summary>
    public int ReplyWindowBytes { get; init; } = 65_536;

    /// <summary>The largest that an encoded answer may decode to where it is decoded, bytes.</summary>
    public long DecodedBytesMax { get; init; } = 104_857_600;

    /// <summary>How many times its size such an answer may decode to, past its first 64 KiB.</summary>
    public int DecodedRatioMax { get; init; } = 100;

    /// <summary>
    /// Memory for bodies that are held back, bytes, of all calls together: request bodies that policy must see, and a
    /// window of <see cref="ReplyWindowBytes"/> for each call whose answer will be masked. A call that would pass it
    /// gets 503 before it is made.
    /// </summary>
    public long BufferedBytesMax { get; init; } = 268_435_456;

    /// <summary>The most client connections at once, 1 to 1,000,000.</summary>
    public int ConnectionsMax { get; init; } = 10_000;

    /// <summary>
    /// The most connections of one client address, an IPv6 one by its /64, 1 to 1,000,000. As high as
    /// <see cref="ConnectionsMax"/> it bounds nothing: behind a load balancer every client has one address.
    /// </summary>
    public int ConnectionsPerAddressMax { get; init; } = 10_000;

    /// <summary>The most calls of one connection; the last one is answered with <c>Connection: close</c>.</summary>
    public int CallsPerConnectionMax { get; init; } = 100_000;

    /// <summary>The most calls in flight at once, held ones not counted, 1 to 1,000,000.</summary>
    public int CallsInFlightMax { get; init; } = 8_192;

    /// <summary>The most calls in flight to one upstream, 1 to 1,000,000.</summary>
    public int CallsPerUpstreamMax { get; init; } = 4_096;

    /// <summary>
    /// True if the two limits on calls in flight sink, down to the two minimums, while answers take longer than they
    /// took at their best, and rise again when they do not.
    /// </summary>
    public bool AdaptiveConcurrency { get; init; } = true;

    /// <summary>Where <see cref="CallsInFlightMax"/> never sinks below, 1 to 1,000,000.</summary>
    public int AdaptiveCallsMin { get; init; } = 1_024;

    /// <summary>Where <see cref="CallsPerUpstreamMax"/> never sinks below, 1 to 1,000,000.</summary>
    public int AdaptiveUpstreamCallsMin { get; init; } = 1_024;

    /// <summary>The most claims that are not settled yet; beyond it nothing is claimed.</summary>
    internal const int UnsettledClaimsMax = 10_000;

    /// <summary>The longest answer that is kept for a caller who comes back for it, bytes.</summary>
    internal const int OutcomeBytesMax = 262_144;

    /// <summary>The longest Idempotency-Key that is read.</summary>
    internal const int RetryKeyBytesMax = 255;

    /// <summary>How long what came of a call is kept for its caller.</summary>
    internal static readonly TimeSpan OutcomeKept = TimeSpan.FromDays(1);

    /// <summary>The most calls held open for an approval at once; further ones get 428 at once.</summary>
    public int ParkedCallsMax { get; init; } = 10_000;

    /// <summary>The most idle upstream connections kept per endpoint.</summary>
    public int IdleUpstreamConnectionsMax { get; init; } = 1_024;

    /// <summary>How long a connection may stay idle between calls.</summary>
    public TimeSpan KeepAliveIdle { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>How long a request head may take from its first byte.</summary>
    public TimeSpan HeadWithin { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// How long any one read of a request body may wait for the client, and any one write of an answer where
    /// <see cref="AnswerBytesPerSecondMin"/> is 0.
    /// </summary>
    public TimeSpan ClientStall { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The slowest a request's head or body may come, bytes per second; 0 turns it off.</summary>
    public int RequestBytesPerSecondMin { get; init; } = 240;

    /// <summary>
    /// The slowest a client may take an answer that waits for it, bytes per second; 0 turns it off.
    /// </summary>
    public int AnswerBytesPerSecondMin { get; init; } = 1_024;

    /// <summary>How far a client may fall behind either rate before it is cut: a pause this long is forgiven.</summary>
    public TimeSpan RateWindow { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a connection to an upstream may take to open.</summary>
    public TimeSpan ConnectWithin { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a client's TLS handshake may take from the moment it is connected.</summary>
    public TimeSpan HandshakeWithin { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The most TLS handshakes of clients in progress at once; further connections are closed.</summary>
    public int HandshakesMax { get; init; } = 1_000;

    /// <summary>How long a load balancer's PROXY header may take from the moment it is connected.</summary>
    public TimeSpan ProxyHeaderWithin { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The longest a paused call is held open, whatever the caller or the rule asks.</summary>
    public TimeSpan HoldMax { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary>Without word from the store for this long, high and critical functions are refused.</summary>
    public TimeSpan PolicyStaleAfter { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Without word from the store for this long, every function is refused.</summary>
    public TimeSpan PolicyDeadAfter { get; init; } = TimeSpan.FromHours(1);

    /// <summary>The most pending approvals of one requester, and of each person of its human chain.</summary>
    public int PendingApprovalsPerCaller { get; init; } = 100;

    /// <summary>The most approvals that one of these files in a minute.</summary>
    public int ApprovalAsksPerMinute { get; init; } = 60;

    /// <summary>The most buckets of the policy's limits that this node holds cells of at once.</summary>
    public int RateBucketsMax { get; init; } = 65_536;

    /// <summary>How long a drain waits for calls in flight.</summary>
    public TimeSpan DrainWithin { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long a drain goes on accepting after readiness has turned 503, so that load balancers notice first.
    /// </summary>
    public TimeSpan DrainGrace { get; init; } = TimeSpan.Zero;

    /// <summary>How long a start waits for an address that another process has not let go of yet.</summary>
    public TimeSpan BindWithin { get; init; } = TimeSpan.Zero;

    /// <summary>How much of an unread request body is read and dropped to keep a connection, bytes.</summary>
    public int DrainBytesMax { get; init; } = 262_144;
}
