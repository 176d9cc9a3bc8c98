using System.Text.Json;
using Countersign.Kit;

namespace Countersign.DataPlane.Tests.Calls;

/// <summary>Calls under a policy, or a rule, that only observes; and calls that find their function by host.</summary>
public sealed class ObserveTests
{
    private const string Head = """
        apiVersion: countersign/v1
        upstreams: { up: { endpoints: ["http://up.test"], credential: { broker: none } } }
        functions:
          f.get: { upstream: up, method: GET, path: /f, risk: low }
          f.there: { upstream: up, method: GET, path: /f, risk: low, hosts: ["*.there.test"] }
        rules:
          - { id: free, subjects: { groups: [support] }, functions: ["*"], effect: allow }
          - { id: never, subjects: { groups: [never] }, functions: ["*"], effect: deny }
          - { id: tried, subjects: { groups: [tried] }, functions: ["*"], effect: deny, mode: observe }
          - id: asked
            subjects: { groups: [asked] }
            functions: [f.get]
            effect: approve
            mode: observe
            approval: { stages: [{ groups: [leads], count: 1 }] }

        """;

    // Proves that a policy in observe lets through what it would deny and pause, by rule and by default, that it writes
    // both down, and that who has no token, or asks for what is no function, is refused all the same.
    [Fact]
    public async Task A_policy_in_observe_lets_through_and_writes_down()
    {
        await using MemoryGateway gateway = new(Head + "mode: observe\n");
        gateway.Upstream.Reply = _ => ScriptedUpstream.Json("{}");
        MemoryClient client = gateway.Connect();
        string[][] callers = [["never"], ["nobody"], ["asked"], ["support"]];
        foreach (string[] groups in callers)
        {
            Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/f", groups: groups))).Status);
        }

        Assert.Equal(404, (await client.CallAsync(Requests.Get(gateway, "/g"))).Status);
        Assert.Equal(401, (await client.CallAsync("GET /f HTTP/1.1\r\nHost: h\r\n\r\n")).Status);
        string[] said = [.. (await gateway.CloseAuditAsync()).Where(IsOutcome).Take(4).Select(Say)];
        Assert.Equal(["deny never allow", "deny  allow", "approve asked allow", "allow free "], said);
    }

    // Proves that a rule in observe lets through what it would pause, does not deny what it would deny, and opens
    // nothing that another rule denies; and that the log says what it would have done.
    [Fact]
    public async Task A_rule_in_observe_opens_nothing_that_another_denies()
    {
        await using MemoryGateway gateway = new(Head);
        gateway.Upstream.Reply = _ => ScriptedUpstream.Json("{}");
        MemoryClient client = gateway.Connect();
        (string[] Groups, int Status)[] calls =
            [(["asked"], 200), (["tried", "support"], 200), (["tried"], 403), (["asked", "never"], 403)];
        foreach ((string[] groups, int status) in calls)
        {
            Assert.Equal(status, (await client.CallAsync(Requests.Get(gateway, "/f", groups: groups))).Status);
        }

        string[] said = [.. (await gateway.CloseAuditAsync()).Where(IsOutcome).Select(Say)];
        Assert.Equal(["approve asked allow", "deny tried allow", "deny  ", "deny never "], said);
    }

    // Proves that the Host field chooses the function, without regard to case.
    [Fact]
    public async Task The_host_chooses_the_function()
    {
        await using MemoryGateway gateway = new(Head);
        gateway.Upstream.Reply = _ => ScriptedUpstream.Json("{}");
        string here = Requests.Get(gateway, "/f");
        string there = here.Replace("Host: gateway.test", "Host: EU.There.test:8080", StringComparison.Ordinal);
        MemoryClient client = gateway.Connect();
        Assert.Equal(200, (await client.CallAsync(here)).Status);
        Assert.Equal(200, (await client.CallAsync(there)).Status);
        string?[] functions = [.. (await gateway.CloseAuditAsync()).Where(IsOutcome)
            .Select(one => one.GetProperty("function").GetString())];
        Assert.Equal(["f.get", "f.there"], functions);
    }

    private static bool IsOutcome(JsonElement record) => record.GetProperty("type").GetString() == "outcome";

    private static string Say(JsonElement record) =>
        string.Join(' ', new[] { "decision", "rule", "enforced" }.Select(name =>
            record.TryGetProperty(name, out JsonElement value) ? value.GetString() : ""));
}
