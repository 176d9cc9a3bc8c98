using System.Text.Json;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Countersign.Policy.Redis;
using Microsoft.AspNetCore.Http;

namespace Countersign.ControlPlane.Nodes;

/// <summary><c>GET /api/v1/nodes</c>: the fleet, and how far each node is with the policy in force.</summary>
internal static class NodeEndpoints
{
    public static void Map(Routes routes, RedisNodeStore nodes, ControlPlaneOptions options) =>
        routes.Known(HttpMethods.Get, "/api/v1/nodes", async (_, caller) =>
        {
            bool mayRead = options.PolicyAdmins.Any(caller.IsIn) || options.Auditors.Any(caller.IsIn);
            if (!mayRead) return Reply.Refuse(Refusal.Denied, "Only policy admins and auditors may see the fleet.");
            StoreResult<Fleet> fleet = await nodes.ListAsync();
            return fleet.IsOk ? Of(fleet.Value!) : Reply.Refuse(Refusal.StoreUnavailable);
        });

    internal static Reply Of(Fleet fleet) => Reply.List(json =>
    {
        json.WriteStartObject();
        json.WriteNumber("policy_version", fleet.Current);
        json.WriteBoolean("converged", fleet.Nodes.All(
            node => node.IsLost || node.Report.PolicyVersion == fleet.Current));
        json.WriteStartArray("items");
        foreach (FleetNode node in fleet.Nodes) Write(json, node, fleet.Current);
        json.WriteEndArray();
        json.WriteNull("next");
        json.WriteEndObject();
    });

    private static void Write(Utf8JsonWriter json, FleetNode node, long current)
    {
        NodeReport report = node.Report;
        json.WriteStartObject();
        json.WriteString("name", report.Name);
        json.WriteString("instance", report.Instance);
        json.WriteString("state", StateOf(node, current));
        WriteList(json, "roles", report.Roles);
        WriteText(json, "data", report.Data);
        WriteText(json, "control", report.Control);
        json.WriteString("build", report.Build);
        json.WriteNumber("policy_version", report.PolicyVersion);
        json.WriteString("policy_sha256", report.PolicySha256);
        json.WriteNumber("policy_lag_ms", report.LagMilliseconds);
        json.WriteString("started_at", Timestamps.Format(report.StartedAt));
        json.WriteString("last_contact", Timestamps.Format(node.LastContact));
        json.WriteNumber("silent_ms", (long)node.Silence.TotalMilliseconds);
        WriteList(json, "alarms", report.Alarms);
        json.WriteEndObject();
    }

    // A node that is gone says nothing true of its policy any more, so that is told first.
    private static string StateOf(FleetNode node, long current) =>
        node.IsLost ? "lost"
        : node.Report.IsDraining ? "draining"
        : node.Report.Alarms.Count > 0 ? "alarm"
        : node.Report.PolicyVersion == current ? "current"
        : "behind";

    private static void WriteText(Utf8JsonWriter json, string name, string text)
    {
        if (text.Length == 0) json.WriteNull(name);
        else json.WriteString(name, text);
    }

    private static void WriteList(Utf8JsonWriter json, string name, IReadOnlyList<string> words)
    {
        json.WriteStartArray(name);
        foreach (string word in words) json.WriteStringValue(word);
        json.WriteEndArray();
    }
}
