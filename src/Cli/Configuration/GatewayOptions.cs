using System.Net;
using Countersign.ControlPlane.Console;
using Countersign.DataPlane;
using Countersign.Identity.Inbound;

namespace Countersign.Cli.Configuration;

/// <summary>Which listeners a process runs.</summary>
[Flags]
internal enum Roles : byte
{
    /// <summary>None; refused.</summary>
    None = 0,

    /// <summary>The data listener.</summary>
    Data = 1,

    /// <summary>The control listener.</summary>
    Control = 2,
}

/// <summary>The whole configuration: read once, checked whole, then frozen (STYLE rule 11).</summary>
internal sealed record GatewayOptions
{
    /// <summary>This gateway's name in the audit and the fleet.</summary>
    public required string Name { get; init; }

    /// <summary>Where callers connect.</summary>
    public required IReadOnlyList<IPEndPoint> DataListen { get; init; }

    /// <summary>TLS for callers, or null for plain HTTP.</summary>
    public DataTlsOptions? DataTls { get; init; }

    /// <summary>Who may speak the PROXY protocol to the data listener, or null for nobody.</summary>
    public ProxyProtocolOptions? DataProxyProtocol { get; init; }

    /// <summary>What callers reach the data listener under, or null for the address it is bound to.</summary>
    public string? DataUrl { get; init; }

    /// <summary>What carries the data listener's bytes.</summary>
    public DataTransport Transport { get; init; }

    /// <summary>Networks of proxies in front of the data listener, whose Forwarded fields are believed.</summary>
    public IReadOnlyList<IPNetwork> TrustedProxies { get; init; } = [];

    /// <summary>Where approvers and operators connect.</summary>
    public required IReadOnlyList<IPEndPoint> ControlListen { get; init; }

    /// <summary>TLS for approvers and operators, or null for plain HTTP.</summary>
    public DataTlsOptions? ControlTls { get; init; }

    /// <summary>What the control listener is reached under, or null for the address it is bound to.</summary>
    public string? ControlUrl { get; init; }

    /// <summary>
    /// A StackExchange.Redis connection string, or null with the embedded store. May hold a password.
    /// </summary>
    public string? Redis { get; init; }

    /// <summary>The folder of the embedded store, or null with Redis.</summary>
    public string? Embedded { get; init; }

    /// <summary>Who may vouch for callers.</summary>
    public required IReadOnlyList<IssuerOptions> Issuers { get; init; }

    /// <summary>All that proves who calls; its issuers are <see cref="Issuers"/>.</summary>
    public IdentitySettings Identity { get; init; } = new();

    /// <summary>Where the audit log is.</summary>
    public required string AuditFolder { get; init; }

    /// <summary>What the audit keeps, and who is shown it.</summary>
    public AuditSettings Audit { get; init; } = new();

    /// <summary>Where the sealing key comes from.</summary>
    public required SecretReference SealingKey { get; init; }

    /// <summary>What is lent to upstreams, by whom, and who may ask about it.</summary>
    public CredentialSettings Credentials { get; init; } = new();

    /// <summary>Where the keys of tokens in masks come from, by the names that policy knows them by.</summary>
    public IReadOnlyDictionary<string, SecretReference> MaskKeys { get; init; } =
        new Dictionary<string, SecretReference>();

    /// <summary>The bounds of the data plane.</summary>
    public required Limits Limits { get; init; }

    /// <summary>A policy file to publish into a store that has none, or null.</summary>
    public string? PolicyBootstrap { get; init; }

    /// <summary>The people over whom a policy is looked through for holes before it is published, or null.</summary>
    public string? PolicyDirectory { get; init; }

    /// <summary>Instead: the callers that the audit saw.</summary>
    public bool LearnsPeople { get; init; }

    /// <summary>
    /// The bootstrap policy also replaces an older bootstrap policy; for the demo, whose ports may change.
    /// </summary>
    public bool BootstrapFollows { get; init; }

    /// <summary>Groups whose people may publish policy.</summary>
    public required IReadOnlyList<string> PolicyAdmins { get; init; }

    /// <summary>Who is told what happens to approvals.</summary>
    public IReadOnlyList<WebhookSetting> Webhooks { get; init; } = [];

    /// <summary>Groups whose people may see masked arguments in clear, of calls that they may approve.</summary>
    public IReadOnlyList<string> Revealers { get; init; } = [];

    /// <summary>Groups of whom a person must approve every change of policy; empty asks nobody.</summary>
    public IReadOnlyList<string> PolicyApprovers { get; init; } = [];

    /// <summary>How long they have.</summary>
    public TimeSpan PolicyDecideWithin { get; init; } = TimeSpan.FromDays(1);

    /// <summary>Groups whose members may read the audit.</summary>
    public required IReadOnlyList<string> Auditors { get; init; }

    /// <summary>Who people sign in at the console by; none leaves them no way in.</summary>
    public IReadOnlyList<ConsoleClient> ConsoleClients { get; init; } = [];

    /// <summary>How long people stay signed in at the console.</summary>
    public ConsoleTerms Console { get; init; } = new();
}
