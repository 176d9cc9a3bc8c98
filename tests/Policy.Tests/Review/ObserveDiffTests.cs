using Countersign.Policy.Review;

namespace Countersign.Policy.Tests.Review;

public sealed class ObserveDiffTests
{
    private const string Base = """
        apiVersion: countersign/v1
        upstreams: { up: { endpoints: ["http://h"] } }
        functions:
          f.get: { upstream: up, method: GET, path: /f, risk: low }
          f.put: { upstream: up, method: PUT, path: /f, risk: high }
          f.pay: { upstream: up, method: POST, path: /f, risk: high, args: { type: object } }
        rules:
          - { id: read, subjects: { groups: [staff] }, functions: [f.get], effect: allow }
          - id: write
            subjects: { groups: [staff] }
            functions: [f.put]
            effect: approve
            approval: { stages: [{ groups: [leads], count: 2 }] }
          - { id: free, subjects: { groups: [robots] }, functions: [f.put], effect: allow }
          - id: pay
            subjects: { groups: [clerks] }
            functions: [f.pay]
            when: "args.amount > 10"
            effect: approve
            approval: { stages: [{ groups: [leads], count: 1 }] }
          - { id: small, subjects: { groups: [clerks] }, functions: [f.pay], when: "args.amount <= 5", effect: allow }
          - { id: out, subjects: { groups: [guests] }, functions: ["*"], effect: deny }
        separations:
          - { id: apart, kind: static, groups: [a, b] }
          - { id: once, kind: dynamic, functions: [f.put, f.pay], object: "query.id", window: 1d }
        masks:
          - { id: pii, functions: ["*"], fields: [ssn], except: { groups: [cleared] } }
        limits:
          - { id: slow, functions: [f.pay], per: caller, rate: 1/m }
        mode: enforce
        """;

    private const string Everybody = "anybody who is identified, in any group, a, b, cleared, clerks, guests, leads, "
        + "robots, staff among them, or in none";

    // Proves that a policy which observes is said to let anybody through: every group that either policy names, holders
    // of none, those whom a condition held back, and that separations, limits and schemas refuse nothing.
    [Fact]
    public void A_policy_that_observes_names_everybody_whom_it_lets_through()
    {
        string[] said = Diff(Base.Replace("mode: enforce", "mode: observe", StringComparison.Ordinal));
        Assert.Contains(
            $"+ {Everybody}: f.get, f.pay, f.put: allowed in observe, else denied (was: denied)", said);
        Assert.Contains(
            "+ group staff: f.put: allowed in observe, else needs 2 of leads (was: needs 2 of leads)", said);
        Assert.Contains(said, line => line.StartsWith(
            "+ group clerks: f.pay: allowed in observe, else allowed if args.amount <= 5, needs", StringComparison
                .Ordinal));
        Assert.Contains(
            "+ group guests: f.get, f.pay, f.put: allowed in observe, else denied (was: denied)", said);
        Assert.Contains("+ mode: mode: enforce becomes observe", said);
        Assert.Contains("+ mode: while it observes, nothing refuses a call of a known function: rules, "
            + "separation apart, separation once, limit slow, args of f.pay", said);
    }

    // Proves the same of the way back, which is stricter.
    [Fact]
    public void A_policy_that_enforces_again_names_everybody_whom_it_stops()
    {
        PolicyReading observing = Read(Base.Replace("mode: enforce", "mode: observe", StringComparison.Ordinal));
        string[] said = PolicyDiffText.ToText(PolicyDiff.Between(observing, Read(Base))).Split('\n');
        Assert.Contains(
            $"- {Everybody}: f.get, f.pay, f.put: denied (was: allowed in observe, else denied)", said);
        Assert.DoesNotContain(said, line => line.StartsWith('+'));
    }

