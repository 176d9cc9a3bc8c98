using System.Text;
using System.Text.RegularExpressions;

namespace Countersign.Policy.Tests;

/// <summary>
/// A random policy, as text for the reader and with an evaluator of its own: slow, and of other means.
/// </summary>
internal sealed class PlainPolicy
{
    private static readonly string[] Ids = ["a.get", "a.put", "b.get", "b.put", "c"];
    private static readonly string[] Tags = ["t0", "t1", "u0"];
    private static readonly string[] Patterns =
        ["*", "a.*", "*.put", "b*t", "*.*", .. Ids, .. Ids, "tag:t0", "tag:t1", "tag:t*", "tag:u0", "tag:*"];
    private static readonly string[] GroupNames = ["g0", "g1", "g2", "g3", "g4", "G0"];

    /// <summary>By function; every tag is on one at least.</summary>
    public Dictionary<string, string[]> TagsOf { get; } = [];

    /// <summary>What a function takes, where somebody said.</summary>
    public Dictionary<string, PlainSchema> SchemaOf { get; } = [];

    public bool Observes { get; init; }

    public List<PlainRule> Rules { get; init; } = [];

    public List<string[]> Separations { get; init; } = [];

    public List<PlainMask> Masks { get; init; } = [];

    public static IReadOnlyList<string> FunctionIds => Ids;

    public static PlainPolicy Make(Random random)
    {
        PlainPolicy policy = new() { Observes = random.Next(12) == 0 };
        foreach (string id in Ids) policy.TagsOf[id] = Pick(random, Tags, random.Next(3));
        policy.TagsOf[Ids[random.Next(Ids.Length)]] = Tags;
        foreach (string id in Ids.Where(_ => random.Next(4) == 0)) policy.SchemaOf[id] = PlainSchema.Pick(random);
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
        random.Next(1, 5), random.Next(60, 99), random.Next(10, 50), random.Next(9), random.Next(2) == 0,
        IsObserved: random.Next(5) == 0, When: random.Next(3) == 0 ? PlainCondition.Pick(random) : null);

    public static Caller MakeCaller(Random random) => PolicyTexts.CallerIn(Pick(random, GroupNames, random.Next(5)));

