namespace Countersign.Policy.Review;

/// <summary>
/// Which functions take calls that were another's: one with a narrower path or host that is new, one with a wider that
/// is left, one by another name at the same place. What a third function takes of the same calls is not considered, so
/// that more may be shown than happens, and never less.
/// </summary>
internal sealed class TakeoverDiff(PolicySnapshot before, PolicySnapshot after)
{
    /// <summary>Pairs of places; with more than these, it would take minutes.</summary>
    private const int ComparisonsMax = 20_000_000;

    /// <summary>Functions that take another's calls; each is compared in all that covers the two.</summary>
    private const int TakeoversMax = 10_000;

    private readonly Dictionary<(CallPlace Place, string Id), Function> _was = Index(before);
    private readonly Dictionary<(CallPlace Place, string Id), Function> _now = Index(after);
    private readonly HashSet<(string Was, string Now)> _told = [];
    private readonly List<PolicyChange> _changes = [];
    private int _comparisons;

    /// <summary>False if there was too much to compare.</summary>
    public bool IsWhole => _comparisons <= ComparisonsMax && _told.Count <= TakeoversMax;

    public IReadOnlyList<PolicyChange> Compare()
    {
        ILookup<(string, int), Held> was = Group(_was);
        foreach (IGrouping<(string, int), Held> group in Group(_now))
        {
            Held[] old = [.. was[group.Key]];
            Held[] oldMoved = [.. old.Where(one => !_now.ContainsKey((one.Place, one.Function.Id)))];
            foreach (Held now in group)
            {
                // Where neither moved, they share calls as they did.
                bool isNew = !_was.ContainsKey((now.Place, now.Function.Id));
                foreach (Held one in isNew ? old : oldMoved)
                {
                    _comparisons++;
                    if (!IsWhole) return _changes;
                    if (one.Function.Id != now.Function.Id && Takes(one, now, isNew)) Note(one.Function, now.Function);
                }
            }
        }

        return _changes;
    }

    private static Dictionary<(CallPlace Place, string Id), Function> Index(PolicySnapshot policy)
    {
        Dictionary<(CallPlace Place, string Id), Function> places = [];
        foreach (Function function in policy.Functions)
        {
            foreach (CallPlace place in CallPlace.Of(function)) places.TryAdd((place, function.Id), function);
        }

        return places;
    }

    private static ILookup<(string, int), Held> Group(Dictionary<(CallPlace Place, string Id), Function> places) =>
        places.Select(entry => new Held(entry.Key.Place, entry.Value))
            .ToLookup(held => (held.Place.Method, held.Place.Length));

    private bool Takes(Held was, Held now, bool isNew)
    {
        if (!was.Place.Overlaps(now.Place)) return false;
        bool stays = _now.ContainsKey((was.Place, was.Function.Id));
        if (stays && isNew) return now.Place.Precedes(was.Place);
        return isNew || was.Place.Precedes(now.Place);
    }

    private void Note(Function was, Function now)
    {
        if (!_told.Add((was.Id, now.Id)) || !IsWhole) return;
        List<string> looser = [.. LooserTerms(was, now), .. LooserAccess(was, now)];
        looser.AddRange(CoverageDiff.Lost(before, was, after, now).Select(one => $"without {one}"));
        ChangeWeight weight = looser.Count > 0 ? ChangeWeight.Loosens : ChangeWeight.Unclear;
        string how = looser.Count > 0 ? string.Join("; ", looser) : "nobody is seen to gain by it";
        if (was.Upstream.Name != now.Upstream.Name) how += $"; at upstream {now.Upstream.Name}";
        if (was.Arguments is not null && now.Arguments is not null) how += "; with args of its own";
        _changes.Add(new PolicyChange(
            "functions", now.Id, "path", weight, $"takes calls of {was.Id} ({WordOf(was.Risk)}): {how}"));
    }

    private static IEnumerable<string> LooserTerms(Function was, Function now)
    {
        if (now.Risk < was.Risk) yield return $"risk {WordOf(now.Risk)}";
        if (was.IsMaskable && !now.IsMaskable) yield return "not maskable";
        if (now.KeepsCookie && !was.KeepsCookie) yield return "keeps the cookie";
        if (now.KeepsProof && !was.KeepsProof) yield return "keeps the proof";
        string[] headers = [.. was.BindingHeaders.Except(now.BindingHeaders)];
        if (headers.Length > 0) yield return $"without headers {string.Join(", ", headers)}";
        if (was.Arguments is not null && now.Arguments is null) yield return "takes any args";
    }

    /// <summary>Each group by itself, and nobody's; those of whom the same is so together.</summary>
    private IEnumerable<string> LooserAccess(Function was, Function now)
    {
        SortedSet<string> groups = new(StringComparer.Ordinal);
        groups.UnionWith(before.GroupsAt(was.Id));
        groups.UnionWith(after.GroupsAt(now.Id));
        Dictionary<(string Was, string Now), List<string>> found = [];
        List<string> freed = [];
        Weigh(Outlook.CallerIn([]), "anybody");
        foreach (string group in groups)
        {
            Weigh(Outlook.CallerIn([group]), group);
            bool isFreed = !before.RestrictionsAt(was.Id, group).IsSubsetOf(after.RestrictionsAt(now.Id, group));
            if (isFreed) freed.Add(group);
        }

        foreach (((string old, string latest), List<string> who) in found)
            yield return $"{string.Join(", ", who)} now {latest} (was: {old})";
        if (freed.Count > 0) yield return $"without what denies or pauses {string.Join(", ", freed)}";

        void Weigh(Caller caller, string name)
        {
            Outlook old = Outlook.Of(before, caller, was.Id);
            Outlook latest = Outlook.Of(after, caller, now.Id);
            bool isSame = old.Text == latest.Text || (old.IsShut && latest.IsShut);
            if (isSame || AccessDiff.Weigh(old, latest) == ChangeWeight.Tightens) return;
            if (!found.TryGetValue((old.Text, latest.Text), out List<string>? who))
                found.Add((old.Text, latest.Text), who = []);
            who.Add(name);
        }
    }

    private static string WordOf(Risk risk) => risk switch
    {
        Risk.Low => "low",
        Risk.Medium => "medium",
        Risk.High => "high",
        _ => "critical",
    };

    private sealed record Held(CallPlace Place, Function Function);
}
