using System.Text.Json.Nodes;
using Countersign.Cli;
using Xunit;

namespace Countersign.Integration.Tests.Policies;

/// <summary>What commands take for words, and how they say in JSON that they failed.</summary>
public sealed class CommandFailureTests : IDisposable
{
    private const string Policy = """
        apiVersion: countersign/v1
        upstreams: { up: { endpoints: ["http://up.test"] } }
        functions:
          f.pay: { upstream: up, method: POST, path: /f, risk: low }
        rules:
          - id: small
            subjects: { groups: [staff] }
            functions: [f.pay]
            when: args.amount < 10
            effect: allow
        """;

    private readonly PolicyDesk _desk = new();

    public void Dispose() => _desk.Dispose();

    // Proves that --body @file takes the file's bytes as they are, quotes and lines too, and @- those of standard
    // input; and that what begins with @ anywhere else is what it is, by a folder of that name which nobody opens.
    [Fact]
    public async Task An_at_sign_is_no_response_file()
    {
        string policy = _desk.Write("policy.yaml", Policy);
        string body = _desk.Write("body.json", "{\"amount\":5,\n \"note\": \"--json 'x'\"}\n");
        string[] ask = ["explain", policy, "POST", "/f", "-g", "staff", "--body"];
        CommandResult file = await _desk.RunAsync([.. ask, "@" + body]);
        Assert.Equal((ExitCodes.Ok, ""), (file.ExitCode, file.Errors));
        Assert.Contains("* rule small (allow): decides", file.Output, StringComparison.Ordinal);
        CommandResult input = await PolicyDesk.RunWithAsync("{\"amount\":50}", [.. ask, "@-"]);
        Assert.Contains("its condition does not hold", input.Output, StringComparison.Ordinal);
        CommandResult gone = await _desk.RunAsync([.. ask, "@no-such.json", "--json"]);
        Assert.Equal(ExitCodes.Usage, gone.ExitCode);
        Assert.Contains("no-such.json", ProblemOf(gone), StringComparison.Ordinal);
        string words = _desk.Write("words.txt", "staff");
        CommandResult subject = await _desk.RunAsync(
            "explain", policy, "POST", "/f", "-g", "@" + words, "--subject", "@oncall asked", "--body", "{}");
        Assert.Contains($"@oncall asked (human), groups @{words},", subject.Output, StringComparison.Ordinal);
    }

    // Proves that every command that was asked for JSON and did nothing says why in JSON, with the exit code it had, by
    // files that are not there, a policy with an error, a word that is no option and a listener that nobody reaches.
    [Theory]
    [InlineData(ExitCodes.Usage, "no-such.yaml", "validate no-such.yaml")]
    [InlineData(ExitCodes.Usage, "no-such.yaml", "diff no-such.yaml no-such.yaml")]
    [InlineData(ExitCodes.Usage, "no-such.yaml", "explain no-such.yaml GET /f -g staff")]
    [InlineData(ExitCodes.Usage, "no-such.yaml", "test no-such.yaml")]
    [InlineData(ExitCodes.Usage, "no-such.log", "replay no-such.yaml --from no-such.log")]
    [InlineData(ExitCodes.Usage, "no-such.yaml", "publish no-such.yaml")]
    [InlineData(ExitCodes.Usage, "no-such.yaml", "import openapi no-such.yaml")]
    [InlineData(ExitCodes.Usage, "no token", "history")]
    [InlineData(ExitCodes.Usage, "--no-such-flag", "history --no-such-flag")]
    [InlineData(ExitCodes.Failed, "cannot be reached", "history --token t --control http://127.0.0.1:1")]
    [InlineData(ExitCodes.Failed, "apiVersion", "explain {broken} GET /f -g staff")]
    public async Task A_failure_is_told_in_json(int exitCode, string said, string line)
    {
        string broken = _desk.Write("broken.yaml", "functions: {}\n");
        string[] words = [.. line.Split(' ').Select(word => word == "{broken}" ? broken : word), "--json"];
        CommandResult end = await _desk.RunAsync(words);
        Assert.Equal(exitCode, end.ExitCode);
        Assert.Contains(said, ProblemOf(end), StringComparison.Ordinal);
        Assert.Contains(said, end.Errors, StringComparison.Ordinal);
    }

    // Proves that a number which is none is told in a line, and not by all that the command could do.
    [Fact]
    public async Task A_wrong_version_is_told_in_a_line()
    {
        CommandResult end = await _desk.RunAsync("rollback", "abc");
        Assert.Equal((ExitCodes.Usage, ""), (end.ExitCode, end.Output));
        Assert.Contains("'abc' is not the number of a version", end.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("System.", end.Errors, StringComparison.Ordinal);
        Assert.True(end.Errors.Trim().Split('\n').Length <= 3, end.Errors);
    }

    // Proves that an import's policy, counts and notes come as one object, by reading the policy that it holds.
    [Fact]
    public async Task An_import_speaks_json()
    {
        string api = _desk.Write("api.yaml", """
            openapi: 3.0.3
            info: { title: shop, version: "1" }
            servers: [{ url: "https://shop.test" }]
            paths:
              /orders: { get: { operationId: orders.list, responses: { "200": { description: ok } } } }
            """);
        CommandResult end = await _desk.RunAsync("import", "openapi", api, "--json");
        Assert.Equal((ExitCodes.Ok, ""), (end.ExitCode, end.Errors));
        JsonNode import = JsonNode.Parse(end.Output)!;
        Assert.Equal((1, 1), ((int)import["functions"]!, (int)import["risks"]!["low"]!));
        string policy = _desk.Write("shop.yaml", (string)import["policy"]!);
        Assert.Equal(ExitCodes.Ok, (await _desk.RunAsync("validate", policy)).ExitCode);
    }

    private static string ProblemOf(CommandResult end)
    {
        JsonNode problem = JsonNode.Parse(end.Output)!;
        Assert.StartsWith("urn:countersign:", (string)problem["type"]!, StringComparison.Ordinal);
        Assert.Equal(end.ExitCode, (int)problem["exit_code"]!);
        return (string)problem["detail"]!;
    }
}
