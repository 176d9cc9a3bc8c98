using System.Text;
using Countersign.Kit;

namespace Countersign.DataPlane.Tests.Calls;

/// <summary>Calls that policy decides by their arguments, path, query and header fields.</summary>
public sealed class ConditionCallTests
{
    private const string Refund = "/billing/7/refunds";

    private const string Policy = """
        apiVersion: countersign/v1
        upstreams: { billing: { endpoints: ["http://billing.test:9002"], credential: { broker: none } } }
        functions:
          billing.get: { upstream: billing, method: GET, path: "/billing/{account}", risk: low }
          billing.refund: { upstream: billing, method: POST, path: "/billing/{account}/refunds", risk: high }
          billing.note: { upstream: billing, method: POST, path: "/billing/{account}/notes", risk: low }
        rules:
          - id: small-refund
            subjects: { groups: [support] }
            functions: [billing.refund]
            when: args.amount <= 50.0
            effect: allow
          - id: big-money
            subjects: { groups: [support] }
            functions: [billing.refund]
            when: args.amount > 50.0
            effect: approve
            approval: { stages: [{ groups: [finance-leads], count: 1 }] }
          - id: own-unit
            subjects: { groups: [support] }
            functions: [billing.get, billing.note]
            when: |
              path.account.matches('^[0-9]+$') && (!has(query.unit) || query.unit == headers['x-unit'])
            effect: allow
        """;

    [Theory]
    [InlineData("{\"amount\":50}", 200)]
    [InlineData("{\"amount\":50.0}", 200)]
    [InlineData("{ \"amount\" : 5e1 }", 200)]
    [InlineData("{\"amount\":50.01}", 428)]
    [InlineData("{\"amount\":50.000000000000001}", 403)]
    [InlineData("{\"amount\":\"50\"}", 403)]
    [InlineData("{\"amuont\":1}", 403)]
    [InlineData("{\"amount\":1,\"amount\":1000}", 400)]
    [InlineData("{\"amount\":1", 400)]
    [InlineData("", 403)]
    public async Task Arguments_decide(string body, int status)
    {
        // Proves the decision by the body, that what goes to the function is the very body that was decided on, and
        // that nothing goes where it is refused.
        await using MemoryGateway gateway = new(Policy);
        WireMessage answer = await gateway.Connect().CallAsync(Requests.Post(gateway, Refund, body));
        Assert.Equal(status, answer.Status);
        Assert.Equal(status == 200 ? [body] : [], gateway.Upstream.Requests.Select(seen => seen.Text));
        if (status == 403)
        {
            string detail = answer.Json.GetProperty("detail").GetString()!;
            Assert.Equal("The condition of rule 'small-refund' has no answer for this call.", detail);
        }
    }

    [Fact]
    public async Task A_chunked_body_is_read_whole()
    {
        // Proves that a body in chunks, whose length nobody said, is decided on whole and goes on whole, and that the
        // next call of the connection is its own.
        await using MemoryGateway gateway = new(Policy);
        MemoryClient client = gateway.Connect();
        string head = Requests.Head(gateway, "POST", Refund,
            "Content-Type: application/json; charset=utf-8\r\nTransfer-Encoding: chunked\r\n");
        Assert.Equal(200, (await client.CallAsync(head + "5\r\n{\"amo\r\n7\r\nunt\":7}\r\n0\r\n\r\n")).Status);
        Assert.Equal("{\"amount\":7}", gateway.Upstream.Requests[0].Text);
        Assert.Equal(428, (await client.CallAsync(Requests.Post(gateway, Refund, "{\"amount\":70}"))).Status);
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/billing/7"))).Status);
    }

    [Theory]
    [InlineData("Content-Type: text/plain\r\n")]
    [InlineData("Content-Type: application/x-www-form-urlencoded\r\n")]
    [InlineData("Content-Type: application/x-ndjson\r\n")]
    [InlineData("Content-Type: application/json; charset=utf-16\r\n")]
    [InlineData("Content-Type: application/json\r\nContent-Type: text/plain\r\n")]
    [InlineData("Content-Type: application/json\r\nContent-Encoding: gzip\r\n")]
    [InlineData("")]
    public async Task What_does_not_say_that_it_is_JSON_is_denied(string type)
    {
        // Proves that a body which the function may take for something else than JSON is not decided on as JSON.
        await using MemoryGateway gateway = new(Policy);
        string head = Requests.Head(gateway, "POST", Refund, type + "Content-Length: 12\r\n");
        WireMessage answer = await gateway.Connect().CallAsync(head + "{\"amount\":1}");
        Assert.Equal(403, answer.Status);
        Assert.Contains("JSON", answer.Json.GetProperty("detail").GetString()!, StringComparison.Ordinal);
        Assert.Empty(gateway.Upstream.Requests);
    }