    public string Write()
    {
        StringBuilder text = new(PolicyTexts.Upstreams);
        foreach (string id in Ids)
        {
            string tags = TagsOf[id].Length == 0 ? "" : $", tags: [{string.Join(", ", TagsOf[id])}]";
            text.Append($"  {id}: {{ upstream: up, method: GET, path: /{id}, risk: low{tags}{SchemaText(id)} }}\n");
        }

        if (Observes) text.Append("mode: observe\n");
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

    private string SchemaText(string id) =>
        SchemaOf.TryGetValue(id, out PlainSchema? schema) ? $", args: {schema.Text}" : "";

    /// <summary>Everything a decision says, as one line; and, if it differs, what would be decided were nothing in
    /// observe.</summary>
    /// <param name="caller">Who calls.</param>
    /// <param name="function">What is called.</param>
    /// <param name="body">What conditions see.</param>
    public string Decide(Caller caller, string function, PlainBody body)
    {
        HashSet<string> held = [.. caller.Groups];
        string masks = string.Join('+', Masks.Select((mask, n) => (mask, n))
            .Where(one => Covers(one.mask.Functions, function) && !held.Overlaps(one.mask.Except))
            .Select(one => $"m{one.n}"));
        List<(PlainRule Rule, string Id)> matched = [.. Rules.Select((rule, n) => (rule, $"r{n}"))
            .Where(one => held.Overlaps(one.rule.Groups) && Covers(one.rule.Functions, function))];

        if (Misfit(held, function, matched, body) is { } misfit)
            return Observes ? $"Allow Observed  [] {masks} / {misfit} {masks}" : $"{misfit} {masks}";

        // Who is denied whatever conditions say is denied before they are asked.
        bool isSettled = !Observes && matched.Exists(one =>
            one.Rule is { Effect: 2, IsObserved: false, When: null });
        matched = [.. isSettled
            ? matched.Where(one => one.Rule.When is null)
            : matched.Select(one => (one.Rule.Ask(caller, body), one.Id))
                .Where(one => one.Item1 is not null).Select(one => (one.Item1!, one.Id))];
        string would = Weigh(held, matched);
        string does = would;
        if (Observes)
        {
            string rule = would.Split(' ')[2];
            if (!would.StartsWith("Allow", StringComparison.Ordinal)) does = $"Allow Observed {rule} []";
        }
        else
        {
            // What a rule in observe does: nothing if it denies, else it lets through.
            does = Weigh(held, [.. matched
                .Where(one => !one.Rule.IsObserved || (one.Rule.Effect != 2 && !one.Rule.HasFailed))
                .Select(one => (one.Rule.IsObserved ? one.Rule.Tried() : one.Rule, one.Id))]);
        }

        string[] both = [does, would];
        bool isSame = both.Select(one => one.Split(' ')[0]).Distinct().Count() == 1
            && (!does.StartsWith("Approve", StringComparison.Ordinal) || does == would);
        return isSame ? $"{does} {masks}" : $"{does} {masks} / {would} {masks}";
    }

    /// <summary>
    /// What the document says of schemas: a body that does not fit denies, whatever rules say; whom no rule could let
    /// through is denied without a look at it.
    /// </summary>
    private string? Misfit(
        HashSet<string> held, string function, List<(PlainRule Rule, string Id)> matched, PlainBody body)
    {
        bool fits = !SchemaOf.TryGetValue(function, out PlainSchema? schema) || schema.Takes(body);
        bool isSeparated = Separations.Exists(groups => groups.Count(held.Contains) > 1);
        bool isDenied = !Observes && matched.Exists(one => one.Rule is { Effect: 2, IsObserved: false, When: null });
        bool isLooked = matched.Exists(one => one.Rule.Effect != 2 || one.Rule.When is not null);
        return fits || isSeparated || isDenied || !isLooked ? null : "Deny ArgumentsMisfit  []";
    }

    private string Weigh(HashSet<string> held, List<(PlainRule Rule, string Id)> matched)
    {
        int separation = Separations.FindIndex(groups => groups.Count(held.Contains) > 1);
        if (separation >= 0) return $"Deny Separation s{separation} []";
        if (matched.Count == 0) return "Deny NothingMatched  []";
        (PlainRule? denies, string id) = matched.Find(one => one.Rule is { Effect: 2, HasFailed: false });
        if (denies is not null) return $"Deny Rule {id} []";
        (PlainRule? failed, id) = matched.Find(one => one.Rule.HasFailed);
        if (failed is not null) return $"Deny ConditionFailed {id} []";
        int strongest = matched.Max(one => one.Rule.Effect);
        List<(PlainRule Rule, string Id)> deciding = [.. matched.Where(one => one.Rule.Effect == strongest)];
        if (strongest == 0) return $"Allow {(deciding[0].Rule.WasApprove ? "Observed" : "Rule")} {deciding[0].Id} []";
        string stages = string.Join('+', deciding.Select(one => one.Rule.Count));
        int decide = deciding.Min(one => one.Rule.DecideSeconds);
        int use = deciding.Min(one => one.Rule.UseSeconds);
        int hold = deciding.Max(one => one.Rule.HoldSeconds);
        bool reason = deciding.Any(one => one.Rule.Reason);
        string ids = string.Join(',', deciding.Select(one => one.Id));
        return $"Approve Rule {ids} [{stages} {decide} {use} {hold} {reason}]";
    }

    /// <summary>The same line, of a snapshot's decision.</summary>
    public static string Describe(Decision decision)
    {
        string terms = decision.Approval is not { } approval ? "" :
            $"{string.Join('+', approval.Stages.Select(stage => stage.Count))} {approval.DecideWithin.TotalSeconds} "
            + $"{approval.UseWithin.TotalSeconds} {approval.Hold.TotalSeconds} {approval.ReasonRequired}";
        string masks = string.Join('+', decision.Masks.Select(mask => mask.Id));
        string line = $"{decision.Effect} {decision.Cause} {decision.Rule} [{terms}] {masks}";
        return decision.Observed is null ? line : $"{line} / {Describe(decision.Observed)}";
    }

    private bool Covers(string[] patterns, string function) => patterns.Any(pattern =>
        pattern.StartsWith("tag:", StringComparison.Ordinal)
            ? TagsOf[function].Any(tag => IsLike(pattern[4..], tag))
            : IsLike(pattern, function));

    private static bool IsLike(string pattern, string name) =>
        Regex.IsMatch(name, "^" + string.Join(".*", pattern.Split('*').Select(Regex.Escape)) + "$");

    private static string[] Pick(Random random, string[] from, int count) =>
        [.. from.OrderBy(_ => random.Next()).Distinct().Take(count)];
}

/// <summary>A rule of a random policy; effect 0 allows, 1 needs approval, 2 denies.</summary>
internal sealed record PlainRule(
    int Effect, string[] Groups, string[] Functions, int Count, int DecideSeconds, int UseSeconds, int HoldSeconds,
    bool Reason, bool IsObserved, PlainCondition? When)
{
    /// <summary>True if its condition had no answer.</summary>
    public bool HasFailed { get; private init; }

    /// <summary>The rule for one call: itself, itself without an answer, or null where its condition does not
    /// hold.</summary>
    public PlainRule? Ask(Caller caller, PlainBody body) => When?.Holds(caller, body) switch
    {
        false => null,
        null when When is not null => this with { HasFailed = true },
        _ => this,
    };

    /// <summary>True for an approve rule in observe, while it is weighed as one that allows.</summary>
    public bool WasApprove { get; private init; }

    public PlainRule Tried() => this with { Effect = 0, WasApprove = Effect == 1 };

    public string Write(string id)
    {
        string effect = Effect switch { 0 => "allow", 1 => "approve", _ => "deny" };
        string approval = Effect != 1 ? "" :
            $", approval: {{ stages: [{{ groups: [x], count: {Count} }}], decideWithin: {DecideSeconds}s, "
            + $"useWithin: {UseSeconds}s, hold: {HoldSeconds}s, reason: {(Reason ? "required" : "optional")} }}";
        string mode = IsObserved ? ", mode: observe" : "";
        if (When is not null) mode += $", when: \"{When.Text}\"";
        string functions = string.Join(", ", Functions.Select(one => $"\"{one}\""));
        return $"\n  {{ id: {id}, subjects: {{ groups: [{string.Join(", ", Groups)}] }}, "
            + $"functions: [{functions}], effect: {effect}{approval}{mode} }},";
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
