using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Countersign.Audit;
using Countersign.DataPlane;
using Countersign.Identity.Inbound;
using Countersign.Identity.Outbound;
using Countersign.Integration.Tests.EndToEnd;
using Countersign.Kit;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Countersign.Integration.Tests.Wire;

/// <summary>
/// The real data listener on loopback, in the test's own process, so that its counts can be looked at.
/// </summary>
internal sealed class WireGateway : IAsyncDisposable
{
    private const string Policy = """
        apiVersion: countersign/v1
        upstreams:
          raw: { endpoints: ["UPSTREAM"], timeout: 20s, credential: { broker: none } }
          brief: { endpoints: ["UPSTREAM"], timeout: 2s, credential: { broker: none } }
        functions:
          raw.get: { upstream: raw, method: GET, path: "/raw/{id}", risk: low }
          raw.post: { upstream: raw, method: POST, path: "/raw/{id}", risk: medium }
          brief.post: { upstream: brief, method: POST, path: "/brief/{id}", risk: medium }
          held.post: { upstream: raw, method: POST, path: "/held/{id}", risk: high }
        rules:
          - { id: use, subjects: { groups: [support] }, functions: ["raw.*", "brief.*"], effect: allow }
          - id: held
            subjects: { groups: [support] }
            functions: [held.post]
            effect: approve
            approval: { stages: [{ groups: [finance-leads], count: 1 }], hold: 30s }
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("countersign-wire-").FullName;
    private readonly TestIssuer _issuer;
    private readonly AuditLog _audit;
    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler());
    private readonly CallerVerifier _callers;
    private readonly SigningKeys _signing = SigningKeys.Create();
    private readonly PayloadSeal _seal = new(RandomNumberGenerator.GetBytes(32));

    private WireGateway(DataTransport transport, Limits limits, DataTlsOptions? tls)
    {
        _issuer = new TestIssuer(_folder, TimeProvider.System);
        _audit = AuditLog.Open(
            new AuditLogOptions { Folder = Path.Combine(_folder, "audit"), Origin = "countersign/test" },
            TimeProvider.System).Log ?? throw new InvalidOperationException("the audit log does not open");
        _callers = new CallerVerifier([_issuer.Options], null, _http, TimeProvider.System, NullLogger.Instance);
        PolicyInForce inForce = new();
        string policy = Policy.Replace("UPSTREAM", Upstream.Endpoint, StringComparison.Ordinal);
        PolicyReading reading = PolicyReader.Read(
            policy, new MaskVocabulary(static _ => null, static _ => null), 1);
        inForce.Swap(reading.Snapshot ?? throw new InvalidDataException(string.Join("; ", reading.Errors)));
        inForce.Heard(TimeProvider.System.GetTimestamp());
        Listener = new DataPlaneListener(
            new DataPlaneOptions
            {
                Listen = [new IPEndPoint(IPAddress.Loopback, 0)],
                AuthorizationServers = [TestIssuer.Issuer],
                Gateway = "wire",
                Transport = transport,
                Tls = tls,
                Limits = limits with { PolicyStaleAfter = TimeSpan.FromHours(1), DrainWithin = TimeSpan.Zero },
            },
            new DataPlaneServices(
                inForce, _callers, Store, _seal,
                new CredentialIssuer(
                    "http://control.test", SigningKeyRing.Of(_signing), TimeProvider.System), _audit),
            TimeProvider.System, NullLoggerFactory.Instance);
    }

    /// <summary>The listener.</summary>
    internal DataPlaneListener Listener { get; }

    /// <summary>Where the calls go.</summary>
    internal WireUpstream Upstream { get; } = new();

    /// <summary>Where approvals live.</summary>
    internal InMemoryApprovalStore Store { get; } = new(TimeProvider.System);

    /// <summary>Starts it.</summary>
    internal static async Task<WireGateway> StartAsync(
        DataTransport transport, Limits? limits = null, DataTlsOptions? tls = null)
    {
        Assert.SkipWhen(transport == DataTransport.Epoll && !DataPlaneListener.SupportsEpoll, "no epoll here");
        Assert.SkipWhen(transport == DataTransport.IoUring && !DataPlaneListener.SupportsIoUring, "no io_uring here");
        WireGateway gateway = new(transport, limits ?? new Limits(), tls);
        await gateway.Listener.StartAsync(TestContext.Current.CancellationToken);
        return gateway;
    }

    /// <summary>Connects a client.</summary>
    internal Task<WirePeer> ConnectAsync(int receiveBytes = 0) =>
        WirePeer.ConnectAsync(new Uri(Listener.Addresses[0]), receiveBytes);

    /// <summary>A request's head, with a token.</summary>
    internal string Head(string method, string target, string fields = "") =>
        $"{method} {target} HTTP/1.1\r\nHost: gateway.test\r\n"
        + $"Authorization: Bearer {_issuer.Token("ann", ["support"])}\r\n{fields}\r\n";

    /// <summary>Decides an approval as an approver would.</summary>
    internal async Task ApproveAsync(Approval found)
    {
        Caller person = new(TestIssuer.Issuer, "fay", CallerKind.Human, ["finance-leads"], ["fay"]);
        MoveOutcome move = ApprovalRules.Decide(
            found, person, approve: true, found.Digest, "", TimeProvider.System.GetUtcNow());
        Assert.True((await Store.MoveAsync(found, move.Next!)).IsOk);
    }

    /// <summary>The approvals there are.</summary>
    internal async Task<IReadOnlyList<Approval>> ApprovalsAsync() =>
        (await Store.ListAsync(null, 10, null)).Value!.Items;

    /// <summary>
    /// Waits until every client connection has been let go of, then proves that nothing was left behind: no call in
    /// flight or held, no memory, no upstream connection but idle ones.
    /// </summary>
    internal async Task QuietAsync()
    {
        await Until.TrueAsync(() => Task.FromResult(Listener.Connections == 0));
        Assert.Equal(
            (0, 0, 0), (Listener.Admission.Gateway.InFlight, Listener.Admission.Parked,
                Listener.Admission.BufferedBytes));
        foreach (var group in Listener.Pools!.Current)
        {
            Assert.Equal((0, 0), (group.CallsInFlight, Listener.Admission.LimitOf(group.Terms).InFlight));
            foreach (var endpoint in group.Members)
            {
                Assert.Equal((0, endpoint.ConnectionsIdle), (endpoint.CallsInFlight, endpoint.ConnectionsOpen));
            }
        }
    }

    /// <summary>The verdicts of all calls, in the order of their ends.</summary>
    internal async Task<IReadOnlyList<string>> VerdictsAsync()
    {
        await QuietAsync();
        await _audit.DisposeAsync();
        using AuditReader reader = new(_audit.Folder);
        List<string> verdicts = [];
        while (reader.Read(out AuditEntry entry) == AuditReadStatus.Entry)
        {
            JsonElement record = JsonDocument.Parse(Encoding.UTF8.GetString(entry.Payload.Span)).RootElement;
            if (record.GetProperty("type").GetString() != "outcome") continue;
            verdicts.Add(record.GetProperty("verdict").GetString()!);
        }

        return verdicts;
    }

    public async ValueTask DisposeAsync()
    {
        await Listener.DisposeAsync();
        await Upstream.DisposeAsync();
        await _audit.DisposeAsync();
        await _callers.DisposeAsync();
        _http.Dispose();
        _signing.Dispose();
        _seal.Dispose();
        _issuer.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
