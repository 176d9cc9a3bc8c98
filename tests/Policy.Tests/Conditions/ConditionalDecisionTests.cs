using System.Globalization;
using Countersign.Policy.Conditions;

namespace Countersign.Policy.Tests.Conditions;

public sealed class ConditionalDecisionTests
{
    private const string Approval = "approval: { stages: [{ groups: [leads], count: 1 }] }";

    private static Decision Decide(PolicySnapshot policy, in CallFacts facts, out string fault)
    {
        Decision decision = policy.Decide(facts.Caller, policy.Find("f.pay")!);
        Decision said = decision.For(facts, out fault);
        Assert.Equal(said, policy.Evaluate(facts.Caller, policy.Find("f.pay")!).For(facts, out _), SameSaying);
        return said;
    }

    private static bool SameSaying(Decision left, Decision right) =>
        left.Effect == right.Effect && left.Cause == right.Cause && left.Rule == right.Rule;

    // Proves that a pair under conditions denies until the call is looked at, is then decided by it, and says whether
    // it must see the arguments; one without conditions is decided at once, and the same for every call.
    [Fact]
    public void A_condition_decides_each_call()
    {
        PolicySnapshot policy = Calls.Under(Calls.AllowWhen("args.amount <= 50.0"));
        Decision pending = policy.Decide(Calls.Bob, policy.Find("f.pay")!);
        Assert.Equal((Effect.Deny, DecisionCause.Conditional), (pending.Effect, pending.Cause));
        Assert.True(pending.IsConditional && pending.ReadsArguments);
        Assert.Equal(Effect.Allow, Decide(policy, Calls.Of("""{"amount":50}"""), out _).Effect);
        Assert.Equal(DecisionCause.NothingMatched, Decide(policy, Calls.Of("""{"amount":50.5}"""), out _).Cause);
        PolicySnapshot byTime = Calls.Under(Calls.AllowWhen("now > timestamp(0)"));
        Assert.False(byTime.Decide(Calls.Bob, byTime.Find("f.pay")!).ReadsArguments);
    }

    // Proves that the same call gives the same object, so that a call costs no memory, and other calls other ones.
    [Fact]
    public void Decisions_are_kept_by_what_held()
    {
        PolicySnapshot policy = Calls.Under(
            Calls.AllowWhen("args.a == 1", "a"), Calls.AllowWhen("args.b == 1", "b"));
        Decision first = Decide(policy, Calls.Of("""{"a":1,"b":2}"""), out _);
        Assert.Same(first, Decide(policy, Calls.Of("""{"a":1.0,"b":3}"""), out _));
        Assert.Equal("b", Decide(policy, Calls.Of("""{"a":2,"b":1}"""), out _).Rule);
        Assert.Equal("a", first.Rule);
    }

    // Proves that an error denies whatever the rule's effect and whatever else would allow, but for a deny rule that
    // holds, which is the one that is named.
    [Theory]
    [InlineData("allow")]
    [InlineData("approve")]
    [InlineData("deny")]
    public void An_error_denies(string effect)
    {
        string approval = effect == "approve" ? ", " + Approval : "";
        string failing = "{ id: fails, subjects: { groups: [support] }, functions: [f.pay], when: \"args.x == 1\", "
            + $"effect: {effect}{approval} }}";
        string allows = "{ id: allows, subjects: { groups: [support] }, functions: [f.pay], effect: allow }";
        PolicySnapshot policy = Calls.Under(failing, allows, Calls.AllowWhen("args.y == 1", "denies", "deny"));
        Decision decision = Decide(policy, Calls.Of("""{"y":2}"""), out string fault);
        Assert.Equal((Effect.Deny, DecisionCause.ConditionFailed, "fails"),
            (decision.Effect, decision.Cause, decision.Rule));
        Assert.Equal("at character 6: no such key", fault);
        Assert.Equal((DecisionCause.Rule, "denies"), CauseOf(Decide(policy, Calls.Of("""{"y":1}"""), out _)));
    }

