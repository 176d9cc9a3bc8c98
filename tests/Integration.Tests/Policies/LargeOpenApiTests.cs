using System.Text;
using System.Text.Json.Nodes;
using Countersign.Cli;
using Countersign.Policy;
using Xunit;

namespace Countersign.Integration.Tests.Policies;

/// <summary><c>countersign policy import openapi</c> of documents as large APIs have them.</summary>
public sealed class LargeOpenApiTests : IDisposable
{
    private readonly PolicyDesk _desk = new();

    public void Dispose() => _desk.Dispose();

    // Proves that 5,000 operations become 5,000 functions of one policy that compiles, from JSON and from YAML, with
    // schemas as large as such documents have them and never looked at.
    [Theory]
    [InlineData("large.json")]
    [InlineData("large.yaml")]
    public async Task Five_thousand_operations_become_functions(string name)
    {
        string text = Document(1_250, "thing{0}-{1}", 300);
        string file = _desk.Write(name, name.EndsWith(".json", StringComparison.Ordinal) ? text : AsYaml(text));
        CommandResult taken = await _desk.RunAsync("import", "openapi", file);
        Assert.Equal(ExitCodes.Ok, taken.ExitCode);
        Assert.Contains("5000 functions (1250 low, 2500 high, 1250 critical), 0 notes", taken.Errors,
            StringComparison.Ordinal);
        PolicyReading policy = PolicyReader.Read(taken.Output, new MaskVocabulary(_ => null, _ => null));
        Assert.Empty(policy.Errors);
        Assert.Equal(5_000, policy.Snapshot!.Functions.Count);
    }

    // Proves that every operation may have the same id, and each function still gets one of its own.
    [Fact]
    public async Task Five_thousand_operations_of_one_name_are_told_apart()
    {
        string file = _desk.Write("same.json", Document(1_250, "same", 0));
        string output = Path.Combine(_desk.Folder, "policy.yaml");
        CommandResult taken = await _desk.RunAsync("import", "openapi", file, "-o", output);
        Assert.Equal(ExitCodes.Ok, taken.ExitCode);
        Assert.Contains("'same' is taken; it is called 'same-5000'", taken.Errors, StringComparison.Ordinal);
    }

    // Proves that what is too much for one policy is said so, with the way on, and that a part of it is taken then.
    [Fact]
    public async Task What_no_policy_holds_is_taken_in_parts()
    {
        string file = _desk.Write("huge.json", Document(3_000, "thing{0}-{1}-" + new string('x', 80), 0));
        CommandResult refused = await _desk.RunAsync("import", "openapi", file);
        Assert.Equal(ExitCodes.Failed, refused.ExitCode);
        Assert.Contains("its 10000 operations make a policy of more than 1048576 bytes: take a part of them with "
            + "--under", refused.Errors, StringComparison.Ordinal);
        Assert.Contains("a policy has at most 10000 functions", refused.Errors, StringComparison.Ordinal);
        Assert.Equal("", refused.Output);
        CommandResult part = await _desk.RunAsync("import", "openapi", file, "--under", "/service7/");
        Assert.Equal(ExitCodes.Ok, part.ExitCode);
        Assert.Contains("240 functions", part.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("/service8/", part.Output, StringComparison.Ordinal);
    }

    // Proves that a file which is no document of reasonable size is not read into memory.
    [Fact]
    public async Task A_file_beyond_all_sizes_is_not_read()
    {
        string file = Path.Combine(_desk.Folder, "vast.json");
        await using (FileStream sparse = File.Create(file)) sparse.SetLength(65L * 1_048_576);
        CommandResult refused = await _desk.RunAsync("import", "openapi", file);
        Assert.Equal(ExitCodes.Usage, refused.ExitCode);
        Assert.Contains("is larger than 64 MiB", refused.Errors, StringComparison.Ordinal);
    }

    private static string Document(int paths, string id, int padding)
    {
        JsonObject all = [];
        JsonObject schemas = [];
        for (int number = 0; number < paths; number++)
        {
            JsonObject item = new()
            {
                ["parameters"] = new JsonArray(new JsonObject
                {
                    ["name"] = "id", ["in"] = "path", ["schema"] = new JsonObject { ["type"] = "integer" },
                }),
            };
            foreach (string method in (string[])["get", "put", "post", "delete"])
            {
                item[method] = new JsonObject
                {
                    ["operationId"] = string.Format(null, id, number, method),
                    ["tags"] = new JsonArray($"service{number % 50}"),
                    ["description"] = new string('d', padding),
                    ["responses"] = new JsonObject
                    {
                        ["200"] = new JsonObject { ["$ref"] = $"#/components/schemas/T{number}" },
                    },
                };
            }

            all[$"/service{number % 50}/things{number}/{{id}}"] = item;
            JsonObject members = [];
            for (int member = 0; member < 15 && padding > 0; member++)
                members[$"member{member}"] = new JsonObject { ["type"] = "string" };
            schemas[$"T{number}"] = new JsonObject { ["type"] = "object", ["properties"] = members };
        }

        return new JsonObject
        {
            ["openapi"] = "3.0.3",
            ["info"] = new JsonObject { ["title"] = "Large", ["version"] = "1" },
            ["servers"] = new JsonArray(new JsonObject { ["url"] = "https://api.example.test/v1" }),
            ["paths"] = all,
            ["components"] = new JsonObject { ["schemas"] = schemas },
        }.ToJsonString();
    }

    // JSON is YAML: behind a comment it is read as that.
    private static string AsYaml(string json) => new StringBuilder("# a document\n").Append(json).ToString();
}