    [Fact]
    public async Task A_body_too_large_to_be_read_is_refused()
    {
        // Proves the bound on bodies that conditions look at, by the length that is said and by the bytes that come.
        await using MemoryGateway gateway = new(Policy);
        string fields = $"Content-Type: application/json\r\nContent-Length: {1_048_577}\r\n";
        WireMessage answer = await gateway.Connect().CallAsync(Requests.Head(gateway, "POST", Refund, fields));
        Assert.Equal(413, answer.Status);
        Assert.Empty(gateway.Upstream.Requests);
    }

    [Fact]
    public async Task An_approved_call_is_decided_again_by_its_arguments()
    {
        // Proves that the claim evaluates the conditions anew: the approved call goes through, one with other arguments
        // does not.
        await using MemoryGateway gateway = new(Policy);
        MemoryClient client = gateway.Connect();
        WireMessage paused = await client.CallAsync(Requests.Post(gateway, Refund, "{\"amount\":99}"));
        string id = paused.Json.GetProperty("approval").GetString()!;
        await gateway.DecideAsync(id, "fay", "finance-leads");
        string named = $"Countersign-Approval: {id}\r\n";
        Assert.Equal(409, (await client.CallAsync(Requests.Post(gateway, Refund, "{\"amount\":98}", named))).Status);
        Assert.Equal(200, (await client.CallAsync(Requests.Post(gateway, Refund, "{\"amount\":99}", named))).Status);
        Assert.Equal("{\"amount\":99}", Assert.Single(gateway.Upstream.Requests).Text);
    }

    [Theory]
    [InlineData("/billing/7", "", 200)]
    [InlineData("/billing/%37", "", 200)]
    [InlineData("/billing/x", "", 403)]
    [InlineData("/billing/7%20", "", 403)]
    [InlineData("/billing/7?unit=EU", "X-Unit: EU\r\n", 200)]
    [InlineData("/billing/7?unit=EU", "X-Unit: US\r\n", 403)]
    [InlineData("/billing/7?unit=EU", "", 403)]
    [InlineData("/billing/7?unit=EU&unit=US", "X-Unit: EU\r\n", 403)]
    [InlineData("/billing/7?unit=EU", "X-Unit: EU\r\nX-Unit: US\r\n", 403)]
    public async Task Path_query_and_fields_decide(string target, string fields, int status)
    {
        // Proves the decision by the parts of the head, read from the very bytes that were received.
        await using MemoryGateway gateway = new(Policy);
        Assert.Equal(status, (await gateway.Connect().CallAsync(Requests.Get(gateway, target, fields))).Status);
        Assert.Equal(status == 200 ? 1 : 0, gateway.Upstream.Requests.Count);
    }

    [Fact]
    public async Task A_body_that_no_condition_looks_at_is_not_read()
    {
        // Proves that only conditions on arguments make the gateway read a body: another type passes, however large.
        await using MemoryGateway gateway = new(Policy);
        string body = new('x', 2_000_000);
        string fields = $"Content-Type: text/plain\r\nContent-Length: {body.Length}\r\n";
        string head = Requests.Head(gateway, "POST", "/billing/7/notes", fields);
        Assert.Equal(200, (await gateway.Connect().CallAsync(head + body)).Status);
        Assert.Equal(body.Length, Encoding.UTF8.GetByteCount(Assert.Single(gateway.Upstream.Requests).Text));
    }

    [Theory]
    [InlineData("{\"amount\":50,\"note\":\"x\"}", 200, "")]
    [InlineData("{\"amount\":5e1}", 200, "")]
    [InlineData("{\"amount\":5001}", 403, "'/amount' fails 'maximum'.")]
    [InlineData("{\"amount\":\"hunter2\"}", 403, "'/amount' fails 'type'.")]
    [InlineData("{\"amount\":1,\"hunter2\":1}", 403, "'' fails 'additionalProperties'.")]
    [InlineData("", 403, "'/amount' fails 'required'.")]
    [InlineData("{\"amount\":1,\"amount\":1}", 400, "")]
    public async Task A_schema_decides(string body, int status, string why)
    {
        // Proves that a function with a schema sees only what fits, without any condition, and that the caller is told
        // where and by which keyword, never what was sent.
        const string schema = "args: { type: object, additionalProperties: false, required: [amount], properties: { "
            + "amount: { type: number, maximum: 5000 }, note: { type: string, maxLength: 10 } } } }";
        string policy = Policy.Replace("risk: high }", "risk: high, " + schema, StringComparison.Ordinal)
            .Replace("when: args.amount <= 50.0\n", "\n", StringComparison.Ordinal)
            .Replace("when: args.amount > 50.0\n", "when: args.amount > 6000.0\n", StringComparison.Ordinal);
        await using MemoryGateway gateway = new(policy);
        WireMessage answer = await gateway.Connect().CallAsync(Requests.Post(gateway, Refund, body));
        Assert.Equal(status, answer.Status);
        Assert.Equal(status == 200 ? [body] : [], gateway.Upstream.Requests.Select(seen => seen.Text));
        if (status != 403) return;
        Assert.Equal(
            "The arguments of this call are not what the function takes: " + why,
            answer.Json.GetProperty("detail").GetString());
        Assert.DoesNotContain("hunter2", answer.Text, StringComparison.Ordinal);
    }
}