    private static (DecisionCause Cause, string Rule) CauseOf(Decision decision) => (decision.Cause, decision.Rule);

    // Proves deny over approve over allow among the rules that hold, and that those without conditions count too.
    [Theory]
    [InlineData("""{"n":1}""", "Allow all")]
    [InlineData("""{"n":10}""", "Approve some")]
    [InlineData("""{"n":100}""", "Approve some,more")]
    [InlineData("""{"n":1000}""", "Deny none")]
    public void What_holds_is_joined(string args, string expected)
    {
        const string subjects = "subjects: { groups: [support] }, functions: [\"*\"]";
        PolicySnapshot policy = Calls.Under(
            $"{{ id: some, {subjects}, when: \"args.n > 5\", effect: approve, {Approval} }}",
            $"{{ id: all, {subjects}, effect: allow }}",
            $"{{ id: none, {subjects}, when: \"args.n > 500\", effect: deny }}",
            $"{{ id: more, {subjects}, when: \"args.n > 50\", effect: approve, {Approval} }}",
            $"{{ id: others, subjects: {{ groups: [else] }}, functions: [\"*\"], when: \"args.q\", effect: deny }}");
        Decision decision = Decide(policy, Calls.Of(args), out _);
        Assert.Equal(expected, string.Create(CultureInfo.InvariantCulture, $"{decision.Effect} {decision.Rule}"));
    }

    // Proves that arguments that can be read two ways deny before any condition is asked, even one that would not have
    // looked at them; and that what is not JSON denies too.
    [Fact]
    public void Unsound_arguments_deny()
    {
        PolicySnapshot policy = Calls.Under(Calls.AllowWhen("caller.subject == 'bob' || args.n == 1"));
        Assert.Equal(Effect.Allow, Decide(policy, Calls.Of("{}"), out _).Effect);
        Assert.Equal(DecisionCause.ArgumentsAmbiguous, Decide(policy, Calls.Of("""{"n":1,"n":1}"""), out _).Cause);
        Assert.Equal(DecisionCause.ArgumentsAmbiguous, Decide(policy, Calls.Of("[1"), out _).Cause);
        CallFacts other = Calls.Of("n=1", form: ArgumentsForm.NotJson);
        Assert.Equal(DecisionCause.ArgumentsUnreadable, Decide(policy, other, out _).Cause);
        CallFacts unread = Calls.Of(form: ArgumentsForm.Unread);
        Assert.Equal(DecisionCause.ArgumentsUnreadable, Decide(policy, unread, out _).Cause);
    }

    // Proves that where a rule without condition denies, the call is not looked at, and its body not asked for.
    [Fact]
    public void A_plain_deny_needs_no_call()
    {
        PolicySnapshot policy = Calls.Under(
            Calls.AllowWhen("args.n == 1"),
            "{ id: no, subjects: { groups: [ops] }, functions: [f.pay], effect: deny }");
        Decision decision = policy.Decide(Calls.Bob, policy.Find("f.pay")!);
        Assert.Equal((false, "no"), (decision.IsConditional, decision.Rule));
    }

    // Proves that a condition over lines reads back from the canonical JSON as it was, and decides the same.
    [Fact]
    public void A_condition_may_have_lines()
    {
        string text = PolicyTexts.Upstreams
            + "  f.pay: { upstream: up, method: POST, path: \"/pay/{account}\", risk: low }\nrules:\n"
            + "  - id: r\n    subjects: { groups: [support] }\n    functions: [f.pay]\n    effect: allow\n"
            + "    when: |\n      // what they may\n      args.n < 5 &&\n        path.account == \"7\"\n";
        PolicyReading reading = PolicyTexts.Read(text);
        Assert.Empty(reading.Errors);
        PolicySnapshot again = PolicyTexts.Compile(reading.Json);
        Assert.Equal(reading.Snapshot!.Rules[0].When, again.Rules[0].When);
        Assert.Equal(Effect.Allow, Decide(again, Calls.Of("""{"n":1}"""), out _).Effect);
    }
}
