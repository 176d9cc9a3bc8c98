using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Countersign.Audit;
using Countersign.ControlPlane.Tokens;
using Countersign.Identity.Inbound;
using Countersign.Identity.Inbound.Dpop;
using Countersign.Identity.Outbound;
using Countersign.Kit;
using Countersign.Masking;
using Countersign.Masking.Detectors;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Countersign.Policy.Redis;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Countersign.ControlPlane.Tests;

/// <summary>What came back.</summary>
internal sealed record Answer(HttpStatusCode Status, HttpResponseMessage Message, string Body)
{
    public JsonElement Json => JsonDocument.Parse(Body).RootElement;

    /// <summary>The problem's name; empty for what is none.</summary>
    public string Problem => Message.Content.Headers.ContentType?.MediaType == "application/problem+json"
        ? Json.GetProperty("type").GetString()!["urn:countersign:".Length..]
        : "";
}

/// <summary>The control listener on loopback, over a store in memory and a log of its own.</summary>
internal sealed class ControlFixture : IAsyncDisposable
{
    /// <summary>All that masks may speak of.</summary>
    public static MaskVocabulary Words { get; } = new(MaskField.Check, DetectorNames.Check);

    public const string Policy = """
        apiVersion: countersign/v1
        upstreams:
          billing: { endpoints: ["http://127.0.0.1:9001"] }
        functions:
          billing.reset: { upstream: billing, method: POST, path: "/billing/{account}/reset", risk: critical }
        rules:
          - { id: all, subjects: { groups: [support] }, functions: ["billing.*"], effect: allow }
        separations:
          - { id: clerk-or-approver, kind: static, groups: [ap-clerk, ap-approver] }
        masks:
          - { id: pii, functions: ["*"], fields: [ssn], action: redact, except: { groups: [pii-cleared] } }
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("countersign-control-").FullName;
    private readonly TestIssuer _issuer;
    private readonly CallerVerifier _callers;
    private readonly HttpClient _client = new(new SocketsHttpHandler { AllowAutoRedirect = false });
    private readonly PayloadSeal _seal = new(new byte[32]);
    private readonly SigningKeys _keys = Identity.Outbound.SigningKeys.Create();
    private readonly PayloadSeal _keySeal = new(new byte[32], PayloadSeal.SecretLabel);
    private SigningKeyKeeper? _keeper;
    private ControlPlaneHost? _host;

    private ControlFixture()
    {
        _issuer = new TestIssuer(_folder, Clock);
        _callers = new CallerVerifier(
            [_issuer.Options], null, new HttpMessageInvoker(new SocketsHttpHandler()), Clock, NullLogger.Instance);
        _callers.KnowResources(() => "http://gateway.test");
        Revocations.Heard = listing => _callers.Revoke(new RevocationIndex(listing));
        Proofs = new DpopProofs(new byte[32], new InMemoryOneTimeStore(Clock), new DpopOptions(), Clock);
        Memory = new InMemoryApprovalStore(Clock);
        Notices = new InMemoryNoticeStore(Clock);
        Store = new ScriptedApprovalStore(Memory);
        AuditLogOptions log = new() { Folder = Path.Combine(_folder, "audit"), Origin = "countersign/test" };
        Audit = AuditLog.Open(log, TimeProvider.System).Log!;
        InForce.Swap(PolicyReader.Read(Policy, Words, 7).Snapshot!);
        InForce.Heard(Clock.GetTimestamp());
    }

    /// <summary>Proves who calls.</summary>
    public CallerVerifier Callers => _callers;

    public FakeTimeProvider Clock { get; } = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    public ScriptedApprovalStore Store { get; }

    /// <summary>What is revoked; the verifier hears of it at once.</summary>
    public InMemoryRevocationStore Revocations { get; } = new();

    /// <summary>Where the keys are that can be changed; others than this listener signs with.</summary>
    public InMemorySigningKeyStore SigningKeys { get; } = new();

    /// <summary>Checks proofs of keys.</summary>
    public DpopProofs Proofs { get; }

    public AuditLog Audit { get; }

    public PolicyInForce InForce { get; } = new();

    public Readiness Readiness { get; } = new();

    public string Address => _host!.Addresses[0];

    /// <summary>Who is asked for calls in flight.</summary>
    public InMemoryLentCalls Lent { get; } = new();

    /// <summary>What lent credentials are signed with.</summary>
    public SigningKeyRing Ring => SigningKeyRing.Of(_keys);

    /// <summary>Where notices wait.</summary>
    public InMemoryNoticeStore Notices { get; }

    /// <summary>In the place of a directory: the callers that the audit saw.</summary>
    public const string Learned = "learned";

    /// <param name="directory">The people over whom policies are looked through for holes; null is none.</param>
    public static Task<ControlFixture> StartAsync(string? directory = null) => StartAsync([], null, directory);

    /// <summary>Starts it with webhooks, after something happened that it did not see.</summary>
    public static async Task<ControlFixture> StartAsync(
        IReadOnlyList<WebhookOptions> webhooks, Func<ControlFixture, Task>? before, string? directory = null)
    {
        ControlFixture fixture = new();
        if (before is not null) await before(fixture);
        string people = Path.Combine(fixture._folder, "people.yaml");
        if (directory is not null) await File.WriteAllTextAsync(people, directory);
        ControlPlaneOptions options = new()
        {
            Listen = [new IPEndPoint(IPAddress.Loopback, 0)],
            Gateway = "test",
            DirectoryFile = directory is null ? null : people,
            LearnsPeople = directory == Learned,
            Revealers = ["pii-officers"],
            Webhooks = webhooks,
            Introspection = new IntrospectionTerms
            {
                Clients =
                [
                    new("billing-owner", Encoding.UTF8.GetBytes("billing+owner secret"), ["billing"]),
                    new("people-owner", Encoding.UTF8.GetBytes("people-owner-secret"), ["people"]),
                ],
                Groups = ["function-owners"],
            },
        };

        // No test here reaches the policy store: those that must have a real one in Integration.Tests.
        RedisPolicyStore unreached = new(null!);
        ControlPlaneServices services = new(
            fixture.InForce, fixture._callers, fixture.Store, unreached, fixture._seal,
            SigningKeyRing.Of(fixture._keys), fixture.Audit)
        {
            LentCalls = fixture.Lent,
            Readiness = fixture.Readiness,
            Notices = fixture.Notices,
            Nodes = new RedisNodeStore(null!),
            KeyKeeper = await fixture.KeepAsync(),
            Tokens = new TokenTerms(
                new GatewayTokens(() => fixture.Address, SigningKeyRing.Of(fixture._keys), fixture.Clock),
                fixture.Revocations)
            {
                Proofs = fixture.Proofs,
                Resources = () => ["https://data.test"],
            },
        };
        fixture._host = new ControlPlaneHost(options, services, fixture.Clock, NullLoggerFactory.Instance);
        await fixture._host.StartAsync(TestContext.Current.CancellationToken);
        fixture._callers.TakeOwnTokens(fixture.Address, SigningKeyRing.Of(fixture._keys));
        return fixture;
    }

    private async Task<SigningKeyKeeper> KeepAsync()
    {
        (_keeper, string fault) = await SigningKeyKeeper.StartAsync(
            SigningKeys, _keySeal, new SigningTerms(), Clock, NullLogger.Instance);
        return _keeper ?? throw new InvalidOperationException(fault);
    }

    /// <summary>A person's token for other audiences than the gateway alone.</summary>
    public string ResourceToken(string subject, string[] groups, params string[] audiences) =>
        _issuer.Token(subject, groups, audiences: audiences);

    /// <summary>A token: the subject, then its groups. The kind is human unless the subject ends in -bot.</summary>
    public string Token(string subject, params string[] groups)
    {
        if (subject == "deploy-bot") return _issuer.Token(subject, groups, "ci", actor: "dave");
        return _issuer.Token(subject, groups, subject.EndsWith("-bot", StringComparison.Ordinal) ? "agent" : "human");
    }

    /// <summary>A person's token that is good for so long.</summary>
    public string ShortToken(int seconds, string subject, params string[] groups) =>
        _issuer.Token(subject, groups, goodForSeconds: seconds);

    public Task<Answer> GetAsync(string path, string? token = null, string? tag = null)
    {
        HttpRequestMessage request = new(HttpMethod.Get, Address + path);
        if (tag is not null) request.Headers.TryAddWithoutValidation("If-None-Match", tag);
        return SendAsync(request, token);
    }

    public Task<Answer> PostAsync(
        string path, string? token, string body = "", string? type = "application/json", string? match = null)
    {
        HttpRequestMessage request = new(HttpMethod.Post, Address + path)
        {
            Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)),
        };
        if (type is not null) request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        if (match is not null) request.Headers.TryAddWithoutValidation("If-Match", match);
        return SendAsync(request, token);
    }

    public async Task<Answer> SendAsync(HttpRequestMessage request, string? token = null)
    {
        if (token is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        HttpResponseMessage message = await _client.SendAsync(request, TestContext.Current.CancellationToken);
        string body = await message.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return new Answer(message.StatusCode, message, body);
    }

    public Task<Answer> DecideAsync(
        string id, string token, string decision = "approve", string? digest = null, string reason = "")
    {
        string body = JsonSerializer.Serialize(new { decision, digest = digest ?? Drafts.DigestOf(id), reason });
        return PostAsync("/api/v1/approvals/" + id + "/decisions", token, body);
    }

    /// <summary>Files an approval that the CI job asks for, and returns its id.</summary>
    public async Task<string> AskAsync(
        string body = """{"ssn":"078-05-1120","amount":1}""", string type = "application/json")
    {
        return await AskAsync(draft => draft with { ContentType = type }, body);
    }

    /// <summary>As the other, for an approval that differs.</summary>
    public async Task<string> AskAsync(
        Func<Approval, Approval> change, string body = """{"ssn":"078-05-1120","amount":1}""",
        params BindingHeader[] headers)
    {
        Approval draft = change(Drafts.New(Clock.GetUtcNow()));
        byte[] payload = CallPayload.Write(headers, Encoding.UTF8.GetBytes(body));
        StoreResult<Approval> asked =
            await Store.AskAsync(draft, _seal.Seal(CallPayload.SealName(draft.Id), payload));
        return asked.Value!.Id;
    }

    /// <summary>Opens the stream of events.</summary>
    public async Task<EventReader> EventsAsync(string token)
    {
        HttpRequestMessage request = new(HttpMethod.Get, Address + "/api/v1/approvals/events");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        HttpResponseMessage message = await _client.SendAsync(
            request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        return new EventReader(message);
    }

    /// <summary>Every method and path that it serves.</summary>
    public IEnumerable<string> Routes => _host!.Routes;

    /// <summary>Stops the listener, as a drain does.</summary>
    public Task StopAsync() => _host!.StopAsync();

    /// <summary>The store behind <see cref="Store"/>.</summary>
    public InMemoryApprovalStore Memory { get; }

    /// <summary>Closes the log, which then takes nothing more, and returns event, subject and detail of its
    /// acts.</summary>
    public async Task<List<(string Event, string Actor, string Subject, string Detail)>> ActsAsync()
    {
        await Audit.DisposeAsync();
        List<(string, string, string, string)> acts = [];
        foreach (AuditEntry entry in AuditReader.Between(Audit.Folder, 0, long.MaxValue))
        {
            JsonElement record = JsonDocument.Parse(entry.Payload).RootElement;
            acts.Add((
                record.GetProperty("event").GetString()!, record.GetProperty("actor").GetProperty("sub").GetString()!,
                record.GetProperty("subject").GetString()!,
                record.TryGetProperty("detail", out JsonElement detail) ? detail.GetString()! : ""));
        }

        return acts;
    }

    public async ValueTask DisposeAsync()
    {
        if (_host is not null)
        {
            await _host.StopAsync();
            await _host.DisposeAsync();
        }

        if (_keeper is not null) await _keeper.DisposeAsync();
        _keySeal.Dispose();
        _client.Dispose();
        await _callers.DisposeAsync();
        await Audit.DisposeAsync();
        _issuer.Dispose();
        _seal.Dispose();
        _keys.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
