namespace Countersign.Policy.Review;

/// <summary>
/// Who may call what, in two policies: anybody at all, each group by itself, two groups together where a rule that
/// denies or pauses holds them apart no more or since, and callers with all that they hold.
/// </summary>
internal sealed class AccessDiff(PolicySnapshot before, PolicySnapshot after)
{
    /// <summary>Comparisons; with more than these, it would take minutes.</summary>
    private const int ComparisonsMax = 500_000;

    private readonly Dictionary<AccessChangeKey, List<string>> _found = [];
    private readonly List<string> _functions =
        [.. before.Functions.Concat(after.Functions).Select(one => one.Id).Distinct().Order(StringComparer.Ordinal)];

    private int _comparisons;

    public bool IsWhole => _comparisons <= ComparisonsMax;

    /// <summary>
    /// A policy that observes lets anybody through who is identified, in whatever groups, whether or not a rule of the
    /// function speaks of them.
    /// </summary>
    public void CompareAnybody()
    {
        string[] groups = [.. before.AllGroups().Concat(after.AllGroups()).Distinct().Order(StringComparer.Ordinal)];
        Who anybody = new(AccessChange.Anybody, "", IsGroup: true, groups);
        Caller nobody = Outlook.CallerIn([]);
        foreach (string function in _functions)
        {
            if (++_comparisons > ComparisonsMax) return;
            Step step = StepOf(nobody, function);
            if (step.IsChange) Note(anybody, step, function);
        }
    }

    public void CompareGroups()
    {
        foreach (string function in _functions)
        {
            SortedSet<string> groups = new(StringComparer.Ordinal);
            groups.UnionWith(before.GroupsAt(function));
            groups.UnionWith(after.GroupsAt(function));
            Dictionary<string, Step> alone = new(StringComparer.Ordinal);
            foreach (string group in groups)
            {
                if (++_comparisons > ComparisonsMax) return;
                Step step = StepOf(Outlook.CallerIn([group]), function);
                alone.Add(group, step);
                if (step.IsChange) Note(new Who(group, "", IsGroup: true, []), step, function);
            }

            if (!ComparePairs(function, groups, alone)) return;
        }
    }

    public void CompareCallers(IReadOnlyList<Caller> callers)
    {
        foreach (Caller caller in callers)
        {
            foreach (string function in _functions)
            {
                if (++_comparisons > ComparisonsMax) return;
                Step step = StepOf(caller, function);
                if (step.IsChange) Note(new Who(caller.Subject, "", IsGroup: false, []), step, function);
            }
        }
    }

    /// <summary>Anybody, groups, callers; by subject, then by what changed.</summary>
    public IReadOnlyList<AccessChange> Changes() =>
    [
        .. _found.OrderByDescending(entry => entry.Key.Who.IsGroup)
            .ThenByDescending(entry => entry.Key.Who.Subject == AccessChange.Anybody)
            .ThenBy(entry => entry.Key.Who.Subject, StringComparer.Ordinal)
            .ThenBy(entry => entry.Key.Who.With, StringComparer.Ordinal)
            .ThenBy(entry => entry.Value[0], StringComparer.Ordinal)
            .Select(entry => new AccessChange(
                entry.Key.Who.Subject, entry.Key.Who.IsGroup, entry.Value, entry.Key.Before, entry.Key.After,
                entry.Key.Weight)
            {
                With = entry.Key.Who.With,
                Among = entry.Key.Who.Among,
            }),
    ];

    /// <summary>
    /// Two groups in one hand: a rule that denies the one, gone or only tried out, opens what the other is allowed, and
    /// neither of them alone shows it. More than two show nothing that no two of them do.
    /// </summary>
    private bool ComparePairs(string function, SortedSet<string> groups, Dictionary<string, Step> alone)
    {
        HashSet<string> told = new(StringComparer.Ordinal);
        foreach (string held in groups)
        {
            if (before.RestrictionsAt(function, held).SetEquals(after.RestrictionsAt(function, held))) continue;
            told.Add(held);
            foreach (string other in groups)
            {
                if (told.Contains(other)) continue;
                if (++_comparisons > ComparisonsMax) return false;
                Step step = StepOf(Outlook.CallerIn([held, other]), function);
                bool isShown = alone[held].IsLike(step) || alone[other].IsLike(step);
                if (!step.IsChange || step.Was.Best == step.Now.Best || isShown) continue;
                Note(new Who(held, other, IsGroup: true, []), step, function);
            }
        }

        return true;
    }

    private Step StepOf(Caller caller, string function) =>
        new(Outlook.Of(before, caller, function), Outlook.Of(after, caller, function));

    private void Note(Who who, Step step, string function)
    {
        AccessChangeKey key = new(who, step.Was.Text, step.Now.Text, Weigh(step.Was, step.Now));
        if (!_found.TryGetValue(key, out List<string>? functions)) _found.Add(key, functions = []);
        functions.Add(function);
    }

    /// <summary>Which way it goes for one caller.</summary>
    internal static ChangeWeight Weigh(Outlook was, Outlook now)
    {
        if (!was.IsConditional && !now.IsConditional)
        {
            int step = now.Best.CompareTo(was.Best);
            if (step == 0 && now.Best == Effect.Approve) step = StageTally.Compare(was.Stages, now.Stages);
            return step > 0 ? ChangeWeight.Loosens : step < 0 ? ChangeWeight.Tightens : ChangeWeight.Unclear;
        }

        bool mayCompare = was.Best != Effect.Approve || now.Best != Effect.Approve;
        if (mayCompare && now.Worst >= was.Best) return ChangeWeight.Loosens;
        if (mayCompare && now.Best <= was.Worst) return ChangeWeight.Tightens;
        return was.IsConditional && now.IsConditional ? RuleTally.Compare(was.Rules, now.Rules) : ChangeWeight.Unclear;
    }

    /// <summary>Of whom something is so.</summary>
    private sealed record Who(string Subject, string With, bool IsGroup, IReadOnlyList<string> Among);

    private readonly record struct Step(Outlook Was, Outlook Now)
    {
        public bool IsChange => Was.Text != Now.Text && !(Was.IsShut && Now.IsShut);

        public bool IsLike(Step other) => Was.Best == other.Was.Best && Now.Best == other.Now.Best;
    }

    private readonly record struct AccessChangeKey(Who Who, string Before, string After, ChangeWeight Weight);
}
