using System.Reflection;
using Countersign.Cli.Configuration;
using Countersign.ControlPlane;
using Countersign.Policy.Redis;

namespace Countersign.Cli.Serve;

/// <summary>What this process says of itself to its fleet.</summary>
internal sealed class FleetMember(
    GatewayOptions options, Roles roles, RedisPolicyFeed feed, AuditChain audit, Readiness readiness,
    TimeProvider clock)
{
    private readonly string _instance = Guid.CreateVersion7(clock.GetUtcNow()).ToString("D");
    private readonly DateTimeOffset _startedAt = clock.GetUtcNow();

    /// <summary>Where callers connect.</summary>
    internal string? Data { get; init; }

    /// <summary>Where approvers connect.</summary>
    internal string? Control { get; init; }

    /// <summary>The version of the program.</summary>
    internal static string Build { get; } =
        typeof(FleetMember).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion
        ?? "";

    /// <summary>The report of this moment.</summary>
    internal NodeReport Report()
    {
        PolicyStanding standing = feed.Standing;
        List<string> alarms = [.. standing.Alarms, .. audit.Alarms];
        if (!audit.Log.IsHealthy) alarms.Add("audit-faulted");
        alarms.Sort(StringComparer.Ordinal);
        return new NodeReport
        {
            Instance = _instance,
            Name = options.Name,
            Roles = [.. Named(roles)],
            Data = Data ?? "",
            Control = Control ?? "",
            Build = Build,
            StartedAt = _startedAt,
            PolicyVersion = standing.Running,
            PolicySha256 = standing.Sha256,
            PolicyChange = feed.Furthest.Change,
            PolicyLatest = feed.Furthest.Latest,
            LagMilliseconds = standing.BehindSince == 0
                ? 0
                : (long)clock.GetElapsedTime(standing.BehindSince).TotalMilliseconds,
            IsDraining = readiness.IsDraining,
            Alarms = alarms,
        };
    }

    private static IEnumerable<string> Named(Roles roles)
    {
        if (roles.HasFlag(Roles.Data)) yield return "data";
        if (roles.HasFlag(Roles.Control)) yield return "control";
    }
}
