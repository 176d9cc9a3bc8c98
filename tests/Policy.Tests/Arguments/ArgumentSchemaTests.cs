using Countersign.Policy.Conditions;
using Countersign.Policy.Tests.Conditions;

namespace Countersign.Policy.Tests.Arguments;

/// <summary>The JSON Schema of a function's arguments, through the policy that holds it.</summary>
public sealed class ArgumentSchemaTests
{
    private const string Allow = "{ id: r, subjects: { groups: [support] }, functions: [f.pay], effect: allow }";

    private static string Text(string schema, string rule = Allow, string more = "") => PolicyTexts.Upstreams
        + $"  f.pay: {{ upstream: up, method: POST, path: /pay, risk: low, args: {schema} }}\n"
        + $"rules:\n  - {rule}\n{more}";

    private static Decision Decide(PolicySnapshot policy, in CallFacts facts, out string fault) =>
        policy.Decide(facts.Caller, policy.Find("f.pay")!).For(facts, out fault);

    // Proves each keyword both ways: what fits is allowed, and what does not is denied by a pointer and the keyword,
    // which is all that is said.
    [Theory]
    [InlineData("{ type: object }", "{}", "")]
    [InlineData("{ type: object }", "[]", "'' fails 'type'")]
    [InlineData("{ type: 'null' }", "null", "")]
    [InlineData("{ type: 'null' }", "0", "'' fails 'type'")]
    [InlineData("{ type: boolean }", "false", "")]
    [InlineData("{ type: boolean }", "\"false\"", "'' fails 'type'")]
    [InlineData("{ type: integer }", "-9223372036854775808", "")]
    [InlineData("{ type: integer }", "1.0", "'' fails 'type'")]
    [InlineData("{ type: integer }", "1e3", "'' fails 'type'")]
    [InlineData("{ type: number }", "1", "")]
    [InlineData("{ type: number }", "1.5e3", "")]
    [InlineData("{ type: number }", "\"1\"", "'' fails 'type'")]
    [InlineData("{ type: number }", "50.000000000000001", "")]
    [InlineData("{ type: [string, 'null'] }", "null", "")]
    [InlineData("{ type: [string, 'null'] }", "1", "'' fails 'type'")]
    [InlineData("{ type: string }", "{}", "'' fails 'type'")]
    [InlineData("{ enum: [EUR, 1, 2.5, true, null] }", "1.0", "")]
    [InlineData("{ enum: [EUR, 1, 2.5, true, null] }", "\"EUR\"", "")]
    [InlineData("{ enum: [EUR, 1, 2.5, true, null] }", "null", "")]
    [InlineData("{ enum: [EUR, 1, 2.5, true, null] }", "false", "'' fails 'enum'")]
    [InlineData("{ enum: [EUR, 1, 2.5, true, null] }", "\"1\"", "'' fails 'enum'")]
    [InlineData("{ enum: [EUR, 1, 2.5, true, null] }", "[1]", "'' fails 'enum'")]
    [InlineData("{ const: -7 }", "-7", "")]
    [InlineData("{ const: -7 }", "7", "'' fails 'const'")]
    [InlineData("{ type: number, minimum: -1.5 }", "-1.5", "")]
    [InlineData("{ type: number, minimum: -1.5 }", "-1.51", "'' fails 'minimum'")]
    [InlineData("{ type: number, maximum: 50 }", "50.0", "")]
    [InlineData("{ type: number, maximum: 50 }", "50.01", "'' fails 'maximum'")]
    [InlineData("{ type: integer, maximum: 9007199254740992 }", "9007199254740993", "'' fails 'maximum'")]
    [InlineData("{ type: number, exclusiveMinimum: 0 }", "0.1", "")]
    [InlineData("{ type: number, exclusiveMinimum: 0 }", "0", "'' fails 'exclusiveMinimum'")]
    [InlineData("{ type: number, exclusiveMaximum: 1e2 }", "99", "")]
    [InlineData("{ type: number, exclusiveMaximum: 1e2 }", "100", "'' fails 'exclusiveMaximum'")]
    [InlineData("{ type: string, minLength: 2 }", "\"\\u00e4\\ud83d\\ude00\"", "")]
    [InlineData("{ type: string, minLength: 2 }", "\"\\ud83d\\ude00\"", "'' fails 'minLength'")]
    [InlineData("{ type: string, maxLength: 1 }", "\"\\ud83d\\ude00\"", "")]
    [InlineData("{ type: string, maxLength: 1 }", "\"ab\"", "'' fails 'maxLength'")]
    [InlineData("{ type: string, pattern: '[a-z]-[0-9]$' }", "\"xa-1\"", "")]
    [InlineData("{ type: string, pattern: '[a-z]-[0-9]$' }", "\"a-1\\n\"", "'' fails 'pattern'")]
    [InlineData("{ type: array, minItems: 1 }", "[null]", "")]
    [InlineData("{ type: array, minItems: 1 }", "[]", "'' fails 'minItems'")]
    [InlineData("{ type: array, maxItems: 1 }", "[[1,2]]", "")]
    [InlineData("{ type: array, maxItems: 1 }", "[1,2]", "'' fails 'maxItems'")]
    [InlineData("{ type: array, items: { type: integer } }", "[1,2]", "")]
    [InlineData("{ type: array, items: { type: integer } }", "[1,2,\"3\"]", "'/2' fails 'type'")]
    [InlineData("{ type: object, properties: { a: { type: string } } }", "{\"b\":1}", "")]
    [InlineData("{ type: object, properties: { a: { type: string } } }", "{\"b\":{},\"a\":1}", "'/a' fails 'type'")]
    [InlineData("{ type: object, properties: { a: {} }, required: [a, b] }", "{\"b\":1,\"a\":null}", "")]
    [InlineData("{ type: object, properties: { a: {} }, required: [a, b] }", "{\"a\":1}", "'/b' fails 'required'")]
    [InlineData("{ type: object, required: [a] }", "", "'/a' fails 'required'")]
    [InlineData("{ type: object, additionalProperties: true }", "{\"b\":{\"c\":[{}]}}", "")]
    [InlineData("{}", "{\"b\":{\"c\":[{\"d\":1}]}}", "")]
    [InlineData("{ type: object, properties: { a: {} } }", "{\"a\":{\"c\":1}}", "")]
    [InlineData("{ type: object, properties: { a: {} }, additionalProperties: false }", "{\"a\":1}", "")]
    [InlineData(
        "{ type: object, properties: { a: {} }, additionalProperties: false }", "{\"secret\":1}",
        "'' fails 'additionalProperties'")]
    [InlineData("{ type: object, additionalProperties: { type: string } }", "{\"x\":\"y\"}", "")]
    [InlineData("{ type: object, additionalProperties: { type: string } }", "{\"secret\":1}", "'/*' fails 'type'")]
    [InlineData(
        "{ type: object, additionalProperties: { type: string }, required: [k] }", "{\"k\":1}", "'/k' fails 'type'")]
    [InlineData(
        "{ type: object, properties: { 'a/b~': { type: array, items: { type: object, required: [q] } } } }",
        "{\"a/b~\":[{\"q\":1},{}]}", "'/a~1b~0/1/q' fails 'required'")]
    [InlineData("{ title: A title, description: What it is }", "1", "")]
    public void A_keyword_decides(string schema, string args, string expected)
    {
        PolicySnapshot policy = PolicyTexts.Compile(Text(schema));
        Assert.True(policy.Decide(Calls.Bob, policy.Find("f.pay")!).ReadsArguments);
        Decision decision = Decide(policy, Calls.Of(args), out string fault);
        Assert.Equal(expected, fault);
        Assert.Equal(
            expected.Length == 0 ? (Effect.Allow, DecisionCause.Rule) : (Effect.Deny, DecisionCause.ArgumentsMisfit),
            (decision.Effect, decision.Cause));
    }

