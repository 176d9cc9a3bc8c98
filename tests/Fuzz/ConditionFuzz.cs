using System.Globalization;
using System.Text;
using Countersign.Policy;
using Countersign.Policy.Conditions;

namespace Countersign.Fuzz;

/// <summary>Conditions from text to answer: whatever is written is refused with its place, or evaluated.</summary>
public sealed class ConditionFuzz
{
    private static readonly Caller Bob =
        new("https://issuer.test", "bob", CallerKind.Human, ["support"], ["bob"], "acme");

    private static readonly PathInput[] Path = [new("account", 1, false), new("number", 3, true)];

    private static readonly ConditionType Arguments = ConditionType.ObjectOf(
        new Dictionary<string, ConditionType>(StringComparer.Ordinal)
        {
            ["a"] = ConditionType.Number,
            ["b"] = ConditionType.Int,
            ["c"] = ConditionType.String,
            ["d"] = ConditionType.ListOf(ConditionType.Number, 20),
        },
        ConditionType.Dyn, isClosed: false);

    // Proves that no text crashes or hangs the compiler, that what is wrong stands within the text, and that what is
    // right gives the same answer twice, within its steps, for arguments sound and unsound; and that every outcome is
    // met.
    [Fact]
    public async Task Conditions()
    {
        int refused = 0;
        int[] answers = new int[3];
        await FuzzRun.ForSeedsAsync(6_000, random =>
        {
            if (Once(random) is { } answer) answers[(int)answer]++;
            else refused++;
            return Task.CompletedTask;
        });
        Assert.True(refused > 0);
        Assert.All(answers, count => Assert.True(count > 0));
    }

    private static ConditionAnswer? Once(Random random)
    {
        string text = Expression(random, random.Next(1, 6));
        if (random.Next(3) == 0)
        {
            text = Encoding.Latin1.GetString(FuzzRun.Mutate(random, Encoding.Latin1.GetBytes(text)));
        }

        ConditionType arguments = random.Next(2) == 0 ? Arguments : ConditionType.Dyn;
        FunctionScope scope = new("f", Path, arguments);
        ConditionProgram? program = ConditionProgram.CompileCondition(
            text, scope, out IReadOnlyList<ConditionError> errors);
        if (program is null)
        {
            Assert.NotEmpty(errors);
            Assert.All(errors, error => Assert.InRange(error.Offset, 0, text.Length));
            Assert.All(errors, error => Assert.NotEqual("", error.Message));
            return null;
        }

        byte[] json = FuzzRun.Mutate(random, Encoding.UTF8.GetBytes(Json(random, 3)));
        CallFacts facts = FactsOf(json);
        ConditionAnswer answer = program.Evaluate(facts, out string fault);
        Assert.Equal(answer, program.Evaluate(facts, out string again));
        Assert.Equal(fault, again);
        Assert.Equal(answer == ConditionAnswer.Error, fault.Length > 0);
        Evaluation evaluation = Evaluation.Rent(facts);
        program.Run(evaluation);
        Assert.InRange(evaluation.StepsTaken, 0, ConditionLimits.StepsMax + 1);
        evaluation.Return();
        return answer;
    }

    private static CallFacts FactsOf(byte[] json) => new()
    {
        Caller = Bob,
        Now = new DateTimeOffset(2026, 3, 14, 15, 9, 26, TimeSpan.Zero),
        Path = "/pay/7%20b/n/12"u8.ToArray(),
        Query = "a=1&b=2&b=3"u8.ToArray(),
        Headers = "x-a: 1\r\nx-b: 2\r\nx-b: 3\r\n"u8.ToArray(),
        Form = ArgumentsForm.Json,
        Arguments = json,
    };

    private static string Expression(Random random, int depth)
    {
        if (depth == 0) return Leaf(random);
        string left = Expression(random, random.Next(depth));
        string right = Expression(random, random.Next(depth));
        switch (random.Next(9))
        {
            case 0:
                return $"!({left})";
            case 1:
                return $"({left} ? {right} : {Expression(random, depth - 1)})";
            case 2:
                string macro = FuzzRun.Pick(random, "all", "exists", "exists_one", "filter", "map");
                return $"{Range(random, depth)}.{macro}(x, {Expression(random, depth - 1)})";
            case 3:
                string function = FuzzRun.Pick(random, "size", "int", "double", "string", "type", "dyn", "timestamp");
                return $"{function}({left})";
            case 4:
                string method = FuzzRun.Pick(random, "startsWith", "endsWith", "contains");
                return $"{left}.{method}({right})";
            case 5:
                return $"{left}.matches({FuzzRun.Pick(random, "'^[a-z]+$'", "'(a|b)*c'", "'('", "'[0-9]{3}'")})";
            case 6:
                return $"{left}[{right}]";
            default:
                string sign = FuzzRun.Pick(
                    random, "==", "!=", "<", "<=", ">", ">=", "&&", "||", "+", "-", "*", "/", "%", "in");
                return $"({left} {sign} {right})";
        }
    }

    private static string Range(Random random, int depth) => random.Next(3) == 0
        ? Expression(random, depth - 1) : FuzzRun.Pick(random, "args", "args.d", "[1, 2, 3]", "caller.groups", "query");

    private static string Leaf(Random random) => random.Next(4) switch
    {
        0 => random.Next(-5, 60).ToString(CultureInfo.InvariantCulture),
        1 => FuzzRun.Pick(
            random, "1.5", "2u", "'a'", "b'z'", "true", "false", "null", "9223372036854775807", "1e308", "[]", "{}",
            "{'k': 1}", "'\\u00e4'", "duration('1h')", "timestamp(0)", "r'\\'", "0x1F"),
        2 => FuzzRun.Pick(random, "args", "args.a", "args.b", "args.c", "args.d", "args.e.f", "has(args.a)", "x"),
        _ => FuzzRun.Pick(
            random, "path.account", "path.number", "query.a", "query.b", "headers['x-a']", "caller.subject",
            "caller.groups", "caller.delegated", "now", "now.getHours()", "has(query.b)"),
    };

    /// <summary>JSON, mostly with the members that conditions ask for.</summary>
    internal static string Json(Random random, int depth)
    {
        int kind = random.Next(depth == 0 ? 4 : 8);
        switch (kind)
        {
            case 0: return FuzzRun.Pick(random, "0", "1", "-1", "2.5", "50", "1e1", "9223372036854775808", "0.1");
            case 1: return FuzzRun.Pick(random, "\"\"", "\"a\"", "\"abc\"", "\"\\u00e4\"", "\"\\ud83d\\ude00\"");
            case 2: return FuzzRun.Pick(random, "true", "false", "null");
            case 3: return FuzzRun.Pick(random, "[]", "{}");
            case 4:
                return "[" + string.Join(
                    ',', Enumerable.Range(0, random.Next(4)).Select(_ => Json(random, depth - 1))) + "]";
            default:
                IEnumerable<string> names = ((string[])["a", "b", "c", "d", "e"]).Where(_ => random.Next(2) == 0);
                return "{" + string.Join(',', names.Select(name => $"\"{name}\":{Json(random, depth - 1)}")) + "}";
        }
    }
}
