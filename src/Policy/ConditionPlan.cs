using System.Collections.Concurrent;
using Countersign.Policy.Conditions;

namespace Countersign.Policy;

/// <summary>A rule that speaks of a caller and a function, under a condition.</summary>
/// <param name="Index">Its place among the rules.</param>
internal readonly record struct ConditionedRule(int Index, Rule Rule, ConditionProgram Condition);

/// <summary>What the conditions of a plan said of one call. Default is that nobody asked, and nothing holds.</summary>
/// <param name="Plan">Whose conditions.</param>
/// <param name="Held">A bit for each that holds.</param>
/// <param name="Failed">A bit for each that has no answer.</param>
/// <param name="Refusal">Why the arguments were not looked at; none if they were, or need not be.</param>
internal readonly record struct ConditionsHeld(ConditionPlan? Plan, ulong Held, ulong Failed, DecisionCause Refusal)
{
    /// <summary>What the condition of a rule makes of it.</summary>
    public RuleOutcome OutcomeOf(int rule)
    {
        if (Plan is null || Refusal != DecisionCause.NothingMatched) return RuleOutcome.Conditional;
        int bit = Plan.BitOf(rule);
        if (bit >= 0 && (Held & (1UL << bit)) != 0) return RuleOutcome.Matched;
        return bit >= 0 && (Failed & (1UL << bit)) == 0 ? RuleOutcome.ConditionFalse : RuleOutcome.ConditionFailed;
    }
}

/// <summary>
/// What is left to decide for one caller and one function once their groups are known: which of the conditions hold for
/// the call. Made once for the pair; a decision is worked out once for each set of conditions that held.
/// </summary>
internal sealed class ConditionPlan
{
    private const int DecisionsKept = 256;

    private readonly PolicySnapshot _snapshot;
    private readonly GroupSet _groups;
    private readonly Function _function;
    private readonly ConditionedRule[] _rules;
    private readonly ConcurrentDictionary<(ulong Held, ulong Failed), Decision> _settled = new();
    private readonly Decision _ambiguous;
    private readonly Decision _unreadable;
    private readonly Decision _misfit;
    private readonly bool _refusesArguments;

    public ConditionPlan(PolicySnapshot snapshot, GroupSet groups, Function function, ConditionedRule[] rules)
    {
        _snapshot = snapshot;
        _groups = groups;
        _function = function;
        _rules = rules;
        bool hasSchema = function.Arguments is not null;
        ReadsArguments = hasSchema || Array.Exists(rules, one => one.Condition.ReadsArguments);

        // What is only observed refuses nothing: its conditions fail one by one.
        _refusesArguments = snapshot.Mode == PolicyMode.Enforce && (hasSchema || Array.Exists(
            rules, one => one.Condition.ReadsArguments && one.Rule.Mode == PolicyMode.Enforce));
        IReadOnlyList<MaskTerms> masks = snapshot.MasksOf(groups, function);
        _ambiguous = new Decision(Effect.Deny, DecisionCause.ArgumentsAmbiguous, "", null, masks);
        _unreadable = new Decision(Effect.Deny, DecisionCause.ArgumentsUnreadable, "", null, masks);
        Decision misfit = new(Effect.Deny, DecisionCause.ArgumentsMisfit, "", null, masks);
        _misfit = snapshot.Mode == PolicyMode.Enforce
            ? misfit : new Decision(Effect.Allow, DecisionCause.Observed, "", null, masks) { Observed = misfit };
    }

    /// <summary>False if only the schema of the arguments makes the decision hang on the call.</summary>
    public bool HasConditions => _rules.Length > 0;

    /// <summary>True if the call's arguments must have been read.</summary>
    public bool ReadsArguments { get; }

