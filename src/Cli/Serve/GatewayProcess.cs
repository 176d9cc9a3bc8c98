using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Countersign.Audit;
using Countersign.Cli.Configuration;
using Countersign.Cli.Policies;
using Countersign.Cli.Shipping;
using Countersign.Cli.Store;
using Countersign.ControlPlane;
using Countersign.DataPlane;
using Countersign.Identity.Inbound;
using Countersign.Identity.Inbound.SignIn;
using Countersign.Identity.Outbound;
using Countersign.Masking;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Countersign.Policy.Redis;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Countersign.Cli.Serve;

/// <summary>A start that failed for a reason an operator can mend; the message says which.</summary>
internal sealed class StartRefusedException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>
/// One gateway in this process: store, policy, audit, and the listeners of its roles. The two planes never meet; what
/// passes between them passes through the store.
/// </summary>
internal sealed class GatewayProcess : IAsyncDisposable
{
    private static readonly TimeSpan BindEvery = TimeSpan.FromMilliseconds(20);

    private readonly GatewayOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILoggerFactory _logs;
    private readonly ILogger _log;
    private readonly Stack<Func<ValueTask>> _stops = new();
    private readonly Readiness _readiness = new();
    private NodeReporter? _reporter;

    private GatewayProcess(GatewayOptions options, TimeProvider clock, ILoggerFactory logs)
    {
        _options = options;
        _clock = clock;
        _logs = logs;
        _log = logs.CreateLogger<GatewayProcess>();
    }

    /// <summary>Where callers connect, or null without that role.</summary>
    internal string? DataAddress { get; private set; }

    /// <summary>Where approvers connect, or null without that role.</summary>
    internal string? ControlAddress { get; private set; }

    /// <summary>The audit log's folder.</summary>
    internal string AuditFolder => _options.AuditFolder;

    /// <summary>Starts everything, or nothing: what was started is stopped again where a later part fails.</summary>
    /// <param name="options">Checked options.</param>
    /// <param name="roles">Which listeners.</param>
    /// <param name="environment">Where <c>env:</c> secrets come from.</param>
    /// <param name="clock">The time.</param>
    /// <param name="logs">Where it logs.</param>
    /// <param name="cancellation">Gives up the start.</param>
    internal static async Task<GatewayProcess> StartAsync(
        GatewayOptions options, Roles roles, IReadOnlyDictionary<string, string> environment, TimeProvider clock,
        ILoggerFactory logs, CancellationToken cancellation)
    {
        GatewayProcess process = new(options, clock, logs);
        try
        {
            await process.StartAsync(roles, environment, cancellation);
            return process;
        }
        catch (Exception fault)
        {
            await process.DisposeAsync();
            if (fault is IOException or ArgumentException or UnauthorizedAccessException
                or AddressInUseException or SocketException)
            {
                throw new StartRefusedException(fault.Message, fault);
            }

            throw;
        }
    }

    /// <summary>Drains the listeners, then stops what they stood on, newest first.</summary>
    public async ValueTask DisposeAsync()
    {
        while (_stops.TryPop(out Func<ValueTask>? stop)) await stop();
    }

