namespace Countersign.Policy.Review;

/// <summary>
/// Compares the rules that bear on one caller and one function, where their conditions hang on the call: by what each
/// of them does, whatever the conditions say.
/// </summary>
internal sealed class RuleTally
{
    private readonly HashSet<string> _allows = new(StringComparer.Ordinal);
    private readonly HashSet<string> _denies = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _approves = new(StringComparer.Ordinal);

    private RuleTally(IReadOnlyList<Rule> rules)
    {
        foreach (Rule rule in rules)
        {
            string when = rule.When ?? "";
            bool isTried = rule.Mode == PolicyMode.Observe;
            if (rule.Effect == Effect.Deny)
            {
                // Tried out, a rule that denies does nothing.
                if (!isTried) _denies.Add(when);
            }
            else if (rule.Effect == Effect.Allow || isTried) _allows.Add(when);
            else _approves.TryAdd($"{Outlook.Describe(rule.Approval!.Stages)} if {when}", when);
        }
    }

    /// <summary>Which way it goes from the one list to the other; unclear where it goes both ways.</summary>
    public static ChangeWeight Compare(IReadOnlyList<Rule> was, IReadOnlyList<Rule> now)
    {
        RuleTally before = new(was);
        RuleTally after = new(now);
        bool opens = after.IsNoStricterThan(before);
        bool closes = before.IsNoStricterThan(after);
        return opens == closes ? ChangeWeight.Unclear : opens ? ChangeWeight.Loosens : ChangeWeight.Tightens;
    }

    /// <summary>
    /// True if whatever the other lets through, or pauses, this does at least. A rule that asked for approval may only
    /// be missing where its calls are allowed now: without it they would be denied.
    /// </summary>
    private bool IsNoStricterThan(RuleTally other) => other._allows.IsSubsetOf(_allows)
        && _denies.IsSubsetOf(other._denies)
        && _approves.Keys.All(other._approves.ContainsKey)
        && other._approves.All(one => _approves.ContainsKey(one.Key)
            || _allows.Contains("") || _allows.Contains(one.Value));
}