    // Proves for every policy of random ones that whomever observing lets through is named: with it, the outlook of any
    // caller on any function is within what the difference says of anybody.
    [Fact]
    public void Nobody_is_let_through_unseen()
    {
        int seed = Environment.TickCount;
        Random random = new(seed);
        for (int round = 0; round < 300; round++)
        {
            PlainPolicy plain = PlainPolicy.Make(random);
            string enforced = plain.Write().Replace("mode: observe\n", "", StringComparison.Ordinal);
            if (plain.Rules.Exists(rule => rule.IsObserved)) continue;
            string observed = enforced.Replace("rules: [", "mode: observe\nrules: [", StringComparison.Ordinal);
            PolicyDiff diff = PolicyDiff.Between(Read(enforced), Read(observed));
            AccessChange anybody = Assert.Single(
                diff.Access, change => change.Subject == AccessChange.Anybody);
            Assert.True(anybody.Functions.Count == PlainPolicy.FunctionIds.Count, $"seed {seed}");
            string[] named = [.. plain.Rules.SelectMany(rule => rule.Groups).Distinct()];
            Assert.True(named.All(anybody.Among.Contains), $"seed {seed}\n{enforced}");
        }
    }

    // Proves what a rule that is only tried out opens: for its own groups, under a condition too, and for those who
    // hold one of its groups together with one that is let through.
    [Theory]
    [InlineData("approval: { stages: [{ groups: [leads], count: 2 }] }",
        "approval: { stages: [{ groups: [leads], count: 2 }] }\n    mode: observe",
        "+ group staff: f.put: allowed in observe, else needs 2 of leads (was: needs 2 of leads)",
        "+ rules write: mode: enforce becomes observe")]
    [InlineData("approval: { stages: [{ groups: [leads], count: 1 }] }",
        "approval: { stages: [{ groups: [leads], count: 1 }] }\n    mode: observe",
        "+ group clerks: f.pay: allowed if args.amount <= 5, needs 1 of leads (observed) if args.amount > 10 "
            + "(was: allowed if args.amount <= 5, needs 1 of leads if args.amount > 10)",
        "+ rules pay: mode: enforce becomes observe")]
    [InlineData("functions: [\"*\"], effect: deny", "functions: [\"*\"], effect: deny, mode: observe",
        "+ group guests with group staff: f.get: allowed in observe, else denied (was: denied)",
        "+ group guests with group staff: f.put: needs 2 of leads in observe, else denied (was: denied)",
        "+ group guests with group robots: f.put: allowed in observe, else denied (was: denied)",
        "+ rules out: mode: enforce becomes observe")]
    public void A_rule_that_observes_names_whom_it_lets_through(string part, string other, params string[] lines)
    {
        string[] said = Diff(Base.Replace(part, other, StringComparison.Ordinal));
        foreach (string line in lines) Assert.Contains(line, said);
    }

    // Proves that a deny rule that goes, or comes, is told of those whom it kept from what another group may.
    [Fact]
    public void A_denial_that_goes_names_whom_it_kept_out()
    {
        string[] said = Diff(Base.Replace("groups: [guests]", "groups: [strangers]", StringComparison.Ordinal));
        Assert.Contains("+ group guests with group robots: f.put: allowed (was: denied)", said);
        Assert.Contains("- group strangers with group robots: f.put: denied (was: allowed)", said);
    }

    // Proves that a condition that comes or goes is weighed where it can be.
    [Theory]
    [InlineData("[f.put], effect: allow }", "[f.put], when: \"query.x == '1'\", effect: allow }",
        "- group robots: f.put: allowed if query.x == '1' (was: allowed)")]
    [InlineData("  - { id: small, ", "  - { id: more, subjects: { groups: [leads] }, functions: [f.pay], "
        + "when: \"args.x == 1\", effect: allow }\n  - { id: small, ",
        "+ group leads: f.pay: allowed if args.x == 1 (was: denied)")]
    [InlineData("when: \"args.amount <= 5\", ", "", "+ group clerks: f.pay: allowed, needs 1 of leads if args.amount > "
        + "10 (was: allowed if args.amount <= 5, needs 1 of leads if args.amount > 10)", IsUnclear)]
    public void Conditions_are_weighed_where_they_can_be(string part, string other, string line, string how = "")
    {
        string[] said = Diff(Base.Replace(part, other, StringComparison.Ordinal));
        Assert.Contains(how.Length == 0 ? line : how + line[1..], said);
    }

    private const string IsUnclear = "~";

    private static string[] Diff(string after) =>
        PolicyDiffText.ToText(PolicyDiff.Between(Read(Base), Read(after))).Split('\n');

    private static PolicyReading Read(string text)
    {
        PolicyReading reading = PolicyTexts.Read(text);
        Assert.Empty(reading.Errors);
        return reading;
    }
}
