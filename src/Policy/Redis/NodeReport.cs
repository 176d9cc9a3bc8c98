using System.Text.Json;
using System.Text.Json.Serialization;

namespace Countersign.Policy.Redis;

/// <summary>What one gateway process says of itself.</summary>
public sealed record NodeReport
{
    /// <summary>One process: a restarted one is another.</summary>
    public required string Instance { get; init; }

    /// <summary>The configured name; two processes have the same while one hands over to the other.</summary>
    public required string Name { get; init; }

    /// <summary><c>data</c>, <c>control</c> or both.</summary>
    public required IReadOnlyList<string> Roles { get; init; }

    /// <summary>Where callers connect, or empty without that role.</summary>
    public string Data { get; init; } = "";

    /// <summary>Where approvers connect, or empty without that role.</summary>
    public string Control { get; init; } = "";

    /// <summary>The version of the program.</summary>
    public string Build { get; init; } = "";

    /// <summary>When the process began.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>The policy version it decides under; 0 for none.</summary>
    public long PolicyVersion { get; init; }

    /// <summary>SHA-256 of that version's document, or empty.</summary>
    public string PolicySha256 { get; init; } = "";

    /// <summary>The furthest change of policy that it has seen.</summary>
    public long PolicyChange { get; init; }

    /// <summary>The highest version that it has seen in the store, in force or not; 0 from a build that does not say
    /// so.</summary>
    public long PolicyLatest { get; init; }

    /// <summary>How long it has known of another version in force than the one it runs, in milliseconds; 0 if it runs
    /// the one in force.</summary>
    public long LagMilliseconds { get; init; }

    /// <summary>True from the first moment of its shutdown.</summary>
    public bool IsDraining { get; init; }

    /// <summary>Names of what is wrong with it, in ordinal order.</summary>
    public IReadOnlyList<string> Alarms { get; init; } = [];

    internal byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(this, NodeReports.Default.NodeReport);

    /// <summary>Null for what cannot be read. Members that a newer build adds are passed over: fleets are upgraded one
    /// by one.</summary>
    internal static NodeReport? Read(byte[]? json)
    {
        try
        {
            return json is null ? null : JsonSerializer.Deserialize(json, NodeReports.Default.NodeReport);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>A node as the store last heard it.</summary>
/// <param name="Report">Its own word.</param>
/// <param name="LastContact">When it was heard, by the store's clock.</param>
/// <param name="Silence">How long ago that was when the fleet was read.</param>
public sealed record FleetNode(NodeReport Report, DateTimeOffset LastContact, TimeSpan Silence)
{
    /// <summary>True if it has not been heard for so long that it is gone or cut off.</summary>
    public bool IsLost => Silence >= RedisNodeStore.LostAfter;
}

/// <summary>The fleet at one moment.</summary>
/// <param name="Current">The policy version in force; 0 for none.</param>
/// <param name="Nodes">By name, then by start.</param>
public sealed record Fleet(long Current, IReadOnlyList<FleetNode> Nodes)
{
    /// <summary>SHA-256 of the document in force, or empty.</summary>
    public string Sha256 { get; init; } = "";

    /// <summary>True if every node that is not lost runs the document in force.</summary>
    public bool IsConverged => Nodes.All(node => node.IsLost || Runs(node));

    /// <summary>True if this node runs the document in force, under its number.</summary>
    public bool Runs(FleetNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return node.Report.PolicyVersion == Current && node.Report.PolicySha256 == Sha256;
    }

    /// <summary>True if this node runs another document under the number in force.</summary>
    public bool Diverges(FleetNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return node.Report.PolicyVersion == Current && node.Report.PolicySha256 != Sha256;
    }
}

/// <summary>The reader and writer of reports.</summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.General,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(NodeReport))]
internal sealed partial class NodeReports : JsonSerializerContext;
