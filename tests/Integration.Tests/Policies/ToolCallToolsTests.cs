using System.Text.Json.Nodes;
using Countersign.Cli;
using Xunit;

namespace Countersign.Integration.Tests.Policies;

public sealed class ToolCallToolsTests : IDisposable
{
    private const string Policy = """
        apiVersion: countersign/v1
        upstreams: { crm: { endpoints: [http://127.0.0.1:1] } }
        functions:
          find: { upstream: crm, mcp: /mcp, tool: find_customer, risk: low }
          drop: { upstream: crm, mcp: /mcp, tool: "delete_*", risk: high }
        rules:
          - { id: read, subjects: { groups: [staff] }, functions: [find], effect: allow }
          - { id: no, subjects: { groups: [staff] }, functions: [drop], when: "args.id != '1'", effect: deny }
        """;

    private readonly PolicyDesk _desk = new();

    public void Dispose() => _desk.Dispose();

    // Proves that a message to an MCP endpoint is explained as the gateway takes it: as a call of the tool that it
    // names, with its arguments, as one of the protocol's own, or refused.
    [Theory]
    [InlineData("find_customer", "{}", "allow", "find")]
    [InlineData("delete_customer", """{"id": "2"}""", "deny", "drop")]
    [InlineData("delete_customer", """{"id": "1"}""", "deny", "drop")]
    [InlineData("delete\\u005fcustomer", """{"id": "2"}""", "deny", "drop")]
    [InlineData("steal", "{}", "unknown-function", null)]
    [InlineData("find_customer\", \"name\": \"delete_customer", "{}", "malformed-request", null)]
    public async Task Messages_are_explained_as_calls_of_tools(
        string tool, string arguments, string effect, string? function)
    {
        string message = Message(tool, arguments);
        JsonNode report = await ExplainAsync("POST", message);
        Assert.Equal((effect, function), ((string?)report["effect"], (string?)report["function"]));
        string expected = effect == "allow" ? effect : "deny";
        string cases = _desk.Write("cases.yaml", $$"""
            policy: policy.yaml
            cases:
              - { name: one, caller: { groups: [staff] }, call: POST /mcp, body: '{{message}}', expect: {{expected}} }
            """);
        CommandResult tested = await _desk.RunAsync("test", cases);
        Assert.Equal((0, ""), (tested.ExitCode, tested.Errors));
    }

    // Proves that the condition of a rule is asked of the arguments in the message.
    [Theory]
    [InlineData("1", "nothing-matched")]
    [InlineData("2", "rule")]
    public async Task Arguments_in_messages_are_what_conditions_see(string id, string cause)
    {
        JsonNode report = await ExplainAsync("POST", Message("delete_x", $$"""{"id":"{{id}}"}"""));
        Assert.Equal(cause, (string?)report["cause"]);
    }

    // Proves that what is no call of a tool is the protocol's own, or refused, and that the explanation says so.
    [Theory]
    [InlineData("POST", """{"jsonrpc":"2.0","id":1,"method":"tools/list"}""", "allow")]
    [InlineData("POST", """{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"x"}}""", "denied")]
    [InlineData("POST", """[{"jsonrpc":"2.0","id":1,"method":"tools/list"}]""", "malformed-request")]
    [InlineData("GET", """{"jsonrpc":"2.0","id":1,"method":"tools/list"}""", "malformed-request")]
    [InlineData("GET", "", "allow")]
    [InlineData("POST", "", "allow")]
    public async Task Other_messages_are_the_protocols_own_or_refused(string method, string message, string effect)
    {
        JsonNode report = await ExplainAsync(method, message);
        Assert.Equal(effect, (string?)report["effect"]);
        CommandResult text = await _desk.RunAsync(
            "explain", _desk.Write("policy.yaml", Policy), method, "/mcp", "-g", "staff", "--body", message);
        Assert.Equal(
            effect == "allow", text.Output.Contains("a tool's call is POST /mcp#TOOL", StringComparison.Ordinal));
    }

    private static string Message(string tool, string arguments) => $$$"""
        {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"{{{tool}}}","arguments":{{{arguments}}} } }
        """;

    private async Task<JsonNode> ExplainAsync(string method, string message)
    {
        string file = _desk.Write("policy.yaml", Policy);
        CommandResult said = await _desk.RunAsync(
            "explain", file, method, "/mcp", "-g", "staff", "--body", message, "--json");
        return JsonNode.Parse(said.Output)!;
    }
}
