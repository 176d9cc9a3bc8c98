using Countersign.Policy.Conditions;

namespace Countersign.Policy;

/// <content>How one caller and one function are judged: the one place, for calls and for explanations.</content>
public sealed partial class PolicySnapshot
{
    private readonly bool _observes;

    /// <summary>
    /// Observe: every call of a known function is let through, and what the rules say is written down.
    /// </summary>
    public PolicyMode Mode { get; }

    /// <summary>
    /// What this policy says of the caller and the function, and what each of its rules had to do with it.
    /// </summary>
    public Explanation Explain(Caller caller, Function function)
    {
        ArgumentNullException.ThrowIfNull(caller);
        RequireOurs(function);
        RuleOutcome[] outcomes = new RuleOutcome[Rules.Count];
        Decision decision = Evaluate(_groups.SetOf(caller.Groups), function, outcomes);
        return new Explanation(decision, [.. Rules.Select((rule, index) => new RuleFinding(rule, outcomes[index]))]);
    }

    /// <summary>As the other, for one call: conditions are asked too.</summary>
    /// <param name="function">A function of this snapshot.</param>
    /// <param name="facts">The call, and who calls.</param>
    /// <param name="fault">What went wrong in a condition; empty if nothing did.</param>
    public Explanation Explain(Function function, in CallFacts facts, out string fault)
    {
        RequireOurs(function);
        fault = "";
        Explanation without = Explain(facts.Caller, function);
        if (without.Decision.Plan is not { } plan) return without;
        ConditionsHeld conditions = plan.Ask(facts, out fault);
        RuleOutcome[] outcomes = new RuleOutcome[Rules.Count];
        Decision decision = Evaluate(_groups.SetOf(facts.Caller.Groups), function, outcomes, conditions);
        return new Explanation(
            plan.RefusalOf(conditions) ?? decision,
            [.. Rules.Select((rule, index) => new RuleFinding(rule, outcomes[index]))]);
    }

    /// <summary>The decision for the conditions that hold; one that denies where nobody has asked them yet.</summary>
    internal Decision Evaluate(
        GroupSet held, Function function, RuleOutcome[]? outcomes = null, ConditionsHeld conditions = default)
    {
        IReadOnlyList<MaskTerms> masks = MasksOf(held, function);
        if (function.Endpoint is { } endpoint) return JudgeProtocol(held, endpoint, masks, outcomes);
        if (conditions.Plan is null && PlanFor(held, function) is { } plan)
        {
            Judge(held, function, masks, enforcing: false, outcomes, default);
            return new Decision(Effect.Deny, DecisionCause.Conditional, "", null, masks) { Plan = plan };
        }

        Decision decided = Judge(held, function, masks, enforcing: false, outcomes, conditions);
        if (!_observes || (Mode == PolicyMode.Observe && decided.Effect == Effect.Allow)) return decided;
        Decision enforced = Mode == PolicyMode.Observe
            ? new Decision(Effect.Allow, DecisionCause.Observed, decided.Rule, null, masks)
            : Judge(held, function, masks, enforcing: true, null, conditions);
        bool isSame = enforced.Effect == decided.Effect
            && (decided.Effect != Effect.Approve || enforced.Rule == decided.Rule);
        return isSame ? enforced : enforced with { Observed = decided };
    }

    /// <summary>
    /// The protocol of an endpoint is for those whom a rule may let call one of its tools, and for nobody else.
    /// </summary>
    private Decision JudgeProtocol(
        GroupSet held, McpEndpoint endpoint, IReadOnlyList<MaskTerms> masks, RuleOutcome[]? outcomes)
    {
        Decision? denied = null;
        foreach (Function tool in endpoint.Tools)
        {
            Decision decision = Evaluate(held, tool);
            int admitting = Array.FindIndex(_rulesByFunction[tool.Index], index =>
                Rules[index].Effect != Effect.Deny && _ruleGroups[index].Meets(held));
            bool isAdmitted = decision.IsConditional ? admitting >= 0 || Mode == PolicyMode.Observe
                : decision.Effect != Effect.Deny;
            if (!isAdmitted)
            {
                denied ??= decision;
                continue;
            }

            string rule = "";
            if (admitting >= 0)
            {
                int place = _rulesByFunction[tool.Index][admitting];
                rule = Rules[place].Id;
                if (outcomes is not null) outcomes[place] = RuleOutcome.Matched;
            }

            DecisionCause cause = rule.Length > 0 ? DecisionCause.Rule : DecisionCause.Observed;
            return new Decision(Effect.Allow, cause, rule, null, masks);
        }

        return denied is { Cause: DecisionCause.Separation }
            ? new Decision(Effect.Deny, DecisionCause.Separation, denied.Rule, null, masks)
            : new Decision(Effect.Deny, DecisionCause.NothingMatched, "", null, masks);
    }