    // Proves that a number which no double holds is a number, and meets no bound.
    [Theory]
    [InlineData("{ type: number }", "")]
    [InlineData("{ type: number, maximum: 51 }", "'/n' fails 'maximum'")]
    [InlineData("{ enum: [50] }", "'/n' fails 'enum'")]
    [InlineData("{ const: 50 }", "'/n' fails 'const'")]
    public void What_cannot_be_compared_exactly_meets_no_bound(string schema, string expected)
    {
        PolicySnapshot policy = PolicyTexts.Compile(Text($"{{ type: object, properties: {{ n: {schema} }} }}"));
        Decide(policy, Calls.Of("""{"n":50.000000000000001}"""), out string fault);
        Assert.Equal(expected, fault);
    }

    // Proves that a name twice, broken JSON and what is no JSON are what they are without a schema.
    [Fact]
    public void Unsound_arguments_are_told_apart()
    {
        PolicySnapshot policy = PolicyTexts.Compile(Text("{ type: object }"));
        Assert.Equal(DecisionCause.ArgumentsAmbiguous, Decide(policy, Calls.Of("""{"n":1,"n":1}"""), out _).Cause);
        Assert.Equal(DecisionCause.ArgumentsAmbiguous, Decide(policy, Calls.Of("{"), out _).Cause);
        CallFacts form = Calls.Of("n=1", form: ArgumentsForm.NotJson);
        Assert.Equal(DecisionCause.ArgumentsUnreadable, Decide(policy, form, out _).Cause);
        CallFacts unread = Calls.Of(form: ArgumentsForm.Unread);
        Assert.Equal(DecisionCause.ArgumentsUnreadable, Decide(policy, unread, out _).Cause);
    }

