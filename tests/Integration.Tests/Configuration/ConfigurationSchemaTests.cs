using System.Text.Json;
using System.Text.Json.Nodes;
using Countersign.Cli.Configuration;
using Countersign.Integration.Tests.EndToEnd;
using Countersign.Integration.Tests.Policies;
using Xunit;

namespace Countersign.Integration.Tests.Configuration;

/// <summary>The published JSON Schema of <c>countersign.json</c>: by a validator that is not ours, and held against the
/// reader.</summary>
public sealed class ConfigurationSchemaTests : IDisposable
{
    private const string SchemaFile = "countersign.schema.json";
    private const string Odd = "unknownToAll";

    private const string Example = """
        {
          "$schema": "countersign.schema.json",
          "data":     { "listen": ["127.0.0.1:8080"], "transport": "sockets" },
          "control":  { "listen": ["127.0.0.1:8081"], "publicUrl": "http://127.0.0.1:8081" },
          "store":    { "redis": "127.0.0.1:6379" },
          "identity": { "issuers": [ { "issuer": "https://issuer.test", "audiences": ["gateway"], "keys": "jwt.pub.pem",
            "groups": "roles", "kind": "kind", "responsible": ["actor"] } ] },
          "audit":    { "folder": "state/audit", "ship": [ { "to": "files", "folder": "shipped" } ] },
          "notices":  [ { "name": "ops", "url": "https://hooks.example", "secret": "env:OPS_SECRET" } ],
          "credentials": { "brokers": { "crm": { "kind": "static", "secret": "file:crm.key" } } },
          "secrets":  { "sealingKey": "file:state/sealing.key" },
          "limits":   { "headBytesMax": 16384, "drainGrace": "0s" }, "telemetry": { },
          "policy":   { "bootstrap": "policy.yaml" }
        }
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("countersign-schema-").FullName;

    private int _documents;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task The_command_prints_the_published_schema()
    {
        // Proves that the program and the repository publish the same.
        using CommandRun printed = await CommandRun.RunAsync(
            ConfigCommand.Create, new Dictionary<string, string>(), "schema");
        Assert.Equal(File.ReadAllText(JsonSchemaCheck.PathOf(SchemaFile)), printed.Output);
    }

    [Fact]
    public async Task Configurations_keep_to_the_schema_and_errors_do_not()
    {
        // Proves that the schema is sound, that the sample and an example with something of everything keep to it, and
        // that what no configuration may say does not, each for its reason.
        string sample = Path.Combine(ServeSetup.Root(), "samples", "serve", "countersign.json");
        JsonDocumentOptions commented = new() { CommentHandling = JsonCommentHandling.Skip };
        JsonNode served = JsonNode.Parse(File.ReadAllText(sample), documentOptions: commented)!;
        List<string> files = [Write(served.ToJsonString()), Write(Example)];
        (string Part, string Other, string Fault)[] bad =
        [
            ("\"transport\"", "\"tarnsport\"", "/data must NOT have additional properties"),
            ("\"sockets\"", "\"pigeons\"", "/data/transport must be equal to one of the allowed values"),
            ("\"audiences\": [\"gateway\"], ", "", "must have required property 'audiences'"),
            ("\"redis\": ", "\"embedded\": \"state\", \"redis\": ", "/store must NOT have more than 1 properties"),
            ("file:state/sealing.key", "the secret itself", "/secrets/sealingKey must match pattern"),
            ("\"folder\": \"shipped\"", "\"lengthMax\": 5000", "/audit/ship/0 must have required property 'folder'"),
            (", \"secret\": \"env:OPS_SECRET\"", "", "/notices/0 must have required property 'secret'"),
            ("\"secret\": \"file:crm.key\"", "\"token\": \"file:a\"", "/credentials/brokers/crm must have required"),
            ("16384", "1", "/limits/headBytesMax must be >= 1024"),
            ("\"0s\"", "\"soon\"", "/limits/drainGrace must match pattern"),
            ("http://127.0.0.1:8081", "127.0.0.1:8081", "/control/publicUrl must match pattern"),
        ];
        foreach ((string part, string other, _) in bad)
        {
            string text = Example.Replace(part, other, StringComparison.Ordinal);
            Assert.NotEqual(Example, text);
            files.Add(Write(text));
        }

        Assert.Empty(ErrorsOf(JsonNode.Parse(Example)!));
        string[] said = await JsonSchemaCheck.RunAsync(SchemaFile, files);
        Assert.Equal(["valid", "valid"], said[..2]);
        for (int n = 0; n < bad.Length; n++) Assert.Contains(bad[n].Fault, said[n + 2], StringComparison.Ordinal);
    }

    [Fact]
    public void The_reader_knows_the_settings_of_the_schema_and_no_others()
    {
        // Proves both ways over every object of the schema: each of its settings is taken where it stands, and what the
        // reader says it knows there is in the schema. An environment variable can spell each of them.
        JsonObject root = JsonNode.Parse(File.ReadAllText(JsonSchemaCheck.PathOf(SchemaFile)))!.AsObject();
        HashSet<string> names = new(StringComparer.Ordinal);
        Compare(root, root, inner => inner, "", names);
        Assert.True(names.Count > 150, $"only {names.Count} settings were seen");
        names.Remove("$schema");
        Assert.All(names, name => Assert.Equal(name, KnownNames.Spell(name.ToUpperInvariant())));
    }

    private void Compare(
        JsonObject root, JsonObject schema, Func<JsonNode, JsonNode> wrap, string place, HashSet<string> names)
    {
        schema = Resolve(root, schema);
        if (schema["items"] is JsonObject item)
            Compare(root, item, inner => wrap(new JsonArray(inner)), place + "[0]", names);
        if (schema["additionalProperties"] is JsonObject named)
            Compare(root, named, inner => wrap(new JsonObject { ["one"] = inner }), place + ".one", names);
        if (schema["properties"] is not JsonObject properties) return;
        foreach ((string name, JsonNode? setting) in properties)
        {
            names.Add(name);
            JsonObject Around(JsonNode inner)
            {
                JsonObject around = Kinds(schema, name).FirstOrDefault() ?? [];
                around[name] = inner;
                foreach (JsonNode? other in schema["dependentRequired"]?[name] as JsonArray ?? [])
                    around[other!.GetValue<string>()] = "x";
                return around;
            }

            string at = Join(place, name);
            string unknown = at + ": unknown";
            JsonObject next = Resolve(root, setting!.AsObject());
            Assert.DoesNotContain(ErrorsOf(wrap(Around(Something(next)))), error =>
                error.StartsWith(unknown, StringComparison.Ordinal));
            Compare(root, next, inner => wrap(Around(inner)), at, names);
        }

        foreach (JsonObject kind in Kinds(schema, Odd).Append([]))
        {
            kind[Odd] = 1;
            string said = Join(place, Odd) + ": unknown setting; known here: ";
            string told = ErrorsOf(wrap(kind)).First(error => error.StartsWith(said, StringComparison.Ordinal));
            string[] known = told[said.Length..].Split(", ", StringSplitOptions.RemoveEmptyEntries);
            Assert.All(known, name => Assert.True(properties.ContainsKey(name), $"{place}: {name} is not there"));
        }
    }

    // The kinds of an object that may have a setting, each as what says so.
    private static IEnumerable<JsonObject> Kinds(JsonObject schema, string name)
    {
        foreach (JsonNode? branch in schema["allOf"] as JsonArray ?? [])
        {
            bool isKept = branch!["then"]!["properties"]![name] is not JsonValue;
            (string member, JsonNode? kind) = branch["if"]!["properties"]!.AsObject().First();
            if (isKept && member != name) yield return new JsonObject { [member] = kind!["const"]!.DeepClone() };
        }
    }

    private static JsonObject Resolve(JsonObject root, JsonObject schema) => schema["$ref"] is JsonValue reference
        ? root["$defs"]![reference.GetValue<string>()["#/$defs/".Length..]]!.AsObject()
        : schema;

    private static JsonNode Something(JsonObject schema) => (string?)schema["type"] switch
    {
        "object" => new JsonObject(),
        "array" => new JsonArray(),
        _ => "x",
    };

    private static string Join(string place, string name) => place.Length == 0 ? name : place + "." + name;

    private IReadOnlyList<string> ErrorsOf(JsonNode document) => ConfigurationReader.Read(
        Write(document.ToJsonString()), new Dictionary<string, string>(), new ConfigurationFlags(), "test").Errors;

    private string Write(string text)
    {
        string file = Path.Combine(_folder, $"{_documents++}.json");
        File.WriteAllText(file, text);
        return file;
    }
}
