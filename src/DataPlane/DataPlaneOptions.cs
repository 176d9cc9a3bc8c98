using System.Net;
using Countersign.Audit;
using Countersign.Identity.Inbound;
using Countersign.Identity.Inbound.Certificates;
using Countersign.Identity.Inbound.Dpop;
using Countersign.Identity.Outbound;
using Countersign.Masking;
using Countersign.Policy;
using Countersign.Policy.Approvals;

namespace Countersign.DataPlane;

/// <summary>What carries the bytes of the data listener and of its upstreams.</summary>
public enum DataTransport
{
    /// <summary>The kernel's sockets by the fastest means the machine has: <see cref="IoUring"/>, <see cref="Epoll"/>,
    /// or <see cref="Kestrel"/>.</summary>
    Sockets = 0,

    /// <summary>Event loops of the gateway's own: Linux on x86-64 and arm64.</summary>
    Epoll,

    /// <summary>Kestrel's socket transport: everywhere.</summary>
    Kestrel,

    /// <summary>The event loops of <see cref="Epoll"/>, which receive and send for many sockets by one call: Linux 6.6
    /// or later, where io_uring is allowed.</summary>
    IoUring,
}

/// <summary>How the data listener is set up; checked before it gets here.</summary>
public sealed record DataPlaneOptions
{
    /// <summary>Where it listens; port 0 picks one.</summary>
    public required IReadOnlyList<IPEndPoint> Listen { get; init; }

    /// <summary>Scheme and authority that clients reach it under; null is the first address it listens on.</summary>
    public string? PublicUrl { get; init; }

    /// <summary>The issuers whose tokens are accepted, for the resource metadata (RFC 9728).</summary>
    public required IReadOnlyList<string> AuthorizationServers { get; init; }

    /// <summary>This gateway's name in the audit.</summary>
    public required string Gateway { get; init; }

    /// <summary>What carries the bytes.</summary>
    public DataTransport Transport { get; init; }

    /// <summary>
    /// Networks of proxies whose Forwarded and X-Forwarded fields are believed and appended to; those of any other
    /// client are replaced.
    /// </summary>
    public IReadOnlyList<IPNetwork> TrustedProxies { get; init; } = [];

    /// <summary>TLS for clients; null serves plain HTTP.</summary>
    public DataTlsOptions? Tls { get; init; }

    /// <summary>Who may speak the PROXY protocol; null is nobody.</summary>
    public ProxyProtocolOptions? ProxyProtocol { get; init; }

    /// <summary>What the audit keeps of calls.</summary>
    public AuditTerms Audit { get; init; } = new();

    /// <summary>The bounds.</summary>
    public Limits Limits { get; init; } = new();
}

/// <summary>What the data listener works with, made by whoever composes the process.</summary>
/// <param name="InForce">The policy in force.</param>
/// <param name="Callers">Verifies tokens.</param>
/// <param name="Approvals">Where approvals live.</param>
/// <param name="Seal">Seals paused payloads.</param>
/// <param name="Credentials">Lends credentials.</param>
/// <param name="Audit">The log.</param>
public sealed record DataPlaneServices(
    PolicyInForce InForce,
    CallerVerifier Callers,
    IApprovalStore Approvals,
    PayloadSeal Seal,
    CredentialIssuer Credentials,
    AuditLog Audit)
{
    /// <summary>The buckets of limits that the fleet shares; null counts as a store that is away.</summary>
    public IRateStore? Rates { get; init; }

    /// <summary>Checks proofs of keys (RFC 9449); null takes none.</summary>
    public DpopProofs? Proofs { get; init; }

    /// <summary>Whom client certificates stand for; null maps none to callers.</summary>
    public CertificateCallers? Certificates { get; init; }

    /// <summary>How many nodes are alive: what one may let through while the store is away is a share of it.</summary>
    public Func<int> LiveNodes { get; init; } = static () => 1;

    /// <summary>Makes credentials that are not the gateway's own; null has none.</summary>
    public CredentialBrokers? Brokers { get; init; }

    /// <summary>Where this gateway is asked for its calls in flight; null where nobody asks.</summary>
    public ILentCalls? LentCalls { get; init; }

    /// <summary>This start of this gateway, which its claims and its lent credentials name.</summary>
    public string Start { get; init; } = "";

    /// <summary>What masks make tokens with, by the names that policy knows the keys by.</summary>
    public IReadOnlyDictionary<string, TokenKey> MaskKeys { get; init; } = new Dictionary<string, TokenKey>();
}
