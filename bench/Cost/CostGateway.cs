using System.Net;
using System.Security.Cryptography;
using Countersign.Audit;
using Countersign.DataPlane;
using Countersign.DataPlane.Calls;
using Countersign.Identity.Inbound;
using Countersign.Identity.Outbound;
using Countersign.Kit;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Microsoft.Extensions.Logging.Abstractions;

namespace Countersign.Bench.Cost;

/// <summary>The real data listener on loopback, with its audit or with nothing in its place.</summary>
internal sealed class CostGateway : IAsyncDisposable
{
    private const string Policy = """
        apiVersion: countersign/v1
        upstreams:
          pay: { endpoints: ["UPSTREAM"], maxConnections: 65535, credential: { broker: none } }
        functions:
          pay.queued: { upstream: pay, method: GET, path: /queued, risk: low }
          pay.strict: { upstream: pay, method: GET, path: /strict, risk: high }
        rules:
          - { id: staff, subjects: { groups: [staff] }, functions: ["pay.*"], effect: allow }
        """;

    private static readonly Limits Wide = new()
    {
        CallsPerConnectionMax = int.MaxValue, AdaptiveConcurrency = false,
        PolicyStaleAfter = TimeSpan.FromHours(1), DrainWithin = TimeSpan.Zero,
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("countersign-cost-").FullName;
    private readonly TestIssuer _issuer;
    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler());
    private readonly CallerVerifier _callers;
    private readonly SigningKeys _signing = SigningKeys.Create();
    private readonly PayloadSeal _seal = new(RandomNumberGenerator.GetBytes(32));
    private readonly DataPlaneListener _listener;

    private CostGateway(string upstream, bool isAudited)
    {
        _issuer = new TestIssuer(_folder, TimeProvider.System);
        Token = _issuer.Token("ann", ["staff"]);
        AuditLogOptions options = new() { Folder = Path.Combine(_folder, "audit"), Origin = "countersign/bench" };
        Log = AuditLog.Open(options, TimeProvider.System).Log!;
        _callers = new CallerVerifier([_issuer.Options], null, _http, TimeProvider.System, NullLogger.Instance);
        PolicyReading reading = PolicyReader.Read(
            Policy.Replace("UPSTREAM", upstream, StringComparison.Ordinal),
            new MaskVocabulary(static _ => null, static _ => null), 1);
        PolicyInForce inForce = new();
        inForce.Swap(reading.Snapshot ?? throw new InvalidDataException(string.Join("; ", reading.Errors)));
        inForce.Heard(TimeProvider.System.GetTimestamp());
        _listener = new DataPlaneListener(
            new DataPlaneOptions
            {
                Listen = [new IPEndPoint(IPAddress.Loopback, 0)],
                AuthorizationServers = [TestIssuer.Issuer],
                Gateway = "bench",
                Limits = Wide,
            },
            new DataPlaneServices(
                inForce, _callers, new InMemoryApprovalStore(TimeProvider.System), _seal,
                new CredentialIssuer("http://control.test", SigningKeyRing.Of(_signing), TimeProvider.System), Log),
            TimeProvider.System, NullLoggerFactory.Instance)
        {
            AuditInPlace = isAudited ? null : new NoAudit(),
        };
    }

    internal AuditLog Log { get; }

    internal string Token { get; }

    internal string Address => _listener.Addresses[0];

    internal static async Task<CostGateway> StartAsync(string upstream, bool isAudited)
    {
        CostGateway gateway = new(upstream, isAudited);
        await gateway._listener.StartAsync(CancellationToken.None);
        return gateway;
    }

    public async ValueTask DisposeAsync()
    {
        await _listener.DisposeAsync();
        await Log.DisposeAsync();
        await _callers.DisposeAsync();
        _http.Dispose();
        _signing.Dispose();
        _seal.Dispose();
        _issuer.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Writes nothing, and so lets every call go on: for the measurement alone.</summary>
    private sealed class NoAudit : IAuditTrail
    {
        public Verdict Reserve(CallContext call) => Verdict.Proceed;

        public Verdict Trust(CallContext call) => Verdict.Proceed;

        public Verdict Confirm(CallContext call) => Verdict.Proceed;

        public void Park(CallContext call)
        {
        }

        public ValueTask<Verdict> IntendAsync(CallContext call)
        {
            call.IsIntended = true;
            return new(Verdict.Proceed);
        }

        public void Record(CallContext call)
        {
        }
    }
}