    private async Task StartAsync(
        Roles roles, IReadOnlyDictionary<string, string> environment, CancellationToken cancellation)
    {
        ProcessSecrets secrets = new(_options, environment, _log);
        byte[] sealingKey = secrets.SealingKey();
        IReadOnlyDictionary<string, TokenKey> maskKeys = secrets.MaskKeys(sealingKey);
        GatewayAudit audit = Own(await GatewayAudit.OpenAsync(_options, _clock, _log));
        RedisStore store = await OpenStoreAsync();
        RedisPolicyStore policies = new(store);
        PolicyMemory memory = Remember();
        PolicyStart start = new(_options, policies, memory, audit, _clock, _log);
        await start.BootstrapAsync(cancellation);
        PayloadSeal seal = Keep(new PayloadSeal(sealingKey));
        OutboundParts outbound = Own(new OutboundParts(_options.Credentials, _clock, _logs));
        await outbound.StartAsync(store, sealingKey);
        PayloadSeal sessionSeal = Keep(new PayloadSeal(sealingKey, PayloadSeal.SessionLabel));
        WitnessParts witnesses = Watch(sealingKey, store, audit);
        IdentityParts identity = Identify(environment, sealingKey);
        CryptographicOperations.ZeroMemory(sealingKey);
        PolicyInForce inForce = new();
        RedisPolicyFeed feed = await FollowAsync(store, policies, inForce, memory, audit);
        await start.LoadAsync(feed, cancellation);
        RedisNodeStore nodes = new(store);
        RedisApprovalStore approvals = await RedisApprovalStore.OpenAsync(
            store, _logs.CreateLogger<RedisApprovalStore>());
        ClaimSweep sweep = await SweepAsync(store, approvals);
        CallerVerifier callers = await identity.StartAsync(store, ControlUrl, DataUrl, cancellation);
        if (roles.HasFlag(Roles.Control))
        {
            ControlPlaneServices services = new(inForce, callers, approvals, policies, seal, outbound.Keys, audit.Log)
            {
                KeyKeeper = outbound.Keeper, Certificates = _options.Identity.Certificates,
                LendingFault = LendingFault(roles), LentCalls = outbound.LentCalls,
                Witness = witnesses.Witness,
                Chain = audit.Chain.ToTrust,
                Readiness = _readiness,
                MaskKeys = maskKeys,
                Sessions = new RedisSessionStore(store),
                SessionSeal = sessionSeal,
                SignIn = identity.SignIn,
                Saml = identity.Saml,
                Tokens = identity.Tokens(ControlUrl, outbound.Keys, () => DataAddress),
                Nodes = nodes,
                Feed = feed,
                Notices = new RedisNoticeStore(store),
                Chance = new Random(RandomNumberGenerator.GetInt32(int.MaxValue)),
            };
            await StartControlAsync(services, secrets.Webhooks(), secrets.Introspection(), cancellation);
        }

        callers.TakeOwnTokens(ControlUrl(), outbound.Keys);
        if (roles.HasFlag(Roles.Data))
        {
            CredentialIssuer credentials = new(ControlUrl(), outbound.Keys, _clock);
            DataPlaneServices services = new(inForce, callers, approvals, seal, credentials, audit.Log)
            {
                MaskKeys = maskKeys,
                Start = sweep.Start,
                LentCalls = outbound.LentCalls,
                Brokers = Brokers(secrets, store, sweep),
                Rates = new RedisRateStore(store),
                Proofs = identity.Proofs,
                Certificates = _options.Identity.Certificates,
                LiveNodes = () => _reporter?.LiveNodes ?? 1,
            };
            await StartDataAsync(services, cancellation);
        }

        Join(nodes, roles, feed, await ShipAsync(environment, audit));
    }

    // A process that makes no calls may have been told of no brokers, and then it cannot say.
    private Func<Upstream, string?>? LendingFault(Roles roles)
    {
        IReadOnlyList<BrokerSetting> brokers = _options.Credentials.Brokers;
        bool isKnown = brokers.Count > 0 || roles.HasFlag(Roles.Data);
        return isKnown ? upstream => BrokerOffers.Fault(brokers, upstream) : null;
    }

    private CredentialBrokers Brokers(ProcessSecrets secrets, RedisStore store, ClaimSweep sweep)
    {
        BrokerParts brokers = Own(new BrokerParts(_options.Credentials, secrets, _clock, _logs));
        return brokers.Open(store, sweep.Start);
    }

    private WitnessParts Watch(byte[] sealingKey, RedisStore store, GatewayAudit audit) => Own(WitnessParts.Start(
        _options, new PayloadSeal(sealingKey, PayloadSeal.WitnessLabel), store, audit, _clock, _logs));

    private IdentityParts Identify(IReadOnlyDictionary<string, string> environment, byte[] sealingKey) => Own(
        new IdentityParts(_options, environment, IdentityParts.NonceKeyOf(sealingKey), _clock, _logs));

