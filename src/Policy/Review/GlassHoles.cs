using Countersign.Policy.Approvals;

namespace Countersign.Policy.Review;

/// <summary>
/// What breaking the glass comes to: who can both ask for a grave call and let it through alone, and reviews that
/// nobody could do. The first is what a glass is for, and is said; the second is a hole.
/// </summary>
internal sealed class GlassHoles(PolicySnapshot policy, PeopleDirectory directory)
{
    private const int NamesShown = 5;

    private readonly CallerWays _ways = new(policy);

    public static IEnumerable<PolicyFinding> Find(PolicySnapshot policy, PeopleDirectory directory) =>
        new GlassHoles(policy, directory).Look();

    private IEnumerable<PolicyFinding> Look()
    {
        ILookup<string, DirectoryAccount> byPerson = directory.Accounts.ToLookup(
            account => account.Person, StringComparer.OrdinalIgnoreCase);
        Dictionary<Rule, List<Broken>> found = [];
        foreach (Function function in policy.Functions.Where(function => function.Risk >= Risk.High))
        {
            foreach (DirectoryAccount asks in directory.Accounts)
            {
                foreach (Way way in _ways.Of(asks.Caller, function))
                {
                    if (way.BreakGlass.Count == 0) continue;
                    DirectoryAccount? breaks = byPerson[asks.Person].FirstOrDefault(account =>
                        _ways.IsApprover(account) && BreakGlassRules.IsAllowed(way.BreakGlass, account.Caller.Groups));
                    if (breaks is null) continue;
                    Rule rule = way.Rules[0];
                    if (!found.TryGetValue(rule, out List<Broken>? broken)) found.Add(rule, broken = []);
                    broken.Add(new Broken(function, asks, breaks, way));
                }
            }
        }

        return found.SelectMany(entry => Say(entry.Key, entry.Value));
    }

    private IEnumerable<PolicyFinding> Say(Rule rule, List<Broken> all)
    {
        string[] people = [.. all.Select(one => one.Asks.Person).Distinct(StringComparer.OrdinalIgnoreCase)];
        string names = string.Join(", ", people.Take(NamesShown));
        if (people.Length > NamesShown) names += $" and {people.Length - NamesShown} more";
        Broken first = all[0];
        yield return new PolicyFinding(FindingWeight.Warning, rule.Line, rule.Column,
            $"by breaking the glass of rule '{rule.Id}' {names} can call {first.Function.Id} "
                + $"({ApprovalJson.NameOf(first.Function.Risk)}) alone; a review is owed afterwards",
            [
                $"{first.Asks.Caller.Subject} asks for {first.Function.Id}",
                $"{first.Breaks.Caller.Subject} breaks the glass",
            ])
        {
            File = rule.File,
        };
        Broken? never = all.Find(one => !HasReviewer(one));
        if (never is null) yield break;
        yield return new PolicyFinding(
            directory.IsLearned ? FindingWeight.Warning : FindingWeight.Error, rule.Line, rule.Column,
            $"the review of rule '{rule.Id}' could never be done when {never.Breaks.Caller.Subject} breaks its glass",
            [$"it takes somebody else of {Outlook.Describe(never.Way.Stages)}, and nobody is there"])
        {
            File = rule.File,
        };
    }

    private bool HasReviewer(Broken broken) => directory.Accounts.Any(account =>
        _ways.CanApprove(account, broken.Way.Stages)
        && !CallerWays.AreLinked(account.Caller, broken.Asks.Caller)
        && !CallerWays.AreLinked(account.Caller, broken.Breaks.Caller));

    private sealed record Broken(Function Function, DirectoryAccount Asks, DirectoryAccount Breaks, Way Way);
}
