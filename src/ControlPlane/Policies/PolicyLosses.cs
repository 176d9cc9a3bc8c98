using Countersign.Policy;
using Countersign.Policy.Redis;

namespace Countersign.ControlPlane.Policies;

/// <summary>Whether the store has lost changes of policy, by all that anybody of the fleet has seen.</summary>
internal static class PolicyLosses
{
    /// <summary>The furthest change and version that this gateway or another of the fleet saw, if the store
    /// has lost it.</summary>
    public static async ValueTask<(bool Answered, PolicyMark? Lost)> LostAsync(
        ControlPlaneServices services, PolicyMark mark)
    {
        bool isLost = services.Feed is { } feed && feed.Standing.IsRegressed;
        long furthest = Math.Max(mark.Change, services.Feed?.Furthest.Change ?? 0);
        long latest = Math.Max(mark.Latest, services.Feed?.Furthest.Latest ?? 0);
        if (services.Nodes is { } nodes)
        {
            StoreResult<Fleet> fleet = await nodes.ListAsync();
            if (!fleet.IsOk) return (false, null);
            foreach (FleetNode node in fleet.Value!.Nodes)
            {
                isLost |= !node.IsLost && node.Report.Alarms.Contains(PolicyStanding.Regressed);
                furthest = Math.Max(furthest, node.Report.PolicyChange);
                latest = Math.Max(latest, Math.Max(node.Report.PolicyLatest, node.Report.PolicyVersion));
            }
        }

        return (true, isLost ? mark with { Change = furthest, Latest = latest } : null);
    }
}
