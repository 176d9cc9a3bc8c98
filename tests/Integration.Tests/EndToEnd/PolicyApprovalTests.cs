using System.Globalization;
using System.Text.Json.Nodes;
using Countersign.Integration.Tests.Store;
using Xunit;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>Changes of policy that take two people, by the real program on a real store.</summary>
public sealed class PolicyApprovalTests(RedisServer redis) : IClassFixture<RedisServer>, IAsyncLifetime
{
    private const string Path = "/api/v1/policies";

    private Backends _backends = null!;
    private ServeSetup _setup = null!;
    private CountersignProcess? _gateway;
    private GatewayClient? _client;

    private GatewayClient Client => _client!;

    public async ValueTask InitializeAsync()
    {
        await redis.CommandAsync("FLUSHALL");
        _backends = await Backends.StartAsync();
        _setup = new ServeSetup(_backends.Issuer, Backends.Audience, ServeSetup.Policy(_backends.Upstream));
        await StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _client?.Dispose();
        if (_gateway is not null) await _gateway.DisposeAsync();
        await _backends.DisposeAsync();
        _setup.Dispose();
    }

    [Fact]
    public async Task A_version_is_in_force_once_another_person_approves_it()
    {
        // Proves the two people, by a publication that the author and a stranger cannot approve, and a lead can.
        Answer asked = await PublishAsync("# two\n");
        Assert.Equal(202, asked.Status);
        Assert.Equal(("2", "pending"), (asked["version"], asked["state"]));
        string path = "/api/v1/approvals/" + asked["approval"];
        Assert.Equal((Client.Control + path, path), (asked["status_url"], asked.Header("Location")));
        Assert.Equal("1", await CurrentAsync());
        Answer shown = await Client.ControlAsync("bob", "GET", "/api/v1/approvals/" + asked["approval"]);
        Assert.Equal(("countersign.policy.publish", "critical"), (shown["function"], shown["risk"]));
        JsonNode arguments = shown.Body["arguments"]!;
        Assert.Equal("2", arguments["proposed"]!["version"]!.ToString());
        Assert.Equal("1", arguments["in_force"]!["version"]!.ToString());
        Assert.Equal(
            "duty-conflict", (await Client.DecideAsync("olga", asked["approval"], asked["digest"])).Problem);
        Assert.Equal(
            "not-found", (await Client.DecideAsync("alice", asked["approval"], asked["digest"])).Problem);
        Answer decided = await Client.DecideAsync("bob", asked["approval"], asked["digest"]);
        Assert.Equal((200, "executed"), (decided.Status, decided["state"]));
        Assert.Equal("2", await CurrentAsync());

        Answer back = await Client.ControlAsync("olga", "POST", Path + "/1/activate");
        Assert.Equal(202, back.Status);
        Answer denied = await Client.DecideAsync("bob", back["approval"], back["digest"], "deny");
        Assert.Equal("denied", denied["state"]);
        Assert.Equal("2", await CurrentAsync());
        Assert.Equal("policy-conflict", (await Client.ControlAsync("olga", "POST", Path + "/2/activate")).Problem);
        Answer never = await PublishAsync("# third\n");
        Assert.Equal("pending,in-force,was-in-force", await StatesAsync());
        await Client.DecideAsync("bob", never["approval"], never["digest"], "deny");
        Assert.Equal("denied,in-force,was-in-force", await StatesAsync());
    }

    [Fact]
    public async Task What_was_compared_with_another_version_is_void()
    {
        // Proves the exact base, by two proposals over one version of which the second is approved first.
        DateTimeOffset began = TimeProvider.System.GetUtcNow().AddMinutes(-1);
        Answer first = await PublishAsync("# first\n"), second = await PublishAsync("# second\n");
        Assert.Equal(
            "executed", (await Client.DecideAsync("bob", second["approval"], second["digest"]))["state"]);
        Answer late = await Client.DecideAsync("bob", first["approval"], first["digest"]);
        Assert.Equal((409, "policy-conflict"), (late.Status, late.Problem));
        Assert.Equal(second["version"], await CurrentAsync());
        Answer expired = await Client.ControlAsync("bob", "GET", "/api/v1/approvals/" + first["approval"]);
        Assert.Equal("expired", expired["state"]);

        // It ended when it became void, and not when an approval that could be used would have.
        DateTimeOffset ended = DateTimeOffset.Parse(expired["expires_at"], CultureInfo.InvariantCulture);
        Assert.InRange(ended, began, TimeProvider.System.GetUtcNow().AddMinutes(1));
    }

