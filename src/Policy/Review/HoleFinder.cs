using Countersign.Policy.Approvals;

namespace Countersign.Policy.Review;

/// <summary>
/// Looks for ways in which one person alone completes a high or critical function, and for stages that nobody can fill.
/// Chains of requester and approvers are always disjoint, so what is left are rules that let one person through, people
/// with accounts that nothing links, agents whose tokens do not name their owner, and groups that are too small.
/// </summary>
public sealed class HoleFinder
{
    private const int NamesShown = 5;

    private readonly PolicySnapshot _policy;
    private readonly IReadOnlyList<DirectoryAccount> _accounts;
    private readonly List<PolicyFinding> _findings = [];
    private readonly Dictionary<string, List<DirectoryAccount>> _byPerson = new(StringComparer.OrdinalIgnoreCase);
    private readonly Seating _seating;

    private HoleFinder(PolicySnapshot policy, PeopleDirectory? directory)
    {
        _policy = policy;
        _accounts = directory?.Accounts ?? [];
        foreach (DirectoryAccount account in _accounts)
        {
            if (!_byPerson.TryGetValue(account.Person, out List<DirectoryAccount>? own))
            {
                _byPerson.Add(account.Person, own = []);
            }

            own.Add(account);
        }

        _seating = new Seating(_accounts.Where(IsApprover));
    }

    /// <summary>
    /// Everything found, in document order. Without a directory only what the rules themselves say; all of that are
    /// warnings.
    /// </summary>
    public static IReadOnlyList<PolicyFinding> Find(PolicySnapshot policy, PeopleDirectory? directory)
    {
        ArgumentNullException.ThrowIfNull(policy);
        HoleFinder finder = new(policy, directory);
        finder.FindObserving();
        finder.FindRulesForOne(directory is not null);
        if (directory is not null)
        {
            finder.FindSplitDuties();
            finder.FindUnfillable();
            finder.FindOnesAlone();
        }

        return [.. finder._findings.OrderBy(finding => finding.Line).ThenBy(finding => finding.Column)];
    }

    private static bool IsGrave(Function function) => function.Risk >= Risk.High;

    private void FindObserving()
    {
        if (_policy.Mode != PolicyMode.Observe) return;
        int count = _policy.Functions.Count(IsGrave);
        if (count == 0) return;
        Add(FindingWeight.Warning, 1, 1, $"the policy is in observe: anybody who is identified may call its {count} "
            + "functions of high and critical risk alone", []);
    }

    /// <summary>Rules by which whoever holds a group calls a grave function with nobody else.</summary>
    private void FindRulesForOne(bool hasDirectory)
    {
        foreach (Rule rule in _policy.Rules)
        {
            bool isTried = rule.Effect == Effect.Approve && rule.Mode == PolicyMode.Observe;
            if ((rule.Effect != Effect.Allow && !isTried) || rule.Alone.Length > 0) continue;
            string[] functions = [.. _policy.FunctionsOf(rule)
                .Where(function => IsGrave(function) && rule.Groups.Any(group => LetsAlone(group, function, rule)))
                .Select(function => $"{function.Id} ({ApprovalJson.NameOf(function.Risk)})")];
            if (functions.Length == 0) continue;
            DirectoryAccount? somebody = hasDirectory ? FindSomebody(rule) : null;
            string what = isTried ? "is in observe and lets through" : "allows";
            string message = $"rule '{rule.Id}' {what} {Join(functions)} to one person alone";
            if (!isTried) message += "; say why with 'alone' if that is meant";
            FindingWeight weight = somebody is null || isTried ? FindingWeight.Warning : FindingWeight.Error;
            Add(weight, rule, message, somebody is null ? [] : [$"{Describe(somebody)} calls {functions[0]}"]);
        }
    }

    private bool LetsAlone(string group, Function function, Rule rule) =>
        WaysOf(Outlook.CallerIn([group]), function).Any(way => way.Stages.Count == 0 && way.Rules.Contains(rule));

    private DirectoryAccount? FindSomebody(Rule rule)
    {
        Function[] grave = [.. _policy.FunctionsOf(rule).Where(IsGrave)];
        return _accounts.FirstOrDefault(account => rule.Groups.Any(account.Caller.IsIn) && Array.Exists(
            grave, function => WaysOf(account.Caller, function).Any(
                way => way.Stages.Count == 0 && way.Rules.Contains(rule))));
    }

    /// <summary>
    /// Two groups of a static separation, held by one person through two accounts that nothing links.
    /// </summary>
    private void FindSplitDuties()
    {
        foreach (Separation separation in _policy.StaticSeparations)
        {
            foreach ((string person, List<DirectoryAccount> own) in _byPerson)
            {
                List<(DirectoryAccount Account, string Group)> held = [.. own.SelectMany(account =>
                    separation.Groups.Where(account.Caller.IsIn).Take(1).Select(group => (account, group)))];
                if (held.Select(one => one.Group).Distinct().Count() < 2) continue;
                string[] path = [.. held.Select(one => $"{one.Account.Caller.Subject} holds {one.Group}")];
                Add(FindingWeight.Error, separation.Line, separation.Column,
                    $"separation '{separation.Id}' is got round: {person} holds its groups through several accounts",
                    path);
                break;
            }
        }
    }

    /// <summary>Stages that nobody, or not enough people, can fill; for anybody, or for some who may ask.</summary>
    private void FindUnfillable()
    {
        foreach (Rule rule in _policy.Rules)
        {
            if (rule.Effect != Effect.Approve || rule.Mode == PolicyMode.Observe) continue;
            if (_seating.Fill(rule.Approval!.Stages, null) is null)
            {
                Add(FindingWeight.Error, rule, $"the stages of rule '{rule.Id}' can never be filled",
                    [Shortage(rule.Approval.Stages, null)]);
                continue;
            }

            FindThoseWhoAskInVain(rule);
        }
    }

