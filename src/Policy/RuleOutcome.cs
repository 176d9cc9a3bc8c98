namespace Countersign.Policy;

/// <summary>What the rules that hold say together: deny beats approve beats allow, nothing is deny.</summary>
internal static class RuleOutcome
{
    /// <param name="holding">The rules that speak of the caller and the function and hold, in document order.</param>
    /// <param name="masks">The masks on the answer.</param>
    public static Decision Of(IReadOnlyList<Rule> holding, IReadOnlyList<MaskTerms> masks)
    {
        Rule? allow = null;
        List<Rule> approves = [];
        foreach (Rule rule in holding)
        {
            if (rule.Effect == Effect.Approve) approves.Add(rule);
            else if (rule.Effect == Effect.Allow) allow ??= rule;
            else return new Decision(Effect.Deny, DecisionCause.Rule, rule.Id, null, masks);
        }

        if (approves.Count > 0)
        {
            string ids = string.Join(',', approves.Select(rule => rule.Id));
            return new Decision(Effect.Approve, DecisionCause.Rule, ids, Together(approves), masks);
        }

        return allow is not null
            ? new Decision(Effect.Allow, DecisionCause.Rule, allow.Id, null, masks)
            : new Decision(Effect.Deny, DecisionCause.NothingMatched, "", null, masks);
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
            terms.Exists(one => one.ReasonRequired));
    }
}
