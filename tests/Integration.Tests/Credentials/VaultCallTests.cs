using Countersign.Integration.Tests.EndToEnd;
using Countersign.Integration.Tests.Store;
using Xunit;

namespace Countersign.Integration.Tests.Credentials;

/// <summary>The real program before a vault: a user for each call, gone with it or with its gateway.</summary>
public sealed class VaultCallTests : IAsyncLifetime
{
    private readonly RedisServer _redis = new();
    private readonly List<CountersignProcess> _gateways = [];
    private ScriptedVault _vault = null!;
    private Backends _backends = null!;
    private ServeSetup _setup = null!;

    public async ValueTask InitializeAsync()
    {
        await _redis.StartAsync();
        _vault = await ScriptedVault.StartAsync();
        _backends = await Backends.StartAsync();
        _setup = new ServeSetup(_backends.Issuer, Backends.Audience, ServeSetup.Policy(
            _backends.Upstream,
            $"  ledger: {{ endpoints: [\"{_vault.Address}\"], credential: "
                + "{ broker: vault, from: VAULT, path: database/creds/ledger, form: basic } }\n",
            "  ledger.get: { upstream: ledger, method: GET, path: \"/ledger/{id}\", risk: critical }\n",
            "  - { id: ledger, subjects: { groups: [support] }, functions: [ledger.get], effect: allow }\n"));
        await File.WriteAllTextAsync(Path.Combine(_setup.Folder, "vault.secret-id"), "vault-secret-id\n");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (CountersignProcess gateway in _gateways) await gateway.DisposeAsync();
        await _vault.DisposeAsync();
        await _backends.DisposeAsync();
        _setup.Dispose();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task A_user_lives_as_long_as_its_call_and_no_longer_than_its_gateway()
    {
        // Proves a dynamic secret end to end: each call has a user of its own that is gone soon after the answer; one
        // whose gateway is killed under it is revoked by the other; and the audit names the lease, not the password.
        (CountersignProcess doomed, GatewayClient first) = await StartAsync("doomed");
        (_, GatewayClient second) = await StartAsync("living");
        Answer one = await first.CallAsync("alice", "GET", "/ledger/1");
        Answer two = await second.CallAsync("alice", "GET", "/ledger/2");
        Assert.Equal((200, 200), (one.Status, two.Status));
        Assert.NotEqual(one["user"], two["user"]);
        await Until.TrueAsync(() => Task.FromResult(_vault.Living == 0));

        Task<Answer> held = first.CallAsync("alice", "GET", "/ledger/held");
        await _vault.Held.WaitAsync(CountersignProcess.PatienceMax, TestContext.Current.CancellationToken);
        Assert.Equal(1, _vault.Living);
        await doomed.KillAsync();
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => held);
        Assert.Equal(1, _vault.Living);
        await Until.TrueAsync(() => Task.FromResult(_vault.Living == 0), TimeSpan.FromSeconds(120));
        Assert.Equal(200, (await second.CallAsync("alice", "GET", "/ledger/3")).Status);
        string log = string.Concat(Countersign.Audit.AuditReader.Between(
            _gateways[1].Ready["audit"]!.ToString(), 0, long.MaxValue).Select(
                entry => System.Text.Encoding.UTF8.GetString(entry.Payload.Span)));
        Assert.Contains("vault:VAULT:database/creds/ledger/" + two["user"], log, StringComparison.Ordinal);
        Assert.DoesNotContain("p-" + two["user"], log, StringComparison.Ordinal);
        first.Dispose();
        second.Dispose();
    }

    private async Task<(CountersignProcess Process, GatewayClient Client)> StartAsync(string name)
    {
        CountersignProcess gateway = await _setup.StartAsync(
            _redis.Connection, name, ("GATEWAY__NAME", name), ("CREDENTIALS__BROKERS__VAULT__KIND", "vault"),
            ("CREDENTIALS__BROKERS__VAULT__ADDRESS", _vault.Address),
            ("CREDENTIALS__BROKERS__VAULT__APPROLE__ROLEID", "countersign"),
            ("CREDENTIALS__BROKERS__VAULT__APPROLE__SECRETID", "file:vault.secret-id"));
        _gateways.Add(gateway);
        return (gateway, new(
            gateway.Ready["data"]!.ToString(), gateway.Ready["control"]!.ToString(), _backends.TokenOf));
    }
}
