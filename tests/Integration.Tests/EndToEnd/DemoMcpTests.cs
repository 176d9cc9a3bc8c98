using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using Xunit;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>The demo's MCP server, through the demo's gateway and by the protocol's own SDK.</summary>
public sealed class DemoMcpTests
{
    [Fact]
    public async Task The_demos_tools_are_listed_masked_and_countersigned()
    {
        // Proves DESIGN section 3 for MCP: the demo's tools are listed, one that reads answers masked, and one that
        // deletes runs once another person has approved it.
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        await using CountersignProcess demo = await CountersignProcess.StartAsync(
            new Dictionary<string, string>(), "demo", "--data", "127.0.0.1:0", "--control", "127.0.0.1:0",
            "--issuer", "127.0.0.1:0", "--upstream", "127.0.0.1:0");
        string TokenOf(string user) => demo.Ready["tokens"]![user]!.ToString();
        using GatewayClient gateway = new(demo.Ready["data"]!.ToString(), demo.Ready["control"]!.ToString(), TokenOf);
        HttpClient http = new(new SocketsHttpHandler { UseProxy = false });
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", TokenOf("alice"));
        HttpClientTransport transport = new(
            new HttpClientTransportOptions
            {
                Endpoint = new Uri(gateway.Data + "/mcp"), TransportMode = HttpTransportMode.StreamableHttp,
            },
            http, loggerFactory: null, ownsHttpClient: true);
        await using McpClient alice = await McpClient.CreateAsync(
            transport, new McpClientOptions { ProtocolVersion = "2025-11-25" }, cancellationToken: cancellation);
        IList<McpClientTool> tools = await alice.ListToolsAsync(cancellationToken: cancellation);
        Assert.Equal(["delete_customer", "find_customer"], tools.Select(tool => tool.Name).Order());
        string found = await CallAsync(alice, "find_customer");
        Assert.Contains("Bruno Keller", found, StringComparison.Ordinal);
        Assert.DoesNotContain("457-55-5462", found, StringComparison.Ordinal);
        Assert.DoesNotContain("378282246310005", found, StringComparison.Ordinal);

        HttpRequestException paused = await Assert.ThrowsAnyAsync<HttpRequestException>(
            () => CallAsync(alice, "delete_customer"));
        Assert.Equal(HttpStatusCode.PreconditionRequired, paused.StatusCode);
        Answer list = await gateway.ControlAsync("carol", "GET", "/api/v1/approvals?status=pending");
        JsonObject asked = Assert.Single(list.Body["items"]!.AsArray())!.AsObject();
        Assert.Equal("crm.delete", asked["function"]!.ToString());
        await gateway.DecideAsync("carol", asked["id"]!.ToString(), asked["digest"]!.ToString());
        Assert.Equal("customer 2 is deleted", await CallAsync(alice, "delete_customer"));
        Assert.Equal("no such customer", await CallAsync(alice, "find_customer"));
    }

    private static async Task<string> CallAsync(McpClient client, string tool)
    {
        CallToolResult result = await client.CallToolAsync(tool, new Dictionary<string, object?> { ["id"] = "2" });
        return Assert.IsType<TextContentBlock>(Assert.Single(result.Content)).Text;
    }
}