    private void FindThoseWhoAskInVain(Rule rule)
    {
        List<string> inVain = [];
        string shortage = "";
        int askers = 0;
        Function? asked = _policy.FunctionsOf(rule).FirstOrDefault();
        foreach (DirectoryAccount account in _accounts)
        {
            if (asked is null || !rule.Groups.Any(account.Caller.IsIn)) continue;
            IReadOnlyList<Way> ways = WaysOf(account.Caller, asked);
            Way? way = ways.FirstOrDefault(one => one.Rules.Contains(rule) && one.Stages.Count > 0);
            if (way is null) continue;
            askers++;
            if (_seating.Fill(way.Stages, account.Caller) is not null) continue;
            if (inVain.Count == 0) shortage = Shortage(way.Stages, account.Caller);
            inVain.Add(account.Caller.Subject);
        }

        if (inVain.Count == 0) return;
        bool isEverybody = inVain.Count == askers;
        string who = isEverybody ? "everybody who may ask" : Join([.. inVain]);
        Add(isEverybody ? FindingWeight.Error : FindingWeight.Warning, rule,
            $"the stages of rule '{rule.Id}' can never be filled for {who}", [shortage]);
    }

    /// <summary>People who ask with one account, or through an agent, and agree with others.</summary>
    private void FindOnesAlone()
    {
        HashSet<string> told = [];
        foreach (Function function in _policy.Functions.Where(IsGrave))
        {
            string what = $"{function.Id} ({ApprovalJson.NameOf(function.Risk)})";
            foreach (DirectoryAccount asks in _accounts)
            {
                foreach (Way way in WaysOf(asks.Caller, function))
                {
                    if (way.Stages.Count == 0) continue;
                    if (Alone(way.Stages, asks) is not { } seated) continue;
                    Rule rule = way.Rules[0];
                    if (!told.Add($"{rule.Id} {asks.Person}")) continue;
                    string rules = string.Join(", ", way.Rules.Select(one => one.Id));
                    string[] path =
                    [
                        $"{Describe(asks)} asks for {function.Id} under {rules}",
                        .. seated.Select(one => $"{Describe(one)} approves"),
                        $"both are {asks.Person}, and nothing that the gateway sees links them",
                    ];
                    Add(FindingWeight.Error, rule,
                        $"{asks.Person} can both ask for and approve {what}",
                        path);
                }
            }
        }
    }

    /// <summary>Which accounts of the same person would fill every seat; null if they cannot.</summary>
    private List<DirectoryAccount>? Alone(IReadOnlyList<StageTerms> stages, DirectoryAccount asks)
    {
        bool hasEnough = _byPerson[asks.Person].Count > stages.Sum(stage => stage.Count);
        return hasEnough ? new Seating(_byPerson[asks.Person].Where(IsApprover)).Fill(stages, asks.Caller) : null;
    }

    private bool IsApprover(DirectoryAccount account) =>
        account.Caller.IsPerson && !_policy.HoldsConflict(account.Caller);

    /// <summary>
    /// What the caller may meet, at best. Conditions may come out as the caller likes, so conditional denials and
    /// stages are not counted on.
    /// </summary>
    private IReadOnlyList<Way> WaysOf(Caller caller, Function function)
    {
        if (_policy.HoldsConflict(caller)) return [];
        List<Rule> matching = _policy.Matching(caller, function);
        List<Rule> enforced = [.. matching.Where(rule => rule.Mode == PolicyMode.Enforce)];
        if (enforced.Exists(rule => rule.Effect == Effect.Deny && !rule.IsConditional)) return [];
        List<Rule> always = [.. enforced.Where(rule => rule.Effect == Effect.Approve && !rule.IsConditional)];
        if (always.Count > 0) return [new Way(always, [.. always.SelectMany(rule => rule.Approval!.Stages)])];
        List<Rule> free = [.. matching.Where(rule => rule.Effect == Effect.Allow
            || (rule.Effect == Effect.Approve && rule.Mode == PolicyMode.Observe))];
        if (free.Count > 0) return [new Way(free, [])];
        return [.. enforced.Where(rule => rule.Effect == Effect.Approve)
            .Select(rule => new Way([rule], rule.Approval!.Stages))];
    }

    private string Shortage(IReadOnlyList<StageTerms> stages, Caller? asks)
    {
        string needs = Outlook.Describe(stages);
        string[] people = [.. _seating.NamesFor(stages, asks)];
        string who = asks is null ? "" : $" when {asks.Subject} asks";
        return people.Length == 0
            ? $"it takes {needs}, and nobody is there{who}"
            : $"it takes {needs}, and only {Join(people)} could agree{who}";
    }

    private static string Describe(DirectoryAccount account) =>
        $"{account.Caller.Subject} ({string.Join(", ", account.Caller.Groups)})";

    private static string Join(string[] names) => names.Length <= NamesShown
        ? string.Join(", ", names) : string.Join(", ", names[..NamesShown]) + $" and {names.Length - NamesShown} more";

    private void Add(FindingWeight weight, Rule rule, string message, IReadOnlyList<string> path) =>
        _findings.Add(new PolicyFinding(weight, rule.Line, rule.Column, message, path) { File = rule.File });

    private void Add(FindingWeight weight, int line, int column, string message, IReadOnlyList<string> path) =>
        _findings.Add(new PolicyFinding(weight, line, column, message, path));

    /// <summary>One way a call may go: the rules that decide it, and the stages it then takes; none is alone.</summary>
    private sealed record Way(IReadOnlyList<Rule> Rules, IReadOnlyList<StageTerms> Stages);
}
