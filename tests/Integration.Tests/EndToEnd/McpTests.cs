using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using Xunit;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>MCP tools through the real program, with the protocol's own SDK on both sides.</summary>
public sealed class McpTests : IAsyncLifetime
{
    private const string Functions = """
          crm.find: { upstream: crm, mcp: /mcp, tool: find_user, risk: low }
          crm.delete: { upstream: crm, mcp: /mcp, tool: "delete_*", risk: high }
          crm.wipe: { upstream: crm, mcp: /mcp, tool: wipe, risk: critical }

        """;

    private const string Rules = """
          - { id: crm-find, subjects: { groups: [support] }, functions: [crm.find], effect: allow }
          - id: crm-delete
            subjects: { groups: [support] }
            functions: [crm.delete]
            effect: approve
            approval: { stages: [{ groups: [finance-leads], count: 1 }], decideWithin: 15m, useWithin: 5m, hold: 0s }

        """;

    private Backends _backends = null!;
    private McpServer _server = null!;
    private ServeSetup _setup = null!;
    private CountersignProcess _gateway = null!;
    private GatewayClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        _backends = await Backends.StartAsync();
        _server = await McpServer.StartAsync();
        string upstream = $"  crm: {{ endpoints: [\"{_server.Address}\"], credential: {{ broker: jwt, ttl: 30s }} }}\n";
        _setup = new ServeSetup(
            _backends.Issuer, Backends.Audience,
            ServeSetup.Policy(_backends.Upstream, upstream, Functions, Rules));
        _gateway = await _setup.StartAsync("embedded");
        _client = new(
            _gateway.Ready["data"]!.ToString(), _gateway.Ready["control"]!.ToString(), _backends.TokenOf);
    }

    public async ValueTask DisposeAsync()
    {
        _client?.Dispose();
        if (_gateway is not null) await _gateway.DisposeAsync();
        if (_server is not null) await _server.DisposeAsync();
        await _backends.DisposeAsync();
        _setup?.Dispose();
    }

    [Theory]
    [InlineData("2025-11-25")]
    [InlineData("2026-07-28")]
    public async Task The_sdk_works_through_the_gateway(string version)
    {
        // Proves with a client and a server that are not ours, in the revision with sessions and in the one without:
        // tools are listed, a low one answers masked, a high one is paused and made once it is approved, under another
        // JSON-RPC id, other arguments are another approval, and one that no rule allows is denied.
        await using McpClient alice = await ConnectAsync("alice", version);
        Assert.Equal(version, alice.NegotiatedProtocolVersion);
        IList<McpClientTool> tools = await alice.ListToolsAsync(
            cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(["delete_user", "find_user", "wipe"], tools.Select(tool => tool.Name).Order());
        string found = TextOf(await CallAsync(alice, "find_user", "7"));
        Assert.Contains("\"name\":\"Ann\"", found, StringComparison.Ordinal);
        Assert.DoesNotContain("078-05-1120", found, StringComparison.Ordinal);

        await RefusedAsync(alice, "delete_user", "7", HttpStatusCode.PreconditionRequired);
        JsonObject asked = await PendingAsync();
        Assert.Equal("""{"id":"7"}""", asked["arguments"]!.ToJsonString());
        Assert.Equal(("crm.delete", "/mcp#delete_user"), (Text(asked, "function"), Text(asked, "target")));
        Answer decided = await _client.DecideAsync("carol", Text(asked, "id"), Text(asked, "digest"));
        Assert.Equal("approved", decided["state"]);

        await RefusedAsync(alice, "delete_user", "8", HttpStatusCode.PreconditionRequired);
        JsonObject other = await PendingAsync();
        Assert.NotEqual((Text(asked, "id"), Text(asked, "digest")), (Text(other, "id"), Text(other, "digest")));
        Assert.Equal("delete_user done", TextOf(await CallAsync(alice, "delete_user", "7")));
        await RefusedAsync(alice, "wipe", "7", HttpStatusCode.Forbidden);
        await RefusedAsync(alice, "unheard_of", "7", HttpStatusCode.NotFound);
        Assert.Equal(["find_user 7", "delete_user 7"], _server.Done);
    }

    [Fact]
    public async Task Who_may_call_no_tool_gets_no_protocol()
    {
        // Proves that somebody whom no rule lets call a tool cannot even list them, or begin a session.
        HttpRequestException refused = await Assert.ThrowsAnyAsync<HttpRequestException>(
            () => ConnectAsync("carol", "2025-11-25"));
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.Empty(_server.Done);
    }

    [Fact]
    public async Task The_sdk_finds_its_own_way_to_a_token()
    {
        // Proves with the SDK's own authorisation that a client which knows nothing but the address of the endpoint
        // is led to the issuer by the endpoint's own metadata, and asks it for a token of this resource (RFC 8707).
        using ScriptedSignIn signIn = new(_backends.Issuer, _backends.TokenOf("alice"));
        HttpClientTransport transport = new(
            new HttpClientTransportOptions
            {
                Endpoint = new Uri(_client.Data + "/mcp"), TransportMode = HttpTransportMode.StreamableHttp,
                OAuth = signIn.Options,
            },
            new HttpClient(signIn), loggerFactory: null, ownsHttpClient: true);
        await using McpClient alice = await McpClient.CreateAsync(
            transport, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Contains("Ann", TextOf(await CallAsync(alice, "find_user", "7")), StringComparison.Ordinal);
        string metadata = _client.Data + "/.well-known/oauth-protected-resource";
        string[] asked = [.. signIn.Asked.Where(one => one.Contains("/.well-known/", StringComparison.Ordinal))];
        Assert.Equal([metadata + "/mcp"], asked);
        Assert.Equal(_client.Data + "/mcp", Assert.Single(signIn.Resources.Distinct()));
    }

    private async Task<McpClient> ConnectAsync(string user, string version)
    {
        HttpClient http = new(new SocketsHttpHandler { UseProxy = false });
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", _backends.TokenOf(user));
        HttpClientTransport transport = new(
            new HttpClientTransportOptions
            {
                Endpoint = new Uri(_client.Data + "/mcp"), TransportMode = HttpTransportMode.StreamableHttp,
            },
            http, loggerFactory: null, ownsHttpClient: true);
        return await McpClient.CreateAsync(transport, new McpClientOptions { ProtocolVersion = version });
    }

    private static async Task<CallToolResult> CallAsync(McpClient client, string tool, string id) =>
        await client.CallToolAsync(tool, new Dictionary<string, object?> { ["id"] = id });

    private static async Task RefusedAsync(McpClient client, string tool, string id, HttpStatusCode status)
    {
        HttpRequestException refused = await Assert.ThrowsAnyAsync<HttpRequestException>(
            () => CallAsync(client, tool, id));
        Assert.Equal(status, refused.StatusCode);
    }

    private static string TextOf(CallToolResult result) =>
        Assert.IsType<TextContentBlock>(Assert.Single(result.Content)).Text;

    private async Task<JsonObject> PendingAsync()
    {
        Answer list = await _client.ControlAsync("carol", "GET", "/api/v1/approvals?status=pending");
        return Assert.Single(list.Body["items"]!.AsArray())!.AsObject();
    }

    private static string Text(JsonObject approval, string member) => approval[member]!.ToString();
}