    [Fact]
    public async Task A_proposal_outlives_the_gateway_and_the_command_says_what_it_waits_for()
    {
        // Proves restarts and the command line, by a publication before a restart and an approval after it; the reason
        // arrives as it was written.
        string file = System.IO.Path.Combine(_setup.Folder, "next.yaml");
        await File.WriteAllTextAsync(
            file, ServeSetup.Policy(_backends.Upstream) + "# next\n", TestContext.Current.CancellationToken);
        CommandEnd published = await CommandAsync("policy", "publish", file, "--reason", "@oncall asked");
        Assert.Equal((5, ""), (published.ExitCode, published.Errors.Trim()));
        Assert.Contains("another person of finance-leads", published.Output, StringComparison.Ordinal);
        await _gateway!.StopAsync();
        await _gateway.DisposeAsync();
        await StartAsync();
        JsonObject pending = await Client.PendingAsync("bob", "@oncall asked");
        string id = pending["id"]!.ToString();
        Assert.Contains(id, published.Output, StringComparison.Ordinal);
        Answer decided = await Client.DecideAsync("bob", id, pending["digest"]!.ToString());
        Assert.Equal("executed", decided["state"]);
        Assert.Equal("2", await CurrentAsync());

        Task<CommandEnd> waiting = CommandAsync("policy", "rollback", "--wait", "--reason", "back again");
        JsonObject back = await Client.PendingAsync("bob", "back again");
        await Client.DecideAsync("bob", back["id"]!.ToString(), back["digest"]!.ToString());
        Assert.Equal(0, (await waiting).ExitCode);
        Assert.Equal("1", await CurrentAsync());
    }

    [Fact]
    public async Task Who_approves_is_shown_whom_observing_lets_through()
    {
        // Proves that the approver's own view names everybody whom a policy in observe would let through, unmasked.
        string policy = ServeSetup.Policy(_backends.Upstream);
        Answer asked = await Client.PublishAsync("olga", policy + "\nmode: observe\n");
        Assert.True(asked.Status == 202, asked.Text);
        Answer shown = await Client.ControlAsync("bob", "GET", "/api/v1/approvals/" + asked["approval"]);
        JsonNode diff = shown.Body["arguments"]!["diff"]!;
        Assert.True((bool)diff["loosens"]! && (bool)diff["whole"]!);
        JsonNode everybody = Assert.Single(diff["access"]!.AsArray(), one => one!["anybody"] is not null)!;
        Assert.Equal("loosens", (string)everybody["weight"]!);
        string[] named = [.. everybody["anybody"]!.AsArray().Select(group => (string)group!)];
        Assert.Contains("contractors", named);
        Assert.Contains("finance-leads", named);
        Assert.Contains("billing.reset", everybody["functions"]!.AsArray().Select(one => (string)one!));
    }

    [Fact]
    public async Task No_command_goes_round_the_approvers_by_the_store()
    {
        // Proves that a policy which is there is not replaced straight in the store, by either option and whatever the
        // configuration that is named says of approvers; and that the first policy of a store may be put there.
        string file = System.IO.Path.Combine(_setup.Folder, "next.yaml");
        string policy = ServeSetup.Policy(_backends.Upstream) + "# next\n";
        await File.WriteAllTextAsync(file, policy, TestContext.Current.CancellationToken);
        string[][] ways =
        [
            ["--store", redis.Connection], ["--store", redis.Connection, "--expect", "1"],
            ["--config", _setup.ConfigurationFile],
        ];
        foreach (string[] way in ways)
        {
            Dictionary<string, string> settings = new() { ["COUNTERSIGN__STORE__REDIS"] = redis.Connection };
            CommandEnd refused = await CountersignProcess.RunAsync(settings, ["policy", "publish", file, .. way]);
            Assert.Equal(way.Length > 2 ? 2 : 1, refused.ExitCode);
            Assert.Contains("through the control API alone", refused.Errors, StringComparison.Ordinal);
        }

        Assert.Equal("1", await CurrentAsync());

        // A gateway that runs would give the store its policy back.
        await _gateway!.StopAsync();
        await redis.CommandAsync("FLUSHALL");
        CommandEnd first = await CountersignProcess.RunAsync(
            [], ["policy", "publish", file, "--store", redis.Connection, "--author", "olga"]);
        Assert.Equal((0, ""), (first.ExitCode, first.Errors.Trim()));
    }

    private async Task StartAsync()
    {
        _gateway = await _setup.StartAsync(
            redis.Connection, "audit", ("POLICY__APPROVERS__0", "finance-leads"));
        _client?.Dispose();
        _client = new(
            _gateway.Ready["data"]!.ToString(), _gateway.Ready["control"]!.ToString(), _backends.TokenOf);
    }

    private Task<Answer> PublishAsync(string comment) =>
        Client.PublishAsync("olga", ServeSetup.Policy(_backends.Upstream) + comment);

    private async Task<string> StatesAsync() => string.Join(
        ',', (await Client.ControlAsync("olga", "GET", Path)).Body["items"]!.AsArray().Select(one => one!["state"]));

    private async Task<string> CurrentAsync() => (await Client.ControlAsync("olga", "GET", Path))["current"];

    private Task<CommandEnd> CommandAsync(params string[] arguments) => CountersignProcess.RunAsync(
        new Dictionary<string, string> { ["COUNTERSIGN_TOKEN"] = _backends.TokenOf("olga") },
        [.. arguments, "--control", Client.Control]);
}
