using System.Text.Json.Nodes;
using Xunit;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>Agents that act for a person by a token of the exchange: who acted is known from the ask to the audit, and
/// no agent's approval is another's.</summary>
public sealed class ActingAgentTests : IAsyncLifetime
{
    private const string AccessToken = "urn:ietf:params:oauth:token-type:access_token";
    private const string Refund = """{"amount":250,"currency":"EUR"}""";

    private readonly Dictionary<string, string> _tokens = new(StringComparer.Ordinal);
    private Backends _backends = null!;
    private ServeSetup _setup = null!;
    private CountersignProcess _gateway = null!;
    private GatewayClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        _backends = await Backends.StartAsync();
        _setup = new ServeSetup(_backends.Issuer, Backends.Audience, ServeSetup.Policy(_backends.Upstream));
        _gateway = await _setup.StartAsync("embedded");
        _client = new GatewayClient(
            _gateway.Ready["data"]!.ToString(), _gateway.Ready["control"]!.ToString(),
            who => _tokens.TryGetValue(who, out string? token) ? token : _backends.TokenOf(who));
        _tokens["first"] = await ExchangeAsync("agent-9");
        _tokens["second"] = await ExchangeAsync("ci-deploy");
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _gateway.DisposeAsync();
        await _backends.DisposeAsync();
        _setup.Dispose();
    }

    [Fact]
    public async Task One_agent_never_handles_what_another_of_the_same_person_asked_for()
    {
        // Proves over what the exchange gave two agents of alice: the second neither sees, nor waits for, nor cancels,
        // nor fetches, nor uses what the first asked for; alice sees and cancels it, but cannot use it; the approver is
        // shown who acts; the function's credential and the audit name the agent.
        Answer asked = await _client.CallAsync("first", "POST", "/billing/71/refunds", Refund);
        Assert.Equal(428, asked.Status);
        string status = "/.countersign/approvals/" + asked["approval"];
        string api = "/api/v1/approvals/" + asked["approval"];
        Assert.Equal(404, (await _client.CallAsync("second", "GET", status)).Status);
        Assert.Equal(404, (await _client.CallAsync("second", "GET", status + "/outcome")).Status);
        Assert.Equal(404, (await _client.CallAsync("second", "DELETE", status)).Status);
        Assert.Equal(404, (await _client.CallAsync("agent-9", "GET", status)).Status);
        Assert.Equal(404, (await _client.ControlAsync("second", "GET", api)).Status);
        Assert.Equal(404, (await _client.ControlAsync("second", "POST", api + "/cancel", "{}")).Status);
        foreach (string who in new[] { "first", "alice" })
        {
            Answer seen = await _client.CallAsync(who, "GET", status);
            Assert.Equal((200, "pending"), (seen.Status, seen["state"]));
            Assert.Equal(200, (await _client.ControlAsync(who, "GET", api)).Status);
        }

        Answer shown = await _client.ControlAsync("carol", "GET", api);
        JsonNode caller = shown.Body["caller"]!;
        Assert.Equal(("alice", "agent"), (caller["subject"]!.ToString(), caller["kind"]!.ToString()));
        Assert.Equal("agent-9", caller["actor"]!["subject"]!.ToString());
        Assert.Equal(_backends.Issuer, caller["actor"]!["issuer"]!.ToString());
        Assert.Equal("approved", (await _client.DecideAsync("carol", asked["approval"], asked["digest"]))["state"]);

        (string Name, string Value) names = ("Countersign-Approval", asked["approval"]);
        foreach (string who in new[] { "second", "alice" })
        {
            Answer taken = await _client.CallAsync(who, "POST", "/billing/71/refunds", Refund, names);
            Assert.Equal((409, "approval-mismatch"), (taken.Status, taken.Problem));
        }

        Answer called = await _client.CallAsync("first", "POST", "/billing/71/refunds", Refund, names);
        Assert.Equal(201, called.Status);
        await AssertLentAndLoggedAsync(asked["approval"]);
    }

    [Fact]
    public async Task A_person_cancels_what_their_agent_asked_for()
    {
        // Proves that alice ends it on either listener, and that her agent is told so.
        foreach (string account in new[] { "72", "73" })
        {
            Answer asked = await _client.CallAsync("first", "POST", $"/billing/{account}/refunds", Refund);
            string status = "/.countersign/approvals/" + asked["approval"];
            Answer ended = account == "72"
                ? await _client.CallAsync("alice", "DELETE", status)
                : await _client.ControlAsync("alice", "POST", $"/api/v1/approvals/{asked["approval"]}/cancel", "{}");
            Assert.Equal((200, "cancelled"), (ended.Status, ended["state"]));
            Assert.Equal("cancelled", (await _client.CallAsync("first", "GET", status))["state"]);
        }
    }

    [Fact]
    public async Task A_key_is_the_acting_agents_own()
    {
        // Proves that one key in three hands is three approvals, and that each is answered with their own call alone.
        (string, string) key = ("Idempotency-Key", "shared");
        string[] hands = ["first", "second", "alice"];
        Dictionary<string, string> approvals = [];
        foreach (string who in hands)
        {
            Answer asked = await _client.CallAsync(who, "POST", "/billing/74/refunds", Refund, key);
            Assert.Equal(428, asked.Status);
            await _client.DecideAsync("carol", asked["approval"], asked["digest"]);
            approvals.Add(who, asked["approval"]);
        }

        Assert.Equal(3, approvals.Values.Distinct().Count());
        foreach (string who in (string[])[.. hands, .. hands])
            Assert.Equal(201, (await _client.CallAsync(who, "POST", "/billing/74/refunds", Refund, key)).Status);
        JsonArray all = (await _client.GetAsync(_backends.Upstream + "/_seen")).Body["requests"]!.AsArray();
        foreach (string approval in approvals.Values)
            Assert.Single(all, one => one!["idempotency_key"]!.ToString() == approval);
    }

    private async Task AssertLentAndLoggedAsync(string approval)
    {
        JsonArray all = (await _client.GetAsync(_backends.Upstream + "/_seen")).Body["requests"]!.AsArray();
        JsonNode seen = Assert.Single(all, one => one!["idempotency_key"]!.ToString() == approval)!;
        Answer keys = await _client.GetAsync(_client.Control + "/oauth/jwks");
        JsonNode act = LentToken.Verify(seen["authorization"]!.ToString(), keys.Body)["act"]!;
        Assert.Equal(("agent-9", "agent"), (act["sub"]!.ToString(), act["kind"]!.ToString()));
        Assert.Equal("alice", act["act"]!["sub"]!.ToString());
        Answer found = await _client.ControlAsync(
            "olga", "GET", "/api/v1/audit/calls?caller=agent-9&verdict=ok&function=billing.refund");
        JsonNode record = Assert.Single(found.Body["items"]!.AsArray())!;
        Assert.Equal("alice", record["caller"]!["sub"]!.ToString());
        Assert.Equal("agent-9", record["caller"]!["act"]!["sub"]!.ToString());
        Answer story = await _client.ControlAsync("olga", "GET", "/api/v1/audit/calls/" + record["call"]);
        Assert.Contains("agent-9 with the token of alice", story.Body.ToJsonString(), StringComparison.Ordinal);
    }

    private async Task<string> ExchangeAsync(string agent)
    {
        using HttpClient http = new();
        using FormUrlEncodedContent form = new(
        [
            new("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            new("subject_token", _backends.TokenOf("alice")), new("subject_token_type", AccessToken),
            new("actor_token", _backends.TokenOf(agent)), new("actor_token_type", AccessToken),
        ]);
        using HttpResponseMessage answer = await http.PostAsync(
            _client.Control + "/oauth/token", form, TestContext.Current.CancellationToken);
        string body = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(answer.IsSuccessStatusCode, body);
        return JsonNode.Parse(body)!["access_token"]!.ToString();
    }
}
