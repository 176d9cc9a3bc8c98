using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Countersign.Masking.Tests;

public sealed class JsonPathSuiteTests
{
    private static readonly byte[] Suite = File.ReadAllBytes(CaseFolder.Find("json", "jsonpath-cts", "cts.json"));

    [Fact]
    public void Masks_exactly_the_nodes_that_a_selector_of_the_subset_selects()
    {
        // Proves path matching against the JSONPath compliance suite: the masked document equals the original with the
        // selected nodes replaced, and null left alone.
        int proven = 0;
        using var suite = JsonDocument.Parse(Suite);
        foreach (JsonElement given in suite.RootElement.GetProperty("tests").EnumerateArray())
        {
            string selector = given.GetProperty("selector").GetString()!;
            if (given.TryGetProperty("invalid_selector", out _)) continue;
            if (MaskField.Check(Field(selector)) is not null) continue;
            string document = given.GetProperty("document").GetRawText();
            MaskProgram program = MaskProgram.Compile([new MaskRule(selector, MaskAction.Redact)]);
            MaskResult result = MaskRun.EverySplit(program, Encoding.UTF8.GetBytes(document));
            Assert.Equal((selector, MaskStatus.Done), (selector, result.Status));
            JsonNode? expected = JsonNode.Parse(document);
            foreach (string[] location in PathsOf(given)) expected = Replace(expected, location, 0);
            JsonNode? masked = JsonNode.Parse(result.Text);
            Assert.True(JsonNode.DeepEquals(expected, masked), selector + " of " + document + " gave " + result.Text);
            proven++;
        }

        Assert.Equal(118, proven);   // as many as the subset has in the suite
    }

    [Fact]
    public void Refuses_every_invalid_selector()
    {
        // Proves that no selector which RFC 9535 forbids compiles as a path, and that the message names a character.
        int proven = 0;
        using var suite = JsonDocument.Parse(Suite);
        foreach (JsonElement given in suite.RootElement.GetProperty("tests").EnumerateArray())
        {
            if (!given.TryGetProperty("invalid_selector", out _)) continue;
            string selector = given.GetProperty("selector").GetString()!;
            if (!selector.StartsWith('$')) continue;   // without $ a field is a member's name
            string? wrong = MaskField.Check(selector);
            Assert.True(wrong is not null, selector + " was taken");
            Assert.StartsWith("character ", wrong, StringComparison.Ordinal);
            proven++;
        }

        Assert.True(proven > 200, "only " + proven);
    }

    // A selector that does not begin with $ would be read as a member's name.
    private static string Field(string selector) => selector.StartsWith('$') ? selector : "$[";

    private static List<string[]> PathsOf(JsonElement given)
    {
        // Several orders may be right; the set of nodes is the same in all of them.
        JsonElement paths = given.TryGetProperty("result_paths", out JsonElement one)
            ? one
            : given.GetProperty("results_paths")[0];
        var found = new List<string[]>();
        foreach (JsonElement path in paths.EnumerateArray()) found.Add(Split(path.GetString()!));
        return found;
    }

    /// <summary>Splits a normalized path (RFC 9535 section 2.7) into names, which keep their first quote, and
    /// indexes.</summary>
    private static string[] Split(string path)
    {
        var parts = new List<string>();
        int position = 1;
        while (position < path.Length)
        {
            int start = position + 1;
            bool isName = path[start] == '\'';
            position = start + 1;
            while (isName ? path[position] != '\'' : path[position] != ']') position += path[position] == '\\' ? 2 : 1;
            parts.Add(isName ? "'" + Unescape(path[(start + 1)..position]) : path[start..position]);
            position += isName ? 2 : 1;
        }

        return [.. parts];
    }

    private static string Unescape(string name) =>
        JsonSerializer.Deserialize<string>("\"" + name.Replace("\\'", "'").Replace("\"", "\\\"") + "\"")!;

    private static JsonNode? Replace(JsonNode? node, string[] location, int step)
    {
        if (step == location.Length) return node is null ? null : JsonValue.Create("***");
        string part = location[step];
        if (node is JsonObject members && part[0] == '\'')
        {
            JsonNode? replaced = Replace(members[part[1..]], location, step + 1);
            if (!ReferenceEquals(replaced, members[part[1..]])) members[part[1..]] = replaced;
        }
        else if (node is JsonArray elements && part[0] != '\'')
        {
            int index = int.Parse(part, System.Globalization.CultureInfo.InvariantCulture);
            JsonNode? replaced = Replace(elements[index], location, step + 1);
            if (!ReferenceEquals(replaced, elements[index])) elements[index] = replaced;
        }

        return node;   // a node that was replaced already: the outermost wins
    }
}