    private async Task<ClaimSweep> SweepAsync(RedisStore store, RedisApprovalStore approvals)
    {
        ClaimSweep sweep = new(
            store, approvals, ClaimSweep.NameStart(_options.Name, _clock), _clock, _logs.CreateLogger<ClaimSweep>());
        _stops.Push(sweep.DisposeAsync);
        await sweep.StartAsync();
        return sweep;
    }

    // Load balancers first: they must have stopped to send before the listener stops to accept.
    private async ValueTask BeginDrainAsync(GatewayAudit audit)
    {
        _readiness.BeginDrain();
        audit.Record("stopping");
        if (_options.Limits.DrainGrace > TimeSpan.Zero) await Task.Delay(_options.Limits.DrainGrace, _clock);
    }

    // A process that hands over its address lets go of it when its drain begins, so this one tries until then.
    private async Task<T> BindAsync<T>(Func<T> make, Func<T, Task> startAsync, CancellationToken cancellation)
        where T : IAsyncDisposable
    {
        long startedAt = _clock.GetTimestamp();
        while (true)
        {
            T listener = make();
            try
            {
                await startAsync(listener);
                _stops.Push(listener.DisposeAsync);
                return listener;
            }
            catch (IOException fault)
            {
                await listener.DisposeAsync();
                if (!IsHeld(fault) || _clock.GetElapsedTime(startedAt) >= _options.Limits.BindWithin) throw;
            }

            await Task.Delay(BindEvery, _clock, cancellation);
        }
    }