    /// <summary>
    /// Decides one call. Every condition is evaluated, whatever the others say, so that the decision does not depend on
    /// their order: an error in any of them denies, but for a deny rule that holds, which denies in its own name; then
    /// the rules that hold decide as those without conditions do. Where any looks at the arguments, arguments that two
    /// parsers may read differently deny before that.
    /// </summary>
    /// <param name="facts">The call.</param>
    /// <param name="fault">What went wrong in a condition, for the audit; empty if nothing did.</param>
    [HotPath]
    public Decision Decide(in CallFacts facts, out string fault)
    {
        ConditionsHeld conditions = Ask(facts, out fault);
        Decision? refusal = RefusalOf(conditions);
        if (refusal is not null) return refusal;
        return _settled.TryGetValue((conditions.Held, conditions.Failed), out Decision? settled)
            ? settled : Settle(conditions);
    }

    /// <summary>What each condition says of a call.</summary>
    [HotPath]
    public ConditionsHeld Ask(in CallFacts facts, out string fault)
    {
        ulong held = 0;
        ulong failed = 0;
        ConditionValue error = default;
        Evaluation evaluation = Evaluation.Rent(facts);
        if (_refusesArguments && evaluation.Arguments() is
            { IsError: true, Fault: not ConditionFault.InexactNumber } refused)
        {
            evaluation.Return();
            fault = ConditionProgram.Describe(refused);
            bool isAmbiguous = refused.Fault is ConditionFault.ArgumentsAmbiguous or ConditionFault.ArgumentsBroken;
            return new ConditionsHeld(
                this, 0, 0, isAmbiguous ? DecisionCause.ArgumentsAmbiguous : DecisionCause.ArgumentsUnreadable);
        }

        fault = Misfit(evaluation);
        if (fault.Length > 0)
        {
            evaluation.Return();
            return new ConditionsHeld(this, 0, 0, DecisionCause.ArgumentsMisfit);
        }

        for (int bit = 0; bit < _rules.Length; bit++)
        {
            ConditionValue value = _rules[bit].Condition.Run(evaluation);
            if (value.IsTrue) held |= 1UL << bit;
            if (value.IsTrue || value.IsFalse) continue;
            if (failed == 0) error = value;
            failed |= 1UL << bit;
        }

        evaluation.Return();
        fault = failed == 0 ? "" : ConditionProgram.Describe(error);
        return new ConditionsHeld(this, held, failed, DecisionCause.NothingMatched);
    }

    /// <summary>The decision where the arguments were refused; null where they were not.</summary>
    [HotPath]
    public Decision? RefusalOf(ConditionsHeld conditions) => conditions.Refusal switch
    {
        DecisionCause.ArgumentsAmbiguous => _ambiguous,
        DecisionCause.ArgumentsUnreadable => _unreadable,
        DecisionCause.ArgumentsMisfit => _misfit,
        _ => null,
    };

    /// <summary>The decision where there are no conditions, for arguments that fit.</summary>
    public Decision WhenFitting() => Settle(new ConditionsHeld(this, 0, 0, DecisionCause.NothingMatched));

    /// <summary>Why the arguments are not what the function takes; empty if they are, or nobody said.</summary>
    [HotPath]
    private string Misfit(Evaluation evaluation)
    {
        if (_function.Arguments is null) return "";
        ConditionValue arguments = evaluation.Arguments();
        bool isRead = !arguments.IsError || arguments.Fault == ConditionFault.InexactNumber;
        return isRead ? _function.Arguments.Misfit(arguments, evaluation) : ConditionProgram.Describe(arguments);
    }

    /// <summary>Which bit stands for a rule; -1 if none does.</summary>
    public int BitOf(int rule) => Array.FindIndex(_rules, one => one.Index == rule);

    private Decision Settle(ConditionsHeld conditions)
    {
        Decision decision = _snapshot.Evaluate(_groups, _function, null, conditions);
        if (_settled.Count < DecisionsKept) _settled.TryAdd((conditions.Held, conditions.Failed), decision);
        return decision;
    }
}
