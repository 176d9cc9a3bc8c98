using System.Text.Json;
using Countersign.ControlPlane.Console.Pages;
using Countersign.ControlPlane.Console.Sessions;
using Countersign.ControlPlane.Console.Views;
using Countersign.ControlPlane.Nodes;
using Countersign.Policy;
using Countersign.Policy.Redis;

namespace Countersign.ControlPlane.Console;

/// <summary>The gateways that run, to read.</summary>
internal sealed class FleetPages(ConsoleGate gate, RedisNodeStore nodes)
{
    public void Map() => gate.Page(ConsolePaths.Fleet, (_, session) => ShowAsync(session));

    private async ValueTask<Reply> ShowAsync(ConsoleSession session)
    {
        if (!gate.MayReadPolicy(session.Caller))
        {
            return await gate.MessageAsync(
                403, gate.HeadFor(session, "Not for you to read", "fleet"),
                "Policy admins and auditors see the fleet.");
        }

        StoreResult<Fleet> fleet = await nodes.ListAsync();
        if (!fleet.IsOk)
        {
            return await gate.MessageAsync(
                503, gate.HeadFor(session, "The store does not answer", "fleet"), "Try again in a moment.");
        }

        using JsonDocument json = JsonDocument.Parse(NodeEndpoints.Of(fleet.Value!).Body);
        JsonElement root = json.RootElement;
        return await gate.RenderAsync<FleetPage>(new FleetModel(
            gate.HeadFor(session, "Fleet", "fleet"), root.GetProperty("policy_version").GetInt64(),
            root.GetProperty("converged").GetBoolean(),
            [.. root.GetProperty("items").EnumerateArray().Select(Read)]));
    }

    private static NodeRow Read(JsonElement node) => new(
        Text(node, "name"), Text(node, "instance"), Text(node, "state"), Texts(node, "roles"), Text(node, "data"),
        Text(node, "control"), Text(node, "build"), node.GetProperty("policy_version").GetInt64(),
        node.GetProperty("started_at").GetDateTimeOffset(), node.GetProperty("last_contact").GetDateTimeOffset(),
        Texts(node, "alarms"));

    private static string Text(JsonElement node, string name) => node.GetProperty(name).GetString() ?? "";

    private static string[] Texts(JsonElement node, string name) =>
        [.. node.GetProperty(name).EnumerateArray().Select(one => one.GetString()!)];
}
