namespace Countersign.Policy.Review;

/// <summary>What a caller has to expect of a function before anybody knows the call, in words.</summary>
/// <param name="Text">Without the ids of rules, so that a rule that was renamed changes nothing.</param>
/// <param name="Effect">What is done, if it does not hang on the call.</param>
/// <param name="Stages">What it takes, with <see cref="Effect.Approve"/>.</param>
/// <param name="IsConditional">It hangs on the call.</param>
internal sealed record Outlook(string Text, Effect Effect, IReadOnlyList<StageTerms> Stages, bool IsConditional)
{
    private const string NoFunction = "no such function";
    private const string Denied = "denied";

    /// <summary>True if nothing can be had: no such function, or denied whatever the call is.</summary>
    public bool IsShut => Text is NoFunction or Denied;

    public static Caller CallerIn(IReadOnlyList<string> groups) =>
        new("-", "-", CallerKind.Unstated, groups, ["-"]);

    public static Outlook Of(PolicySnapshot policy, Caller caller, string functionId)
    {
        if (policy.Find(functionId) is not { } function) return new(NoFunction, Effect.Deny, [], false);
        Decision decision = policy.Evaluate(caller, function);
        if (decision.Plan is { HasConditions: false } plan) decision = plan.WhenFitting();
        if (decision.IsConditional) return new(DescribeRules(policy.Matching(caller, function)), Effect.Deny, [], true);
        string text = Describe(decision);
        if (decision.Observed is { } observed) text += $", though it would be {Describe(observed)}";
        return new(text, decision.Effect, decision.Approval?.Stages ?? [], false);
    }

    /// <summary>A decision in words.</summary>
    public static string Describe(Decision decision) => decision.Effect switch
    {
        Effect.Allow => "allowed",
        Effect.Approve => "needs " + Describe(decision.Approval!.Stages),
        _ => decision.Cause == DecisionCause.Separation ? "denied by a separation" : Denied,
    };

    /// <summary>What each rule says, the strongest first; in an order of their own within that.</summary>
    private static string DescribeRules(List<Rule> rules) => string.Join(", ", rules
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

    /// <summary>Stages in words, in an order of their own: theirs does not matter.</summary>
    public static string Describe(IReadOnlyList<StageTerms> stages) => string.Join(
        " and ", stages.Select(stage => $"{stage.Count} of {string.Join(" or ", stage.Groups)}")
            .Order(StringComparer.Ordinal));
}
