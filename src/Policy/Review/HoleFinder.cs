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
    private readonly CallerWays _ways;
    private readonly bool _isLearned;

    private HoleFinder(PolicySnapshot policy, PeopleDirectory? directory)
    {
        _policy = policy;
        _ways = new CallerWays(policy);
        _accounts = directory?.Accounts ?? [];
        _isLearned = directory is { IsLearned: true };
        foreach (DirectoryAccount account in _accounts)
        {
            if (!_byPerson.TryGetValue(account.Person, out List<DirectoryAccount>? own))
            {
                _byPerson.Add(account.Person, own = []);
            }

            own.Add(account);
        }

        _seating = new Seating(_accounts.Where(_ways.IsApprover));
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
            finder._findings.AddRange(DutyHoles.Find(policy, directory, finder._seating));
            finder._findings.AddRange(GlassHoles.Find(policy, directory));
            if (directory.IsLearned) finder.FindOnesWithNobodyBehind();
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
            string message = $"rule '{rule.Id}' {what} {Join(functions)} to one person alone; "
                + "say why with 'alone' if that is meant";
            FindingWeight weight = somebody is null ? FindingWeight.Warning : FindingWeight.Error;
            Add(weight, rule, message, somebody is null ? [] : [$"{Describe(somebody)} calls {functions[0]}"]);
        }
    }

    private bool LetsAlone(string group, Function function, Rule rule) =>
        _ways.Of(Outlook.CallerIn([group]), function).Any(way => way.Stages.Count == 0 && way.Rules.Contains(rule));

    private DirectoryAccount? FindSomebody(Rule rule)
    {
        Function[] grave = [.. _policy.FunctionsOf(rule).Where(IsGrave)];
        return _accounts.FirstOrDefault(account => rule.Groups.Any(account.Caller.IsIn) && Array.Exists(
            grave, function => _ways.Of(account.Caller, function).Any(
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
                Add(Missing, rule, $"the stages of rule '{rule.Id}' can never be filled{Seen}",
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
            IReadOnlyList<Way> ways = _ways.Of(account.Caller, asked);
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
        Add(isEverybody ? Missing : FindingWeight.Warning, rule,
            $"the stages of rule '{rule.Id}' can never be filled for {who}{Seen}", [shortage]);
    }

    /// <summary>Whoever was not seen yet may be there all the same.</summary>
    private FindingWeight Missing => _isLearned ? FindingWeight.Warning : FindingWeight.Error;

    private string Seen => _isLearned ? " by those who were seen" : "";

    /// <summary>
    /// What asks for others' approval with a token that names nobody: whoever runs it could approve what it asks.
    /// </summary>
    private void FindOnesWithNobodyBehind()
    {
        foreach (Rule rule in _policy.Rules)
        {
            Function[] grave = [.. _policy.FunctionsOf(rule).Where(IsGrave)];
            string[] loose = [.. _accounts.Where(account => account.Caller is { IsPerson: false, Chain.Count: 0 }
                && Array.Exists(grave, function => _ways.Of(account.Caller, function).Any(
                    way => way.Stages.Count > 0 && way.Rules.Contains(rule))))
                .Select(account => account.Caller.Subject)];
            if (loose.Length == 0) continue;
            Add(FindingWeight.Warning, rule, $"{Join(loose)} may ask under rule '{rule.Id}', and their tokens name "
                + "nobody who is behind them: whoever runs them could approve what they ask for", []);
        }
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
                foreach (Way way in _ways.Of(asks.Caller, function))
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
        return hasEnough ? new Seating(_byPerson[asks.Person].Where(_ways.IsApprover)).Fill(stages, asks.Caller) : null;
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

}
