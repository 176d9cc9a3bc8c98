using Countersign.Policy.Conditions;

namespace Countersign.Policy.Tests.Conditions;

public sealed class FactsTests
{
    // Proves what each of a condition's variables is, on one call.
    [Theory]
    [InlineData("args.amount == 50 && args.who.name == 'Zoë' && args.tags[1] == 'b' && args.none == null")]
    [InlineData("size(args.tags) == 2 && 'a' in args.tags && !('c' in args.tags) && 'amount' in args")]
    [InlineData("args.tags.exists(t, t == 'b') && args.tags.map(t, t + '!') == ['a!', 'b!']")]
    [InlineData("has(args.amount) && !has(args.amonut) && has(args.none)")]
    [InlineData("args.who['na\\u006de'] == 'Zo\\u00eb' && args['who'].size() == 1")]
    [InlineData("path.account == 'a b' && path['account'].startsWith('a') && path == {'account': 'a b'}")]
    [InlineData("query.q == 'x y' && query['p'] == '' && !has(query.z) && query.all(k, k in ['q', 'p', 'é'])")]
    [InlineData("headers['x-unit'] == 'EUR' && headers.accept == '*/*' && !('authorization' in headers)")]
    [InlineData("caller.subject == 'bob' && caller.issuer == 'https://issuer.test' && caller.kind == 'human'")]
    [InlineData("'ops' in caller.groups && caller.chain == ['bob'] && caller.tenant == 'acme' && !caller.delegated")]
    [InlineData("now == timestamp('2026-03-14T15:09:26Z') && now.getHours('Europe/Berlin') == 16")]
    [InlineData("now - timestamp('2026-03-14T00:00:00Z') < duration('16h')")]
    public void A_condition_sees_the_call(string condition)
    {
        CallFacts facts = Calls.Of(
            """{"amount":50,"who":{"n\u0061me":"Zo\u00EB"},"tags":["a","b"],"none":null}""",
            "/pay/a%20b", "q=x+y&p&%C3%A9=1",
            "Host: h\r\nX-Unit:  EUR \r\nAccept: */*\r\nAuthorization: Bearer secret\r\n\r\n");
        Assert.Equal("true", Calls.Answer(condition, facts));
    }

    // Proves that a number of the arguments is compared as it was written, never as a double nearby, and that one that
    // no double is has no answer.
    [Theory]
    [InlineData("50", "args.n <= 50.0", "true")]
    [InlineData("50.0", "args.n <= 50.0", "true")]
    [InlineData("5e1", "args.n <= 50", "true")]
    [InlineData("50.01", "args.n <= 50.0", "false")]
    [InlineData("50.00000000000000", "args.n == 50", "true")]
    [InlineData("0.1", "args.n == 0.1", "true")]
    [InlineData("0.30000000000000004", "args.n == 0.1 + 0.2", "true")]
    [InlineData("-0", "args.n == 0", "true")]
    [InlineData("-0.0", "args.n == 0", "true")]
    [InlineData("9007199254740993", "args.n == 9007199254740992", "false")]
    [InlineData("9007199254740993", "args.n > 9007199254740992.0", "true")]
    [InlineData("9223372036854775807", "args.n < 9223372036854775808.0", "true")]
    [InlineData("-9223372036854775808", "args.n == -9223372036854775808", "true")]
    [InlineData("1e22", "args.n > 9223372036854775807", "true")]
    [InlineData("1e-7", "args.n < 0.001", "true")]
    [InlineData("50.000000000000001", "args.n <= 50.0", "more digits")]
    [InlineData("9223372036854775809", "args.n > 0", "more digits")]
    [InlineData("1e400", "args.n > 0", "more digits")]
    [InlineData("1e-400", "args.n >= 0", "more digits")]
    [InlineData("1e99999999999", "args.n >= 0", "more digits")]
    [InlineData("\"50\"", "args.n <= 50.0", "no such overload")]
    [InlineData("null", "args.n <= 50.0", "no such overload")]
    [InlineData("50", "args.n * 2.0 > 1.0", "no such overload")]
    [InlineData("50", "double(args.n) * 2.0 == 100.0", "true")]
    public void Numbers_are_what_was_written(string number, string condition, string expected)
    {
        string answer = Calls.Answer(condition, Calls.Of($$"""{"n":{{number}}}"""));
        Assert.Contains(expected, answer, StringComparison.Ordinal);
    }

