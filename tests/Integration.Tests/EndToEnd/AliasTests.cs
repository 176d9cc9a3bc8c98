using System.Text.Json.Nodes;
using Xunit;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>One human with two accounts, by the real program.</summary>
public sealed class AliasTests : IAsyncLifetime
{
    private Backends _backends = null!;
    private ServeSetup _setup = null!;
    private CountersignProcess? _gateway;
    private GatewayClient? _client;

    private GatewayClient Client => _client!;

    public async ValueTask InitializeAsync()
    {
        _backends = await Backends.StartAsync();
        _setup = new ServeSetup(_backends.Issuer, Backends.Audience, ServeSetup.Policy(_backends.Upstream));
    }

    public async ValueTask DisposeAsync()
    {
        _client?.Dispose();
        if (_gateway is not null) await _gateway.DisposeAsync();
        await _backends.DisposeAsync();
        _setup.Dispose();
    }

    [Fact]
    public async Task An_alias_does_not_let_its_own_call_happen()
    {
        // Proves it both ways a list names accounts, by a person and a job whose approvers are other accounts of them,
        // and that one who is nobody's alias may approve.
        await StartAsync($$"""{ "a.smith": ["alice", "{{_backends.Issuer}}|carol"], "bob": ["dave"] }""");
        Answer asked = await Client.CallAsync("alice", "POST", "/billing/42/reset");
        Assert.Equal(428, asked.Status);
        Answer own = await Client.DecideAsync("carol", asked["approval"], asked["digest"]);
        Assert.Equal((403, "duty-conflict"), (own.Status, own.Problem));
        Answer shown = await Client.ControlAsync("bob", "GET", "/api/v1/approvals/" + asked["approval"]);
        JsonNode caller = shown.Body["caller"]!;
        Assert.Equal(("alice", "[\"a.smith\"]"), (caller["subject"]!.ToString(), caller["chain"]!.ToJsonString()));
        Assert.Equal(428, (await Client.CallAsync("alice", "POST", "/billing/42/reset")).Status);
        Assert.Equal(200, (await Client.DecideAsync("bob", asked["approval"], asked["digest"])).Status);
        Assert.Equal(200, (await Client.CallAsync("alice", "POST", "/billing/42/reset")).Status);

        Answer job = await Client.CallAsync("ci-deploy", "POST", "/billing/43/reset");
        Answer owner = await Client.DecideAsync("bob", job["approval"], job["digest"]);
        Assert.Equal((403, "duty-conflict"), (owner.Status, owner.Problem));
        Assert.Equal(200, (await Client.DecideAsync("carol", job["approval"], job["digest"])).Status);
    }

    [Fact]
    public async Task A_list_that_can_be_read_in_two_ways_starts_nothing()
    {
        // Proves that every error of the list is told and nothing starts, by an account of two people and a cycle.
        Write("""{ "alice": ["x", "bob"], "bob": ["x", "alice"] }""");
        CommandEnd end = await CountersignProcess.RunAsync("serve", "--config", _setup.ConfigurationFile);
        Assert.Equal(2, end.ExitCode);
        string[] said = end.Errors.Split("countersign: identity.aliases: ")[1..];
        Assert.Equal(3, said.Length);
        Assert.Contains(
            said, one => one.Contains("'x' is listed for 'alice' and for 'bob'", StringComparison.Ordinal));
        Assert.Equal(2, said.Count(one => one.Contains("is a person of the list", StringComparison.Ordinal)));
    }

    private void Write(string aliases) => File.WriteAllText(
        _setup.ConfigurationFile,
        File.ReadAllText(_setup.ConfigurationFile).Replace(
            "\"identity\": {", "\"identity\": { \"aliases\": " + aliases + ",", StringComparison.Ordinal));

    private async Task StartAsync(string aliases)
    {
        Write(aliases);
        _gateway = await _setup.StartAsync("embedded");
        _client = new(
            _gateway.Ready["data"]!.ToString(), _gateway.Ready["control"]!.ToString(), _backends.TokenOf);
    }
}