    private static bool IsHeld(Exception? fault) => fault is not null
        && (fault is AddressInUseException or SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse }
            || IsHeld(fault.InnerException));

    private string ControlUrl() =>
        _options.ControlUrl ?? ControlAddress
        ?? (_options.ControlTls is null ? "http://" : "https://") + _options.ControlListen[0];

    // A process without the data listener goes by where the others' is said to be.
    private string DataUrl() =>
        _options.DataUrl ?? DataAddress
        ?? (_options.DataTls is null ? "http://" : "https://") + _options.DataListen[0];

    private async Task StartControlAsync(
        ControlPlaneServices services, IReadOnlyList<WebhookOptions> webhooks, IntrospectionTerms introspection,
        CancellationToken cancellation)
    {
        ServerTls? tls = _options.ControlTls is { } files ? Keep(new ServerTls(files, _clock, _logs)) : null;
        if (tls is not null) Keep(new ReloadSignal(tls.Reload));
        ControlPlaneOptions options = new()
        {
            Listen = _options.ControlListen,
            PublicUrl = _options.ControlUrl,
            Gateway = _options.Name,
            PolicyAdmins = _options.PolicyAdmins,
            PolicyApprovers = _options.PolicyApprovers,
            PolicyDecideWithin = _options.PolicyDecideWithin,
            DirectoryFile = _options.PolicyDirectory,
            LearnsPeople = _options.LearnsPeople,
            PersonOf = _options.Issuers.Count == 0 ? null : _options.Issuers[0].Aliases.PersonOf,
            Auditors = _options.Auditors,
            Revealers = _options.Revealers,
            Webhooks = webhooks,
            PolicyStaleAfter = _options.Limits.PolicyStaleAfter,
            Console = _options.Console,
            Introspection = introspection,
            Tls = tls is null ? null : tls.OptionsFor,
        };
        ControlPlaneHost control = await BindAsync(
            () => new ControlPlaneHost(options, services, _clock, _logs), host => host.StartAsync(cancellation),
            cancellation);
        ControlAddress = control.Addresses[0];
    }

    private async Task StartDataAsync(DataPlaneServices services, CancellationToken cancellation)
    {
        DataPlaneOptions options = new()
        {
            Transport = _options.Transport,
            Listen = _options.DataListen,
            PublicUrl = _options.DataUrl,
            Tls = _options.DataTls,
            ProxyProtocol = _options.DataProxyProtocol,
            AuthorizationServers = [.. _options.Issuers.Select(issuer => issuer.Issuer)],
            Gateway = _options.Name,
            TrustedProxies = _options.TrustedProxies,
            Limits = _options.Limits,
            Audit = _options.Audit.Terms,
        };
        DataPlaneListener data = await BindAsync(
            () => new DataPlaneListener(options, services, _clock, _logs),
            listener => listener.StartAsync(cancellation),
            cancellation);
        Keep(new ReloadSignal(data.ReloadTls));
        DataAddress = data.Addresses[0];
    }

    private async Task<RedisStore> OpenStoreAsync()
    {
        EmbeddedStore? embedded = null;
        if (_options.Redis is null)
        {
            embedded = await EmbeddedStore.StartAsync(_options.Embedded!, _logs);
            _stops.Push(embedded.DisposeAsync);
        }

        RedisStore store = await RedisStore.ConnectAsync(
            _options.Redis ?? embedded!.Connection, _logs.CreateLogger<RedisStore>());
        _stops.Push(store.DisposeAsync);
        if (embedded is not null && !await store.BeginEpochAsync(embedded.Epoch))
            throw new StartRefusedException("The embedded store did not answer.");
        return store;
    }

    // Beside the audit, and not in its folder, which holds nothing but what verifiers know.
    private PolicyMemory Remember()
    {
        try
        {
            return PolicyMemory.Open(
                _options.AuditFolder.TrimEnd('/') + ".policy-seen.json", _logs.CreateLogger<PolicyMemory>());
        }
        catch (InvalidDataException fault)
        {
            throw new StartRefusedException(fault.Message, fault);
        }
    }

    private async Task<RedisPolicyFeed> FollowAsync(
        RedisStore store, RedisPolicyStore policies, PolicyInForce inForce, PolicyMemory memory,
        GatewayAudit audit)
    {
        RedisPolicyFeed feed = new(
            store, policies, inForce, memory, MaskWords.All, _clock, _logs.CreateLogger<RedisPolicyFeed>());
        feed.Noticed += notice => audit.Record(notice.Event, notice.Detail);
        feed.Swapped += version => audit.Record(
            "policy-in-force", "sha256:" + feed.Standing.Sha256, $"policy/{version}");
        Keep(new PolicyMetrics(feed, inForce, _clock));
        _stops.Push(feed.DisposeAsync);
        await feed.StartAsync();
        return feed;
    }

    // Last of all, so that it is seen with its addresses and is gone before its listeners are.
    private void Join(RedisNodeStore nodes, Roles roles, RedisPolicyFeed feed, GatewayAudit audit)
    {
        FleetMember member = new(_options, roles, feed, audit.Chain, _readiness, _clock)
        {
            Data = DataAddress,
            Control = ControlAddress,
        };
        NodeReporter reporter = _reporter = new(nodes, member.Report, _clock, _logs.CreateLogger<NodeReporter>());
        feed.StandingChanged += reporter.Knock;
        _readiness.DrainBegun += reporter.Knock;
        reporter.Start();
        _stops.Push(reporter.DisposeAsync);
        audit.RecordStart(_options, roles);
        _stops.Push(() => BeginDrainAsync(audit));
    }

    private async Task<GatewayAudit> ShipAsync(
        IReadOnlyDictionary<string, string> environment, GatewayAudit audit)
    {
        if (_options.Audit.Ship.Count == 0) return audit;
        ShipDestinations destinations = new(environment, _clock, _logs) { Store = _options.Redis };
        ShipperSet set = await ShipperSet.MakeAsync(
            _options.AuditFolder, _options.Audit.Ship, destinations, () => audit.Log.LastCheckpoint?.Size ?? 0, _clock,
            _logs);
        foreach (AuditShipper shipper in set.Shippers)
            shipper.Contradicted += how => audit.Record("ship-contradicted", how, shipper.Progress.Name);
        set.Start();
        Own(set);
        return audit;
    }

    private T Own<T>(T part)
        where T : IAsyncDisposable
    {
        _stops.Push(part.DisposeAsync);
        return part;
    }

    private T Keep<T>(T part)
        where T : IDisposable
    {
        _stops.Push(() =>
        {
            part.Dispose();
            return ValueTask.CompletedTask;
        });
        return part;
    }
}
