namespace Countersign.Policy.Redis;

/// <summary>Some policy versions, newest first.</summary>
/// <param name="Items">The versions.</param>
/// <param name="Mark">How far the store was when they were read.</param>
/// <param name="Next">Pass it on as <c>before</c> for the next page; 0 at the end.</param>
public sealed record PolicyHistory(IReadOnlyList<PolicyRevision> Items, PolicyMark Mark, long Next)
{
    /// <summary>The version in force; 0 for none.</summary>
    public long Current => Mark.Current;

    /// <summary>The version that was in force before it, which going back leads to; 0 if that is not known.</summary>
    public long Before { get; init; }
}