    // Proves that a call is decided by the same object as the last, at no memory, and that who is denied anyway is not
    // asked for a body.
    [Fact]
    public void What_fits_costs_nothing()
    {
        PolicySnapshot policy = PolicyTexts.Compile(Text("{ type: object, required: [a] }"));
        Decision first = Decide(policy, Calls.Of("""{"a":1}"""), out _);
        Assert.Same(first, Decide(policy, Calls.Of("""{"a":2}"""), out _));
        CallFacts facts = Calls.Of("""{"a":{"b":[1,"two",3.5]}}""");
        Assert.Same(first, Decide(policy, facts, out _));
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int call = 0; call < 100; call++) Decide(policy, facts, out _);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Decision other = policy.Decide(PolicyTexts.CallerIn("else"), policy.Find("f.pay")!);
        Assert.Equal((false, DecisionCause.NothingMatched), (other.IsConditional, other.Cause));
    }

    // Proves that a policy in observe lets through what does not fit, and says that it would not have.
    [Fact]
    public void In_observe_a_misfit_is_only_said()
    {
        PolicySnapshot policy = PolicyTexts.Compile(Text("{ type: object, required: [a] }", more: "mode: observe\n"));
        Decision decision = Decide(policy, Calls.Of("{}"), out string fault);
        Assert.Equal((Effect.Allow, DecisionCause.Observed), (decision.Effect, decision.Cause));
        Assert.Equal(DecisionCause.ArgumentsMisfit, decision.Observed!.Cause);
        Assert.Equal("'/a' fails 'required'", fault);
        Assert.Equal((Effect.Allow, DecisionCause.Rule), CauseOf(Decide(policy, Calls.Of("""{"a":1}"""), out _)));
    }

    private static (Effect Effect, DecisionCause Cause) CauseOf(Decision decision) => (decision.Effect, decision.Cause);

    private static string RuleWhen(string condition) =>
        "{ id: r, subjects: { groups: [support] }, functions: [f.pay], effect: allow, when: "
        + System.Text.Json.JsonSerializer.Serialize(condition) + " }";

    // Proves that conditions are checked against the schema: names, types, and that numbers are doubles.
    [Theory]
    [InlineData("args.amount <= 50.0 && args.amount * 2.0 < 100.0 && args.count + 1 < 5", "")]
    [InlineData("args.lines.all(l, l.qty < 10)", "")]
    [InlineData("args.maybe == null || args.maybe == 'x'", "")]
    [InlineData("args.amuont <= 50.0", "there is no field 'amuont' here; did you mean 'amount'?")]
    [InlineData("args.amount < 'x'", "'<' does not take (double, string)")]
    [InlineData("args.count + 1.5 < 5.0", "'+' does not take (int, double)")]
    [InlineData("args.lines.all(l, l.qyt < 10)", "there is no field 'qyt' here; did you mean 'qty'?")]
    public void Conditions_are_checked_against_it(string condition, string expected)
    {
        const string schema = """
            { type: object, additionalProperties: false, properties: {
                amount: { type: number }, count: { type: integer }, maybe: { type: [string, 'null'] },
                lines: { type: array, items: { type: object, additionalProperties: false,
                  properties: { qty: { type: integer } } } } } }
            """;
        PolicyReading reading = PolicyTexts.Read(Text(schema, RuleWhen(condition)));
        Assert.Equal(expected.Length == 0 ? [] : [expected], reading.Errors.Select(error => error.Message));
    }

    // Proves that a number is the same number to a condition whichever way it was written.
    [Theory]
    [InlineData("""{"amount":20}""", Effect.Allow)]
    [InlineData("""{"amount":20.0}""", Effect.Allow)]
    [InlineData("""{"amount":30}""", Effect.Deny)]
    public void A_number_is_a_double(string args, Effect expected)
    {
        PolicySnapshot policy = PolicyTexts.Compile(Text(
            "{ type: object, properties: { amount: { type: number } } }", RuleWhen("args.amount * 2.0 <= 50.0")));
        Assert.Equal(expected, Decide(policy, Calls.Of(args), out _).Effect);
    }

    // Proves that a bound on lists makes a condition affordable that is refused without.
    [Fact]
    public void A_bound_on_lists_bounds_the_cost()
    {
        const string condition = "args.a.all(x, args.b.all(y, args.a.exists(z, z == y)))";
        const string bounded = "{ type: array, maxItems: 20 }";
        string schema = $"{{ type: object, properties: {{ a: {bounded}, b: {bounded} }} }}";
        Assert.Empty(PolicyTexts.Read(Text(schema, RuleWhen(condition))).Errors);
        PolicyError refused = Assert.Single(PolicyTexts.Read(Text("{ type: object }", RuleWhen(condition))).Errors);
        Assert.Contains("maxItems", refused.Message, StringComparison.Ordinal);
    }

    // Proves that what is stored of a schema reads back as the same schema.
    [Fact]
    public void Its_canonical_JSON_reads_back()
    {
        const string schema = """
            { type: [number, 'null', string], minimum: -1.50,
                  enum: [ -2, 1e3, null, ~, true, 'a"b', 7, 12345678901 ] }
            """;
        PolicyReading twice = PolicyTexts.Read(Text(schema));
        Assert.Equal("'~' is listed twice", Assert.Single(twice.Errors).Message);
        PolicyReading reading = PolicyTexts.Read(Text(schema.Replace(" ~,", "", StringComparison.Ordinal)));
        const string kept = """[-2,1e3,null,true,"a\"b",7,12345678901],"minimum":-1.50}""";
        Assert.Contains(kept, reading.Json, StringComparison.Ordinal);
        PolicyReading again = PolicyTexts.Read(reading.Json);
        Assert.Equal(reading.Json, again.Json);
        Assert.Empty(again.Errors);
    }

    // Proves that a list of choices is looked up, not gone through, and that a body of the largest size is checked.
    [Fact]
    public void Many_values_and_many_choices_are_affordable()
    {
        string choices = string.Join(',', Enumerable.Range(0, 1_000).Select(number => $"c{number}"));
        PolicySnapshot policy = PolicyTexts.Compile(Text($"{{ type: array, items: {{ enum: [{choices}] }} }}"));
        string args = "[" + string.Join(',', Enumerable.Repeat("\"c999\"", 60_000)) + "]";
        Assert.Equal(Effect.Allow, Decide(policy, Calls.Of(args), out string fault).Effect);
        Assert.Equal("", fault);
    }
}
