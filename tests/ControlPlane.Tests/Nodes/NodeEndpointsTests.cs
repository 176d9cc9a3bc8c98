using System.Text;
using System.Text.Json;
using Countersign.ControlPlane.Nodes;
using Countersign.Policy.Redis;

namespace Countersign.ControlPlane.Tests.Nodes;

public sealed class NodeEndpointsTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Each_node_is_told_with_its_state()
    {
        // Proves the states and their order; by a node of each kind, and one that is lost with an alarm.
        JsonElement fleet = Told(
            new Fleet(7,
            [
                Node("a", 7), Node("b", 6), Node("c", 7, isDraining: true), Node("d", 7, "policy-damaged"),
                Node("e", 3, "audit-faulted", silence: 10),
            ]));
        Assert.Equal(
            ["current", "behind", "draining", "alarm", "lost"],
            fleet.GetProperty("items").EnumerateArray().Select(one => one.GetProperty("state").GetString()));
        Assert.False(fleet.GetProperty("converged").GetBoolean());
        Assert.Equal(7, fleet.GetProperty("policy_version").GetInt64());
        Assert.Equal(
            "{\"name\":\"a\",\"instance\":\"a\",\"state\":\"current\",\"roles\":[\"data\"],"
            + "\"data\":\"http://a\",\"control\":null,"
            + "\"build\":\"\",\"policy_version\":7,\"policy_sha256\":\"\",\"policy_lag_ms\":0,"
            + "\"started_at\":\"2026-03-01T12:00:00.000Z\",\"last_contact\":\"2026-03-01T12:00:00.000Z\","
            + "\"silent_ms\":0,\"alarms\":[]}",
            fleet.GetProperty("items")[0].GetRawText());
    }

    [Fact]
    public void A_fleet_has_converged_when_every_live_node_runs_the_version_in_force()
    {
        // Proves convergence; by a lost node, which does not count, and by a live one that does.
        Assert.True(Converged(new Fleet(7, [Node("a", 7), Node("b", 6, silence: 11)])));
        Assert.False(Converged(new Fleet(7, [Node("a", 7), Node("b", 6, silence: 9)])));
        Assert.True(Converged(new Fleet(0, [])));
    }

    [Fact]
    public void Another_document_under_the_number_in_force_is_an_alarm()
    {
        // Proves that a number alone is no convergence; by a node that runs a document which the store has lost.
        Fleet fleet = new(7, [Node("a", 7, "audit-faulted"), Node("b", 6)]) { Sha256 = "f00d" };
        JsonElement told = Told(fleet);
        Assert.False(told.GetProperty("converged").GetBoolean());
        Assert.Equal("f00d", told.GetProperty("policy_sha256").GetString());
        Assert.Equal("alarm", told.GetProperty("items")[0].GetProperty("state").GetString());
        Assert.Equal(
            "[\"audit-faulted\",\"policy-diverged\"]",
            told.GetProperty("items")[0].GetProperty("alarms").GetRawText());
        Assert.Equal("behind", told.GetProperty("items")[1].GetProperty("state").GetString());
        FleetNode same = fleet.Nodes[0] with { Report = fleet.Nodes[0].Report with { PolicySha256 = "f00d" } };
        Assert.True(Converged(fleet with { Nodes = [same] }));
    }

    private static bool Converged(Fleet fleet) => Told(fleet).GetProperty("converged").GetBoolean();

    private static JsonElement Told(Fleet fleet) =>
        JsonDocument.Parse(Encoding.UTF8.GetString(NodeEndpoints.Of(fleet).Body.Span)).RootElement;

    private static FleetNode Node(
        string name, long version, string? alarm = null, bool isDraining = false, int silence = 0) => new(
        new NodeReport
        {
            Instance = name,
            Name = name,
            Roles = ["data"],
            Data = "http://" + name,
            StartedAt = Noon,
            PolicyVersion = version,
            IsDraining = isDraining,
            Alarms = alarm is null ? [] : [alarm],
        },
        Noon, TimeSpan.FromSeconds(silence));
}
