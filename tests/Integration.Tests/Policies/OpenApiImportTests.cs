using Countersign.Cli;
using Countersign.Cli.Policies;
using Countersign.Policy;
using Xunit;

namespace Countersign.Integration.Tests.Policies;

/// <summary><c>countersign policy import openapi</c>: what becomes a function, and what is said of the rest.</summary>
public sealed class OpenApiImportTests : IDisposable
{
    private const string Shop = """
        openapi: 3.0.3
        info: { title: "Shop & Co, v2", version: "1" }
        servers:
          - url: https://{region}.shop.test:8443/api/v2
            variables: { region: { default: eu } }
          - url: https://us.shop.test
        components:
          parameters:
            id: { name: orderId, in: path, required: true, schema: { $ref: '#/components/schemas/Id' } }
          schemas:
            Id: { type: string, format: uuid }
        x-unused: &shared { type: integer }
        paths:
          /orders:
            get:
              operationId: listOrders
              tags: [Order Desk]
              summary: |
                Lists orders,
                all of them
            post:
              operationId: createOrder
              parameters:
                - { name: If-None-Match, in: header, schema: { type: string } }
                - { name: Authorization, in: header, schema: { type: string } }
          /orders/{orderId}:
            parameters: [{ $ref: '#/components/parameters/id' }]
            get: {}
            delete: { operationId: "drop order!", deprecated: true, x-countersign-risk: high }
            trace: { operationId: traced }
          /orders/{orderId}/lines/{line-no}:
            put:
              parameters:
                - { name: orderId, in: path, schema: { type: string } }
                - { name: line-no, in: path, schema: *shared }
            delete:
              operationId: listOrders
              servers: [{ url: "http://10.0.0.7:9000" }]
          /orders/{other}:
            get: {}
          /files/{name}.json: { get: {} }
          /old/: { get: {} }
          /far: { $ref: 'other.yaml#/far' }
        """;

    private readonly PolicyDesk _desk = new();

    public void Dispose() => _desk.Dispose();

    // Proves ids, paths, types, risks, tags, binding headers and upstreams of what is taken, that the policy is valid
    // as it is, and that all that was not taken is said.
    [Fact]
    public async Task Operations_become_functions_that_nobody_may_call()
    {
        CommandResult end = await _desk.RunAsync("import", "openapi", _desk.Write("shop.yaml", Shop));
        Assert.Equal(ExitCodes.Ok, end.ExitCode);
        PolicyReading reading = PolicyReader.Read(end.Output, MaskWords.All);
        Assert.Empty(reading.Errors);
        string[] functions = [.. reading.Snapshot!.Functions.Select(one =>
            $"{one.Id} {one.Upstream.Name} {one.Method} {one.Path} {one.Risk} [{string.Join(',', one.Tags)}]"
            + $" [{string.Join(',', one.BindingHeaders)}]")];
        Assert.Equal(
        [
            "createOrder Shop-Co-v2 POST /api/v2/orders High [] [if-none-match]",
            "drop-order Shop-Co-v2 DELETE /api/v2/orders/{orderId:uuid} High [deprecated] []",
            "get.orders.orderId Shop-Co-v2 GET /api/v2/orders/{orderId:uuid} Low [] []",
            "listOrders Shop-Co-v2 GET /api/v2/orders Low [Order-Desk] []",
            "listOrders-2 Shop-Co-v2-2 DELETE /orders/{orderId}/lines/{line_no} Critical [] []",
            "put.orders.orderId.lines.line-no Shop-Co-v2 PUT /api/v2/orders/{orderId}/lines/{line_no:int} High [] []",
        ], functions);
        Assert.Equal(["https://eu.shop.test:8443/", "http://10.0.0.7:9000/"], reading.Snapshot.Upstreams
            .Select(one => one.Endpoints[0].ToString()));
        Assert.Empty(reading.Snapshot.Rules);
        foreach (string note in (string[])
        [
            "TRACE /orders/{orderId}: the gateway does not forward TRACE", "'listOrders' is taken",
            "GET /orders/{other}: a call of it could be one of 'get.orders.orderId' as well",
            "'{name}.json' is not a whole segment", "/old/: a path with '/' at its end",
            "/far: 'other.yaml#/far' is in another document", "of 2 servers the first is taken",
        ])
        {
            Assert.Contains(note, end.Errors, StringComparison.Ordinal);
        }
    }

