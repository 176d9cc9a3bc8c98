using System.Text;
using System.Text.RegularExpressions;

namespace Countersign.Policy.Tests;

/// <summary>
/// A random policy, as text for the reader and with an evaluator of its own: slow, and of other means.
/// </summary>
internal sealed class PlainPolicy
{
    private static readonly string[] Ids = ["a.get", "a.put", "b.get", "b.put", "c"];
    private static readonly string[] Patterns = ["*", "a.*", "*.put", "b*t", "*.*", .. Ids, .. Ids];
    private static readonly string[] GroupNames = ["g0", "g1", "g2", "g3", "g4", "G0"];

    public List<PlainRule> Rules { get; init; } = [];

    public List<string[]> Separations { get; init; } = [];

    public List<PlainMask> Masks { get; init; } = [];

    public static IReadOnlyList<string> FunctionIds => Ids;

    public static PlainPolicy Make(Random random)
    {
        PlainPolicy policy = new();
        for (int n = random.Next(6); n > 0; n--) policy.Rules.Add(MakeRule(random, random.Next(3)));
        for (int n = random.Next(3); n > 0; n--) policy.Separations.Add(Pick(random, GroupNames, random.Next(2, 4)));
        for (int n = random.Next(3); n > 0; n--)
        {
            string[] functions = Pick(random, Patterns, random.Next(1, 3));
            policy.Masks.Add(new PlainMask(functions, Pick(random, GroupNames, random.Next(3))));
        }

        return policy;
    }

    /// <summary>Effect 0 allows, 1 needs approval, 2 denies.</summary>
    public static PlainRule MakeRule(Random random, int effect) => new(
        effect, Pick(random, GroupNames, random.Next(1, 4)), Pick(random, Patterns, random.Next(1, 3)),
        random.Next(1, 5), random.Next(60, 99), random.Next(10, 50), random.Next(9), random.Next(2) == 0);

    public static Caller MakeCaller(Random random) => PolicyTexts.CallerIn(Pick(random, GroupNames, random.Next(5)));

    public string Write()
    {
        StringBuilder text = new(PolicyTexts.Upstreams);
        foreach (string id in Ids) text.Append($"  {id}: {{ upstream: up, method: GET, path: /{id}, risk: low }}\n");
        text.Append("rules: [");
        for (int n = 0; n < Rules.Count; n++) text.Append(Rules[n].Write($"r{n}"));
        text.Append("]\nseparations: [");
        for (int n = 0; n < Separations.Count; n++)
        {
            text.Append($"\n  {{ id: s{n}, kind: static, groups: [{string.Join(", ", Separations[n])}] }},");
        }

        text.Append("]\nmasks: [");
        for (int n = 0; n < Masks.Count; n++) text.Append(Masks[n].Write($"m{n}"));
        return text.Append("]\n").ToString();
    }

    /// <summary>Everything a decision says, as one line.</summary>
    public string Decide(Caller caller, string function)
    {
        HashSet<string> held = [.. caller.Groups];
        string masks = string.Join('+', Masks.Select((mask, n) => (mask, n))
            .Where(one => Covers(one.mask.Functions, function) && !held.Overlaps(one.mask.Except))
            .Select(one => $"m{one.n}"));
        int separation = Separations.FindIndex(groups => groups.Count(held.Contains) > 1);
        if (separation >= 0) return $"Deny Separation s{separation} [] {masks}";

        List<(PlainRule Rule, string Id)> matched = [.. Rules.Select((rule, n) => (rule, $"r{n}"))
            .Where(one => held.Overlaps(one.rule.Groups) && Covers(one.rule.Functions, function))];
        if (matched.Count == 0) return $"Deny NothingMatched  [] {masks}";
        int strongest = matched.Max(one => one.Rule.Effect);
        List<(PlainRule Rule, string Id)> deciding = [.. matched.Where(one => one.Rule.Effect == strongest)];
        if (strongest != 1) return $"{(strongest == 0 ? "Allow" : "Deny")} Rule {deciding[0].Id} [] {masks}";

        string stages = string.Join('+', deciding.Select(one => one.Rule.Count));
        int decide = deciding.Min(one => one.Rule.DecideSeconds);
        int use = deciding.Min(one => one.Rule.UseSeconds);
        int hold = deciding.Max(one => one.Rule.HoldSeconds);
        bool reason = deciding.Any(one => one.Rule.Reason);
        string ids = string.Join(',', deciding.Select(one => one.Id));
        return $"Approve Rule {ids} [{stages} {decide} {use} {hold} {reason}] {masks}";
    }

    /// <summary>The same line, of a snapshot's decision.</summary>
    public static string Describe(Decision decision)
    {
        string terms = decision.Approval is not { } approval ? "" :
            $"{string.Join('+', approval.Stages.Select(stage => stage.Count))} {approval.DecideWithin.TotalSeconds} "
            + $"{approval.UseWithin.TotalSeconds} {approval.Hold.TotalSeconds} {approval.ReasonRequired}";
        string masks = string.Join('+', decision.Masks.Select(mask => mask.Id));
        return $"{decision.Effect} {decision.Cause} {decision.Rule} [{terms}] {masks}";
    }

    private static bool Covers(string[] patterns, string function) => patterns.Any(pattern =>
        Regex.IsMatch(function, "^" + string.Join(".*", pattern.Split('*').Select(Regex.Escape)) + "$"));

    private static string[] Pick(Random random, string[] from, int count) =>
        [.. from.OrderBy(_ => random.Next()).Distinct().Take(count)];
}

/// <summary>A rule of a random policy; effect 0 allows, 1 needs approval, 2 denies.</summary>
internal sealed record PlainRule(
    int Effect, string[] Groups, string[] Functions, int Count, int DecideSeconds, int UseSeconds, int HoldSeconds,
    bool Reason)
{
    public string Write(string id)
    {
        string effect = Effect switch { 0 => "allow", 1 => "approve", _ => "deny" };
        string approval = Effect != 1 ? "" :
            $", approval: {{ stages: [{{ groups: [x], count: {Count} }}], decideWithin: {DecideSeconds}s, "
            + $"useWithin: {UseSeconds}s, hold: {HoldSeconds}s, reason: {(Reason ? "required" : "optional")} }}";
        string functions = string.Join(", ", Functions.Select(one => $"\"{one}\""));
        return $"\n  {{ id: {id}, subjects: {{ groups: [{string.Join(", ", Groups)}] }}, "
            + $"functions: [{functions}], effect: {effect}{approval} }},";
    }
}

/// <summary>A mask of a random policy; without groups it excepts nobody.</summary>
internal sealed record PlainMask(string[] Functions, string[] Except)
{
    public string Write(string id)
    {
        string except = Except.Length == 0 ? "" : $", except: {{ groups: [{string.Join(", ", Except)}] }}";
        string functions = string.Join(", ", Functions.Select(one => $"\"{one}\""));
        return $"\n  {{ id: {id}, functions: [{functions}], fields: [ssn]{except} }},";
    }
}
