namespace Countersign.Policy.Review;

/// <summary>Who may call what, in two policies: each group by itself, and callers with all that they hold.</summary>
internal sealed class AccessDiff(PolicySnapshot before, PolicySnapshot after)
{
    /// <summary>Pairs of group and function; with more than these, a comparison would take minutes.</summary>
    private const int PairsMax = 500_000;

    private readonly Dictionary<AccessChangeKey, List<string>> _found = [];
    private readonly List<string> _functions =
        [.. before.Functions.Concat(after.Functions).Select(one => one.Id).Distinct().Order(StringComparer.Ordinal)];

    private int _pairs;

    public bool IsWhole => _pairs <= PairsMax;

    public void CompareGroups()
    {
        foreach (string function in _functions)
        {
            SortedSet<string> groups = new(StringComparer.Ordinal);
            groups.UnionWith(before.GroupsAt(function));
            groups.UnionWith(after.GroupsAt(function));
            foreach (string group in groups)
            {
                if (++_pairs > PairsMax) return;
                Compare(group, isGroup: true, Outlook.CallerIn([group]), function);
            }
        }
    }

    public void CompareCallers(IReadOnlyList<Caller> callers)
    {
        foreach (Caller caller in callers)
        {
            foreach (string function in _functions)
            {
                if (++_pairs > PairsMax) return;
                Compare(caller.Subject, isGroup: false, caller, function);
            }
        }
    }

    /// <summary>By subject, then by what changed.</summary>
    public IReadOnlyList<AccessChange> Changes() =>
    [
        .. _found.OrderByDescending(entry => entry.Key.IsGroup)
            .ThenBy(entry => entry.Key.Subject, StringComparer.Ordinal)
            .ThenBy(entry => entry.Value[0], StringComparer.Ordinal)
            .Select(entry => new AccessChange(
                entry.Key.Subject, entry.Key.IsGroup, entry.Value, entry.Key.Before, entry.Key.After,
                    entry.Key.Weight)),
    ];

    private void Compare(string subject, bool isGroup, Caller caller, string function)
    {
        Outlook was = Outlook.Of(before, caller, function);
        Outlook now = Outlook.Of(after, caller, function);
        bool isShutBoth = was.IsShut && now.IsShut;
        if (was.Text == now.Text || isShutBoth) return;
        AccessChangeKey key = new(subject, isGroup, was.Text, now.Text, Weigh(was, now));
        if (!_found.TryGetValue(key, out List<string>? functions)) _found.Add(key, functions = []);
        functions.Add(function);
    }

    private static ChangeWeight Weigh(Outlook was, Outlook now)
    {
        if (was.IsConditional || now.IsConditional) return ChangeWeight.Unclear;
        int step = now.Effect.CompareTo(was.Effect);
        if (step == 0 && now.Effect == Effect.Approve) step = StageTally.Compare(was.Stages, now.Stages);
        return step > 0 ? ChangeWeight.Loosens : step < 0 ? ChangeWeight.Tightens : ChangeWeight.Unclear;
    }

    private readonly record struct AccessChangeKey(
        string Subject, bool IsGroup, string Before, string After, ChangeWeight Weight);
}
