using System.Text.RegularExpressions;
using Countersign.Policy.Conditions;

namespace Countersign.Policy.Tests.Conditions;

public sealed partial class DocumentedConditionTests
{
    // Proves the examples of docs/POLICY.md: each condition of its table says of the call beside it what the table
    // says.
    [Fact]
    public void Conditions_are_what_the_page_says()
    {
        string page = PolicyTexts.ReadFile("docs/POLICY.md");
        string section = page[page.IndexOf("## Conditions", StringComparison.Ordinal)..];
        string body = section.Split("```json\n")[1].Split("```")[0];
        CallFacts facts = Calls.Of(
            body, "/billing/7%20b/refunds", "unit=EU&unit=US&page=2", "Host: h\r\nX-Unit: EUR\r\n\r\n");
        PathInput[] path = [new PathInput("account", 1, false)];
        int count = 0;
        foreach (Match row in Row().Matches(section))
        {
            string condition = row.Groups[1].Value.Replace("\\|", "|", StringComparison.Ordinal);
            ConditionProgram? program = ConditionProgram.CompileCondition(
                condition, new FunctionScope("billing.refund", path, ConditionType.Dyn),
                out IReadOnlyList<ConditionError> errors);
            Assert.True(program is not null, $"{condition}: {string.Join("; ", errors)}");
            ConditionAnswer answer = program.Evaluate(facts, out string fault);
            string said = answer switch
            {
                ConditionAnswer.True => "true",
                ConditionAnswer.False => "false",
                _ => "an error: " + fault[(fault.IndexOf(": ", StringComparison.Ordinal) + 2)..],
            };
            Assert.StartsWith(row.Groups[2].Value, said, StringComparison.Ordinal);
            count++;
        }

        Assert.True(count > 10, "the table was not found");
    }

    [GeneratedRegex(@"^\| `(.+)` \| (true|false|an error: .+) \|$", RegexOptions.Multiline)]
    private static partial Regex Row();
}
