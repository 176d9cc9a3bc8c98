namespace Countersign.Policy;

/// <summary>What one rule had to do with a decision. Zero is nothing.</summary>
public enum RuleOutcome : byte
{
    /// <summary>It speaks of other functions.</summary>
    OtherFunction = 0,

    /// <summary>It speaks of the function, and of callers in other groups.</summary>
    OtherCaller,

    /// <summary>It speaks of the function and the caller; its condition was not asked, as there was no call, or
    /// its arguments were refused.</summary>
    Conditional,

    /// <summary>It speaks of the function and the caller, and its condition does not hold for the call.</summary>
    ConditionFalse,

    /// <summary>Its condition has no answer for the call, which is an error and denies.</summary>
    ConditionFailed,

    /// <summary>It speaks of this call; whether it decided, the decision says.</summary>
    Matched,
}

/// <summary>One rule, and what it had to do with a decision.</summary>
public sealed record RuleFinding(Rule Rule, RuleOutcome Outcome);

/// <summary>One separation, and what it had to do with a decision.</summary>
/// <param name="Id">Its name.</param>
/// <param name="IsDynamic">It keeps apart what one person does to one object, rather than groups.</param>
/// <param name="Decides">It denied the call.</param>
/// <param name="Why">Why, or why not, in words.</param>
public sealed record SeparationFinding(string Id, bool IsDynamic, bool Decides, string Why)
{
    internal static SeparationFinding Of(Separation separation, Caller caller, Decision decision)
    {
        string[] held = [.. separation.Groups.Where(caller.IsIn)];
        string apart = string.Join(" and ", separation.Groups);
        bool conflicts = held.Length > 1;
        string why = conflicts ? $"the caller holds {string.Join(" and ", held)}, which nobody may hold together"
            : $"keeps {apart} apart, and the caller holds {held[0]} alone";
        return new SeparationFinding(separation.Id, false, conflicts && IsBy(decision, separation.Id), why);
    }

    internal static SeparationFinding Of(DynamicSeparation separation, Decision decision, string blind, bool hasPast)
    {
        bool decides = IsBy(decision, separation.Id);
        string what = $"nobody does two of {string.Join(", ", separation.Functions)} to one {separation.Object} "
            + $"within {Duration.Write(separation.Window)}";
        string why = decides && blind.Length > 0 ? $"{what}; what this call is about cannot be told, and that denies"
            : decides ? $"{what}; one of the people of this call did another of them"
            : decision.Effect == Effect.Deny ? $"{what}; not asked, since the call is denied anyway"
            : blind.Length > 0 ? $"{what}; no call was described, so there is no object to ask for"
            : hasPast ? $"{what}; the history that was given has nothing against it"
            : $"{what}; no history was given, so nothing is known of earlier calls";
        return new SeparationFinding(separation.Id, true, decides, why);
    }

    private static bool IsBy(Decision decision, string id) =>
        (decision.Cause == DecisionCause.Separation && decision.Rule == id)
        || (decision.Observed is { Cause: DecisionCause.Separation } observed && observed.Rule == id);
}

/// <summary>A decision, and how it came about.</summary>
/// <param name="Decision">The same that a call gets.</param>
/// <param name="Rules">Every rule of the policy, in document order.</param>
public sealed record Explanation(Decision Decision, IReadOnlyList<RuleFinding> Rules)
{
    /// <summary>
    /// The separations that speak of the caller or the function, static ones first; none where only rules were asked.
    /// </summary>
    public IReadOnlyList<SeparationFinding> Separations { get; init; } = [];
}
