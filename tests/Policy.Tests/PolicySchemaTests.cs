using System.Reflection;
using System.Text.Json;

namespace Countersign.Policy.Tests;

/// <summary>The published JSON Schema against the keys that the readers know.</summary>
public sealed class PolicySchemaTests
{
    private static readonly Assembly Language = typeof(PolicyReader).Assembly;

    // Proves that every key which a reader of the policy takes is in the schema, required or not as there, and that the
    // schema knows no other, by all tables of keys in the assembly.
    [Fact]
    public void Readers_and_schema_know_the_same_keys()
    {
        using JsonDocument schema = JsonDocument.Parse(PolicyTexts.ReadFile("schemas/policy.schema.json"));
        List<string[]> unmatched = [.. Definitions(schema.RootElement).Select(PropertiesOf)];
        foreach ((string name, SectionKeys keys) in Tables())
        {
            string[] known = keys.Known;
            string[]? properties = unmatched.Find(one => known.All(one.Contains)
                && one.Except(known).All(key => keys.Unsupported.Contains(key) || IsAuthoring(name, key)));
            Assert.True(properties is not null, $"{name}: no definition of the schema has {string.Join(", ", known)}");
            unmatched.Remove(properties);
        }

        // What is left: a section whose keys depend on the document, and one that no reader of this version takes.
        string[] left = [.. unmatched.Select(properties => string.Join(' ', properties))];
        Assert.Subset(new HashSet<string> { "groups", "burst functions id per rate" }, left.ToHashSet());
    }

    // Proves that what the schema requires is what the readers require, by definition.
    [Fact]
    public void Readers_and_schema_require_the_same()
    {
        using JsonDocument schema = JsonDocument.Parse(PolicyTexts.ReadFile("schemas/policy.schema.json"));
        foreach ((string name, SectionKeys keys) in Tables())
        {
            if (name.StartsWith(nameof(PolicyReader), StringComparison.Ordinal)) continue;
            JsonElement definition = Definitions(schema.RootElement).First(one =>
                keys.Known.All(PropertiesOf(one).Contains)
                && PropertiesOf(one).Except(keys.Known).All(keys.Unsupported.Contains));
            string[] required = definition.TryGetProperty("required", out JsonElement list)
                ? [.. list.EnumerateArray().Select(one => one.GetString()!)] : [];
            Assert.True(
                keys.Required.Order().SequenceEqual(required.Order()), $"{name}: {string.Join(' ', required)}");
        }
    }

    // Proves that a whole document, which has apiVersion and includes nothing, requires what its reader does, and that
    // a file of several is held to nothing that stands in another.
    [Fact]
    public void A_whole_document_requires_what_its_reader_does()
    {
        using JsonDocument schema = JsonDocument.Parse(PolicyTexts.ReadFile("schemas/policy.schema.json"));
        JsonElement root = schema.RootElement;
        Assert.False(root.TryGetProperty("required", out _));
        JsonElement condition = root.GetProperty("if");
        Assert.Equal(["apiVersion"], Texts(condition.GetProperty("required")));
        Assert.Equal(["include"], Texts(condition.GetProperty("not").GetProperty("required")));
        SectionKeys keys = Tables().Single(one => one.Name == nameof(PolicyReader) + ".Keys").Keys;
        Assert.Equal(keys.Required, Texts(root.GetProperty("then").GetProperty("required")));
    }

    private static string[] Texts(JsonElement list) => [.. list.EnumerateArray().Select(one => one.GetString()!)];

    // Proves that every key is explained to those who write it, by its description or that of what it refers to.
    [Fact]
    public void Every_key_is_described()
    {
        using JsonDocument schema = JsonDocument.Parse(PolicyTexts.ReadFile("schemas/policy.schema.json"));
        JsonElement definitions = schema.RootElement.GetProperty("$defs");
        foreach (JsonElement definition in Definitions(schema.RootElement))
        {
            foreach (JsonProperty property in definition.GetProperty("properties").EnumerateObject())
            {
                string reference = property.Value.TryGetProperty("$ref", out JsonElement named)
                    ? named.GetString()!["#/$defs/".Length..] : "";
                bool isDescribed = property.Value.TryGetProperty("description", out _) || property.Name == "id"
                    || (reference.Length > 0
                        && definitions.GetProperty(reference).TryGetProperty("description", out _));
                Assert.True(isDescribed, property.Name);
            }
        }
    }

    private static bool IsAuthoring(string table, string key) =>
        key == "include" && table.StartsWith(nameof(PolicyReader), StringComparison.Ordinal);

    private static IEnumerable<JsonElement> Definitions(JsonElement schema) => schema.GetProperty("$defs")
        .EnumerateObject().Select(one => one.Value).Prepend(schema).Where(one =>
            one.TryGetProperty("properties", out _));

    private static string[] PropertiesOf(JsonElement definition) =>
        [.. definition.GetProperty("properties").EnumerateObject().Select(one =>
            one.Name).Order(StringComparer.Ordinal)];

    /// <summary>Of the policy's own readers; directories and cases have files of their own.</summary>
    private static IEnumerable<(string Name, SectionKeys Keys)> Tables() =>
        from type in Language.GetTypes()
        where type.Namespace == typeof(PolicyReader).Namespace
        from field in type.GetFields(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public)
        where field.FieldType == typeof(SectionKeys)
        select ($"{type.Name}.{field.Name}", (SectionKeys)field.GetValue(null)!);
}
