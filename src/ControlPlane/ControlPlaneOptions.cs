using System.Net;
using System.Net.Security;
using Countersign.Audit;
using Countersign.ControlPlane.Console;
using Countersign.ControlPlane.Tokens;
using Countersign.Identity.Inbound;
using Countersign.Identity.Inbound.Certificates;
using Countersign.Identity.Inbound.Saml;
using Countersign.Identity.Inbound.SignIn;
using Countersign.Identity.Outbound;
using Countersign.Masking;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Countersign.Policy.Notices;
using Countersign.Policy.Redis;
using Countersign.Policy.Sessions;

namespace Countersign.ControlPlane;

/// <summary>How the control listener is set up; checked before it gets here.</summary>
public sealed record ControlPlaneOptions
{
    /// <summary>Where it listens; port 0 picks one.</summary>
    public required IReadOnlyList<IPEndPoint> Listen { get; init; }

    /// <summary>Scheme and authority that clients reach it under; null is the first address it listens on.</summary>
    public string? PublicUrl { get; init; }

    /// <summary>TLS, by the host that a client names; null speaks plain HTTP. Asked for each handshake, so that
    /// certificates may change.</summary>
    public Func<string, SslServerAuthenticationOptions>? Tls { get; init; }

    /// <summary>This gateway's name in the audit.</summary>
    public required string Gateway { get; init; }

    /// <summary>Groups whose people may publish and activate policy, and whose members may read it and every
    /// approval.</summary>
    public IReadOnlyList<string> PolicyAdmins { get; init; } = ["policy-admins"];

    /// <summary>Groups whose people may see a masked argument in clear, of calls that they may approve.</summary>
    public IReadOnlyList<string> Revealers { get; init; } = [];

    /// <summary>Who is told what happens to approvals.</summary>
    public IReadOnlyList<WebhookOptions> Webhooks { get; init; } = [];

    /// <summary>
    /// Groups of whom a person must approve every change of policy that another one makes; empty asks nobody.
    /// </summary>
    public IReadOnlyList<string> PolicyApprovers { get; init; } = [];

    /// <summary>How long they have.</summary>
    public TimeSpan PolicyDecideWithin { get; init; } = TimeSpan.FromDays(1);

    /// <summary>
    /// Without word from the store for this long the process is not ready: it refuses high and critical functions.
    /// </summary>
    public TimeSpan PolicyStaleAfter { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// A file of people, their groups and what acts for them, over which a policy is looked through for holes before it
    /// is published; null looks at the rules alone.
    /// </summary>
    public string? DirectoryFile { get; init; }

    /// <summary>
    /// Instead of a file: the callers that the newest records of this process's audit name. What is only missing among
    /// them is a warning then.
    /// </summary>
    public bool LearnsPeople { get; init; }

    /// <summary>Whose account a subject of the directory is, by the configured aliases; null for nobody's.</summary>
    public Func<string, string?>? PersonOf { get; init; }

    /// <summary>Groups whose members may read policies and the audit.</summary>
    public IReadOnlyList<string> Auditors { get; init; } = ["auditors"];

    /// <summary>Who may ask whether a lent credential is good.</summary>
    public IntrospectionTerms Introspection { get; init; } = new();

    /// <summary>How long people stay signed in at the console.</summary>
    public ConsoleTerms Console { get; init; } = new();
}

/// <summary>What the control listener works with, made and disposed of by whoever composes the process.</summary>
/// <param name="InForce">The policy in force: masks and separations.</param>
/// <param name="Callers">Verifies tokens.</param>
/// <param name="Approvals">Where approvals live.</param>
/// <param name="Policies">Where policy versions live.</param>
/// <param name="Seal">Opens paused payloads.</param>
/// <param name="LentKeys">The keys that lent credentials are signed with; only the public half is shown.</param>
/// <param name="Audit">The log.</param>
public sealed record ControlPlaneServices(
    PolicyInForce InForce,
    CallerVerifier Callers,
    IApprovalStore Approvals,
    RedisPolicyStore Policies,
    PayloadSeal Seal,
    SigningKeyRing LentKeys,
    AuditLog Audit)
{
    /// <summary>Asks gateways for calls in flight; null knows of none, so that no credential for one call is
    /// good.</summary>
    public ILentCalls? LentCalls { get; init; }

    /// <summary>Whom client certificates stand for; null is nobody.</summary>
    public CertificateCallers? Certificates { get; init; }

    /// <summary>Changes them by hand; null lets nobody.</summary>
    public SigningKeyKeeper? KeyKeeper { get; init; }

    /// <summary>When they change by themselves.</summary>
    public SigningTerms LentKeyTerms => KeyKeeper?.Terms ?? new SigningTerms();

    /// <summary>Whether the process still wants calls.</summary>
    public Readiness Readiness { get; init; } = new();

    /// <summary>Where notices wait; null where no webhook is told anything.</summary>
    public INoticeStore? Notices { get; init; }

    /// <summary>Spreads attempts that failed together. Not for secrets.</summary>
    public Random Chance { get; init; } = new(0);

    /// <summary>How this gateway's policy stands towards the store's; null knows of no trouble.</summary>
    public RedisPolicyFeed? Feed { get; init; }

    /// <summary>Where the fleet reports itself; null shows none.</summary>
    public RedisNodeStore? Nodes { get; init; }

    /// <summary>Why the configuration's brokers would lend an upstream nothing; null where they would. Null knows of no
    /// brokers.</summary>
    public Func<Upstream, string?>? LendingFault { get; init; }

    /// <summary>What masks make tokens with, by the names that policy knows the keys by.</summary>
    public IReadOnlyDictionary<string, TokenKey> MaskKeys { get; init; } = new Dictionary<string, TokenKey>();

    /// <summary>Cosigns logs of others over HTTP; null where this process is no witness.</summary>
    public CheckpointWitness? Witness { get; init; }

    /// <summary>How this gateway's log stands with its witnesses.</summary>
    public Func<ChainOfTrust> Chain { get; init; } = static () => ChainOfTrust.None;

    /// <summary>The console's sessions; null leaves the console out.</summary>
    public ISessionStore? Sessions { get; init; }

    /// <summary>Seals sessions and sign-ins under way; its own key, never that of payloads.</summary>
    public PayloadSeal? SessionSeal { get; init; }

    /// <summary>Who people sign in by; null where nobody can.</summary>
    public OidcSignIn? SignIn { get; init; }

    /// <summary>SAML providers; null where there are none.</summary>
    public SamlService? Saml { get; init; }

    /// <summary>What tokens are issued and revoked with; null does neither.</summary>
    public TokenTerms? Tokens { get; init; }
}
