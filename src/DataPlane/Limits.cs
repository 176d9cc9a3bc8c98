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

    /// <summary>The largest request body that can be paused for approval, bytes: it is buffered whole.</summary>
    public int ApprovalBodyBytesMax { get; init; } = 1_048_576;

    /// <summary>
    /// How much of a masked answer is held back, bytes, so that one that cannot be masked is refused cleanly.
    /// </summary>
    public int ReplyWindowBytes { get; init; } = 65_536;

    /// <summary>The most client connections at once.</summary>
    public int ConnectionsMax { get; init; } = 10_000;

    /// <summary>The most calls held open for an approval at once; further ones get 428 at once.</summary>
    public int ParkedCallsMax { get; init; } = 10_000;

    /// <summary>The most idle upstream connections kept per endpoint.</summary>
    public int IdleUpstreamConnectionsMax { get; init; } = 256;

    /// <summary>How long a connection may stay idle between calls.</summary>
    public TimeSpan KeepAliveIdle { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>How long a request head may take from its first byte.</summary>
    public TimeSpan HeadWithin { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long any one read of a request body or write of an answer may wait for the client.</summary>
    public TimeSpan ClientStall { get; init; } = TimeSpan.FromSeconds(30);

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

    /// <summary>How long a drain waits for calls in flight.</summary>
    public TimeSpan DrainWithin { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How much of an unread request body is read and dropped to keep a connection, bytes.</summary>
    public int DrainBytesMax { get; init; } = 262_144;
}
