using System.Text.Json;
using Countersign.Kit;
using Countersign.Policy.Approvals;

namespace Countersign.DataPlane.Tests.Calls;

/// <summary>Tokens that are for an MCP endpoint and for nothing else (RFC 8707).</summary>
public sealed class ResourceTokenTests
{
    private const string Mcp = TestIssuer.McpResource;

    private const string Policy = """
        apiVersion: countersign/v1
        upstreams: { crm: { endpoints: ["http://crm.test:9003"], credential: { broker: none } } }
        functions:
          crm.find:   { upstream: crm, mcp: /mcp, tool: find_user, risk: low }
          crm.delete: { upstream: crm, mcp: /mcp, tool: delete_user, risk: high }
          ops.page:   { upstream: crm, mcp: /ops, tool: page, risk: low }
          people.get: { upstream: crm, method: GET, path: "/people/{id}", risk: low }
          people.set: { upstream: crm, method: POST, path: "/people/{id}", risk: high }
          below.get:  { upstream: crm, method: GET, path: "/mcp/{id}", risk: low }
        rules:
          - id: all
            subjects: { groups: [support] }
            functions: [crm.find, "ops.*", people.get, "below.*"]
            effect: allow
          - id: asked
            subjects: { groups: [support] }
            functions: [crm.delete, people.set]
            effect: approve
            approval: { stages: [{ groups: [leads], count: 1 }] }
        """;

    [Fact]
    public async Task It_is_good_for_its_endpoint_alone()
    {
        // Proves that the first call and those after it, which find the token verified, go to the endpoint and nowhere
        // else; and that a token which is for the gateway too goes everywhere.
        await using MemoryGateway gateway = new(Policy);
        MemoryClient client = gateway.Connect();
        string narrow = gateway.Issuer.Token("ann", ["support"], audiences: [Mcp]);
        string wide = gateway.Issuer.Token("ann", ["support"], audiences: [Mcp, "gateway"]);
        for (int round = 0; round < 2; round++)
        {
            Assert.Equal(200, (await client.CallAsync(Tool(narrow, "/mcp", "find_user"))).Status);
            foreach (string elsewhere in (string[])[Tool(narrow, "/ops", "page"), Get(narrow, "/people/1"),
                Get(narrow, "/mcp/1"), Get(narrow, "/.countersign/nothing")])
            {
                WireMessage refused = await client.CallAsync(elsewhere);
                Assert.Contains(refused.Status, (int[])[401, 404]);
                Assert.True(refused.Status == 401 || elsewhere.Contains("/nothing", Ordinal));
            }

            Assert.Equal(200, (await client.CallAsync(Tool(wide, "/ops", "page"))).Status);
            Assert.Equal(200, (await client.CallAsync(Get(wide, "/people/1"))).Status);
        }

        WireMessage told = await client.CallAsync(Get(narrow, "/people/1"));
        Assert.Equal("The token is for another resource.", told.Json.GetProperty("detail").GetString());
        Assert.Contains("resource_metadata=", told.Field("WWW-Authenticate"), Ordinal);
    }

    [Fact]
    public async Task It_sees_the_approvals_of_its_endpoint_alone()
    {
        // Proves that whoever may ask at the endpoint can follow what it asked there, and not the caller's other calls.
        await using MemoryGateway gateway = new(Policy);
        MemoryClient client = gateway.Connect();
        string narrow = gateway.Issuer.Token("ann", ["support"], audiences: [Mcp]);
        string wide = gateway.Issuer.Token("ann", ["support"]);
        WireMessage there = await client.CallAsync(Tool(narrow, "/mcp", "delete_user"));
        WireMessage elsewhere = await client.CallAsync(Post(wide, "/people/1", "{}"));
        Assert.Equal((428, 428), (there.Status, elsewhere.Status));
        Assert.Equal(200, (await client.CallAsync(Get(narrow, StatusOf(there)))).Status);
        Assert.Equal(404, (await client.CallAsync(Get(narrow, StatusOf(elsewhere)))).Status);
        Assert.Equal(200, (await client.CallAsync(Get(wide, StatusOf(elsewhere)))).Status);
        Approval kept = (await gateway.Store.FindAsync(Path.GetFileName(StatusOf(elsewhere)))).Value!;
        Assert.Equal(ApprovalState.Pending, kept.State);
    }

    private const StringComparison Ordinal = StringComparison.Ordinal;

    private static string StatusOf(WireMessage paused) =>
        "/.countersign/approvals/" + paused.Json.GetProperty("approval").GetString();

    private static string Get(string token, string target) =>
        $"GET {target} HTTP/1.1\r\nHost: gateway.test\r\nAuthorization: Bearer {token}\r\n\r\n";

    private static string Tool(string token, string endpoint, string tool) => Post(
        token, endpoint, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":"
            + JsonSerializer.Serialize(tool) + ",\"arguments\":{}}}");

    private static string Post(string token, string target, string body) =>
        $"POST {target} HTTP/1.1\r\nHost: gateway.test\r\nAuthorization: Bearer {token}\r\n"
        + $"Content-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}";
}
