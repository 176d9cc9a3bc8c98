namespace Countersign.Policy.Review;

/// <summary>Runs cases against one policy, and keeps which rules decided.</summary>
internal sealed class PolicyCaseRun(PolicySnapshot policy, TimeProvider clock)
{
    private readonly HashSet<string> _decided = new(StringComparer.Ordinal);

    public PolicyCaseResult Run(PolicyCase given)
    {
        CaseExpectation expected = given.Expected;
        if (given.Given.Refusal.Length > 0) return Refused(given);
        if (given.Given.FindFunction(policy) is not { } function)
        {
            string[] none = expected.IsUnknown ? [] : ["no function was found"];
            return new PolicyCaseResult(given, none, "unknown-function");
        }

        Decision decision = given.Given.Decide(policy, function, clock);
        Note(decision);
        if (decision.Observed is { } observed) Note(observed);
        string by = decision.Rule.Length == 0 ? "no rule" : decision.Rule;
        string said = $"{function.Id}: {Outlook.Describe(decision)} by {by}";
        string unpaused = given.Given.WhyNotPaused(function, decision);
        if (unpaused.Length > 0) said += $", which the gateway answers with 400 malformed-request: {unpaused}";
        Effect effect = unpaused.Length > 0 ? Effect.Deny : decision.Effect;
        List<string> faults = [];
        if (expected.IsUnknown) faults.Add($"expected no function, but it is {function.Id}");
        Compare(faults, "effect", NameOf(expected.Effect), NameOf(effect));
        Compare(faults, "rule", expected.Rule, decision.Rule);
        Compare(faults, "function", expected.Function, function.Id);
        Compare(faults, "observed", NameOf(expected.Observed), NameOf(decision.Observed?.Effect ?? effect));
        CompareLists(faults, "stages", expected.Stages, [.. (decision.Approval?.Stages ?? [])
            .Select(stage => $"{stage.Count} of {string.Join(" or ", stage.Groups)}")]);
        CompareLists(faults, "masks", expected.Masks, [.. decision.Masks.Select(mask => mask.Id)]);
        return new PolicyCaseResult(given, faults, said);
    }

    /// <summary>What is refused before policy is asked is denied, by no rule and as no function.</summary>
    private static PolicyCaseResult Refused(PolicyCase given)
    {
        CaseExpectation expected = given.Expected;
        string said = $"nothing, since the gateway answers {given.Given.Refusal} before it asks";
        List<string> faults = [];
        if (expected.IsUnknown) faults.Add($"expected no function, but it is {given.Given.Refusal}");
        Compare(faults, "effect", NameOf(expected.Effect), NameOf(Effect.Deny));
        Compare(faults, "rule", expected.Rule, "");
        Compare(faults, "function", expected.Function, "");
        Compare(faults, "observed", NameOf(expected.Observed), NameOf(Effect.Deny));
        CompareLists(faults, "stages", expected.Stages, []);
        CompareLists(faults, "masks", expected.Masks, []);
        return new PolicyCaseResult(given, faults, said);
    }

    /// <summary>Ids of the rules and separations that decided nothing so far, in document order.</summary>
    public IReadOnlyList<string> Unexercised() =>
    [
        .. policy.Rules.Select(rule => rule.Id)
            .Concat(policy.StaticSeparations.Select(separation => separation.Id))
            .Concat(policy.DynamicSeparations.Select(separation => separation.Id))
            .Where(id => !_decided.Contains(id)),
    ];

    private void Note(Decision decision) => _decided.UnionWith(decision.Rule.Split(','));

    private static void Compare(List<string> faults, string what, string? expected, string said)
    {
        if (expected is not null && expected != said) faults.Add($"expected {what} {expected}, but it is {Or(said)}");
    }

    private static void CompareLists(
        List<string> faults, string what, IReadOnlyList<string>? expected, IReadOnlyList<string> said)
    {
        if (expected is null || expected.Order().SequenceEqual(said.Order())) return;
        faults.Add($"expected {what} {Or(string.Join(", ", expected))}, but they are {Or(string.Join(", ", said))}");
    }

    private static string Or(string text) => text.Length == 0 ? "none" : text;

    private static string? NameOf(Effect? effect) => effect is { } known ? NameOf(known) : null;

    private static string NameOf(Effect effect) => effect switch
    {
        Effect.Allow => "allow",
        Effect.Approve => "approve",
        _ => "deny",
    };
}