    // Proves that the example rules, once they are no comments any more, are rules of the language.
    [Fact]
    public async Task The_example_rules_are_rules()
    {
        CommandResult end = await _desk.RunAsync("import", "openapi", _desk.Write("shop.yaml", Shop));
        string text = end.Output.Replace("#   - id", "  - id", StringComparison.Ordinal)
            .Replace("#   - {", "  - {", StringComparison.Ordinal).Replace("#     ", "    ", StringComparison.Ordinal)
            .Replace("rules: []\n", "", StringComparison.Ordinal)
            .Replace("# Nobody may call anything", "rules:\n# Nobody may call anything", StringComparison.Ordinal);
        PolicyReading reading = PolicyReader.Read(text, MaskWords.All);
        Assert.Empty(reading.Errors);
        Assert.Equal(["read", "change"], reading.Snapshot!.Rules.Select(rule => rule.Id));
    }

    // Proves JSON of version 3.1, whose types are lists, and whose server has no address.
    [Fact]
    public async Task Json_of_3_1_is_taken()
    {
        string file = _desk.Write("api.json", """
            {
              "openapi": "3.1.0", "info": { "title": "", "version": "1" }, "servers": [{ "url": "/base/" }],
              "webhooks": { "paid": {} },
              "paths": { "/a/{1st}": { "parameters": [
                { "name": "1st", "in": "path", "schema": { "type": ["integer"] } } ],
                "head": { "callbacks": { "x": {} } }, "patch": {} } }
            }
            """);
        string output = Path.Combine(_desk.Folder, "policy.yaml");
        CommandResult end = await _desk.RunAsync("import", "openapi", file, "--upstream", "shop", "-o", output);
        Assert.Equal(ExitCodes.Ok, end.ExitCode);
        PolicySnapshot policy = PolicyReader.Read(await File.ReadAllTextAsync(
            output, TestContext.Current.CancellationToken), MaskWords.All).Snapshot!;
        Assert.Equal(["HEAD /base/a/{p1st:int} Low", "PATCH /base/a/{p1st:int} High"],
            policy.Functions.Select(one => $"{one.Method} {one.Path} {one.Risk}"));
        Assert.Equal("shop", policy.Upstreams[0].Name);
        Assert.Contains("has no address", end.Errors, StringComparison.Ordinal);
        Assert.Contains("1 webhooks", end.Errors, StringComparison.Ordinal);
        CommandResult again = await _desk.RunAsync("import", "openapi", file, "-o", output);
        Assert.Equal(ExitCodes.Failed, again.ExitCode);
    }

    // Proves that what is no such document is refused in one message, and nothing is printed.
    [Theory]
    [InlineData("swagger: '2.0'", "OpenAPI 2")]
    [InlineData("openapi: 4.0.0", "OpenAPI 4.0.0 is not supported")]
    [InlineData("openapi: 3.0.0\npaths: {}", "no operation that could be taken")]
    [InlineData("- a", "must be a mapping")]
    [InlineData("a: [", "")]
    [InlineData("{\"openapi\":", "")]
    [InlineData("a: &a [*a]", "too deep")]
    public async Task What_is_none_is_refused(string text, string message)
    {
        CommandResult end = await _desk.RunAsync("import", "openapi", _desk.Write("bad.yaml", text));
        Assert.Equal((ExitCodes.Failed, ""), (end.ExitCode, end.Output));
        Assert.Contains(message, end.Errors, StringComparison.Ordinal);
    }

    // Proves that a document cannot write into the policy beside its functions: names, paths, titles and summaries that
    // try to, come out as names and comments, or not at all.
    [Fact]
    public async Task A_document_cannot_write_rules()
    {
        CommandResult end = await _desk.RunAsync("import", "openapi", _desk.Write("evil.json", """
            {
              "openapi": "3.0.0", "info": { "title": "x\nrules: [{id: a}]", "version": "1" },
              "servers": [{ "url": "https://h.test\"], evil: [\"x" }],
              "paths": {
                "/a\", risk: low }\nrules: []": { "get": {} },
                "/b": { "get": { "operationId": "x: {}\nrules: []", "summary": "s\u2028rules: []\r\nrules: []" } }
              }
            }
            """));
        PolicyReading reading = PolicyReader.Read(end.Output, MaskWords.All);
        if (end.ExitCode != ExitCodes.Ok) return;
        Assert.Empty(reading.Errors);
        Assert.Empty(reading.Snapshot!.Rules);
        Assert.Equal("/b", Assert.Single(reading.Snapshot.Functions).Path);
    }
}
