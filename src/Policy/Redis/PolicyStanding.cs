namespace Countersign.Policy.Redis;

/// <summary>How a gateway's policy stands towards the store's.</summary>
/// <param name="Running">The version that calls are decided under; 0 for none.</param>
/// <param name="Sha256">SHA-256 of its document, or empty.</param>
/// <param name="Named">The version that the store named last; 0 for none.</param>
/// <param name="BehindSince">Timestamp (<see cref="TimeProvider.GetTimestamp"/>) of when it first named another than
/// the running one; 0 if it names the running one.</param>
/// <param name="Alarms">Names of what is wrong, in ordinal order.</param>
public sealed record PolicyStanding(
    long Running, string Sha256, long Named, long BehindSince, IReadOnlyList<string> Alarms)
{
    /// <summary>The version in force is missing or not what was published.</summary>
    public const string Damaged = "policy-damaged";

    /// <summary>The version in force does not compile here.</summary>
    public const string DoesNotCompile = "policy-does-not-compile";

    /// <summary>Before the store was heard.</summary>
    public static PolicyStanding Unheard { get; } = new(0, "", 0, 0, []);
}
