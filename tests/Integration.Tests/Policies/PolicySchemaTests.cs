using Countersign.Cli.Policies;
using Countersign.Integration.Tests.EndToEnd;
using Countersign.Policy;
using Xunit;

namespace Countersign.Integration.Tests.Policies;

/// <summary>The published JSON Schema, by a validator that is not ours (Ajv).</summary>
public sealed class PolicySchemaTests : IDisposable
{
    private readonly PolicyDesk _desk = new();

    public void Dispose() => _desk.Dispose();

    // Proves that the command prints the schema of the repository.
    [Fact]
    public async Task The_command_prints_the_published_schema()
    {
        CommandResult printed = await _desk.RunAsync("schema");
        Assert.Equal(Published(), printed.Output);
    }

    // Proves that the schema is sound, that the samples and the cases of the tests keep to it, and that what no policy
    // may say does not, each for its reason.
    [Fact]
    public async Task Samples_keep_to_the_schema_and_errors_do_not()
    {
        string[] good =
        [
            "samples/policies/demo.yaml", "samples/serve/policy.yaml", "tests/cases/policy/duties.policy.yaml",
            "tests/cases/policy/places.policy.yaml", "tests/cases/policy/observed.policy.yaml",
            "tests/cases/policy/tools.policy.yaml",
        ];
        List<string> files = [];
        foreach (string file in good)
        {
            PolicyReading reading = PolicyReader.Read(File.ReadAllText(Path.Combine(ServeSetup.Root(), file)),
                MaskWords.All);
            files.Add(_desk.Write($"good{files.Count}.json", reading.Json));
        }

        string sound = File.ReadAllText(files[0]);
        (string Part, string Other, string Fault)[] bad =
        [
            ("\"countersign/v1\"", "\"countersign/v2\"", "/apiVersion must be equal to constant"),
            ("\"effect\":\"deny\"", "\"effect\":\"dany\"", "must be equal to one of the allowed values"),
            ("\"risk\":\"low\"", "\"rsik\":\"low\"", "must have required property 'risk'"),
            ("\"method\":\"GET\"", "\"method\":\"get\"", "must match pattern"),
            ("\"decideWithin\":\"15m\"", "\"decideWithin\":\"15 m\"", "must match pattern"),
            ("\"effect\":\"approve\"", "\"effect\":\"allow\"", "must NOT be valid"),
            ("\"count\":1", "\"count\":0", "must be >= 1"),
            ("\"method\":\"GET\"", "\"mcp\":\"/mcp\"", "must have required property 'tool'"),
        ];
        foreach ((string part, string other, _) in bad)
        {
            string text = sound.Replace(part, other, StringComparison.Ordinal);
            Assert.NotEqual(sound, text);
            files.Add(_desk.Write($"bad{files.Count}.json", text));
        }

        string[] said = await CheckAsync(files);
        Assert.All(said[..good.Length], line => Assert.Equal("valid", line));
        for (int n = 0; n < bad.Length; n++) Assert.Contains(bad[n].Fault, said[good.Length + n],
            StringComparison.Ordinal);
    }

    private static string Published() => File.ReadAllText(JsonSchemaCheck.PathOf("policy.schema.json"));

    private static Task<string[]> CheckAsync(List<string> files) =>
        JsonSchemaCheck.RunAsync("policy.schema.json", files);
}
