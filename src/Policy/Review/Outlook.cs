namespace Countersign.Policy.Review;

/// <summary>What a caller has to expect of a function before anybody knows the call, in words.</summary>
/// <param name="Text">Without the ids of rules, so that a rule that was renamed changes nothing.</param>
/// <param name="Best">What is done at best, however the call's conditions come out.</param>
/// <param name="Worst">What is done at worst; the same where it does not hang on the call.</param>
/// <param name="Stages">What it takes, with <see cref="Effect.Approve"/> whatever the call is.</param>
/// <param name="Rules">The rules that bear on it, where it hangs on the call.</param>
internal sealed record Outlook(
    string Text, Effect Best, Effect Worst, IReadOnlyList<StageTerms> Stages, IReadOnlyList<Rule> Rules)
{
    private const string NoFunction = "no such function";
    private const string Denied = "denied";

    /// <summary>True if nothing can be had: no such function, or denied whatever the call is.</summary>
    public bool IsShut => Text is NoFunction or Denied;

    /// <summary>True if it hangs on the call.</summary>
    public bool IsConditional => Rules.Count > 0;

    public static Caller CallerIn(IReadOnlyList<string> groups) =>
        new("-", "-", CallerKind.Unstated, groups, ["-"]);

    public static Outlook Of(PolicySnapshot policy, Caller caller, string functionId)
    {
        if (policy.Find(functionId) is not { } function) return Settled(NoFunction, Effect.Deny, []);
        Decision decision = policy.Evaluate(caller, function);
        if (decision.Plan is { HasConditions: false } plan) decision = plan.WhenFitting();
        if (decision.IsConditional) return OfConditions(policy, policy.Matching(caller, function));
        string text = Describe(decision);
        if (decision.Observed is { } observed) text += $" in observe, else {Describe(observed)}";
        return Settled(text, decision.Effect, decision.Approval?.Stages ?? []);
    }

    /// <summary>A decision in words.</summary>
    public static string Describe(Decision decision) => decision.Effect switch
    {
        Effect.Allow => "allowed",
        Effect.Approve => "needs " + Describe(decision.Approval!.Stages),
        _ => decision.Cause == DecisionCause.Separation ? "denied by a separation" : Denied,
    };

    /// <summary>Stages in words, in an order of their own: theirs does not matter.</summary>
    public static string Describe(IReadOnlyList<StageTerms> stages) => string.Join(
        " and ", stages.Select(stage => $"{stage.Count} of {string.Join(" or ", stage.Groups)}")
            .Order(StringComparer.Ordinal));

    private static Outlook Settled(string text, Effect effect, IReadOnlyList<StageTerms> stages) =>
        new(text, effect, effect, stages, []);

    private static Outlook OfConditions(PolicySnapshot policy, List<Rule> matching)
    {
        string text = DescribeRules(matching);

        // A policy that observes lets everything through, whatever its conditions say.
        return policy.Mode == PolicyMode.Observe
            ? Settled($"allowed in observe, else {text}", Effect.Allow, [])
            : new Outlook(text, BestOf(matching), Effect.Deny, [], matching);
    }

    private static Effect BestOf(List<Rule> matching)
    {
        if (IsAlwaysApproved(matching)) return Effect.Approve;
        bool lets = matching.Exists(rule => rule.Effect == Effect.Allow
            || (rule.Effect == Effect.Approve && rule.Mode == PolicyMode.Observe));
        return lets ? Effect.Allow
            : matching.Exists(rule => rule.Effect == Effect.Approve) ? Effect.Approve : Effect.Deny;
    }

    /// <summary>True where no rule that allows is ever heard: one asks for approval whatever the call is.</summary>
    private static bool IsAlwaysApproved(List<Rule> matching) => matching.Exists(rule =>
        rule.Effect == Effect.Approve && rule.Mode == PolicyMode.Enforce && !rule.IsConditional);

    /// <summary>
    /// What each rule says that may be heard, the strongest first; in an order of their own within that.
    /// </summary>
    private static string DescribeRules(List<Rule> rules) => string.Join(", ", rules
        .Where(rule => rule.Effect != Effect.Allow || !IsAlwaysApproved(rules))
        .OrderBy(rule => rule.Effect).Select(rule =>
        {
            string what = rule.Effect switch
            {
                Effect.Allow => "allowed",
                Effect.Approve => "needs " + Describe(rule.Approval!.Stages),
                _ => Denied,
            };
            string tried = rule.Mode == PolicyMode.Observe ? " (observed)" : "";
            return rule.When is null ? what + tried : $"{what}{tried} if {rule.When.ReplaceLineEndings(" ")}";
        }).Distinct().Order(StringComparer.Ordinal));
}
