namespace Countersign.Policy.Review;

/// <summary>
/// Which functions the rules, dynamic separations, masks and limits of two policies cover, by id: a tag or a pattern
/// reaches a function that its own entry does not name, so that a change of the function takes it out of reach.
/// </summary>
internal static class CoverageDiff
{
    /// <summary>
    /// What covers a function of both policies in the one only. Entries of one policy are left out, which are told of
    /// as new or gone; so are functions that an entry names by id, which are told of as a list's items.
    /// </summary>
    public static IEnumerable<PolicyChange> Compare(PolicySnapshot before, PolicySnapshot after)
    {
        HashSet<string> both = new(
            before.Functions.Select(one => one.Id).Intersect(after.Functions.Select(one => one.Id)),
            StringComparer.Ordinal);
        ILookup<(string Section, string Id), Cover> latest =
            CoversOf(after).ToLookup(one => (one.Section, one.Id));
        foreach (Cover was in CoversOf(before))
        {
            if (latest[(was.Section, was.Id)].FirstOrDefault() is not { } now) continue;
            HashSet<string> old = FunctionsOf(before, was);
            HashSet<string> covered = FunctionsOf(after, now);
            string[] gone = [.. old.Where(id => both.Contains(id) && !covered.Contains(id)
                && !was.Functions.Contains(id))];
            string[] added = [.. covered.Where(id => both.Contains(id) && !old.Contains(id)
                && !now.Functions.Contains(id))];
            if (gone.Length > 0)
                yield return Change(was, MemberTerms.Against(was.Adds), $"covers no more {Join(gone)}");
            if (added.Length > 0) yield return Change(now, now.Adds, $"covers now {Join(added)}");
        }
    }

    /// <summary>
    /// Which dynamic separations, masks and limits cover the one function of the one policy, and not the other function
    /// of the other policy; <c>mask pii</c>.
    /// </summary>
    public static IEnumerable<string> Lost(
        PolicySnapshot before, Function was, PolicySnapshot after, Function now)
    {
        HashSet<(string Section, string Id)> kept = [.. CoversOf(after)
            .Where(one => one.Section != "rules"
                && one.Functions.Any(written => FunctionReference.Covers(written, now.Id, now.Tags)))
            .Select(one => (one.Section, one.Id))];
        return CoversOf(before).Where(one => one.Section != "rules" && !kept.Contains((one.Section, one.Id))
            && one.Functions.Any(written => FunctionReference.Covers(written, was.Id, was.Tags)))
            .Select(one => $"{one.Section[..^1]} {one.Id}");
    }

    private static PolicyChange Change(Cover cover, ChangeWeight weight, string text) =>
        new(cover.Section, cover.Id, "functions", weight, text);

    private static string Join(string[] ids) => string.Join(", ", ids.Order(StringComparer.Ordinal));

    private static IEnumerable<Cover> CoversOf(PolicySnapshot policy)
    {
        foreach (Rule rule in policy.Rules)
        {
            string mode = rule.Mode == PolicyMode.Observe ? "observe" : "enforce";
            string effect = rule.Effect switch
            {
                Effect.Allow => "allow",
                Effect.Approve => "approve",
                _ => "deny",
            };
            yield return new Cover("rules", rule.Id, rule.Functions, MemberTerms.OfRule(effect, mode));
        }

        foreach (DynamicSeparation separation in policy.DynamicSeparations)
            yield return new Cover("separations", separation.Id, separation.Functions, ChangeWeight.Tightens);
        foreach (MaskRule mask in policy.Masks)
            yield return new Cover("masks", mask.Terms.Id, mask.Functions, ChangeWeight.Tightens);
        foreach (RateLimit limit in policy.Limits)
            yield return new Cover("limits", limit.Id, limit.Functions, ChangeWeight.Tightens);
    }

    private static HashSet<string> FunctionsOf(PolicySnapshot policy, Cover cover)
    {
        HashSet<string> found = new(StringComparer.Ordinal);
        foreach (string written in cover.Functions)
        {
            bool isId = !Glob.IsPattern(written) && !FunctionReference.IsTag(written);
            if (isId) found.Add(written);
            else found.UnionWith(policy.Functions
                .Where(one => FunctionReference.Covers(written, one.Id, one.Tags)).Select(one => one.Id));
        }

        return found;
    }

    /// <summary>An entry that covers functions, and what it does to one more of them.</summary>
    private sealed record Cover(string Section, string Id, IReadOnlyList<string> Functions, ChangeWeight Adds);
}
