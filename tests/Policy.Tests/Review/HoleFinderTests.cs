using Countersign.Policy.Review;

namespace Countersign.Policy.Tests.Review;

public sealed class HoleFinderTests
{
    private const string Base = """
        apiVersion: countersign/v1
        upstreams: { up: { endpoints: ["http://h"] } }
        functions:
          f.get: { upstream: up, method: GET, path: /f, risk: low }
          f.pay: { upstream: up, method: POST, path: /f, risk: critical }
        rules:
          - { id: read, subjects: { groups: [staff] }, functions: [f.get], effect: allow }
          - id: pay
            subjects: { groups: [staff, agents] }
            functions: [f.pay]
            effect: approve
            approval: { stages: [{ groups: [leads], count: 1 }] }

        """;

    private const string People = """
        people:
          - { id: ann, groups: [staff] }
          - { id: bea, groups: [leads] }
        """;

    // Proves that a policy whose people suffice and are linked has no hole: the requester has one account, agents name
    // their owners, and somebody else can approve.
    [Fact]
    public void A_sound_policy_has_none()
    {
        Assert.Empty(Find(Base, """
            people:
              - { id: ann, groups: [staff, leads] }
              - { id: bea, groups: [leads] }
            agents:
              - { id: bot, groups: [agents], owner: ann }
            """));
        Assert.Empty(Find(Base, null));
    }

    // Proves the counter-example of a person with two accounts that nothing links, and that linking them closes it.
    [Fact]
    public void One_person_with_two_accounts_is_a_hole()
    {
        const string people = """
            people:
              - { id: ann, groups: [staff], accounts: [{ id: ann-admin, groups: [leads]CHAIN }] }
              - { id: bea, groups: [leads] }
            """;
        PolicyFinding hole = Assert.Single(
            Find(Base, people.Replace("CHAIN", "", StringComparison.Ordinal)));
        Assert.Equal(FindingWeight.Error, hole.Weight);
        Assert.Equal(8, hole.Line);
        Assert.Equal("ann can both ask for and approve f.pay (critical)", hole.Message);
        Assert.Equal(
        [
            "ann (staff) asks for f.pay under pay", "ann-admin (leads) approves",
            "both are ann, and nothing that the gateway sees links them",
        ], hole.Path);
        Assert.Empty(Find(Base, people.Replace("CHAIN", ", chain: [ann]", StringComparison.Ordinal)));
    }

    // Proves the counter-example of an agent whose token does not name its owner.
    [Fact]
    public void An_agent_that_hides_its_owner_is_a_hole()
    {
        PolicyFinding hole = Assert.Single(Find(Base, """
            people:
              - { id: ann, groups: [leads] }
              - { id: bea, groups: [leads] }
            agents:
              - { id: bot, groups: [agents], owner: ann, chain: [] }
            """));
        Assert.Equal("ann can both ask for and approve f.pay (critical)", hole.Message);
        Assert.Equal("bot (agents) asks for f.pay under pay", hole.Path[0]);
        Assert.Equal("ann (leads) approves", hole.Path[1]);
    }

    // Proves that a stage with nobody in it, with too few, or with the same people as another is found, at its rule.
    [Theory]
    [InlineData("[{ groups: [nobody], count: 1 }]", "it takes 1 of nobody, and nobody is there")]
    [InlineData("[{ groups: [leads], count: 3 }]", "it takes 3 of leads, and only ann, bea could agree")]
    [InlineData("[{ groups: [leads], count: 2 }, { groups: [chiefs], count: 1 }]",
        "it takes 1 of chiefs and 2 of leads, and only ann, bea could agree")]
    public void A_stage_that_cannot_be_filled_is_found(string stages, string why)
    {
        PolicyFinding hole = Assert.Single(Find(
            Base.Replace("[{ groups: [leads], count: 1 }]", stages, StringComparison.Ordinal), """
            people:
              - { id: ann, groups: [leads, chiefs] }
              - { id: bea, groups: [leads] }
              - { id: cia, groups: [staff] }
            """));
        Assert.Equal(FindingWeight.Error, hole.Weight);
        Assert.Equal("the stages of rule 'pay' can never be filled", hole.Message);
        Assert.Equal(why, Assert.Single(hole.Path));
    }

    // Proves that stages which only the requester's own people could fill are an error for all, a warning for some.
    [Fact]
    public void Who_asks_in_vain_is_found()
    {
        PolicyFinding all = Assert.Single(Find(Base, "people: [{ id: ann, groups: [staff, leads] }]"));
        Assert.Equal(FindingWeight.Error, all.Weight);
        Assert.Equal("the stages of rule 'pay' can never be filled for everybody who may ask", all.Message);
        Assert.Equal("it takes 1 of leads, and nobody is there when ann asks", Assert.Single(all.Path));
        PolicyFinding some = Assert.Single(Find(
            Base, "people: [{ id: ann, groups: [staff, leads] }, { id: bea, groups: [staff] }]"));
        Assert.Equal(FindingWeight.Warning, some.Weight);
        Assert.Equal("the stages of rule 'pay' can never be filled for ann", some.Message);
    }

    // Proves that somebody whom a separation denies everything does not count as an approver.
    [Fact]
    public void Who_holds_a_conflict_fills_no_stage()
    {
        PolicyFinding hole = Assert.Single(Find(
            Base + "separations: [{ id: apart, kind: static, groups: [leads, clerks] }]\n",
            "people: [{ id: ann, groups: [leads, clerks] }, { id: bea, groups: [staff] }]"));
        Assert.Equal("the stages of rule 'pay' can never be filled", hole.Message);
    }

