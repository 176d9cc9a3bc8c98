using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Countersign.Audit;
using Countersign.DataPlane;
using Countersign.DataPlane.Calls;
using Countersign.DataPlane.Transport;
using Countersign.DataPlane.Upstream;
using Countersign.Identity.Inbound;
using Countersign.Identity.Outbound;
using Countersign.Masking;
using Countersign.Masking.Content;
using Countersign.Masking.Detectors;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Countersign.Kit;

/// <summary>
/// The whole data plane in memory: real policy, tokens, masks, credentials and audit log; scripted upstream, store and
/// clock. Composed as <c>DataPlaneListener</c> composes it, without a socket.
/// </summary>
internal sealed class MemoryGateway : IAsyncDisposable
{
    internal const string PublicUrl = "http://gateway.test";

    private readonly string _folder = Directory.CreateTempSubdirectory("countersign-gateway-").FullName;
    private readonly CallConnectionHandler _handler;
    private readonly CallerVerifier _callers;
    private readonly SigningKeys _signing = SigningKeys.Create();
    private readonly SigningKeys _edwards = SigningKeys.Create(SigningAlgorithm.EdDsa);
    private readonly PayloadSeal _seal = new(RandomNumberGenerator.GetBytes(32));
    private readonly List<MemoryClient> _clients = [];
    private readonly HttpMessageInvoker _http;

    internal MemoryGateway(
        string policy, Limits? limits = null, int auditRecordsMax = 256, TimeProvider? clock = null,
        string? trustedProxies = null, DataTlsOptions? tls = null, ProxyProtocolOptions? proxy = null,
        HttpMessageHandler? issuerSite = null, IReadOnlyDictionary<string, TokenKey>? maskKeys = null,
        AuditTerms? auditTerms = null, CredentialBrokers? brokers = null, TimeSpan? checkpointEvery = null)
    {
        Limits bounds = limits ?? new Limits();
        Time = clock ?? Clock;
        Issuer = new TestIssuer(_folder, Time);
        Rates = new InMemoryRateStore(Time);
        Store = new ScriptedApprovalStore(new InMemoryApprovalStore(Time));
        Audit = AuditLog.Open(
            new AuditLogOptions
            {
                Folder = AuditFolder, Origin = "countersign/test",
                QueueRecordsMax = auditRecordsMax,
                CheckpointEvery = checkpointEvery ?? new AuditLogOptions { Folder = "", Origin = "" }.CheckpointEvery,
            },
            TimeProvider.System).Log ?? throw new InvalidOperationException("the audit log does not open");
        _http = new HttpMessageInvoker(issuerSite ?? new SocketsHttpHandler());
        IssuerOptions issuer = issuerSite is null ? Issuer.Options : Issuer.Options with { KeysFile = null };
        _callers = new CallerVerifier([issuer], null, _http, Time, NullLogger.Instance);
        Publish(policy);
        Admission = new Admission(bounds, Time);
        UpstreamMetrics metrics = new();
        Pools = new UpstreamPools(
            new UpstreamParts(Upstream, Upstream, bounds, Time, new Chance(seed: 1), metrics, NullLogger.Instance),
            InForce);
        metrics.ShowOn(Meter, Pools);
        Settlements = new Settlements(Store, Time, NullLogger.Instance);
        Settlements.Start();
        CallerGate callers = new(_callers);
        MaskDesk masks = new(maskKeys ?? new Dictionary<string, TokenKey>());
        CopyDesk copies = new(
            auditTerms ?? new AuditTerms { Copies = AuditScope.None }, masks,
            new BodyLimits(bounds.DecodedBytesMax, bounds.DecodedRatioMax));
        AuditTrail audit = new(Audit, copies, "gateway-1", Time);
        CallPipeline pipeline = new(
            Admission,
            audit,
            new OwnPaths(
                callers, Store, _seal, bounds, Time,
                path => ResourceMetadata.Write(PublicUrl + path, [TestIssuer.Issuer], false, false)),
            callers,
            new FunctionTable(InForce, bounds),
            new PolicyJudge(InForce, bounds, Time),
            new RateDesk(Rates, bounds.RateBucketsMax, () => LiveNodes, Time),
            new DutyDesk(Store),
            new ApprovalDesk(callers, Store, _seal, Settlements, audit, bounds, Time, "gateway-1/test"),
            new CredentialDesk(
                new CredentialIssuer("http://control.test", SigningKeyRing.Of(_signing, _edwards), Time),
                brokers, bounds, "gateway-1/test", Time),
            new UpstreamCaller(Pools, bounds),
            new ReplyDesk(masks, bounds, new ProtectedResources(PublicUrl, InForce)),
            new Faults(NullLogger.Instance));
        DataServices services = new(pipeline, bounds, Time, PublicUrl)
        {
            TrustedProxies = trustedProxies is null ? [] : [System.Net.IPNetwork.Parse(trustedProxies)],
            Metrics = new CallMetrics(Meter),
        };
        Runs = new RunDesk(services, Store, _seal, NullLogger.Instance);
        Runs.Start();
        _handler = new CallConnectionHandler(
            services, Pools.Beat, NullLogger.Instance, EntranceFor(tls, proxy, bounds));
    }

    /// <summary>The listener's certificates, where it has any.</summary>
    internal ServerCertificates? Certificates { get; private set; }

