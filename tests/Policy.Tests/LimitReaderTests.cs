using Countersign.Policy.Tests;

namespace Countersign.Policy.Tests;

public sealed class LimitReaderTests
{
    private const string Head = """
        apiVersion: countersign/v1
        upstreams: { up: { endpoints: ["http://up.test"] } }
        functions:
          a.one: { upstream: up, method: GET, path: /one, risk: low }
          a.two: { upstream: up, method: GET, path: /two, risk: low }
        rules: [{ id: all, subjects: { groups: [staff] }, functions: ["*"], effect: allow }]
        limits:

        """;

    private static readonly MaskVocabulary Words = new(static _ => null, static _ => null);

    [Fact]
    public void A_limit_is_read_with_all_it_says()
    {
        // Proves every key; by one limit with all of them and one with as few as can be.
        PolicyReading reading = Read("""
              - { id: full, functions: ["a.*"], per: chain, rate: 10/m, burst: 5 }
              - { id: least, functions: [a.two], per: function, rate: 100/s }
            """);
        Assert.Empty(reading.Errors);
        PolicySnapshot policy = reading.Snapshot!;
        RateLimit full = policy.Limits[0], least = policy.Limits[1];
        Assert.Equal(
            ("full", RateScope.Chain, 10, TimeSpan.FromMinutes(1), 5, 6_000_000.0, 1, "\"full\";q=10;w=60"),
            (full.Id, full.Per, full.Count, full.Period, full.Burst, full.IntervalMicroseconds, full.LeaseCells,
                full.PolicyItem));
        Assert.Equal((RateScope.Function, 100, 10), (least.Per, least.Burst, least.LeaseCells));
        Assert.Equal([full], policy.LimitsOf(policy.Find("a.one")!).ToArray());
        Assert.Equal([full, least], policy.LimitsOf(policy.Find("a.two")!).ToArray());
    }

    [Theory]
    [InlineData("{ id: l, functions: [a.one], per: caller, rate: 10 }", "rate must be")]
    [InlineData("{ id: l, functions: [a.one], per: caller, rate: 0/m }", "rate must be a number and")]
    [InlineData("{ id: l, functions: [a.one], per: caller, rate: 10/w }", "rate must be a number and")]
    [InlineData("{ id: l, functions: [a.one], per: caller, rate: 10/m/s }", "rate must be a number and")]
    [InlineData("{ id: l, functions: [a.one], per: caller, rate: 200000/s }", "at most 100000/s")]
    [InlineData("{ id: l, functions: [a.one], per: caller, rate: 1/d, burst: 31 }", "more than 30d")]
    [InlineData("{ id: l, functions: [a.one], per: caller, rate: 1/d, burst: 0 }", "burst must be 1 to")]
    [InlineData("{ id: l, functions: [a.one], per: human, rate: 1/d }", "per must be caller, function or chain")]
    [InlineData("{ id: l, functions: [a.oen], per: caller, rate: 1/d }", "there is no function 'a.oen'")]
    [InlineData("{ id: l, functions: [a.one], rate: 1/d }", "needs 'per'")]
    [InlineData("{ id: l, functions: [a.one], per: caller, rate: 1/d, bursts: 1 }", "'bursts' is not a key")]
    public void A_limit_that_is_wrong_is_refused_and_says_why(string limit, string fault)
    {
        // Proves each refusal; by one limit for each.
        PolicyReading reading = Read("  - " + limit);
        Assert.Null(reading.Snapshot);
        Assert.Contains(fault, Assert.Single(reading.Errors).Message, StringComparison.Ordinal);
    }

    private static PolicyReading Read(string limits) => PolicyReader.Read(Head + limits, Words);
}