    // Proves that groups of a separation, held through two accounts, are found.
    [Fact]
    public void A_separation_that_is_got_round_is_found()
    {
        IReadOnlyList<PolicyFinding> found = Find(
            Base + "separations: [{ id: apart, kind: static, groups: [leads, clerks] }]\n", """
            people:
              - { id: ann, groups: [leads], accounts: [{ id: ann2, groups: [clerks] }] }
              - { id: bea, groups: [leads] }
            """);
        PolicyFinding hole = Assert.Single(found);
        Assert.Equal("separation 'apart' is got round: ann holds its groups through several accounts", hole.Message);
        Assert.Equal(["ann holds leads", "ann2 holds clerks"], hole.Path);
    }

    // Proves that a plain allow of what is critical is a warning, an error once there is somebody whom it lets, and
    // nothing once the policy says that it is meant.
    [Fact]
    public void A_plain_allow_of_grave_risk_is_found()
    {
        const string rule = "  - { id: free, subjects: { groups: [chiefs] }, functions: [\"*\"], effect: allow }\n";
        PolicyFinding warned = Assert.Single(Find(Base + rule, null));
        Assert.Equal(FindingWeight.Warning, warned.Weight);
        Assert.StartsWith("rule 'free' allows f.pay (critical) to one person alone", warned.Message);
        const string people = "people: [{ id: ann, groups: [chiefs, staff] }, { id: bea, groups: [chiefs, leads] }]";
        PolicyFinding hole = Assert.Single(Find(Base + rule, people));
        Assert.Equal(FindingWeight.Error, hole.Weight);
        Assert.Equal("bea (chiefs, leads) calls f.pay (critical)", Assert.Single(hole.Path));
        string meant = rule.Replace("effect: allow", "effect: allow, alone: on call", StringComparison.Ordinal);
        Assert.Empty(Find(Base + meant, people));
    }

    // Proves that an allow that a stronger rule always covers lets nobody alone.
    [Fact]
    public void What_is_always_paused_or_denied_is_no_hole()
    {
        const string rules = """
              - { id: staff-too, subjects: { groups: [staff] }, functions: [f.pay], effect: allow }
              - { id: guests-too, subjects: { groups: [guests] }, functions: [f.pay], effect: allow }
              - { id: no-guests, subjects: { groups: [guests] }, functions: [f.pay], effect: deny }

            """;
        Assert.Empty(Find(Base + rules, "people: [{ id: ann, groups: [staff] }, { id: bea, groups: [leads] }]"));
    }

    // Proves that observing is said: of the whole policy, and of a rule that would pause, which is an error once there
    // is somebody whom it lets through alone, unless the rule says why.
    [Fact]
    public void Observing_is_said()
    {
        string tried = Base.Replace("effect: approve", "effect: approve\n    mode: observe", StringComparison.Ordinal);
        PolicyFinding one = Assert.Single(Find(tried, null));
        Assert.Equal(FindingWeight.Warning, one.Weight);
        Assert.Equal("rule 'pay' is in observe and lets through f.pay (critical) to one person alone; "
            + "say why with 'alone' if that is meant", one.Message);
        PolicyFinding known = Find(tried, People).First(finding => finding.Line == one.Line);
        Assert.Equal((FindingWeight.Error, one.Message), (known.Weight, known.Message));
        string meant = tried.Replace("mode: observe", "mode: observe\n    alone: a trial", StringComparison.Ordinal);
        Assert.Empty(Find(meant, null));
        Assert.DoesNotContain(Find(meant, People), finding => finding.Message == one.Message);
        PolicyReading enforced = PolicyTexts.Read(
            meant.Replace("mode: observe\n", "mode: enforce\n", StringComparison.Ordinal));
        Assert.Contains("'alone' has no meaning", Assert.Single(enforced.Errors).Message, StringComparison.Ordinal);
        PolicyFinding whole = Assert.Single(Find(Base + "mode: observe\n", null));
        Assert.Contains("the policy is in observe", whole.Message, StringComparison.Ordinal);
    }

    // Proves that every error of a directory is found, with its place.
    [Fact]
    public void A_directory_with_errors_is_refused()
    {
        Assert.Null(PeopleDirectory.Read("""
            people:
              - { id: ann, groups: [a], accounts: [{ id: Ann, groups: [] }] }
              - { id: bea }
            agents:
              - { id: bot, groups: [], owner: anne }
              - { id: bot2, groups: [], owner: ann, kind: human, shift: day }
            """, out IReadOnlyList<PolicyError> errors));
        Assert.Equal(
        [
            "2:46 the id 'Ann' is given twice; case does not count",
            "3:5 a person needs 'groups'",
            "5:35 there is no person 'anne'; did you mean 'ann'?",
            "6:47 kind must be agent, ci or service, not 'human'",
            "6:54 'shift' is not a key of an agent",
        ], errors.Select(error => $"{error.Line}:{error.Column} {error.Message}"));
    }

    // Proves that the samples have no hole: the demo's people under the demo's policy, and every sample by itself.
    [Theory]
    [InlineData("samples/policies/demo.yaml", "samples/policies/demo.people.yaml")]
    [InlineData("samples/policies/demo.yaml", null)]
    [InlineData("samples/serve/policy.yaml", null)]
    public void The_samples_have_none(string policy, string? people) => Assert.Empty(
        Find(PolicyTexts.ReadFile(policy), people is null ? null : PolicyTexts.ReadFile(people)));

    private static IReadOnlyList<PolicyFinding> Find(string policy, string? people)
    {
        PeopleDirectory? directory = null;
        if (people is not null)
        {
            directory = PeopleDirectory.Read(people, out IReadOnlyList<PolicyError> errors);
            Assert.Empty(errors);
        }

        return HoleFinder.Find(PolicyTexts.Compile(policy), directory);
    }
}