    /// <summary>The time of everything but the audit log's writer, unless a test brought another clock.</summary>
    internal FakeTimeProvider Clock { get; } = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    /// <summary>The clock in use.</summary>
    internal TimeProvider Time { get; }

    /// <summary>Proves who calls.</summary>
    internal CallerVerifier Callers => _callers;

    /// <summary>Where the calls go.</summary>
    internal ScriptedUpstream Upstream { get; } = new();

    /// <summary>Where approvals live.</summary>
    internal ScriptedApprovalStore Store { get; }

    /// <summary>Where limits are counted.</summary>
    internal InMemoryRateStore Rates { get; }

    /// <summary>How many gateways there are.</summary>
    internal int LiveNodes { get; set; } = 1;

    /// <summary>Who vouches for callers.</summary>
    internal TestIssuer Issuer { get; }

    /// <summary>The log.</summary>
    internal AuditLog Audit { get; }

    /// <summary>Where the log is.</summary>
    internal string AuditFolder => Path.Combine(_folder, "audit");

    /// <summary>The policy in force.</summary>
    internal PolicyInForce InForce { get; } = new();

    /// <summary>The upstream connections.</summary>
    internal UpstreamPools Pools { get; }

    /// <summary>What is in flight.</summary>
    internal Admission Admission { get; }

    /// <summary>What is measured of this gateway alone.</summary>
    internal Meter Meter { get; } = new(DataPlaneListener.MeterName);

    /// <summary>What is still to be told of claims.</summary>
    internal Settlements Settlements { get; }

    /// <summary>The calls made without their callers.</summary>
    internal RunDesk Runs { get; }

    /// <summary>The connections' handler.</summary>
    internal CallConnectionHandler Handler => _handler;

    /// <summary>Puts a policy in force and notes that the store was heard.</summary>
    internal void Publish(string policy, long version = 7)
    {
        PolicyReading reading = PolicyReader.Read(
            policy, new MaskVocabulary(MaskField.Check, DetectorNames.Check), version);
        if (reading.Snapshot is null) throw new InvalidDataException(string.Join("; ", reading.Errors));
        InForce.Swap(reading.Snapshot);
        InForce.Heard(Time.GetTimestamp());
    }

    /// <summary>Opens a client connection.</summary>
    internal MemoryClient Connect(string address = "192.0.2.7")
    {
        MemoryConnection connection = new(address);
        MemoryClient client = new(connection, _handler.OnConnectedAsync(connection));
        _clients.Add(client);
        return client;
    }

    /// <summary>Moves the clock in heartbeats, as the real one moves, while the store is still heard.</summary>
    internal void Advance(TimeSpan time)
    {
        InForce.Heard(Clock.GetTimestamp() + (long)(time.TotalSeconds * Clock.TimestampFrequency));
        Clock.Advance(time);
    }

    /// <summary>Decides an approval as an approver would on the control listener.</summary>
    internal async Task<Approval> DecideAsync(string id, string approver, string group, bool approve = true)
    {
        Approval found = (await Store.FindAsync(id)).Value!;
        Caller person = new(TestIssuer.Issuer, approver, CallerKind.Human, [group], [approver]);
        MoveOutcome move = ApprovalRules.Decide(found, person, approve, found.Digest, "", Time.GetUtcNow());
        if (!move.IsMoved) throw new InvalidOperationException(move.Refusal.ToString());
        StoreResult<Approval> moved = await Store.MoveAsync(found, move.Next!);
        return moved.Value ?? throw new InvalidOperationException(moved.Status.ToString());
    }

    /// <summary>What is in the log at this moment, on disk or on its way.</summary>
    internal IReadOnlyList<JsonElement> ReadAudit()
    {
        using AuditReader reader = new(AuditFolder);
        List<JsonElement> records = [];
        while (reader.Read(out AuditEntry entry) == AuditReadStatus.Entry)
        {
            records.Add(JsonDocument.Parse(Encoding.UTF8.GetString(entry.Payload.Span)).RootElement);
        }

        return records;
    }

    /// <summary>Ends every client connection, so that every outcome is written, closes the log and reads all of
    /// it.</summary>
    internal async Task<IReadOnlyList<JsonElement>> CloseAuditAsync()
    {
        foreach (MemoryClient client in _clients)
        {
            client.Close();
            await client.ServedAsync();
        }

        await Audit.DisposeAsync();
        return ReadAudit();
    }

    private Entrance? EntranceFor(DataTlsOptions? tls, ProxyProtocolOptions? proxy, Limits bounds)
    {
        if (tls is null && proxy is null) return null;
        if (tls is not null) Certificates = new ServerCertificates(tls, Time, NullLogger.Instance);
        return new Entrance(
            proxy is null ? null : new ProxyFront(proxy, NullLogger.Instance),
            tls is null ? null : new TlsFront(tls, Certificates!, bounds, Time, NullLogger.Instance), bounds, Time);
    }

    public async ValueTask DisposeAsync()
    {
        _handler.Dispose();
        await Runs.DisposeAsync();
        await Settlements.DisposeAsync();
        await Audit.DisposeAsync();
        await _callers.DisposeAsync();
        _http.Dispose();
        _signing.Dispose();
        _edwards.Dispose();
        _seal.Dispose();
        Issuer.Dispose();
        Meter.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
