using System.Text;

namespace Countersign.Policy.Tests;

public sealed class DecideTests
{
    private static readonly PolicySnapshot Demo = PolicyTexts.Compile(
        PolicyTexts.ReadFile("samples/policies/demo.yaml"));

    // Proves that resolving and deciding allocate nothing once the caller is known, by counting the thread's bytes over
    // calls that take the literal, the parameter, the decoding, the backtracking and the unknown way.
    [Fact]
    public void Steady_state_allocates_nothing()
    {
        Caller caller = PolicyTexts.CallerIn("support", "elsewhere");
        byte[][] paths = [.. new[] { "/people", "/people/7", "/%70eople/%37", "/billing/x", "/none" }
            .Select(Encoding.ASCII.GetBytes)];
        Assert.Equal(4 * 3, Run(caller, paths, 3));
        long before = GC.GetAllocatedBytesForCurrentThread();
        int found = Run(caller, paths, 10_000);
        long after = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(4 * 10_000, found);
        Assert.Equal(0, after - before);
    }

    private static int Run(Caller caller, byte[][] paths, int rounds)
    {
        int found = 0;
        for (int round = 0; round < rounds; round++)
        {
            foreach (byte[] path in paths)
            {
                bool isAllowed = Demo.TryResolve("GET"u8, path, out Function? function)
                    && Demo.Decide(caller, function).Effect == Effect.Allow;
                if (isAllowed) found++;
            }
        }

        return found;
    }

    // Proves that a decision is kept for a caller and snapshot and never outlives the snapshot, by deciding under two
    // policies in turn for one caller.
    [Fact]
    public void A_new_snapshot_decides_anew()
    {
        const string rule = PolicyTexts.TwoFunctions
            + "rules: [{ id: r, subjects: { groups: [g] }, functions: [f.a], effect: ";
        PolicySnapshot allows = PolicyTexts.Compile(rule + "allow }]");
        PolicySnapshot denies = PolicyTexts.Compile(rule + "deny }]");
        Caller caller = PolicyTexts.CallerIn("g");
        for (int round = 0; round < 3; round++)
        {
            Decision first = allows.Decide(caller, allows.Find("f.a")!);
            Assert.Equal(Effect.Allow, first.Effect);
            Assert.Same(first, allows.Decide(caller, allows.Find("f.a")!));
            Assert.Equal(Effect.Deny, denies.Decide(caller, denies.Find("f.a")!).Effect);
        }
    }

    // Proves that a function of another snapshot is not decided by its number, by asking for one, before and after the
    // caller is known.
    [Fact]
    public void A_function_of_another_snapshot_throws()
    {
        PolicySnapshot other = PolicyTexts.Compile(PolicyTexts.ReadFile("samples/policies/demo.yaml"));
        Caller caller = PolicyTexts.CallerIn("support");
        Assert.Throws<ArgumentException>(() => Demo.Decide(caller, other.Functions[0]));
        Demo.Decide(caller, Demo.Functions[0]);
        Assert.Throws<ArgumentException>(() => Demo.Decide(caller, other.Functions[0]));
        Assert.Throws<ArgumentException>(() => Demo.Evaluate(caller, other.Functions[0]));
    }

    // Proves that many threads asking at once all get what the uncached evaluation says.
    [Fact]
    public void Threads_agree()
    {
        Caller caller = PolicyTexts.CallerIn("support");
        Parallel.For(0, 2_000, n =>
        {
            Function function = Demo.Functions[n % Demo.Functions.Count];
            Decision decision = Demo.Decide(caller, function);
            Assert.Equal(Demo.Evaluate(caller, function).Effect, decision.Effect);
            Assert.Equal(Demo.Evaluate(caller, function).Rule, decision.Rule);
        });
    }

