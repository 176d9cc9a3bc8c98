using Countersign.Policy.Conditions;

namespace Countersign.Policy.Tests;

public sealed class PlainPolicyTests
{
    /// <summary>Names the number of rounds where more are wanted than a usual run has the time for.</summary>
    private const string RoundsVariable = "COUNTERSIGN_PROOF_ROUNDS";

    // Proves that the compiled policy says what a slow evaluator of other means says, in every part of the decision, on
    // random policies and callers, each met with five functions; a failure prints the seed.
    [Fact]
    public void Compiled_and_plain_agree()
    {
        int seed = Environment.TickCount;
        Random random = new(seed);
        HashSet<string> kinds = [];
        int rounds = RoundsOr(20_000);
        for (int round = 0; round < rounds; round++)
        {
            PlainPolicy plain = PlainPolicy.Make(random);
            PolicySnapshot snapshot = PolicyTexts.Compile(plain.Write());
            Caller caller = PlainPolicy.MakeCaller(random);
            PlainBody body = PlainBody.Make(random);
            CallFacts facts = body.FactsFor(caller);
            foreach (Function function in snapshot.Functions)
            {
                string expected = plain.Decide(caller, function.Id, body);
                Decision decision = snapshot.Decide(caller, function).For(facts, out _);
                string said = PlainPolicy.Describe(decision);
                string given = $"{string.Join(',', caller.Groups)} {function.Id} {body}\n{plain.Write()}";
                Assert.True(expected == said, $"seed {seed}: {expected} / {said}\n{given}");
                Assert.Equal(expected, PlainPolicy.Describe(snapshot.Evaluate(caller, function).For(facts, out _)));
                Assert.Equal(expected, PlainPolicy.Describe(snapshot.Explain(function, facts, out _).Decision));
                Assert.Equal(
                    decision.Masks.Select(mask => mask.Id),
                    snapshot.MasksFor(caller.Groups, function.Id).Select(mask => mask.Id));
                kinds.Add($"{decision.Effect} {decision.Cause}");
            }
        }

        // Allow by rule and by observing, approve, deny by rule, by separation, by default, by a condition without
        // answer and by arguments that do not fit: a run that misses one has proved too little.
        Assert.Equal(8, kinds.Count);
    }

    // Proves that the trie finds the function that a slow router of other means finds, among random templates, types,
    // hosts and ports; a failure prints the seed.
    [Fact]
    public void Compiled_and_plain_find_the_same_function()
    {
        int seed = Environment.TickCount;
        Random random = new(seed);
        int found = 0;
        int rounds = RoundsOr(4_000);
        for (int round = 0; round < rounds; round++)
        {
            PlainRoutes plain = PlainRoutes.Make(random);
            PolicySnapshot snapshot = PolicyTexts.Compile(plain.Write());
            for (int n = 0; n < 8; n++)
            {
                PlainCall call = PlainRoutes.MakeCall(random);
                string? expected = plain.Find(call);
                string? said = PolicyTexts.Resolve(snapshot, call.Method, call.Path, call.Host, call.IsTls);
                Assert.True(expected == said, $"seed {seed}: {call}: {expected} / {said}\n{plain.Write()}");
                if (expected is not null) found++;
            }
        }

        Assert.True(found > rounds, "hardly a call found a function");
    }

    private static int RoundsOr(int usual) =>
        int.TryParse(Environment.GetEnvironmentVariable(RoundsVariable), out int rounds) ? rounds : usual;

    // Proves that adding a deny or an approve rule, anywhere, lets no call through that was not, and that an added
    // approve rule never takes stages away; on random policies.
    [Fact]
    public void A_stricter_rule_never_opens()
    {
        int seed = Environment.TickCount;
        Random random = new(seed);
        for (int round = 0; round < 3_000; round++)
        {
            PlainPolicy plain = PlainPolicy.Make(random);
            PolicySnapshot before = PolicyTexts.Compile(plain.Write());
            bool isDeny = random.Next(2) == 0;
            PlainRule stricter = PlainPolicy.MakeRule(random, isDeny ? 2 : 1);

            // In observe, a rule that would pause lets through, which is no stricter; one that would deny does nothing.
            if (!isDeny) stricter = stricter with { IsObserved = false };
            plain.Rules.Insert(random.Next(plain.Rules.Count + 1), stricter);
            PolicySnapshot after = PolicyTexts.Compile(plain.Write());
            for (int n = 0; n < 5; n++)
            {
                Caller caller = PlainPolicy.MakeCaller(random);
                string function = PlainPolicy.FunctionIds[n];
                CallFacts facts = PlainBody.Make(random).FactsFor(caller);
                Decision was = before.Evaluate(caller, before.Find(function)!).For(facts, out _);
                Decision now = after.Evaluate(caller, after.Find(function)!).For(facts, out _);
                bool opened = now.Effect == Effect.Allow && was.Effect != Effect.Allow;
                int stages = was.Approval?.Stages.Count ?? 0;
                bool unstaged = now.Effect == Effect.Approve && now.Approval!.Stages.Count < stages;
                bool undenied = isDeny && was.Effect == Effect.Deny && now.Effect != Effect.Deny;
                Assert.False(opened || unstaged || undenied, $"seed {seed}: {function}\n{plain.Write()}");
            }
        }
    }

    // Proves that removing an allow rule lets no call through, nor to an approver, that was not; on random policies.
    [Fact]
    public void One_allow_less_never_opens()
    {
        int seed = Environment.TickCount;
        Random random = new(seed);
        for (int round = 0; round < 3_000; round++)
        {
            PlainPolicy plain = PlainPolicy.Make(random);
            plain.Rules.Insert(random.Next(plain.Rules.Count + 1), PlainPolicy.MakeRule(random, 0));
            PolicySnapshot before = PolicyTexts.Compile(plain.Write());
            int taken = plain.Rules.FindIndex(rule => rule.Effect == 0);
            bool mayFail = plain.Rules[taken].When is not null;
            plain.Rules.RemoveAt(taken);
            PolicySnapshot after = PolicyTexts.Compile(plain.Write());
            for (int n = 0; n < 5; n++)
            {
                Caller caller = PlainPolicy.MakeCaller(random);
                string function = PlainPolicy.FunctionIds[n];
                CallFacts facts = PlainBody.Make(random).FactsFor(caller);
                Effect was = before.Evaluate(caller, before.Find(function)!).For(facts, out _).Effect;
                Effect now = after.Evaluate(caller, after.Find(function)!).For(facts, out _).Effect;

                // A condition without answer denies: without that rule the call is as open as it was meant to be.
                Assert.True(now <= was || mayFail, $"seed {seed}: {function} {was} -> {now}\n{plain.Write()}");
            }
        }
    }
}
