using System.Text;
using Countersign.Policy.Conditions;

namespace Countersign.Policy.Tests.Conditions;

/// <summary>Calls to evaluate conditions for.</summary>
internal static class Calls
{
    public static readonly DateTimeOffset Now = new(2026, 3, 14, 15, 9, 26, TimeSpan.Zero);

    public static readonly Caller Bob = new(
        "https://issuer.test", "bob", CallerKind.Human, ["support", "ops"], ["bob"], "acme");

    public static CallFacts Of(
        string args = "", string path = "/pay/7", string query = "", string headers = "", Caller? caller = null,
        ArgumentsForm? form = null) => new()
        {
            Caller = caller ?? Bob,
            Now = Now,
            Path = Encoding.UTF8.GetBytes(path),
            Query = Encoding.UTF8.GetBytes(query),
            Headers = Encoding.UTF8.GetBytes(headers),
            Form = form ?? (args.Length == 0 ? ArgumentsForm.Absent : ArgumentsForm.Json),
            Arguments = Encoding.UTF8.GetBytes(args),
        };

    /// <summary>A policy in which f.pay, <c>POST /pay/{account}</c>, is under these rules.</summary>
    public static PolicySnapshot Under(params string[] rules) => PolicyTexts.Compile(
        PolicyTexts.Upstreams
        + "  f.pay: { upstream: up, method: POST, path: \"/pay/{account}\", risk: low }\nrules:\n"
        + string.Join('\n', rules.Select(rule => "  - " + rule)) + "\n");

    /// <summary>An allow rule under a condition.</summary>
    public static string AllowWhen(string condition, string id = "r", string effect = "allow") =>
        $"{{ id: {id}, subjects: {{ groups: [support] }}, functions: [f.pay], effect: {effect}, when: "
        + System.Text.Json.JsonSerializer.Serialize(condition) + " }";

    /// <summary>What a condition on f.pay answers: true, false, or why there is no answer.</summary>
    public static string Answer(string condition, in CallFacts facts)
    {
        PathInput[] path = [new PathInput("account", 1, false)];
        ConditionProgram? program = ConditionProgram.CompileCondition(
            condition, new FunctionScope("f.pay", path, ConditionType.Dyn), out IReadOnlyList<ConditionError> errors);
        if (program is null) return string.Join('\n', errors.Select(error => $"{error.Offset}: {error.Message}"));
        ConditionAnswer answer = program.Evaluate(facts, out string fault);
        return answer == ConditionAnswer.Error ? fault : answer == ConditionAnswer.True ? "true" : "false";
    }
}
