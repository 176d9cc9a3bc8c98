namespace Countersign.Policy.Tests;

public sealed class PlainPolicyTests
{
    // Proves that the compiled policy says what a slow evaluator of other means says, in every part of the decision, on
    // 20,000 random policies and callers; a failure prints the seed.
    [Fact]
    public void Compiled_and_plain_agree()
    {
        int seed = Environment.TickCount;
        Random random = new(seed);
        HashSet<string> kinds = [];
        for (int round = 0; round < 20_000; round++)
        {
            PlainPolicy plain = PlainPolicy.Make(random);
            PolicySnapshot snapshot = PolicyTexts.Compile(plain.Write());
            Caller caller = PlainPolicy.MakeCaller(random);
            foreach (Function function in snapshot.Functions)
            {
                string expected = plain.Decide(caller, function.Id);
                Decision decision = snapshot.Decide(caller, function);
                string said = PlainPolicy.Describe(decision);
                string given = $"{string.Join(',', caller.Groups)} {function.Id}\n{plain.Write()}";
                Assert.True(expected == said, $"seed {seed}: {expected} / {said}\n{given}");
                Assert.Equal(expected, PlainPolicy.Describe(snapshot.Evaluate(caller, function)));
                Assert.Equal(
                    decision.Masks.Select(mask => mask.Id),
                    snapshot.MasksFor(caller.Groups, function.Id).Select(mask => mask.Id));
                kinds.Add($"{decision.Effect} {decision.Cause}");
            }
        }

        // Allow, approve, deny by rule, by separation and by default: a run that misses one has proved too little.
        Assert.Equal(5, kinds.Count);
    }

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
            plain.Rules.Insert(random.Next(plain.Rules.Count + 1), PlainPolicy.MakeRule(random, isDeny ? 2 : 1));
            PolicySnapshot after = PolicyTexts.Compile(plain.Write());
            for (int n = 0; n < 5; n++)
            {
                Caller caller = PlainPolicy.MakeCaller(random);
                string function = PlainPolicy.FunctionIds[n];
                Decision was = before.Evaluate(caller, before.Find(function)!);
                Decision now = after.Evaluate(caller, after.Find(function)!);
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
            plain.Rules.RemoveAt(plain.Rules.FindIndex(rule => rule.Effect == 0));
            PolicySnapshot after = PolicyTexts.Compile(plain.Write());
            for (int n = 0; n < 5; n++)
            {
                Caller caller = PlainPolicy.MakeCaller(random);
                string function = PlainPolicy.FunctionIds[n];
                Effect was = before.Evaluate(caller, before.Find(function)!).Effect;
                Effect now = after.Evaluate(caller, after.Find(function)!).Effect;
                Assert.True(now <= was, $"seed {seed}: {function} {was} -> {now}\n{plain.Write()}");
            }
        }
    }
}
