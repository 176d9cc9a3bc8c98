namespace Countersign.Policy;

/// <content>What those ask who look at a policy as a whole; no part of a call.</content>
public sealed partial class PolicySnapshot
{
    /// <summary>The separations that forbid to hold groups together.</summary>
    internal IEnumerable<Separation> StaticSeparations => Separations;

    /// <summary>The groups that the rules of a function speak of; none if there is no such function.</summary>
    internal IEnumerable<string> GroupsAt(string functionId) =>
        _byId.TryGetValue(functionId, out Function? function)
            ? _rulesByFunction[function.Index].SelectMany(index => Rules[index].Groups)
            : [];

    /// <summary>The functions that a rule covers.</summary>
    internal IEnumerable<Function> FunctionsOf(Rule rule) =>
        _functions.Where(function => rule.Functions.Any(one =>
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
