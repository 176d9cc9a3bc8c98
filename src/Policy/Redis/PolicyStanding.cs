namespace Countersign.Policy.Redis;

/// <summary>How a gateway's policy stands towards the store's.</summary>
/// <param name="Running">The version that calls are decided under; 0 for none.</param>
/// <param name="Sha256">SHA-256 of its document, or empty.</param>
/// <param name="Named">What the store told last.</param>
/// <param name="BehindSince">Timestamp (<see cref="TimeProvider.GetTimestamp"/>) of when it first named another than
/// the running one; 0 if it names the running one.</param>
/// <param name="Alarms">Names of what is wrong, in ordinal order.</param>
public sealed record PolicyStanding(
    long Running, string Sha256, PolicyMark Named, long BehindSince, IReadOnlyList<string> Alarms)
{
    /// <summary>The version in force is missing or not what was published.</summary>
    public const string Damaged = "policy-damaged";

    /// <summary>The version in force does not compile here.</summary>
    public const string DoesNotCompile = "policy-does-not-compile";

    /// <summary>The store lost changes that this gateway has seen, or tells others in their place.</summary>
    public const string Regressed = "policy-regressed";

    /// <summary>A node runs another document than the store has under the number in force; told of a node.</summary>
    public const string Diverged = "policy-diverged";

    /// <summary>What was seen cannot be written down, so that a restart would forget it.</summary>
    public const string NotRemembered = "policy-not-remembered";

    /// <summary>Before the store was heard.</summary>
    public static PolicyStanding Unheard { get; } = new(0, "", PolicyMark.None, 0, []);

    /// <summary>True while the store is not to be trusted with what is newest.</summary>
    public bool IsRegressed => Alarms.Contains(Regressed);
}

/// <summary>Something about the store's policy that somebody should look at, for the audit.</summary>
/// <param name="Event">What the audit calls it.</param>
/// <param name="Detail">One sentence.</param>
public sealed record PolicyNotice(string Event, string Detail);
