using System.Collections.Concurrent;
using Countersign.Policy.Conditions;

namespace Countersign.Policy;

/// <summary>A rule that speaks of a caller and a function, and its condition if it has one.</summary>
internal readonly record struct ApplicableRule(Rule Rule, ConditionProgram? Condition);

/// <summary>
/// What is left to decide for one caller and one function once their groups are known: which of the conditions hold for
/// the call. Made once for the pair; the decisions it comes to are made once for each set of conditions that held.
/// </summary>
internal sealed class ConditionPlan
{
    private const int DecisionsKept = 256;

    private readonly ApplicableRule[] _rules;
    private readonly int[] _conditioned;
    private readonly IReadOnlyList<MaskTerms> _masks;
    private readonly ConcurrentDictionary<ulong, Decision> _settled = new();
    private readonly Decision[] _failed;
    private readonly Decision _ambiguous;
    private readonly Decision _unreadable;

    public ConditionPlan(IReadOnlyList<ApplicableRule> rules, IReadOnlyList<MaskTerms> masks)
    {
        _rules = [.. rules];
        _masks = masks;
        _conditioned = [.. Enumerable.Range(0, _rules.Length).Where(index => _rules[index].Condition is not null)];
        _failed = [.. _conditioned.Select(index =>
            new Decision(Effect.Deny, DecisionCause.ConditionFailed, _rules[index].Rule.Id, null, masks))];
        _ambiguous = new Decision(Effect.Deny, DecisionCause.ArgumentsAmbiguous, "", null, masks);
        _unreadable = new Decision(Effect.Deny, DecisionCause.ArgumentsUnreadable, "", null, masks);
        ReadsArguments = _rules.Any(one => one.Condition is { ReadsArguments: true });
    }

    /// <summary>True if the call's arguments must have been read.</summary>
    public bool ReadsArguments { get; }

    /// <summary>The rules that speak of the caller and the function, in document order.</summary>
    public IReadOnlyList<ApplicableRule> Rules => _rules;

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
        ulong held = 0;
        int failed = -1;
        bool denies = false;
        ConditionValue error = default;
        Evaluation evaluation = Evaluation.Rent(facts);
        if (ReadsArguments && evaluation.Arguments() is { IsError: true } refused)
        {
            evaluation.Return();
            fault = ConditionProgram.Describe(refused);
            bool isForm = refused.Fault is ConditionFault.ArgumentsAmbiguous or ConditionFault.ArgumentsBroken;
            return isForm ? _ambiguous : _unreadable;
        }

        for (int bit = 0; bit < _conditioned.Length; bit++)
        {
            ref readonly ApplicableRule one = ref _rules[_conditioned[bit]];
            ConditionValue value = one.Condition!.Run(evaluation);
            if (value.IsTrue)
            {
                held |= 1UL << bit;
                denies |= one.Rule.Effect == Effect.Deny;
            }
            else if (!value.IsFalse && failed < 0)
            {
                failed = bit;
                error = value;
            }
        }

        evaluation.Return();
        fault = failed < 0 ? "" : ConditionProgram.Describe(error);
        if (failed >= 0 && !denies) return _failed[failed];
        return _settled.TryGetValue(held, out Decision? settled) ? settled : Settle(held);
    }

    private Decision Settle(ulong held)
    {
        List<Rule> holding = [];
        int bit = 0;
        foreach (ApplicableRule one in _rules)
        {
            bool holds = one.Condition is null || (held & (1UL << bit)) != 0;
            if (one.Condition is not null) bit++;
            if (holds) holding.Add(one.Rule);
        }

        Decision decision = RuleOutcome.Of(holding, _masks);
        if (_settled.Count < DecisionsKept) _settled.TryAdd(held, decision);
        return decision;
    }
}
