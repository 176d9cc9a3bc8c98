using System.Text.Json;
using Countersign.Policy.Review;

namespace Countersign.Policy.Tests.Review;

/// <summary>Holes by aliases, glass and separations that remember; and what callers that were seen show.</summary>
public sealed class PeopleHolesTests
{
    private const string Base = """
        apiVersion: countersign/v1
        upstreams: { up: { endpoints: ["http://h"] } }
        functions:
          v.create: { upstream: up, method: PUT, path: "/v/{id}", risk: medium }
          v.pay: { upstream: up, method: POST, path: "/v/{id}", risk: critical }
        rules:
          - { id: make, subjects: { groups: [clerks] }, functions: [v.create], effect: allow }
          - id: pay
            subjects: { groups: [payers, agents] }
            functions: [v.pay]
            effect: approve
            approval: { stages: [{ groups: [leads], count: 1 }] }

        """;

    private const string Separation = """
        separations:
          - { id: create-then-pay, kind: dynamic, functions: [v.create, v.pay], object: path.id, window: 30d }

        """;

    // Proves that an alias of the gateway links accounts that the directory alone would not.
    [Fact]
    public void Aliases_link_accounts()
    {
        const string People = """
            people:
              - { id: ann, groups: [payers], accounts: [{ id: adm-ann, groups: [leads] }] }
              - { id: bea, groups: [leads] }
            """;
        PolicyFinding hole = Assert.Single(Find(Base, Read(People)));
        Assert.Equal("ann can both ask for and approve v.pay (critical)", hole.Message);
        Assert.Empty(Find(Base, Read(People, id => id is "ADM-ANN" or "adm-ann" ? "ann" : null)));
    }

    // Proves the counter-example of a dynamic separation that one person gets round by accounts that nothing links: by
    // calling both, and by approving the second; and that linking them closes it.
    [Theory]
    [InlineData("payers", "ann2 calls v.pay on the same object")]
    [InlineData("leads", "ann2 approves v.pay on the same object")]
    public void A_separation_that_remembers_is_got_round(string group, string step)
    {
        string people = $$"""
            people:
              - { id: ann, groups: [clerks], accounts: [{ id: ann2, groups: [{{group}}]CHAIN }] }
              - { id: bea, groups: [leads] }
              - { id: cia, groups: [leads] }
              - { id: dan, groups: [payers] }
            """;
        PolicyFinding hole = Assert.Single(
            Find(Base + Separation, Read(people.Replace("CHAIN", "", StringComparison.Ordinal))));
        Assert.Equal(FindingWeight.Error, hole.Weight);
        Assert.Equal("separation 'create-then-pay' is got round: ann does both v.create and v.pay", hole.Message);
        Assert.Equal(
            ["ann calls v.create", step, "both are ann, and nothing that the gateway sees links them"], hole.Path);
        Assert.True(hole.Line > 1);
        Assert.Empty(Find(
            Base + Separation, Read(people.Replace("CHAIN", ", chain: [ann]", StringComparison.Ordinal))));
    }

    // Proves that a separation which leaves nobody to go on is found: the only one who may approve the payment has
    // made the vendor; and that one more person is enough.
    [Fact]
    public void A_separation_that_leaves_nobody_is_found()
    {
        const string People = """
            people:
              - { id: ann, groups: [clerks, leads] }
              - { id: dan, groups: [payers] }
            """;
        PolicyFinding stuck = Assert.Single(Find(Base + Separation, Read(People)));
        Assert.Equal(FindingWeight.Error, stuck.Weight);
        Assert.Equal(
            "separation 'create-then-pay' leaves nobody to do v.pay to what v.create was done to", stuck.Message);
        Assert.Equal("ann calls v.create", stuck.Path[0]);
        Assert.Empty(Find(Base + Separation, Read(People + "\n  - { id: bea, groups: [leads] }\n")));
        PolicyFinding seen = Assert.Single(Find(Base + Separation, PeopleDirectory.Learn(
            [Human("ann", "clerks", "leads"), Human("dan", "payers")])));
        Assert.Equal(FindingWeight.Warning, seen.Weight);
    }

    // Proves that who can both ask and break the glass is said, with the steps, and that a review which nobody could do
    // is a hole.
    [Fact]
    public void What_breaking_the_glass_comes_to_is_said()
    {
        string policy = Base.Replace(
            "count: 1 }] }", "count: 1 }], breakGlass: { groups: [on-call] } }", StringComparison.Ordinal);
        PolicyFinding said = Assert.Single(Find(policy, Read("""
            people:
              - { id: ann, groups: [payers, on-call] }
              - { id: bea, groups: [leads, on-call] }
              - { id: cia, groups: [leads] }
            """)));
        Assert.Equal(FindingWeight.Warning, said.Weight);
        Assert.Equal("by breaking the glass of rule 'pay' ann can call v.pay (critical) alone; a review is owed "
            + "afterwards", said.Message);
        Assert.Equal(["ann asks for v.pay", "ann breaks the glass"], said.Path);
        IReadOnlyList<PolicyFinding> found = Find(policy, Read("""
            people:
              - { id: ann, groups: [payers], accounts: [{ id: ann2, groups: [leads, on-call], chain: [ann] }] }
              - { id: dan, groups: [payers] }
            """));
        Assert.Contains(found, one => one.Weight == FindingWeight.Error
            && one.Message == "the review of rule 'pay' could never be done when ann2 breaks its glass");
    }

