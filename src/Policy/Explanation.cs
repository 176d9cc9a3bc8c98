namespace Countersign.Policy;

/// <summary>What one rule had to do with a decision. Zero is nothing.</summary>
public enum RuleOutcome : byte
{
    /// <summary>It speaks of other functions.</summary>
    OtherFunction = 0,

    /// <summary>It speaks of the function, and of callers in other groups.</summary>
    OtherCaller,

    /// <summary>It speaks of the function and the caller; its condition was not asked, as there was no call.</summary>
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

/// <summary>A decision, and how it came about.</summary>
/// <param name="Decision">The same that a call gets.</param>
/// <param name="Rules">Every rule of the policy, in document order.</param>
public sealed record Explanation(Decision Decision, IReadOnlyList<RuleFinding> Rules);
