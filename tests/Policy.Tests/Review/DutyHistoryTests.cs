using System.Globalization;
using Countersign.Policy.Review;

namespace Countersign.Policy.Tests.Review;

public sealed class DutyHistoryTests
{
    private static readonly string[] Functions = ["a", "b", "c"];
    private static readonly string[] People = ["ann", "BOB", "cia", "dan"];

    private static readonly (string Id, string[] Functions, int Seconds)[] Separations =
        [("s0", ["a", "b"], 50), ("s1", ["b", "c"], 20)];

    // Proves that what is remembered of random calls, made one after another by chains of people and approved by
    // others, denies what the document says that it denies: by a list of deeds, looked through for each call.
    [Fact]
    public void What_is_remembered_denies_as_the_document_says()
    {
        int seed = Environment.TickCount;
        Random random = new(seed);
        PolicySnapshot policy = PolicyTexts.Compile(Policy());
        int refused = 0;
        for (int round = 0; round < 300; round++)
        {
            DutyHistory history = new(policy, TimeProvider.System);
            List<(string Function, string Item, HashSet<string> People, int At)> deeds = [];
            int at = 0;
            for (int n = 0; n < 20; n++)
            {
                at += random.Next(15);
                string function = Functions[random.Next(3)];
                string item = random.Next(2).ToString(CultureInfo.InvariantCulture);
                string[] chain = Pick(random, random.Next(3));
                string[] approvers = Pick(random, random.Next(2));
                CallerKind kind = random.Next(2) == 0 ? CallerKind.Human : CallerKind.Agent;
                string subject = kind == CallerKind.Human ? People[random.Next(4)] : "bot";
                HashSet<string> asking = [.. chain.Select(one => one.ToLowerInvariant())];
                if (kind == CallerKind.Human || chain.Length == 0) asking.Add(subject.ToLowerInvariant());
                string expected = Separations.FirstOrDefault(one => one.Functions.Contains(function)
                    && deeds.Exists(deed => deed.Item == item && deed.Function != function
                        && one.Functions.Contains(deed.Function) && at - deed.At < one.Seconds
                        && deed.People.Overlaps(asking))).Id ?? "r";
                CallSample call = new()
                {
                    Caller = new Caller("i", subject, kind, ["g"], chain),
                    Method = "GET",
                    Target = $"/{function}/{item}",
                    At = DateTimeOffset.UnixEpoch.AddSeconds(at),
                    Approvers = approvers,
                };
                Function found = call.FindFunction(policy)!;
                Decision said = history.Judge(call, found, call.Decide(policy, found, TimeProvider.System), out _);
                Assert.True(expected == said.Rule, $"seed {seed}: round {round}, call {n}: {expected} / {said.Rule}");
                if (said.Effect == Effect.Deny) refused++;
                else
                {
                    history.Act(call, found);
                    asking.UnionWith(approvers.Select(one => one.ToLowerInvariant()));
                    deeds.Add((function, item, asking, at));
                }
            }
        }

        Assert.True(refused > 300, "hardly a call was refused");
    }

    // Proves that in observe nothing is refused, and what would be is said.
    [Fact]
    public void In_observe_it_is_said_and_not_done()
    {
        PolicySnapshot policy = PolicyTexts.Compile(Policy() + "mode: observe\n");
        CallSample first = Call("/a/1");
        CallSample then = Call("/b/1") with { History = [first] };
        Decision decision = then.Decide(policy, then.FindFunction(policy)!, TimeProvider.System);
        Assert.Equal((Effect.Allow, Effect.Deny), (decision.Effect, decision.Observed!.Effect));
        Assert.Equal("s0", decision.Observed.Rule);
    }

    private static CallSample Call(string target) => new()
    {
        Caller = PolicyTexts.CallerIn("g"), Method = "GET", Target = target,
    };

    private static string[] Pick(Random random, int count) =>
        [.. People.OrderBy(_ => random.Next()).Take(count)];

    private static string Policy()
    {
        string functions = string.Concat(Functions.Select(id =>
            $"  {id}: {{ upstream: up, method: GET, path: \"/{id}/{{item}}\", risk: low }}\n"));
        string separations = string.Concat(Separations.Select(one =>
            $"  - {{ id: {one.Id}, kind: dynamic, functions: [{string.Join(", ", one.Functions)}], "
            + $"object: path.item, window: {one.Seconds}s }}\n"));
        return PolicyTexts.Upstreams + functions
            + "rules: [{ id: r, subjects: { groups: [g] }, functions: [\"*\"], effect: allow }]\n"
            + "separations:\n" + separations;
    }
}
