using System.Buffers.Text;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Countersign.Audit;
using Countersign.ControlPlane;
using Countersign.Identity.Inbound;
using Countersign.Identity.Outbound;
using Countersign.Integration.Tests.Store;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Countersign.Policy.Redis;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Countersign.Integration.Tests.ControlPlane;

/// <summary>The policy API over a real store: what is published is kept, listed, put in force and rolled
/// back.</summary>
public abstract class PolicyApiContract(StoreServer server) : IAsyncLifetime
{
    private const string Issuer = "https://issuer.test";
    private const string OtherIssuer = "https://other.test";
    private const string Path = "/api/v1/policies";

    private const string Source = """
        # the first one
        apiVersion: countersign/v1
        upstreams:
          billing: { endpoints: ["http://127.0.0.1:9001"] }
        functions:
          billing.reset: { upstream: billing, method: POST, path: "/billing/{account}/reset", risk: critical }
        rules:
          - { id: all, subjects: { groups: [staff] }, functions: ["billing.*"], effect: allow }
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("countersign-policies-").FullName;
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly HttpClient _client = new();
    private readonly PayloadSeal _seal = new(new byte[32]);
    private readonly SigningKeys _lent = SigningKeys.Create();
    private RedisStore _store = null!;
    private RedisPolicyStore _policies = null!;
    private CallerVerifier _callers = null!;
    private AuditLog _audit = null!;
    private ControlPlaneHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        await server.ResetAsync();
        _store = await RedisStore.ConnectAsync(server.Connection, NullLogger.Instance);
        _policies = new RedisPolicyStore(_store);
        string keys = System.IO.Path.Combine(_folder, "issuer.pub.pem");
        await File.WriteAllTextAsync(keys, _key.ExportSubjectPublicKeyInfoPem());
        IssuerOptions issuer = new() { Issuer = Issuer, Audiences = ["gateway"], KeysFile = keys };
        _callers = new CallerVerifier(
            [issuer, issuer with { Issuer = OtherIssuer }], null, new HttpMessageInvoker(new SocketsHttpHandler()),
            TimeProvider.System, NullLogger.Instance);
        AuditLogOptions log = new() { Folder = System.IO.Path.Combine(_folder, "audit"), Origin = "countersign/test" };
        _audit = AuditLog.Open(log, TimeProvider.System).Log!;
        RedisApprovalStore approvals = await RedisApprovalStore.OpenAsync(_store, NullLogger.Instance);
        ControlPlaneOptions options = new() { Listen = [new IPEndPoint(IPAddress.Loopback, 0)], Gateway = "test" };
        ControlPlaneServices services = new(new PolicyInForce(), _callers, approvals, _policies, _seal,
            SigningKeyRing.Of(_lent), _audit);
        _host = new ControlPlaneHost(options, services, TimeProvider.System, NullLoggerFactory.Instance);
        await _host.StartAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        await _host.DisposeAsync();
        await _callers.DisposeAsync();
        await _audit.DisposeAsync();
        await _store.DisposeAsync();
        _client.Dispose();
        _seal.Dispose();
        _lent.Dispose();
        _key.Dispose();
        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_policy_is_published_read_listed_and_rolled_back()
    {
        // Proves the life of versions; by two of them, published as YAML and as JSON, and the first put in force again.
        (HttpResponseMessage created, string body) = await SendAsync(HttpMethod.Post, Path, "policy-admins", Source);
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        Assert.Equal("/api/v1/policies/1", created.Headers.Location!.OriginalString);
        JsonElement first = JsonDocument.Parse(body).RootElement;
        Assert.Equal(1, first.GetProperty("version").GetInt64());
        string document = (await SendAsync(HttpMethod.Get, Path + "/1", "auditors")).Body;
        string sha256 = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(document)));
        Assert.Equal(sha256, first.GetProperty("sha256").GetString());
        string asWritten = Path + "/1?form=source";
        (HttpResponseMessage source, string text) = await SendAsync(HttpMethod.Get, asWritten, "auditors");
        Assert.Equal(Source, text);
        Assert.Equal("text/yaml", source.Content.Headers.ContentType!.MediaType);

        string changed = document.Replace("\"staff\"", "\"clerks\"", StringComparison.Ordinal);
        await SendAsync(HttpMethod.Post, Path, "policy-admins", changed, "application/json");
        Assert.Equal(2, await _policies.CurrentAsync());
        string listed = (await SendAsync(HttpMethod.Get, Path + "?limit=1", "auditors")).Body;
        JsonElement page = JsonDocument.Parse(listed).RootElement;
        JsonElement newest = page.GetProperty("items")[0];
        Assert.Equal((2, "pat", true), (
            newest.GetProperty("version").GetInt64(), newest.GetProperty("author").GetString(),
            newest.GetProperty("current").GetBoolean()));
        string rest = Path + "?cursor=" + page.GetProperty("next").GetString();
        JsonElement older = JsonDocument.Parse((await SendAsync(HttpMethod.Get, rest, "auditors")).Body).RootElement;
        Assert.Equal(1, Assert.Single(older.GetProperty("items").EnumerateArray()).GetProperty("version").GetInt64());
        Assert.Equal(JsonValueKind.Null, older.GetProperty("next").ValueKind);

        (HttpResponseMessage back, _) = await SendAsync(HttpMethod.Post, Path + "/1/activate", "policy-admins");
        Assert.Equal(HttpStatusCode.OK, back.StatusCode);
        Assert.Equal(1, await _policies.CurrentAsync());
        Assert.Equal(
            [
                "policy-publish", "policy-published", "policy-publish", "policy-published", "policy-activate",
                "policy-activated",
            ],
            await EventsAsync());
    }

    [Fact]
    public async Task Who_changes_another_policy_than_they_looked_at_is_told_so()
    {
        // Proves that concurrent publishers lose nothing; by tags and versions of before and after another's change.
        await SendAsync(HttpMethod.Post, Path, "policy-admins", Source);
        string tag = (await SendAsync(HttpMethod.Get, Path, "auditors")).Message.Headers.ETag!.Tag;
        Assert.Equal(201, await StatusAsync(HttpMethod.Post, Path, Source, tag));
        (HttpResponseMessage late, string body) = await SendAsync(
            HttpMethod.Post, Path, "policy-admins", Source, tag: tag);
        Assert.Equal(HttpStatusCode.PreconditionFailed, late.StatusCode);
        Assert.Contains("urn:countersign:precondition-failed", body, StringComparison.Ordinal);
        Assert.Equal(2, JsonDocument.Parse(body).RootElement.GetProperty("current").GetInt64());
        Assert.Equal(412, await StatusAsync(HttpMethod.Post, Path + "/1/activate", null, tag));
        string now = late.Headers.ETag!.Tag;
        Assert.Equal(412, await StatusAsync(HttpMethod.Post, Path + "/1/activate?expect=1"));
        Assert.Equal(400, await StatusAsync(HttpMethod.Post, Path + "/1/activate?expect=x"));
        Assert.Equal(400, await StatusAsync(HttpMethod.Post, Path + "/1/activate?resume=yes"));
        Assert.Equal(409, await StatusAsync(HttpMethod.Post, Path + "/1/activate?resume=true"));
        Assert.Equal(2, await _policies.CurrentAsync());
        Assert.Equal(200, await StatusAsync(HttpMethod.Post, Path + "/1/activate?expect=2", null, now));
        Assert.Equal(1, await _policies.CurrentAsync());
    }

    [Fact]
    public async Task Who_does_not_say_what_they_follow_replaces_what_is_their_own_alone()
    {
        // Proves that nobody's change is undone unseen; by a second person on every way of saying nothing and of
        // saying something, and by a bootstrap, which is nobody's.
        await _policies.BootstrapAsync("{}", "", RedisPolicyStore.BootstrapAuthor);
        Assert.Equal(201, await StatusAsync(HttpMethod.Post, Path, Source, who: "ann"));
        Assert.Equal(201, await StatusAsync(HttpMethod.Post, Path, Source, who: "ann"));
        (HttpResponseMessage refused, string body) = await SendAsync(HttpMethod.Post, Path, "policy-admins", Source);
        Assert.Equal(428, (int)refused.StatusCode);
        JsonElement problem = JsonDocument.Parse(body).RootElement;
        Assert.Equal("urn:countersign:precondition-required", problem.GetProperty("type").GetString());
        Assert.Equal(3, problem.GetProperty("current").GetInt64());
        Assert.Contains("put in force by ann", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal(428, await StatusAsync(HttpMethod.Post, Path + "/2/activate"));
        Assert.Equal(412, await StatusAsync(HttpMethod.Post, Path, Source, known: "*"));
        Assert.Equal(400, await StatusAsync(HttpMethod.Post, Path, Source, known: "\"x\""));
        Assert.Equal(3, await _policies.CurrentAsync());
        Assert.Equal(3, (await _policies.ListAsync(10)).Value!.Items.Count);
        Assert.Equal(201, await StatusAsync(HttpMethod.Post, Path, Source, refused.Headers.ETag!.Tag));
        Assert.Equal(428, await StatusAsync(HttpMethod.Post, Path + "/2/activate", who: "ann"));
        Assert.Equal(200, await StatusAsync(HttpMethod.Post, Path + "/2/activate?expect=any", who: "ann"));
        Assert.Equal(428, await StatusAsync(HttpMethod.Post, Path, Source));
        Assert.Equal(201, await StatusAsync(HttpMethod.Post, Path + "?expect=2", Source));
    }

    [Fact]
    public async Task Whom_another_issuer_vouches_for_is_somebody_else()
    {
        // Proves that who follows nothing is known by issuer and subject, for what was published and for what was put
        // in force; and that nobody is the bootstrap whom an issuer vouches for.
        Assert.Equal(201, await StatusAsync(HttpMethod.Post, Path, Source, who: "pat"));
        (HttpResponseMessage refused, string body) = await SendAsync(
            HttpMethod.Post, Path, "policy-admins", Source, who: "pat", issuer: OtherIssuer);
        Assert.Equal(428, (int)refused.StatusCode);
        Assert.Contains("put in force by pat of " + Issuer, body, StringComparison.Ordinal);
        string following = Path + "/1/activate?expect=1";
        Assert.Equal(200, await StatusAsync(HttpMethod.Post, following, who: "pat", issuer: OtherIssuer));
        Assert.Equal(428, await StatusAsync(HttpMethod.Post, Path, Source, who: "pat"));
        Assert.Equal(201, await StatusAsync(HttpMethod.Post, Path, Source, who: "pat", issuer: OtherIssuer));
        Assert.Equal("pat", (await _policies.GetAsync(2)).Value!.Author);
        string bootstrap = RedisPolicyStore.BootstrapAuthor;
        Assert.Equal(201, await StatusAsync(HttpMethod.Post, Path + "?expect=2", Source, who: bootstrap));
        Assert.Equal(428, await StatusAsync(HttpMethod.Post, Path, Source, who: "pat"));
        await _policies.PublishAsync("{}", "", "pat");
        Assert.Equal(428, await StatusAsync(HttpMethod.Post, Path, Source, who: "pat"));
    }

    [Fact]
    public async Task Of_two_publishers_at_once_one_wins()
    {
        // Proves it on an empty store, on one's own policy, and with one tag; by many rounds of two at a time, after
        // each of which the store has one version more.
        for (int round = 1; round <= 20; round++)
        {
            string? tag = null;
            string? known = round == 1 ? "*" : null;
            if (round % 2 == 0)
                tag = (await SendAsync(HttpMethod.Get, Path, "auditors")).Message.Headers.ETag!.Tag;
            int[] answers = await Task.WhenAll(
                StatusAsync(HttpMethod.Post, Path, Source, tag, "ann", known),
                StatusAsync(HttpMethod.Post, Path, Source + "# his\n", tag, "pat", known));
            Assert.Single(answers, 201);
            Assert.Single(answers, status => status is 412 or 428);
            Assert.Equal(round, (await _policies.ListAsync(100)).Value!.Items.Count);
        }
    }

    [Fact]
    public async Task What_the_client_has_already_is_not_sent_again()
    {
        // Proves the tags; by the list before and after a change, and by a version, which never changes.
        await SendAsync(HttpMethod.Post, Path, "policy-admins", Source);
        foreach (string path in new[] { Path, Path + "/1", Path + "/1?form=source" })
        {
            string tag = (await SendAsync(HttpMethod.Get, path, "auditors")).Message.Headers.ETag!.Tag;
            Assert.Equal(304, (int)(await SendAsync(HttpMethod.Get, path, "auditors", known: tag)).Message.StatusCode);
            if (path != Path) continue;
            await SendAsync(HttpMethod.Post, Path, "policy-admins", Source);
            Assert.Equal(200, (int)(await SendAsync(HttpMethod.Get, path, "auditors", known: tag)).Message.StatusCode);
        }
    }

    [Fact]
    public async Task What_does_not_compile_changes_nothing()
    {
        // Proves refusal; by a broken document, a version that is not there, and a stored one that does not compile.
        await SendAsync(HttpMethod.Post, Path, "policy-admins", Source);
        string broken = Source.Replace("risk: critical", "risk: enormous", StringComparison.Ordinal);
        (HttpResponseMessage invalid, string body) = await SendAsync(HttpMethod.Post, Path, "policy-admins", broken);
        Assert.Equal(422, (int)invalid.StatusCode);
        Assert.Equal(6, JsonDocument.Parse(body).RootElement.GetProperty("errors")[0].GetProperty("line").GetInt32());
        Assert.Equal(404, await StatusAsync(HttpMethod.Get, Path + "/2"));
        Assert.Equal(404, await StatusAsync(HttpMethod.Post, Path + "/2/activate"));
        await _policies.PublishAsync("{\"rules\":1}", "", "somebody", activate: false);
        Assert.Equal(422, await StatusAsync(HttpMethod.Post, Path + "/2/activate"));
        Assert.Equal(1, await _policies.CurrentAsync());
    }

    [Fact]
    public async Task Without_the_audit_no_policy_changes()
    {
        // Proves intent before effect; by a closed log.
        await SendAsync(HttpMethod.Post, Path, "policy-admins", Source);
        await _audit.DisposeAsync();
        Assert.Equal(503, await StatusAsync(HttpMethod.Post, Path, Source));
        Assert.Equal(503, await StatusAsync(HttpMethod.Post, Path + "/1/activate"));
        Assert.Single((await _policies.ListAsync(10)).Value!.Items);
    }

    [Fact]
    public async Task A_store_that_is_away_is_told_as_such()
    {
        // Proves the refusal; by closing the connection under the running listener.
        await _store.DisposeAsync();
        (HttpResponseMessage answer, string body) = await SendAsync(HttpMethod.Get, Path, "auditors");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Contains("urn:countersign:store-unavailable", body, StringComparison.Ordinal);
        Assert.Equal(503, await StatusAsync(HttpMethod.Post, Path, Source));
        Assert.Equal(["policy-publish", "policy-publish-refused"], await EventsAsync());
    }

    private async Task<List<string>> EventsAsync()
    {
        await _audit.DisposeAsync();
        return [.. AuditReader.Between(_audit.Folder, 0, long.MaxValue).Select(
            entry => JsonDocument.Parse(entry.Payload).RootElement.GetProperty("event").GetString()!)];
    }

    private async Task<int> StatusAsync(
        HttpMethod method, string path, string? text = null, string? tag = null, string who = "pat",
        string? known = null, string issuer = Issuer) => (int)(await SendAsync(
            method, path, "policy-admins", text, tag: tag, known: known, who: who, issuer: issuer)).Message.StatusCode;

    private async Task<(HttpResponseMessage Message, string Body)> SendAsync(
        HttpMethod method, string path, string group, string? text = null, string type = "application/yaml",
        string? tag = null, string? known = null, string who = "pat", string issuer = Issuer)
    {
        using HttpRequestMessage request = new(method, _host.Addresses[0] + path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Token(who, group, issuer));
        if (tag is not null) request.Headers.TryAddWithoutValidation("If-Match", tag);
        if (known is not null) request.Headers.TryAddWithoutValidation("If-None-Match", known);
        if (text is not null) request.Content = new StringContent(text, new MediaTypeHeaderValue(type, "utf-8"));
        HttpResponseMessage message = await _client.SendAsync(request, TestContext.Current.CancellationToken);
        return (message, await message.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    private string Token(string subject, string group, string issuer)
    {
        long now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        var claims = new
        {
            iss = issuer, aud = "gateway", sub = subject, kind = "human", groups = new[] { group },
            iat = now, nbf = now, exp = now + 600,
        };
        string header = Part("""{"alg":"ES256","typ":"JWT"}"""u8);
        string signed = header + "." + Part(JsonSerializer.SerializeToUtf8Bytes(claims));
        return signed + "." + Part(_key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256));
    }

    private static string Part(ReadOnlySpan<byte> bytes) => Base64Url.EncodeToString(bytes);
}

/// <summary>The policy API over Redis.</summary>
public sealed class RedisPolicyApiTests(RedisServer server)
    : PolicyApiContract(server), IClassFixture<RedisServer>;

/// <summary>The policy API over the embedded store.</summary>
public sealed class GarnetPolicyApiTests(GarnetServer server)
    : PolicyApiContract(server), IClassFixture<GarnetServer>;