    // Proves that what two readers could read differently has no answer, and names what.
    [Theory]
    [InlineData("query.a == '1'", "a=1&a=2", "more than once")]
    [InlineData("query.a == '1'", "a=1&%61=2", "more than once")]
    [InlineData("query.a == '1'", "b=%zz&a=1", "more than one way")]
    [InlineData("query.a == '1'", "b=%ff&a=1", "more than one way")]
    [InlineData("query.a == '1'", "a=1;b=2", "more than one way")]
    [InlineData("has(query.b)", "a=1;b=2", "more than one way")]
    [InlineData("headers.x == '1'", "", "more than one field")]
    [InlineData("headers.y == '1'", "", "not UTF-8")]
    [InlineData("query.b == '1'", "a=1", "no such key")]
    public void What_is_ambiguous_has_no_answer(string condition, string query, string why)
    {
        CallFacts facts = Calls.Of(query: query) with
        {
            Headers = new byte[] { (byte)'X', (byte)':', (byte)'1', 13, 10, (byte)'x', (byte)':', (byte)'1', 13, 10,
                (byte)'y', (byte)':', 0xFF, 13, 10 },
        };
        Assert.Contains(why, Calls.Answer(condition, facts), StringComparison.Ordinal);
    }

    // Proves that arguments which are no unambiguous JSON give no answer, whatever is asked of them.
    [Theory]
    [InlineData("""{"a":1,"a":1}""", "more than one way")]
    [InlineData("""{"a":1,"\u0061":1}""", "more than one way")]
    [InlineData("""{"a":"\ud800"}""", "more than one way")]
    [InlineData("""{"a":1}x""", "not one JSON value")]
    [InlineData("""{"a":1,}""", "not one JSON value")]
    [InlineData("""{a:1}""", "not one JSON value")]
    [InlineData("""{"b":[{"c":1,"d":2,"c":3}]}""", "more than one way")]
    public void Arguments_that_are_ambiguous_have_no_answer(string args, string why) =>
        Assert.Contains(why, Calls.Answer("args.a == 1", Calls.Of(args)), StringComparison.Ordinal);

    // Proves the same of a name that comes twice among many, where names are sorted to be compared.
    [Fact]
    public void A_name_that_comes_twice_is_found_among_many()
    {
        string[] names = [.. Enumerable.Range(0, 500).Select(n => $"\"k{n * 7919 % 500}\":{n}")];
        string sound = "{" + string.Join(',', names) + "}";
        Assert.Equal("true", Calls.Answer("size(args) == 500 && args.k499 >= 0", Calls.Of(sound)));
        string twice = "{" + string.Join(',', names.Append("\"k250\":0")) + "}";
        Assert.Contains("more than one way", Calls.Answer("true || args.k1 == 0", Calls.Of(twice))
            + Calls.Answer("args.k1 == 0", Calls.Of(twice)), StringComparison.Ordinal);
    }

    // Proves the bound on arguments by one value, and that a condition ends when its steps are spent, whatever an
    // absorbing operator would make of the error.
    [Fact]
    public void Large_arguments_are_bounded()
    {
        string items = string.Join(',', Enumerable.Repeat("1", ConditionLimits.ArgumentValuesMax - 3));
        Assert.Equal("true", Calls.Answer("size(args.a) > 0", Calls.Of($$"""{"a":[{{items}}]}""")));
        Assert.Contains("too many values",
            Calls.Answer("size(args.a) > 0", Calls.Of($$"""{"a":[{{items}},1]}""")), StringComparison.Ordinal);
        string text = new('a', 200_000);
        string costly = Calls.Answer(
            "args.t.contains(args.s) || true", Calls.Of($$"""{"t":"{{text}}{{text}}","s":"{{text}}b"}"""));
        Assert.Contains("too many steps", costly, StringComparison.Ordinal);
    }

    // Proves the text of a scalar, by which a separation compares objects: one object has one text however it is
    // written.
    [Theory]
    [InlineData("args.id", """{"id":"v7"}""", "v7")]
    [InlineData("args.id", """{"id":7}""", "7")]
    [InlineData("args.id", """{"id":7.0}""", "7")]
    [InlineData("args.id", """{"id":"7"}""", "7")]
    [InlineData("args.id", """{"id":true}""", "true")]
    [InlineData("path.account + '/' + string(args.id)", """{"id":7}""", "7/7")]
    [InlineData("args.id", """{"id":[7]}""", null)]
    [InlineData("args.id", """{"id":null}""", null)]
    [InlineData("args.ix", """{"id":7}""", null)]
    public void A_scalar_has_one_text(string expression, string args, string? expected)
    {
        PathInput[] path = [new PathInput("account", 1, false)];
        ConditionProgram program = ConditionProgram.CompileScalar(
            expression, new FunctionScope("f.pay", path, ConditionType.Dyn), out _)!;
        bool isScalar = program.TryEvaluateScalar(Calls.Of(args), out string text, out string fault);
        Assert.Equal(expected is not null, isScalar);
        Assert.Equal(expected ?? "", text);
        Assert.Equal(isScalar, fault.Length == 0);
    }
}
