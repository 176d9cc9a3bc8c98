using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Countersign.Identity.Outbound;
using Countersign.Identity.Outbound.Brokers;
using Countersign.Policy;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Countersign.Identity.Tests.Outbound;

public sealed class VaultBrokerTests : IAsyncDisposable
{
    private const string Path = "database/creds/billing";

    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));
    private readonly ScriptedServer _server = new();
    private readonly BrokerHttp _http;
    private readonly InMemoryLeases _store = new();
    private readonly LeaseDesk _leases;
    private readonly ConcurrentDictionary<string, byte> _living = new();
    private int _count;
    private int _logins;

    public VaultBrokerTests()
    {
        _http = new BrokerHttp(_server);
        _leases = new LeaseDesk(_store, "one/a", _clock, NullLogger.Instance);
        _server.Script = asked => Task.FromResult(Answer(asked));
    }

    public async ValueTask DisposeAsync()
    {
        await _leases.DisposeAsync();
        _http.Dispose();
    }

    [Fact]
    public async Task ASecretIsMadeForTheCallNotedBeforeItIsUsedAndRevokedWithIt()
    {
        // Proves the life of a dynamic secret, at a vault that counts those that live.
        using VaultBroker broker = Broker(VaultLogin.Token);
        _leases.Start();
        LentSecret first = await LentAsync(broker);
        LentSecret second = await LentAsync(broker);
        Assert.Equal("user-1", Encoding.ASCII.GetString(first.Field("username")));
        Assert.NotEqual(first.Id, second.Id);
        Assert.Equal(2, _living.Count);
        Assert.Equal(2, _store.Held.Count);
        first.GiveBack!();
        first.Dispose();
        await UntilAsync(() => _living.Count == 1 && _store.Held.Count == 1);
        second.GiveBack!();
        await UntilAsync(() => _living.IsEmpty && _store.Held.IsEmpty);
    }

    [Theory]
    [InlineData(VaultLogin.AppRole, "/v1/auth/approle/login", """{"role_id":"r-1","secret_id":"root-secret"}""")]
    [InlineData(VaultLogin.Kubernetes, "/v1/auth/kubernetes/login", """{"role":"r-1","jwt":"root-secret"}""")]
    public async Task ItLogsInOnceAndAgainWhenItsTokenIsSpent(VaultLogin login, string path, string body)
    {
        // Proves the login of each method, that its token is kept for nine tenths of its life, and that a token that is
        // refused sooner is replaced at once.
        using VaultBroker broker = Broker(login);
        await LentAsync(broker);
        await LentAsync(broker);
        Asked asked = _server.Requests.First();
        Assert.Equal(("POST", path, body), (asked.Method, asked.Path, asked.Body));
        Assert.DoesNotContain("X-Vault-Token", asked.Fields.Keys);
        Assert.Equal(1, _logins);
        _clock.Advance(TimeSpan.FromSeconds(91));
        await LentAsync(broker);
        Assert.Equal(2, _logins);
        _logins = 9; // the vault forgot every token that it gave so far
        await LentAsync(broker);
        Assert.Equal(10, _logins);
        Assert.All(_server.Requests, one => Assert.Equal("team-1", one.Fields["X-Vault-Namespace"]));
    }

    [Fact]
    public async Task AWrappingTokenIsLentInPlaceOfTheSecret()
    {
        // Proves that the secret itself never comes here, and that the token is revoked by its accessor.
        using VaultBroker broker = Broker(VaultLogin.Token);
        _leases.Start();
        LentSecret secret = await LentAsync(broker, isWrapped: true);
        Assert.Equal("wrap-token", Encoding.ASCII.GetString(secret.Field("token")));
        Assert.DoesNotContain("wrap-token", secret.Id, StringComparison.Ordinal);
        Assert.Equal("30s", _server.Requests.Last().Fields["X-Vault-Wrap-TTL"]);
        secret.GiveBack!();
        await UntilAsync(() => _store.Held.IsEmpty);
        Asked revoked = _server.Requests.Last();
        Assert.Equal(
            ("/v1/auth/token/revoke-accessor", """{"accessor":"acc-1"}"""), (revoked.Path, revoked.Body));
    }

    [Fact]
    public async Task WithoutTheNoteNothingIsUsed()
    {
        // Proves that a store that is away is no credential, and that what the vault had made already is revoked.
        using VaultBroker broker = Broker(VaultLogin.Token);
        _leases.Start();
        _store.IsAway = true;
        Assert.Null((await broker.LendAsync(Request(), CancellationToken.None)).Secret);
        await UntilAsync(() => _living.IsEmpty);
    }

    [Fact]
    public async Task WhatCannotBeRevokedNowIsRevokedLater()
    {
        // Proves the retry, and that the note stays until the vault has done it.
        using VaultBroker broker = Broker(VaultLogin.Token);
        _leases.Start();
        LentSecret secret = await LentAsync(broker);
        bool isAway = true;
        _server.Script = asked => Task.FromResult(
            isAway ? ScriptedServer.Answer(503, "sealed") : Answer(asked));
        int before = _server.Requests.Count;
        secret.GiveBack!();
        await UntilAsync(() => _server.Requests.Count > before);
        Assert.Single(_store.Held);
        isAway = false;
        await UntilAsync(() =>
        {
            _clock.Advance(TimeSpan.FromSeconds(2));
            return _store.Held.IsEmpty && _living.IsEmpty;
        });
    }

    [Fact]
    public async Task WhatAGatewayThatIsGoneHeldIsRevokedByTheNextSweep()
    {
        // Proves that a crash leaves no secret behind, and that nobody is taken for gone at the first look: right after
        // an outage of the store all are silent.
        using VaultBroker broker = Broker(VaultLogin.Token);
        _living[Path + "/lost"] = 0;
        HeldLease lost = new("vault", Path + "/lost"), foreign = new("unknown", "x");
        _store.Held[lost] = "dead/1";
        _store.Held[foreign] = "dead/1";
        LentSecret mine = await LentAsync(broker);
        _store.Silent.Add("dead/1");
        await _leases.SweepOnceAsync();
        Assert.Equal(3, _store.Held.Count);
        _store.Silent.Clear();
        _clock.Advance(TimeSpan.FromSeconds(60));
        await _leases.SweepOnceAsync();
        _store.Silent.Add("dead/1");
        await _leases.SweepOnceAsync();
        Assert.Equal(3, _store.Held.Count);
        _clock.Advance(TimeSpan.FromSeconds(15));
        await _leases.SweepOnceAsync();
        Assert.Equal([foreign, new HeldLease("vault", mine.Id["vault:vault:".Length..])],
            _store.Held.Keys.OrderBy(one => one.Broker, StringComparer.Ordinal));
        Assert.DoesNotContain(Path + "/lost", _living.Keys);
    }

    [Theory]
    [InlineData(200, "")]
    [InlineData(200, "[]")]
    [InlineData(200, "{}")]
    [InlineData(200, """{"lease_id":"a","data":{}}""")]
    [InlineData(200, """{"lease_id":"a","data":null}""")]
    [InlineData(200, """{"lease_id":"a\nb","data":{"token":"t"}}""")]
    [InlineData(200, """{"lease_id":7,"data":{"token":"t"}}""")]
    [InlineData(204, "")]
    [InlineData(307, "{}")]
    [InlineData(403, """{"errors":["permission denied"]}""")]
    [InlineData(404, """{"errors":[]}""")]
    [InlineData(503, "sealed")]
    public async Task WhateverElseIsAnsweredIsNoCredential(int status, string body)
    {
        // Proves that a vault that fails gives nothing.
        using VaultBroker broker = Broker(VaultLogin.Token);
        _server.Script = _ => Task.FromResult(ScriptedServer.Answer(status, body));
        Lending lending = await broker.LendAsync(Request(), CancellationToken.None);
        Assert.Null(lending.Secret);
        Assert.StartsWith("the vault 'vault' ", lending.Fault, StringComparison.Ordinal);
        Assert.Empty(_store.Held);
    }

    [Fact]
    public async Task APlainSecretHasNoLease()
    {
        // Proves the second version of the store of plain secrets, whose fields are one level deeper, and the first.
        using VaultBroker broker = Broker(VaultLogin.Token);
        foreach (string body in (string[])[
            """{"lease_id":"","data":{"data":{"token":"k"},"metadata":{"version":3}}}""", """{"data":{"token":"k"}}"""])
        {
            _server.Script = _ => Task.FromResult(ScriptedServer.Answer(200, body));
            LentSecret secret = await LentAsync(broker);
            Assert.Equal("k", Encoding.ASCII.GetString(secret.Field("token")));
            Assert.Null(secret.GiveBack);
        }

        Assert.Empty(_store.Held);
    }

    private static LendRequest Request(bool isWrapped = false) => OAuthBrokerTests.Request(
        new CredentialTerms(CredentialBroker.Vault, "billing", TimeSpan.FromSeconds(30), TimeSpan.Zero)
        {
            From = "vault", Path = Path, IsWrapped = isWrapped,
        });

    private static async Task<LentSecret> LentAsync(VaultBroker broker, bool isWrapped = false)
    {
        Lending lending = await broker.LendAsync(Request(isWrapped), TestContext.Current.CancellationToken);
        Assert.Equal("", lending.Fault);
        return lending.Secret!;
    }

    private static async Task UntilAsync(Func<bool> isSo)
    {
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(30));
        while (!isSo()) await Task.Delay(5, patience.Token);
    }

    private VaultBroker Broker(VaultLogin login) => new(
        new VaultOptions("vault", new Uri("https://vault.test"), login, () => "root-secret"u8.ToArray())
        {
            Role = "r-1", Namespace = "team-1",
        },
        _http, _leases, _clock);

    // As much of a vault as the gateway meets.
    private HttpResponseMessage Answer(Asked asked)
    {
        if (asked.Path.EndsWith("/login", StringComparison.Ordinal))
        {
            return ScriptedServer.Answer(
                200, $$"""{ "auth": { "client_token": "t-{{++_logins}}", "lease_duration": 100 } }""");
        }

        string token = asked.Fields.GetValueOrDefault("X-Vault-Token", "");
        if (token != "root-secret" && token != "t-" + _logins) return ScriptedServer.Answer(403, "{}");
        if (asked.Path.EndsWith("/revoke-accessor", StringComparison.Ordinal)) return ScriptedServer.Answer(204, "");
        if (asked.Path == "/v1/sys/leases/revoke")
        {
            using JsonDocument body = JsonDocument.Parse(asked.Body);
            return _living.TryRemove(body.RootElement.GetProperty("lease_id").GetString()!, out _)
                ? ScriptedServer.Answer(204, "")
                : ScriptedServer.Answer(400, """{"errors":["lease not found"]}""");
        }

        if (asked.Fields.ContainsKey("X-Vault-Wrap-TTL"))
            return ScriptedServer.Answer(200, """{"wrap_info":{"token":"wrap-token","accessor":"acc-1","ttl":30}}""");
        int number = Interlocked.Increment(ref _count);
        string lease = $"{Path}/{number}";
        _living[lease] = 0;
        return ScriptedServer.Answer(200, $$"""
            {"lease_id":"{{lease}}","lease_duration":60,"data":{"username":"user-{{number}}","password":"p"} }
            """);
    }

    /// <summary>Notes of leases in memory.</summary>
    private sealed class InMemoryLeases : ILeaseStore
    {
        internal ConcurrentDictionary<HeldLease, string> Held { get; } = new();

        internal HashSet<string> Silent { get; } = [];

        internal bool IsAway { get; set; }

        public ValueTask<StoreStatus> NoteAsync(HeldLease lease, string start)
        {
            if (IsAway) return new(StoreStatus.Unavailable);
            Held[lease] = start;
            return new(StoreStatus.Ok);
        }

        public ValueTask<StoreStatus> ForgetAsync(HeldLease lease)
        {
            Held.TryRemove(lease, out _);
            return new(StoreStatus.Ok);
        }

        public ValueTask<StoreResult<IReadOnlyList<HeldLease>>> OrphansAsync(TimeSpan silent) => new(
            new StoreResult<IReadOnlyList<HeldLease>>(
                StoreStatus.Ok, [.. Held.Where(one => Silent.Contains(one.Value)).Select(one => one.Key)]));
    }
}
