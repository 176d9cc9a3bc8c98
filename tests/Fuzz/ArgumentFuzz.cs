using System.Globalization;
using System.Text;
using System.Text.Json;
using Countersign.Policy;
using Countersign.Policy.Conditions;

namespace Countersign.Fuzz;

/// <summary>Schemas of arguments against a slow check that is written from JSON Schema, over another parser.</summary>
public sealed class ArgumentFuzz
{
    private static readonly MaskVocabulary Words = new(static _ => null, static _ => null);
    private static readonly Caller Bob = new("https://issuer.test", "bob", CallerKind.Human, ["g"], ["bob"], "");
    private static readonly string[] Names = ["a", "b", "c"];

    // Proves for random schemas and random arguments, half of them made to fit, that the validator lets through what
    // the slow check does and nothing else; and that both outcomes are met often.
    [Fact]
    public async Task Schemas_of_arguments()
    {
        int fitting = 0;
        int others = 0;
        await FuzzRun.ForSeedsAsync(1_500, random =>
        {
            string schema = Schema(random, 3);
            PolicyReading reading = PolicyReader.Read(
                "apiVersion: countersign/v1\nupstreams: { up: { endpoints: [\"http://h\"] } }\nfunctions:\n"
                + $"  f: {{ upstream: up, method: POST, path: /f, risk: low, args: {schema} }}\nrules:\n"
                + "  - { id: r, subjects: { groups: [g] }, functions: [f], effect: allow }\n",
                Words);
            Assert.True(reading.Snapshot is not null, schema + " " + string.Join(' ', reading.Errors));
            using JsonDocument document = JsonDocument.Parse(schema);
            for (int call = 0; call < 10; call++)
            {
                string json = Value(random, document.RootElement, 3);
                using JsonDocument arguments = JsonDocument.Parse(json);
                bool expected = Fits(document.RootElement, arguments.RootElement);
                CallFacts facts = new()
                {
                    Caller = Bob,
                    Form = ArgumentsForm.Json,
                    Arguments = Encoding.UTF8.GetBytes(json),
                };
                Decision pending = reading.Snapshot.Decide(Bob, reading.Snapshot.Find("f")!);
                Decision decision = pending.For(facts, out string why);
                Assert.True(expected == (decision.Effect == Effect.Allow), $"{schema} {json} {why}");
                if (expected) fitting++;
                else others++;
            }

            return Task.CompletedTask;
        });
        Assert.True(fitting > others / 4 && others > fitting / 4, $"{fitting} fit, {others} do not");
    }

    private static string Schema(Random random, int depth)
    {
        List<string> parts = [];
        switch (random.Next(depth == 0 ? 5 : 8))
        {
            case 0:
                parts.Add("\"enum\":[\"a\",1,2.5,null,true]");
                break;
            case 1:
                parts.Add($"\"type\":\"{FuzzRun.Pick(random, "number", "integer")}\"");
                string lower = FuzzRun.Pick(random, "minimum", "exclusiveMinimum");
                string upper = FuzzRun.Pick(random, "maximum", "exclusiveMaximum");
                if (random.Next(2) == 0) parts.Add($"\"{lower}\":{FuzzRun.Pick(random, "-1", "0", "0.5", "1")}");
                if (random.Next(2) == 0) parts.Add($"\"{upper}\":{FuzzRun.Pick(random, "1", "2.5", "1e1", "50.0")}");
                break;
            case 2:
                parts.Add("\"type\":[\"string\",\"null\"]");
                if (random.Next(2) == 0) parts.Add($"\"minLength\":{random.Next(2)}");
                if (random.Next(2) == 0) parts.Add($"\"maxLength\":{random.Next(1, 4)}");
                break;
            case 3:
                parts.Add($"\"type\":\"{FuzzRun.Pick(random, "boolean", "null", "string", "object", "array")}\"");
                break;
            case 4:
                if (random.Next(2) == 0) parts.Add($"\"const\":{FuzzRun.Pick(random, "1", "\"abc\"", "false")}");
                break;
            case 5:
                parts.Add("\"type\":\"array\"");
                if (random.Next(2) == 0) parts.Add($"\"minItems\":{random.Next(2)}");
                if (random.Next(2) == 0) parts.Add($"\"maxItems\":{random.Next(1, 4)}");
                parts.Add($"\"items\":{Schema(random, depth - 1)}");
                break;
            default:
                string[] known = [.. Names.Where(_ => random.Next(3) > 0)];
                parts.Add("\"type\":\"object\"");
                IEnumerable<string> members = known.Select(name => $"\"{name}\":{Schema(random, depth - 1)}");
                parts.Add($"\"properties\":{{{string.Join(',', members)}}}");
                IEnumerable<string> required = known.Where(_ => random.Next(3) == 0).Select(name => $"\"{name}\"");
                parts.Add($"\"required\":[{string.Join(',', required)}]");
                string more = random.Next(3) == 0 ? Schema(random, 0) : FuzzRun.Pick(random, "true", "false");
                parts.Add($"\"additionalProperties\":{more}");
                break;
        }

