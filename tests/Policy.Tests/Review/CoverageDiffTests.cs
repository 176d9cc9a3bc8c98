using Countersign.Policy.Review;

namespace Countersign.Policy.Tests.Review;

public sealed class CoverageDiffTests
{
    private const string Base = """
        apiVersion: countersign/v1
        upstreams: { up: { endpoints: ["http://h"] } }
        functions:
          f.a: { upstream: up, method: POST, path: "/a/{id}", risk: low, tags: [pii] }
          f.b: { upstream: up, method: POST, path: "/b/{id}", risk: low, tags: [pii] }
          f.c: { upstream: up, method: POST, path: "/c/{id}", risk: low, tags: [pii] }
        rules:
          - { id: read, subjects: { groups: [staff] }, functions: ["f.*"], effect: allow }
          - { id: out, subjects: { groups: [guests] }, functions: ["tag:pii"], effect: deny }
        separations:
          - { id: apart, kind: dynamic, functions: ["tag:pii"], object: path.id, window: 1h }
        masks:
          - { id: hide, functions: ["tag:p*"], fields: [ssn] }
        limits:
          - { id: slow, functions: ["tag:pii"], per: caller, rate: 10/m }
        """;

    // Proves that a function out of a tag's reach is told of at everything that lets go of it, as a loss; and the
    // other way round as a gain.
    [Fact]
    public void A_tag_dropped_loses_what_reached_by_it()
    {
        string without = Base.Replace(
            "\"/a/{id}\", risk: low, tags: [pii]", "\"/a/{id}\", risk: low", StringComparison.Ordinal);
        PolicyDiff diff = Diff(Base, without);
        Assert.True(diff.Loosens);
        string[] lines = PolicyDiffText.ToText(diff).Split('\n');
        string[] covers = ["rules out", "separations apart", "masks hide", "limits slow"];
        foreach (string cover in covers) Assert.Contains($"+ {cover}: covers no more f.a", lines);
        lines = PolicyDiffText.ToText(Diff(without, Base)).Split('\n');
        foreach (string cover in covers) Assert.Contains($"- {cover}: covers now f.a", lines);
    }

    // Proves that a function that an entry names is told of once, with the list.
    [Fact]
    public void What_a_list_says_is_not_said_again()
    {
        string before = Base.Replace("[\"tag:p*\"]", "[f.a, f.b]", StringComparison.Ordinal);
        string after = Base.Replace("[\"tag:p*\"]", "[f.b]", StringComparison.Ordinal);
        Assert.Equal("+ masks hide: functions drops f.a", PolicyDiffText.ToText(Diff(before, after)));
    }

    // Proves what each change of a limit is said to be: what goes both ways counts as looser.
    [Theory]
    [InlineData("rate: 100000/s", "+ limits slow: rate 10/m with burst 10 becomes rate 100000/s with burst 100000")]
    [InlineData("rate: 1/m", "- limits slow: rate 10/m with burst 10 becomes rate 1/m with burst 1")]
    [InlineData("rate: 10/m, burst: 20",
        "+ limits slow: rate 10/m with burst 10 becomes rate 10/m with burst 20")]
    [InlineData("rate: 5/m, burst: 20", "+ limits slow: rate 10/m with burst 10 becomes rate 5/m with burst 20")]
    [InlineData("rate: 20/m, burst: 5", "+ limits slow: rate 10/m with burst 10 becomes rate 20/m with burst 5")]
    [InlineData("rate: 10/m, burst: 5", "- limits slow: rate 10/m with burst 10 becomes rate 10/m with burst 5")]
    [InlineData("rate: 10/m, burst: 10", null)]
    public void Limits_are_weighed(string rate, string? line)
    {
        PolicyDiff diff = Diff(Base, Base.Replace("rate: 10/m", rate, StringComparison.Ordinal));
        Assert.Equal(line ?? "no difference", PolicyDiffText.ToText(diff));
        Assert.Equal(line?[0] == '+', diff.Loosens);
    }

    // Proves the same of whose calls count together: of several functions together, nothing is sure to be tighter.
    [Theory]
    [InlineData("\"tag:pii\"", "caller", "function", "+ limits slow: per: caller becomes function")]
    [InlineData("f.a", "caller", "function", "- limits slow: per: caller becomes function")]
    [InlineData("f.a", "function", "caller", "+ limits slow: per: function becomes caller")]
    [InlineData("f.a", "caller", "chain", "+ limits slow: per: caller becomes chain")]
    public void Whose_calls_a_limit_counts_is_weighed(string functions, string was, string now, string line)
    {
        const string part = "functions: [\"tag:pii\"], per: caller";
        string before = Base.Replace(part, $"functions: [{functions}], per: {was}", StringComparison.Ordinal);
        string after = Base.Replace(part, $"functions: [{functions}], per: {now}", StringComparison.Ordinal);
        Assert.Equal(line, PolicyDiffText.ToText(Diff(before, after)));
    }

    // Proves that a limit that is gone, or covers less, loosens.
    [Theory]
    [InlineData("functions: [f.a, f.b], per", "functions: [f.a], per", "+ limits slow: functions drops f.b")]
    [InlineData("functions: [f.a], per", "functions: [f.a, f.b], per", "- limits slow: functions adds f.b")]
    public void Fewer_functions_of_a_limit_loosen(string was, string now, string line)
    {
        const string part = "functions: [\"tag:pii\"], per";
        PolicyDiff diff = Diff(
            Base.Replace(part, was, StringComparison.Ordinal), Base.Replace(part, now, StringComparison.Ordinal));
        Assert.Equal(line, PolicyDiffText.ToText(diff));
        string none = Base[..Base.IndexOf("limits:", StringComparison.Ordinal)];
        Assert.Equal("+ limits slow: is gone", PolicyDiffText.ToText(Diff(Base, none)));
    }

    // Proves that what nobody can weigh counts as what may loosen, and what only tightens does not.
    [Fact]
    public void What_nobody_can_say_may_loosen()
    {
        Assert.True(Diff(Base, Base.Replace("http://h", "http://g", StringComparison.Ordinal)).Loosens);
        Assert.False(Diff(Base, Base.Replace("[ssn]", "[ssn, iban]", StringComparison.Ordinal)).Loosens);
        Assert.True(new PolicyDiff([], [], IsWhole: false).Loosens);
    }

    // Proves that a rule that allows is not told of where another asks for approval whatever the call is.
    [Fact]
    public void What_is_always_approved_is_not_allowed()
    {
        const string allow = "subjects: { groups: [staff] }, functions: [\"f.*\"], effect: allow";
        const string approve = """
            - { id: ask, subjects: { groups: [staff] }, functions: ["f.*"], effect: approve,
                  approval: { stages: [{ groups: [leads], count: 1 }] } }
              - { id: no, subjects: { groups: [staff] }, functions: ["f.*"], effect: deny, when: "path.id == 'x'" }
              - { id: out,
            """;
        string after = Base.Replace(allow, allow + ", when: \"path.id == 'y'\"", StringComparison.Ordinal)
            .Replace("- { id: out,", approve, StringComparison.Ordinal);
        AccessChange staff = Assert.Single(
            Diff(Base, after).Access, change => change is { Subject: "staff", With: "" });
        Assert.Equal("denied if path.id == 'x', needs 1 of leads", staff.After);
    }

    private static PolicyDiff Diff(string before, string after)
    {
        PolicyReading old = PolicyTexts.Read(before);
        PolicyReading now = PolicyTexts.Read(after);
        Assert.Empty(old.Errors);
        Assert.Empty(now.Errors);
        return PolicyDiff.Between(old, now);
    }
}
