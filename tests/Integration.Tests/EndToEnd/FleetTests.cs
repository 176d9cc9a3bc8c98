using System.Text.Json.Nodes;
using Xunit;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>How a fleet shows itself.</summary>
public sealed class FleetTests(FleetWorld world) : IClassFixture<FleetWorld>
{
    [Fact]
    public async Task Each_gateway_reports_itself_and_the_version_it_runs()
    {
        // Proves the fleet's view, by two gateways, a publication, and the command that waits for both to run it.
        Answer published = await world.A.PublishAsync("olga", ServeSetup.Policy(world.Upstream) + "# again\n");
        Assert.Equal(201, published.Status);
        CommandEnd waited = await NodesAsync("--wait", "--timeout", "20", "--json");
        Assert.Equal((0, ""), (waited.ExitCode, waited.Errors.Trim()));
        JsonNode fleet = JsonNode.Parse(waited.Output)!;
        Assert.Equal(published["version"], fleet["policy_version"]!.ToString());
        JsonObject[] nodes = [.. fleet["items"]!.AsArray().Select(node => node!.AsObject())];
        Assert.Equal(["audit-a", "audit-b"], nodes.Select(node => node["name"]!.ToString()));
        Assert.All(nodes, node =>
        {
            Assert.Equal("current", node["state"]!.ToString());
            Assert.Equal(published["sha256"], node["policy_sha256"]!.ToString());
            Assert.Equal(["data", "control"], node["roles"]!.AsArray().Select(role => role!.ToString()));
            Assert.Empty(node["alarms"]!.AsArray());
        });
        Assert.Equal(world.A.Data, nodes[0]["data"]!.ToString());
        Assert.Equal(world.B.Control, nodes[1]["control"]!.ToString());

        CommandEnd table = await NodesAsync();
        string[] lines = table.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal($"policy {published["version"]} runs on 2 of 2", lines[0]);
        Assert.StartsWith("NODE ", lines[1], StringComparison.Ordinal);
        Assert.StartsWith("audit-a  current  " + published["version"], lines[2], StringComparison.Ordinal);
        Assert.Equal(403, (await world.A.ControlAsync("alice", "GET", "/api/v1/nodes")).Status);
    }

    [Fact]
    public async Task A_limit_is_the_fleets()
    {
        // Proves one bucket for two gateways, by calls to both in turn until both refuse.
        const string Functions = """
              billing.counted:
                { upstream: billing, method: GET, path: "/billing/{account}", hosts: [counted.test], risk: low }

            """;
        const string Rules = """
              - { id: counted, subjects: { groups: [support] }, functions: [billing.counted], effect: allow }

            """;
        const string Limits = """

            limits:
              - { id: counted, functions: [billing.counted], per: caller, rate: 6/h, burst: 6 }

            """;
        string policy = ServeSetup.Policy(world.Upstream, "", Functions, Rules) + Limits;
        Assert.Equal(201, (await world.A.PublishAsync("olga", policy)).Status);
        Assert.Equal(0, (await NodesAsync("--wait")).ExitCode);
        List<Answer> answers = [];
        for (int call = 0; call < 10; call++)
        {
            answers.Add(await (call % 2 == 0 ? world.A : world.B).CallAsync(
                "alice", "GET", "/billing/42", null, ("Host", "counted.test")));
        }

        Assert.Equal([200, 200, 200, 200, 200, 200, 429, 429, 429, 429], answers.Select(answer => answer.Status));
        Assert.Equal("\"counted\";q=6;w=3600", answers[0].Header("RateLimit-Policy"));
        Assert.Equal("\"counted\";r=5;t=600", answers[0].Header("RateLimit"));
        Assert.Equal("rate-limited", answers[9].Problem);
        Assert.InRange(int.Parse(answers[9].Header("Retry-After"), null), 500, 600);
    }

    private Task<CommandEnd> NodesAsync(params string[] more) => CountersignProcess.RunAsync(
        new Dictionary<string, string> { ["COUNTERSIGN_TOKEN"] = world.TokenOf("olga") },
        ["nodes", "--control", world.B.Control, .. more]);
}
