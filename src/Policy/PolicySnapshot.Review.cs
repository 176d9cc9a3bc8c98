namespace Countersign.Policy;

/// <content>What those ask who look at a policy as a whole; no part of a call.</content>
public sealed partial class PolicySnapshot
{
    /// <summary>The separations that forbid to hold groups together.</summary>
    internal IEnumerable<Separation> StaticSeparations => Separations;

    /// <summary>The separations that keep apart what one person does to one object.</summary>
    internal IReadOnlyList<DynamicSeparation> DynamicSeparations { get; }

    /// <summary>The groups that the rules of a function speak of; none if there is no such function.</summary>
    internal IEnumerable<string> GroupsAt(string functionId) =>
        _byId.TryGetValue(functionId, out Function? function)
            ? _rulesByFunction[function.Index].SelectMany(index => Rules[index].Groups)
            : [];

    /// <summary>Every group that the policy names, for whatever: subjects, approvers, exceptions.</summary>
    internal IEnumerable<string> AllGroups() => Rules.SelectMany(GroupsOf)
        .Concat(Separations.SelectMany(separation => separation.Groups))
        .Concat(Masks.SelectMany(mask => mask.ExceptGroups)).Distinct();

    private static IEnumerable<string> GroupsOf(Rule rule) => rule.Approval is not { } approval ? rule.Groups
        : rule.Groups.Concat(approval.Stages.SelectMany(stage => stage.Groups))
            .Concat(approval.BreakGlass.SelectMany(groups => groups));

    /// <summary>What rules that are enforced deny, or pause, somebody for holding this group.</summary>
    internal HashSet<string> RestrictionsAt(string functionId, string group)
    {
        HashSet<string> found = new(StringComparer.Ordinal);
        if (!_byId.TryGetValue(functionId, out Function? function) || Mode == PolicyMode.Observe) return found;
        foreach (int index in _rulesByFunction[function.Index])
        {
            Rule rule = Rules[index];
            bool restricts = rule.Effect != Effect.Allow && rule.Mode == PolicyMode.Enforce;
            if (restricts && rule.Groups.Contains(group)) found.Add($"{rule.Effect} {rule.When}");
        }

        return found;
    }

    /// <summary>The functions that a rule covers.</summary>
    internal IEnumerable<Function> FunctionsOf(Rule rule) =>
        _named.Where(function => rule.Functions.Any(one =>
            FunctionReference.Covers(one, function.Id, function.Tags)));

    /// <summary>
    /// The rules that speak of the caller and the function, in document order, whatever their conditions.
    /// </summary>
    internal List<Rule> Matching(Caller caller, Function function)
    {
        GroupSet held = _groups.SetOf(caller.Groups);
        return [.. _rulesByFunction[function.Index].Where(index => _ruleGroups[index].Meets(held))
            .Select(index => Rules[index])];
    }

    /// <summary>True if a static separation denies the caller everything.</summary>
    internal bool HoldsConflict(Caller caller) => FindSeparation(_groups.SetOf(caller.Groups)) is not null;
}
