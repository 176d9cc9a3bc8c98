using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Countersign.ControlPlane.OpenApi;
using Countersign.ControlPlane.Policies;
using Countersign.ControlPlane.Tests.Tokens;
using Countersign.Policy.Approvals;
using Countersign.Policy.Redis;
using Json.Schema;
using Microsoft.OpenApi;
using Microsoft.OpenApi.Reader;

namespace Countersign.ControlPlane.Tests.OpenApi;

/// <summary>The description against what it describes.</summary>
public sealed class OpenApiTests
{
    private const string Approvals = "/api/v1/approvals";

    private static readonly JsonObject Described =
        JsonNode.Parse(OpenApiEndpoint.Document())!.AsObject();

    [Fact]
    public void It_is_valid_openapi()
    {
        // Proves by the reference reader that the document has no error and every reference leads somewhere.
        ReadResult read = OpenApiDocument.Parse(Encoding.UTF8.GetString(OpenApiEndpoint.Document()), "json");
        Assert.Empty(read.Diagnostic!.Errors.Select(error => error.ToString()));
        Assert.Empty(read.Document!.Validate(ValidationRuleSet.GetDefaultRuleSet()).Select(error => error.ToString()));
        List<string> ids = [];
        foreach (IOpenApiPathItem path in read.Document!.Paths.Values)
            ids.AddRange(path.Operations!.Values.Select(operation => operation.OperationId!));
        Assert.Equal(ids.Count, ids.Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public async Task It_describes_every_endpoint_and_no_other()
    {
        // Proves that description and routes are the same; what is for browsers alone, the console, is no API.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        IEnumerable<string> served = gate.Routes.Where(
            route => !route.Contains(" /console", StringComparison.Ordinal));
        List<string> described = [];
        foreach ((string path, JsonNode? item) in Described["paths"]!.AsObject())
        {
            foreach ((string method, _) in item!.AsObject()) described.Add(method.ToUpperInvariant() + " " + path);
        }

        Assert.Equal(
            served.Order(StringComparer.Ordinal), described.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task It_is_served_to_anybody_with_a_tag()
    {
        // Proves that it can be had, and had again for nothing.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        Answer whole = await gate.GetAsync(OpenApiEndpoint.Path);
        Assert.Equal("3.1.1", whole.Json.GetProperty("openapi").GetString());
        string tag = whole.Message.Headers.ETag!.ToString();
        Assert.Equal(HttpStatusCode.NotModified, (await gate.GetAsync(OpenApiEndpoint.Path, tag: tag)).Status);
    }

    [Fact]
    public async Task Answers_are_what_it_says()
    {
        // Proves the schemas by real answers, good and bad: each must fit what its path and status promise.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        string id = await gate.AskAsync();
        string rae = gate.Token("rae", "finance", "pii-officers", "auditors", "policy-admins");
        string one = Approvals + "/" + id;
        await FitsAsync(gate.GetAsync(Approvals + "?limit=1", rae), "get", Approvals);
        await FitsAsync(gate.GetAsync(Approvals + "?status=x", rae), "get", Approvals);
        await FitsAsync(gate.GetAsync(Approvals), "get", Approvals);
        await FitsAsync(gate.GetAsync(one, rae), "get", Approvals + "/{id}");
        await FitsAsync(gate.GetAsync(Approvals + "/x", rae), "get", Approvals + "/{id}");
        await FitsAsync(gate.GetAsync(one + "/earlier", rae), "get", Approvals + "/{id}/earlier");
        string behind = gate.Token("dave", "staff");
        await FitsAsync(gate.GetAsync(one, behind), "get", Approvals + "/{id}");
        await FitsAsync(gate.GetAsync(one + "/earlier", behind), "get", Approvals + "/{id}/earlier");
        await FitsAsync(gate.PostAsync(one + "/cancel", behind), "post", Approvals + "/{id}/cancel");
        string reveal = """{"pointer":"/ssn","reason":"ticket"}""";
        await FitsAsync(gate.PostAsync(one + "/reveal", rae, reveal), "post", Approvals + "/{id}/reveal");
        await FitsAsync(gate.PostAsync(one + "/reveal", rae, "{}"), "post", Approvals + "/{id}/reveal");
        await FitsAsync(gate.DecideAsync(id, gate.Token("dave", "sre")), "post", Approvals + "/{id}/decisions");
        await FitsAsync(gate.DecideAsync(id, rae), "post", Approvals + "/{id}/decisions");
        await FitsAsync(gate.DecideAsync(id, rae, "deny"), "post", Approvals + "/{id}/decisions");
        await FitsAsync(gate.PostAsync(one + "/revoke", rae), "post", Approvals + "/{id}/revoke");
        await FitsAsync(
            gate.PostAsync(one + "/cancel", gate.Token("deploy-bot", "ci")), "post", Approvals + "/{id}/cancel");
        await FitsAsync(gate.DecideAsync(id, rae), "post", Approvals + "/{id}/decisions");
        await FitsAsync(gate.GetAsync("/api/v1/notices", rae), "get", "/api/v1/notices");
        await FitsAsync(gate.GetAsync("/api/v1/audit/calls", rae), "get", "/api/v1/audit/calls");
        await FitsAsync(
            gate.PostAsync("/api/v1/policies/validate", rae, ControlFixture.Policy, "application/yaml"),
            "post", "/api/v1/policies/validate");
        await FitsAsync(
            gate.PostAsync("/api/v1/policies/validate", rae, "a: b", "application/yaml"),
            "post", "/api/v1/policies/validate");
        await TokensFitAsync(gate);
        foreach (string open in (string[])["/oauth/jwks", "/.well-known/oauth-authorization-server", "/health/live",
            "/health/ready"])
        {
            await FitsAsync(gate.GetAsync(open), "get", open);
        }
    }

    [Theory]
    [InlineData("post", "/api/v1/policies", "201 202 412 415")]
    [InlineData("post", "/api/v1/policies/{version}/activate", "200 202 412")]
    [InlineData("get", "/", "200 303")]
    [InlineData("post", Approvals + "/{id}/decisions", "200 412 415")]
    [InlineData("post", Approvals + "/{id}/reveal", "200 412 415")]
    [InlineData("post", Approvals + "/{id}/break-glass", "200 412 415")]
    [InlineData("post", Approvals + "/{id}/review", "200 412 415")]
    [InlineData("post", Approvals + "/{id}/cancel", "200 412")]
    [InlineData("post", Approvals + "/{id}/revoke", "200 412")]
    [InlineData("post", Approvals + "/{id}/withdraw", "200 412")]
    [InlineData("post", "/api/v1/revocations", "201 415")]
    [InlineData("get", Approvals, "200 304")]
    [InlineData("get", Approvals + "/{id}/earlier", "200 304")]
    [InlineData("get", "/api/v1/reviews", "200 304")]
    [InlineData("get", "/api/v1/policies", "200 304")]
    [InlineData("get", "/api/v1/nodes", "200 304")]
    [InlineData("get", "/api/v1/notices", "200 304")]
    [InlineData("get", "/api/v1/audit/calls", "200 304")]
    public void Statuses_that_depend_on_how_it_is_run_or_asked_are_described(
        string method, string path, string statuses)
    {
        // Proves that what API.md tells of in words is described for machines too.
        JsonObject described = Described["paths"]![path]![method]!["responses"]!.AsObject();
        Assert.All(statuses.Split(' '), status => Assert.True(described.ContainsKey(status), status));
    }

    [Fact]
    public async Task Answers_to_other_terms_are_what_it_says()
    {
        // Proves the schemas of a change that waits, of a page that is the same, of a tag that does not hold and of a
        // body of another type, by real answers.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        string id = await gate.AskAsync(), rae = gate.Token("rae", "finance"), one = Approvals + "/" + id;
        string decision = $$"""{"decision":"approve","digest":"{{Drafts.DigestOf(id)}}"}""";
        await FitsAsync(
            gate.PostAsync(one + "/decisions", rae, decision, match: "\"x\""), "post", Approvals + "/{id}/decisions");
        await FitsAsync(
            gate.PostAsync(one + "/decisions", rae, decision, "text/plain"), "post", Approvals + "/{id}/decisions");
        Approval asked = Drafts.New() with { Function = "countersign.policy.publish" };
        Reply waits = PolicyReplies.Waits(
            new PolicyRevision(8, "pat", Drafts.Now, new string('a', 64)), asked, ["approvers"], "http://127.0.0.1:1");
        JsonNode response = Described["paths"]!["/api/v1/policies"]!["post"]!["responses"]!
            [waits.Status.ToString(System.Globalization.CultureInfo.InvariantCulture)]!;
        Assert.True(Whole(response["content"]![waits.ContentType]!["schema"]!)
            .Evaluate(JsonDocument.Parse(waits.Body).RootElement).IsValid);
    }

    private static async Task TokensFitAsync(ControlFixture gate)
    {
        const string Revocations = "/api/v1/revocations", Form = "application/x-www-form-urlencoded";
        const string one = """{"issuer":"https://issuer.test","subject":"gone"}""";
        string root = gate.Token("root", "policy-admins");
        await FitsAsync(
            TokenDeskTests.ExchangeAsync(gate, gate.Token("alice"), gate.Token("helper-bot")), "post", "/oauth/token");
        await FitsAsync(gate.PostAsync("/oauth/token", null, "x=y", Form), "post", "/oauth/token");
        await FitsAsync(gate.PostAsync("/oauth/revoke", null, "token=x", Form), "post", "/oauth/revoke");
        await FitsAsync(gate.PostAsync("/oauth/revoke", null, "", Form), "post", "/oauth/revoke");
        await FitsAsync(gate.PostAsync(Revocations, root, one), "post", Revocations);
        await FitsAsync(gate.PostAsync(Revocations, root, "{}"), "post", Revocations);
        await FitsAsync(gate.PostAsync(Revocations, gate.Token("alice"), one), "post", Revocations);
        await FitsAsync(gate.GetAsync(Revocations, root), "get", Revocations);
        await FitsAsync(gate.GetAsync(Revocations), "get", Revocations);
        await FitsAsync(gate.GetAsync("/saml/metadata"), "get", "/saml/metadata");
    }

    [Fact]
    public async Task Requests_are_taken_as_it_says()
    {
        // Proves the request schemas: what they refuse the listener refuses, and what they require is enough.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        string id = await gate.AskAsync();
        string fay = gate.Token("fay", "finance");
        (string Schema, string Path, string Body)[] cases =
        [
            ("Decision", "/decisions", $$"""{"decision":"approve","digest":"{{Drafts.DigestOf(id)}}"}"""),
            ("Decision", "/decisions", $$"""{"decision":"maybe","digest":"{{Drafts.DigestOf(id)}}"}"""),
            ("Decision", "/decisions", """{"decision":"approve"}"""),
            ("Decision", "/decisions", $$"""{"decision":"deny","digest":"{{Drafts.DigestOf(id)}}","as":"root"}"""),
            ("Reveal", "/reveal", """{"pointer":"/ssn","reason":"ticket"}"""),
            ("Reveal", "/reveal", """{"pointer":"/ssn","reason":""}"""),
            ("Reveal", "/reveal", """{"reason":"ticket"}"""),
        ];
        foreach ((string name, string path, string body) in cases)
        {
            bool fits = Schema(name).Evaluate(JsonDocument.Parse(body).RootElement).IsValid;
            Answer answer = await gate.PostAsync(Approvals + "/" + id + path, fay, body);
            Assert.Equal(fits, answer.Problem != "malformed-request");
        }
    }

    private static async Task FitsAsync(Task<Answer> asked, string method, string path)
    {
        Answer answer = await asked;
        string status = ((int)answer.Status).ToString(System.Globalization.CultureInfo.InvariantCulture);
        string type = answer.Message.Content.Headers.ContentType!.MediaType!;
        JsonNode? response = Described["paths"]![path]![method]!["responses"]![status];
        Assert.True(response is not null, $"{method} {path} answers {status}, which is not described");
        JsonNode? content = response["content"]![type];
        Assert.True(content is not null, $"{method} {path} answers {status} as {type}, which is not described");
        EvaluationResults results = Whole(content["schema"]!).Evaluate(
            answer.Json, new EvaluationOptions { OutputFormat = OutputFormat.List });
        Assert.True(results.IsValid, $"{method} {path} {status}: {answer.Body} {JsonSerializer.Serialize(results)}");
    }

    private static JsonSchema Schema(string name) =>
        Whole(new JsonObject { ["$ref"] = "#/components/schemas/" + name });

    // The schemas of OpenAPI 3.1 are JSON Schema; only where shared ones stand differs.
    private static JsonSchema Whole(JsonNode schema)
    {
        JsonObject whole = schema.DeepClone().AsObject();
        whole["$defs"] = Described["components"]!["schemas"]!.DeepClone();
        return JsonSchema.FromText(whole.ToJsonString().Replace(
            "#/components/schemas/", "#/$defs/", StringComparison.Ordinal));
    }
}