    // Proves that nobody is said to break a glass which a second rule of the call does not have.
    [Fact]
    public void A_glass_that_one_rule_lacks_is_not_broken()
    {
        string policy = Base.Replace(
            "count: 1 }] }", "count: 1 }], breakGlass: { groups: [on-call] } }", StringComparison.Ordinal)
            + "  - id: second\n    subjects: { groups: [payers] }\n    functions: [v.pay]\n    effect: approve\n"
            + "    approval: { stages: [{ groups: [chiefs], count: 1 }] }\n";
        Assert.Empty(Find(policy, Read("""
            people:
              - { id: ann, groups: [payers, on-call] }
              - { id: bea, groups: [leads] }
              - { id: cia, groups: [chiefs] }
            """)));
    }

    // Proves what callers that were seen show: whom an allow lets, as an error; what is missing, as a warning; an agent
    // with nobody behind it; and that the last that was seen of a caller counts.
    [Fact]
    public void Callers_that_were_seen_stand_for_a_directory()
    {
        Caller bot = new("https://i.test", "bot", CallerKind.Agent, ["agents"], []);
        IReadOnlyList<PolicyFinding> found = Find(Base, PeopleDirectory.Learn(
            [Human("ann", "leads"), Human("ann", "payers"), bot]));
        Assert.All(found, one => Assert.Equal(FindingWeight.Warning, one.Weight));
        Assert.Equal(
        [
            "the stages of rule 'pay' can never be filled by those who were seen",
            "bot may ask under rule 'pay', and their tokens name nobody who is behind them: whoever runs them could "
                + "approve what they ask for",
        ], found.Select(one => one.Message));
        const string Free =
            "  - { id: free, subjects: { groups: [chiefs] }, functions: [\"*\"], effect: allow }\n";
        PolicyFinding hole = Assert.Single(Find(Base + Free, PeopleDirectory.Learn(
            [Human("bea", "chiefs"), Human("ann", "payers"), Human("lea", "leads")])),
            one => one.Weight == FindingWeight.Error);
        Assert.Equal("bea (chiefs) calls v.pay (critical)", Assert.Single(hole.Path));
    }

    // Proves whose accounts are whose among callers that were seen: by the one person that a token names, never by a
    // chain of several.
    [Fact]
    public void Accounts_are_linked_as_tokens_say()
    {
        PeopleDirectory people = PeopleDirectory.Learn(
        [
            Human("ann", "payers"),
            new Caller("https://other.test", "adm-ann", CallerKind.Human, ["leads"], ["Ann"]),
            new Caller("https://i.test", "bot", CallerKind.Agent, ["agents"], ["bob", "ann"]),
            Human("bob", "leads"),
        ]);
        Assert.True(people.IsLearned);
        Assert.Equal(
            ["adm-ann:ann", "ann:ann", "bob:bob", "bot:bob"],
            people.Accounts.Select(one => $"{one.Caller.Subject}:{one.Person.ToLowerInvariant()}").Order());
        Assert.DoesNotContain(Find(Base, people), one => one.Weight == FindingWeight.Error);
    }

    // Proves that a caller is read from a record as it was written, and from no other.
    [Theory]
    [InlineData("""{"caller":{"iss":"i","sub":"bot","kind":"agent","groups":["a",7],"chain":["x"]}}""", "Agent a x")]
    [InlineData("""{"caller":{"iss":"i","sub":"x","kind":"odd"}}""", "Unstated  ")]
    [InlineData("""{"caller":{"iss":"i"}}""", null)]
    [InlineData("""{"caller":7}""", null)]
    [InlineData("[]", null)]
    public void A_record_names_its_caller(string record, string? said)
    {
        using JsonDocument document = JsonDocument.Parse(record);
        Caller? caller = AuditedCaller.Read(document.RootElement);
        Assert.Equal(said, caller is null ? null
            : $"{caller.Kind} {string.Join(',', caller.Groups)} {string.Join(',', caller.Chain)}");
    }

    private static Caller Human(string subject, params string[] groups) =>
        new("https://i.test", subject, CallerKind.Human, groups, [subject]);

    private static PeopleDirectory Read(string text, Func<string, string?>? personOf = null)
    {
        PeopleDirectory? directory = PeopleDirectory.Read(text, out IReadOnlyList<PolicyError> errors, personOf);
        Assert.Empty(errors);
        return directory!;
    }

    private static IReadOnlyList<PolicyFinding> Find(string policy, PeopleDirectory directory) =>
        HoleFinder.Find(PolicyTexts.Compile(policy), directory);
}