        return "{" + string.Join(',', parts) + "}";
    }

    /// <summary>A value that leans towards what the schema asks for.</summary>
    private static string Value(Random random, JsonElement schema, int depth)
    {
        if (random.Next(8) == 0 || depth < 0) return Odd(random);
        if (schema.TryGetProperty("const", out JsonElement constant)) return constant.GetRawText();
        if (schema.TryGetProperty("enum", out JsonElement choices))
        {
            return choices[random.Next(choices.GetArrayLength())].GetRawText();
        }

        JsonElement type = schema.TryGetProperty("type", out JsonElement found) ? found : default;
        string word = type.ValueKind == JsonValueKind.String ? type.GetString()! : "";
        if (type.ValueKind == JsonValueKind.Array) word = type[random.Next(type.GetArrayLength())].GetString()!;
        switch (word)
        {
            case "number" or "integer":
                return FuzzRun.Pick(random, "1", "0", "2", "0.5", "1.0", "9", "-1", "1e1");
            case "string":
                return FuzzRun.Pick(random, "\"a\"", "\"abc\"", "\"\"", "\"\\ud83d\\ude00\\u00e4\"");
            case "boolean":
                return FuzzRun.Pick(random, "true", "false");
            case "array":
                JsonElement item = schema.TryGetProperty("items", out JsonElement items) ? items : schema;
                IEnumerable<int> places = Enumerable.Range(0, random.Next(4));
                return "[" + string.Join(',', places.Select(_ => Value(random, item, depth - 1))) + "]";
            case "object":
                JsonElement members = schema.TryGetProperty("properties", out JsonElement named) ? named : schema;
                List<string> written = [.. Names.Where(name => members.TryGetProperty(name, out _)
                    && random.Next(5) > 0).Select(name =>
                        $"\"{name}\":{Value(random, members.GetProperty(name), depth - 1)}")];
                if (random.Next(4) == 0) written.Add($"\"z\":{Odd(random)}");
                return "{" + string.Join(',', written) + "}";
            default:
                return "null";
        }
    }

    /// <summary>Anything, but for a number that no double holds: there the two differ, and decision 0031 says why.
    /// </summary>
    private static string Odd(Random random) =>
        ConditionFuzz.Json(random, 1).Replace("9223372036854775808", "7", StringComparison.Ordinal);

    private static bool Fits(JsonElement schema, JsonElement value) => schema.EnumerateObject().All(keyword =>
    {
        JsonElement said = keyword.Value;
        switch (keyword.Name)
        {
            case "type":
                return said.ValueKind == JsonValueKind.Array
                    ? said.EnumerateArray().Any(one => IsOf(one.GetString()!, value)) : IsOf(said.GetString()!, value);
            case "enum":
                return said.EnumerateArray().Any(one => AreEqual(one, value));
            case "const":
                return AreEqual(said, value);
            case "items":
                return value.ValueKind != JsonValueKind.Array || value.EnumerateArray().All(one => Fits(said, one));
            case "minItems":
                return value.ValueKind != JsonValueKind.Array || value.GetArrayLength() >= said.GetInt32();
            case "maxItems":
                return value.ValueKind != JsonValueKind.Array || value.GetArrayLength() <= said.GetInt32();
            case "minLength":
                return value.ValueKind != JsonValueKind.String || LengthOf(value) >= said.GetInt32();
            case "maxLength":
                return value.ValueKind != JsonValueKind.String || LengthOf(value) <= said.GetInt32();
            case "properties":
                return value.ValueKind != JsonValueKind.Object || said.EnumerateObject().All(one =>
                    !value.TryGetProperty(one.Name, out JsonElement member) || Fits(one.Value, member));
            case "required":
                return value.ValueKind != JsonValueKind.Object
                    || said.EnumerateArray().All(one => value.TryGetProperty(one.GetString()!, out _));
            case "additionalProperties":
                return value.ValueKind != JsonValueKind.Object || value.EnumerateObject().All(one =>
                    schema.GetProperty("properties").TryGetProperty(one.Name, out _)
                    || said.ValueKind == JsonValueKind.True
                    || (said.ValueKind == JsonValueKind.Object && Fits(said, one.Value)));
            default:
                return value.ValueKind != JsonValueKind.Number || IsWithin(keyword.Name, Read(said), Read(value));
        }
    });

    private static bool IsWithin(string keyword, decimal bound, decimal number) => keyword switch
    {
        "minimum" => number >= bound,
        "maximum" => number <= bound,
        "exclusiveMinimum" => number > bound,
        "exclusiveMaximum" => number < bound,
        _ => throw new ArgumentOutOfRangeException(nameof(keyword), keyword, null),
    };

    private static bool IsOf(string type, JsonElement value) => (type, value.ValueKind) switch
    {
        ("object", JsonValueKind.Object) or ("array", JsonValueKind.Array) or ("string", JsonValueKind.String)
            or ("number", JsonValueKind.Number) or ("boolean", JsonValueKind.True or JsonValueKind.False)
            or ("null", JsonValueKind.Null) => true,
        ("integer", JsonValueKind.Number) => long.TryParse(
            value.GetRawText(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _),
        _ => false,
    };

    private static bool AreEqual(JsonElement left, JsonElement right) => left.ValueKind == right.ValueKind
        && left.ValueKind switch
        {
            JsonValueKind.Number => Read(left) == Read(right),
            JsonValueKind.String => left.GetString() == right.GetString(),
            _ => true,
        };

    private static decimal Read(JsonElement number) =>
        decimal.Parse(number.GetRawText(), NumberStyles.Float, CultureInfo.InvariantCulture);

    private static int LengthOf(JsonElement text) => text.GetString()!.EnumerateRunes().Count();
}