    // Proves that group names are compared exactly: near misses in case, space, prefix and form hold nothing.
    [Theory]
    [InlineData("support", Effect.Allow)]
    [InlineData("Support", Effect.Deny)]
    [InlineData("support ", Effect.Deny)]
    [InlineData("suppor", Effect.Deny)]
    [InlineData("supports", Effect.Deny)]
    [InlineData("", Effect.Deny)]
    [InlineData("support,agents", Effect.Deny)]
    [InlineData("suppo\u0280t", Effect.Deny)]
    [InlineData("*", Effect.Deny)]
    public void Groups_are_compared_exactly(string group, Effect expected) =>
        Assert.Equal(expected, Demo.Decide(PolicyTexts.CallerIn(group), Demo.Find("people.get")!).Effect);

    // Proves that the sixty-fifth group is as good as the first, by a rule for each of 130 groups.
    [Fact]
    public void More_groups_than_one_word_holds()
    {
        string groups = string.Join(", ", Enumerable.Range(0, 130).Select(n => $"g{n}"));
        PolicySnapshot snapshot = PolicyTexts.Compile(PolicyTexts.TwoFunctions + $$"""
            rules:
              - { id: all, subjects: { groups: [{{groups}}] }, functions: [f.a], effect: allow }
              - { id: last, subjects: { groups: [g129] }, functions: [f.b], effect: allow }
            """);
        for (int n = 0; n < 130; n++)
        {
            Caller caller = PolicyTexts.CallerIn($"g{n}");
            Assert.Equal(Effect.Allow, snapshot.Decide(caller, snapshot.Find("f.a")!).Effect);
            Assert.Equal(n == 129 ? Effect.Allow : Effect.Deny, snapshot.Decide(caller, snapshot.Find("f.b")!).Effect);
        }
    }

    // Proves that terms of several approve rules join to the strictest, by two rules that differ in every term.
    [Fact]
    public void Approve_rules_join()
    {
        PolicySnapshot snapshot = PolicyTexts.Compile(PolicyTexts.TwoFunctions + """
            rules:
              - id: one
                subjects: { groups: [g] }
                functions: [f.a]
                effect: approve
                approval: { stages: [{ groups: [x], count: 1 }], decideWithin: 10m, useWithin: 9m, hold: 5s }
              - { id: free, subjects: { groups: [g] }, functions: ["*"], effect: allow }
              - id: two
                subjects: { groups: [h] }
                functions: ["f.*"]
                effect: approve
                approval:
                  stages: [{ groups: [y, z], count: 2 }, { groups: [x], count: 3 }]
                  decideWithin: 20m
                  useWithin: 1m
                  hold: 4s
                  reason: required
            """);
        Decision both = snapshot.Evaluate(PolicyTexts.CallerIn("h", "g"), snapshot.Find("f.a")!);
        Assert.Equal((Effect.Approve, DecisionCause.Rule, "one,two"), (both.Effect, both.Cause, both.Rule));
        ApprovalTerms terms = Assert.IsType<ApprovalTerms>(both.Approval);
        string[] stages = [.. terms.Stages.Select(stage => $"{string.Join('+', stage.Groups)}:{stage.Count}")];
        Assert.Equal(["x:1", "y+z:2", "x:3"], stages);
        Assert.Equal((TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(1)), (terms.DecideWithin, terms.UseWithin));
        Assert.Equal((TimeSpan.FromSeconds(5), true), (terms.Hold, terms.ReasonRequired));

        ApprovalTerms alone = snapshot.Evaluate(PolicyTexts.CallerIn("g"), snapshot.Find("f.a")!).Approval!;
        Assert.Equal((1, TimeSpan.FromMinutes(9), false), (alone.Stages.Count, alone.UseWithin, alone.ReasonRequired));
    }

    // Proves that an approver sees as their groups allow, and everything masked for a function that is gone.
    [Fact]
    public void Approvers_see_through_their_own_masks()
    {
        Assert.Equal(["pii", "card-number"], Demo.MasksFor(["finance-leads"], "billing.reset").Select(mask => mask.Id));
        Assert.Empty(Demo.MasksFor(["finance-leads", "pii-cleared"], "billing.reset"));
        Assert.Equal(["pii", "card-number"], Demo.MasksFor(["pii-cleared"], "billing.gone").Select(mask => mask.Id));
    }
}
