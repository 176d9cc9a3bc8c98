namespace Countersign.Policy.Redis;

/// <summary>How far a store's policy has come: its last change, and what that left in force.</summary>
/// <param name="Change">The number of the last change; 0 for none.</param>
/// <param name="Hash">Its hash, or empty.</param>
/// <param name="Current">The version in force; 0 for none.</param>
/// <param name="Latest">The highest version; 0 for none.</param>
/// <param name="Sha256">SHA-256 of the document in force, or empty.</param>
public sealed record PolicyMark(long Change, string Hash, long Current, long Latest, string Sha256 = "")
{
    /// <summary>Of a store that has no policy.</summary>
    public static PolicyMark None { get; } = new(0, "", 0, 0);
}
