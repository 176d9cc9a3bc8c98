using System.Text.Json;

namespace Countersign.Policy.Review;

/// <summary>Which way a change of policy goes. Zero is that nobody can say, so that somebody looks.</summary>
public enum ChangeWeight : byte
{
    /// <summary>Neither plainly stricter nor plainly looser.</summary>
    Unclear = 0,

    /// <summary>Somebody may do more, see more, or needs fewer others.</summary>
    Loosens,

    /// <summary>Somebody may do less, see less, or needs more others.</summary>
    Tightens,
}

/// <summary>One thing that differs between two policies.</summary>
/// <param name="Section">The part of the document: <c>functions</c>, <c>rules</c>, and so on.</param>
/// <param name="Id">The entry; empty for what concerns the whole section.</param>
/// <param name="Member">The key within the entry; empty for an entry that came or went.</param>
/// <param name="Weight">Which way it goes.</param>
/// <param name="Text">What changed, in one sentence without the section and the id.</param>
public sealed record PolicyChange(string Section, string Id, string Member, ChangeWeight Weight, string Text);

/// <summary>What a group, or a caller, gains or loses.</summary>
/// <param name="Subject">The group, or the caller.</param>
/// <param name="IsGroup">True for somebody who holds this group and no other; false for a caller by name.</param>
/// <param name="Functions">The functions of which this is so, in ordinal order.</param>
/// <param name="Before">What was, in words.</param>
/// <param name="After">What is.</param>
/// <param name="Weight">Which way it goes.</param>
public sealed record AccessChange(
    string Subject, bool IsGroup, IReadOnlyList<string> Functions, string Before, string After, ChangeWeight Weight);

/// <summary>What differs between two policies, by what it means rather than by its text.</summary>
/// <param name="Access">Who gains or loses what.</param>
/// <param name="Changes">What changed in the document, in its order of sections.</param>
/// <param name="IsWhole">False if there was too much to compare everybody's access.</param>
public sealed record PolicyDiff(
    IReadOnlyList<AccessChange> Access, IReadOnlyList<PolicyChange> Changes, bool IsWhole)
{
    /// <summary>True if the two mean the same, however they are written.</summary>
    public bool IsSame => Access.Count == 0 && Changes.Count == 0;

    /// <summary>True if anything of it loosens.</summary>
    public bool Loosens => Access.Any(change => change.Weight == ChangeWeight.Loosens)
        || Changes.Any(change => change.Weight == ChangeWeight.Loosens);

    /// <summary>
    /// Compares two documents that were read without errors. <paramref name="callers"/> are compared by all their
    /// groups together, beside every group by itself.
    /// </summary>
    public static PolicyDiff Between(
        PolicyReading before, PolicyReading after, IReadOnlyList<Caller>? callers = null)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        using JsonDocument old = JsonDocument.Parse(Written(before));
        using JsonDocument now = JsonDocument.Parse(Written(after));
        AccessDiff access = new(before.Snapshot!, after.Snapshot!);
        access.CompareGroups();
        access.CompareCallers(callers ?? []);
        return new PolicyDiff(
            access.Changes(), DocumentDiff.Compare(old.RootElement, now.RootElement), access.IsWhole);
    }

    private static string Written(PolicyReading reading) => reading.Snapshot is not null
        ? reading.Json : throw new ArgumentException("a policy with errors has no meaning to compare", nameof(reading));
}