    /// <summary>
    /// Deny beats approve beats allow. While <paramref name="enforcing"/>, a rule in observe that would pause lets
    /// through, and one that would deny is passed over; else every rule counts.
    /// </summary>
    private Decision Judge(
        GroupSet held, Function function, IReadOnlyList<MaskTerms> masks, bool enforcing, RuleOutcome[]? outcomes,
        ConditionsHeld conditions)
    {
        Rule? deny = null;
        Rule? failed = null;
        Rule? allow = null;
        List<Rule>? approves = null;
        foreach (int index in _rulesByFunction[function.Index])
        {
            Rule rule = Rules[index];
            RuleOutcome outcome = OutcomeOf(index, held, function, conditions);
            if (outcomes is not null) outcomes[index] = outcome;
            if (outcome == RuleOutcome.ConditionFailed && !(enforcing && rule.Mode == PolicyMode.Observe))
            {
                failed ??= rule;
            }

            if (outcome != RuleOutcome.Matched) continue;
            Effect effect = rule.Effect;
            if (enforcing && rule.Mode == PolicyMode.Observe)
            {
                if (effect == Effect.Deny) continue;
                effect = Effect.Allow;
            }

            if (effect == Effect.Approve) (approves ??= []).Add(rule);
            else if (effect == Effect.Allow) allow ??= rule;
            else deny ??= rule;
        }

        if (FindSeparation(held) is { } separation)
        {
            return new Decision(Effect.Deny, DecisionCause.Separation, separation.Id, null, masks);
        }

        if (deny is not null) return new Decision(Effect.Deny, DecisionCause.Rule, deny.Id, null, masks);
        if (failed is not null) return new Decision(Effect.Deny, DecisionCause.ConditionFailed, failed.Id, null, masks);
        if (approves is not null)
        {
            string ids = string.Join(',', approves.Select(rule => rule.Id));
            return new Decision(Effect.Approve, DecisionCause.Rule, ids, Together(approves), masks);
        }

        if (allow is null) return new Decision(Effect.Deny, DecisionCause.NothingMatched, "", null, masks);
        DecisionCause cause = allow.Effect == Effect.Allow ? DecisionCause.Rule : DecisionCause.Observed;
        return new Decision(Effect.Allow, cause, allow.Id, null, masks);
    }

    private RuleOutcome OutcomeOf(int rule, GroupSet held, Function function, ConditionsHeld conditions)
    {
        if (!_ruleGroups[rule].Meets(held)) return RuleOutcome.OtherCaller;
        return _conditions.ContainsKey((rule, function.Index)) ? conditions.OutcomeOf(rule) : RuleOutcome.Matched;
    }

    /// <summary>
    /// What must be asked of a call; null where no rule that speaks of the pair has a condition and the function takes
    /// any arguments, and where the pair is denied whatever the call is.
    /// </summary>
    private ConditionPlan? PlanFor(GroupSet held, Function function)
    {
        List<ConditionedRule> conditioned = [];
        bool speaks = false;
        foreach (int index in _rulesByFunction[function.Index])
        {
            if (!_ruleGroups[index].Meets(held)) continue;
            speaks |= Rules[index].Effect != Effect.Deny;
            if (_conditions.TryGetValue((index, function.Index), out ConditionProgram? program))
            {
                conditioned.Add(new ConditionedRule(index, Rules[index], program));
                continue;
            }

            bool denies = Rules[index] is { Effect: Effect.Deny, Mode: PolicyMode.Enforce };
            if (denies && Mode == PolicyMode.Enforce) return null;
        }

        bool asks = conditioned.Count > 0 || (speaks && function.Arguments is not null);
        return !asks || FindSeparation(held) is not null
            ? null : new ConditionPlan(this, held, function, [.. conditioned]);
    }

    private Separation? FindSeparation(GroupSet held)
    {
        for (int index = 0; index < Separations.Count; index++)
        {
            if (_separationGroups[index].CountShared(held) >= 2) return Separations[index];
        }

        return null;
    }

    /// <summary>
    /// The strictest of each term, and everybody's stages. A longer hold only spares callers a retry.
    /// </summary>
    private static ApprovalTerms Together(List<Rule> rules)
    {
        if (rules.Count == 1) return rules[0].Approval!;
        List<ApprovalTerms> terms = [.. rules.Select(rule => rule.Approval!)];
        return new ApprovalTerms(
            [.. terms.SelectMany(one => one.Stages)],
            terms.Min(one => one.DecideWithin),
            terms.Min(one => one.UseWithin),
            terms.Max(one => one.Hold),
            terms.Exists(one => one.ReasonRequired))
        {
            // A glass that one of the rules does not have cannot be broken.
            BreakGlass = terms.TrueForAll(one => one.BreakGlass.Count > 0)
                ? [.. terms.SelectMany(one => one.BreakGlass)]
                : [],
        };
    }
}
