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
    string Subject, bool IsGroup, IReadOnlyList<string> Functions, string Before, string After, ChangeWeight Weight)
{
    /// <summary>The subject that stands for whoever is identified, in whatever groups or in none.</summary>
    public const string Anybody = "*";

    /// <summary>A second group, for somebody who holds both and no other; empty for none.</summary>
    public string With { get; init; } = "";

    /// <summary>With <see cref="Anybody"/>: every group that either policy names, of which it is so too.</summary>
    public IReadOnlyList<string> Among { get; init; } = [];
}

/// <summary>What differs between two policies, by what it means rather than by its text.</summary>
/// <param name="Access">Who gains or loses what.</param>
/// <param name="Changes">What changed in the document, in its order of sections.</param>
/// <param name="IsWhole">False if there was too much to compare everybody's access, or whose calls are whose.</param>
public sealed record PolicyDiff(
    IReadOnlyList<AccessChange> Access, IReadOnlyList<PolicyChange> Changes, bool IsWhole)
{
    /// <summary>True if the two mean the same, however they are written.</summary>
    public bool IsSame => Access.Count == 0 && Changes.Count == 0;

    /// <summary>
    /// True unless all of it was compared, and each difference tightens: what nobody can say may loosen.
    /// </summary>
    public bool Loosens => !IsWhole || Access.Any(change => change.Weight != ChangeWeight.Tightens)
        || Changes.Any(change => change.Weight != ChangeWeight.Tightens);

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
        access.CompareAnybody();
        access.CompareGroups();
        access.CompareCallers(callers ?? []);
        IEnumerable<PolicyChange> changes = DocumentDiff.Compare(old.RootElement, now.RootElement);
        bool begins = before.Snapshot!.Mode != PolicyMode.Observe && after.Snapshot!.Mode == PolicyMode.Observe;
        if (begins) changes = changes.Append(WhatObservingLetsGo(after.Snapshot!));
        TakeoverDiff takeovers = new(before.Snapshot!, after.Snapshot!);
        changes = [.. changes, .. CoverageDiff.Compare(before.Snapshot!, after.Snapshot!), .. takeovers.Compare()];
        return new PolicyDiff(access.Changes(), [.. changes], access.IsWhole && takeovers.IsWhole);
    }

    private static PolicyChange WhatObservingLetsGo(PolicySnapshot after)
    {
        string[] duties = [.. after.StaticSeparations.Select(one => one.Id)
            .Concat(after.DynamicSeparations.Select(one => one.Id)).Select(id => "separation " + id)];
        string[] limits = [.. after.Limits.Select(limit => "limit " + limit.Id)];
        string[] schemas = [.. after.Functions.Where(function => function.Arguments is not null)
            .Select(function => "args of " + function.Id)];
        string[] all = ["rules", .. duties, .. limits, .. schemas];
        return new PolicyChange("mode", "", "", ChangeWeight.Loosens,
            $"while it observes, nothing refuses a call of a known function: {string.Join(", ", all)}");
    }

    private static string Written(PolicyReading reading) => reading.Snapshot is not null
        ? reading.Json : throw new ArgumentException("a policy with errors has no meaning to compare", nameof(reading));
}
