using Countersign.Policy.Review;

namespace Countersign.Policy.Tests.Review;

public sealed class ArgumentsDiffTests
{
    private const string Base = """
        apiVersion: countersign/v1
        upstreams: { up: { endpoints: ["http://h"] } }
        functions:
          f.put:
            upstream: up
            method: PUT
            path: /f
            risk: low
            args:
              type: object
              additionalProperties: false
              required: [amount]
              properties:
                amount: { type: integer, minimum: 1, maximum: 100 }
                unit: { enum: [EUR, USD] }
                note: { type: string, maxLength: 10, pattern: "^a" }
                more: { type: object, properties: { x: { type: string } } }
                lines: { type: array, maxItems: 5, items: { type: string, minLength: 1 } }
        rules: []
        """;

    // Proves what each change of a schema is said to be, and which way it goes, by changing one part at a time.
    [Theory]
    [InlineData("maximum: 100", "maximum: 500", "+ args /amount: maximum: 100 becomes 500")]
    [InlineData("maximum: 100", "maximum: 50.5", "- args /amount: maximum: 100 becomes 50.5")]
    [InlineData(", maximum: 100", "", "+ args /amount: maximum: 100 becomes nothing")]
    [InlineData("minimum: 1,", "minimum: 2,", "- args /amount: minimum: 1 becomes 2")]
    [InlineData("minimum: 1,", "exclusiveMinimum: 0,", "- args /amount: exclusiveMinimum: nothing becomes 0",
        "+ args /amount: minimum: 1 becomes nothing")]
    [InlineData("amount: { type: integer", "amount: { type: number", "+ args /amount: takes number too")]
    [InlineData("amount: { type: integer", "amount: { type: [integer, string]", "+ args /amount: takes string too")]
    [InlineData("required: [amount]", "required: [amount, unit]", "- args required adds unit")]
    [InlineData("required: [amount]", "required: [unit]", "- args required adds unit", "+ args required drops amount")]
    [InlineData("[EUR, USD]", "[EUR, USD, GBP]", "+ args /unit: enum adds \"GBP\"")]
    [InlineData("[EUR, USD]", "[EUR]", "- args /unit: enum drops \"USD\"")]
    [InlineData("unit: { enum: [EUR, USD] }", "unit: {}", "+ args /unit: enum: takes anything, and not only \"EUR\", "
        + "\"USD\"")]
    [InlineData("additionalProperties: false", "additionalProperties: true",
        "+ args /*: additionalProperties: nothing becomes anything")]
    [InlineData("additionalProperties: false", "additionalProperties: { type: string }",
        "+ args /*: additionalProperties: nothing becomes {\"type\":\"string\"}")]
    [InlineData("unit: {", "code: { type: string }\n        unit: {", "+ args /code: is named: {\"type\":\"string\"}")]
    [InlineData("        unit: { enum: [EUR, USD] }\n", "",
        "- args /unit: is named no more: {\"enum\":[\"EUR\",\"USD\"]}")]
    [InlineData("{ x: {", "{ \"y/z\": { type: string }, x: {", "- args /more/y~1z: is named: {\"type\":\"string\"}")]
    [InlineData("{ x: { type: string } }", "{ x: { type: integer } }", "+ args /more/x: takes integer too",
        "- args /more/x: takes no string any more")]
    [InlineData("maxItems: 5", "maxItems: 6", "+ args /lines: maxItems: 5 becomes 6")]
    [InlineData("minLength: 1", "minLength: 0", "+ args /lines/*: minLength: 1 becomes 0")]
    [InlineData("pattern: \"^a\"", "pattern: \"^b\"", "~ args /note: pattern: \"^a\" becomes \"^b\"")]
    [InlineData(", pattern: \"^a\"", "", "+ args /note: pattern: \"^a\" becomes nothing")]
    public void Says_what_is_taken_now(string part, string other, params string[] lines)
    {
        string after = Base.Replace(part, other, StringComparison.Ordinal);
        Assert.NotEqual(Base, after);
        Assert.Equal(lines, Lines(Base, after));
        string[] back = [.. lines.Select(line => line[0])
            .Select(mark => mark == '+' ? "-" : mark == '-' ? "+" : "~").Order()];
        Assert.Equal(back, Lines(after, Base).Select(line => line[..1]).Order());
    }

    // Proves that a schema that comes or goes is said to be one, with the whole of it.
    [Fact]
    public void A_schema_comes_and_goes()
    {
        const string None = "apiVersion: countersign/v1\nupstreams: { up: { endpoints: [\"http://h\"] } }\nfunctions:\n"
            + "  f.put: { upstream: up, method: PUT, path: /f, risk: low }\nrules: []\n";
        Assert.StartsWith("- args takes only what fits {", Assert.Single(Lines(None, Base)), StringComparison.Ordinal);
        Assert.StartsWith(
            "+ args takes anything, and not only {", Assert.Single(Lines(Base, None)), StringComparison.Ordinal);
        Assert.Empty(Lines(Base, Base));
    }

    private static string[] Lines(string before, string after)
    {
        PolicyReading old = PolicyTexts.Read(before);
        PolicyReading now = PolicyTexts.Read(after);
        Assert.Empty(old.Errors.Concat(now.Errors));
        PolicyDiff diff = PolicyDiff.Between(old, now);
        return diff.IsSame ? [] : [.. PolicyDiffText.ToText(diff).Split('\n')
            .Select(line => line.Replace("functions f.put: ", "", StringComparison.Ordinal))];
    }
}
