using System.Text.Json;
using Countersign.Kit;
using Countersign.Policy.Approvals;

namespace Countersign.DataPlane.Tests.Calls;

/// <summary>Calls of MCP tools, and of the protocol around them.</summary>
public sealed class McpCallTests
{
    private const string Endpoint = "/mcp";

    private const string Policy = """
        apiVersion: countersign/v1
        upstreams: { crm: { endpoints: ["http://crm.test:9003"], credential: { broker: jwt } } }
        functions:
          crm.find:   { upstream: crm, mcp: /mcp, tool: find_user, risk: low }
          crm.merge:  { upstream: crm, mcp: /mcp, tool: merge_users, risk: medium }
          crm.delete: { upstream: crm, mcp: /mcp, tool: "delete_*", risk: high, headers: [X-Reason-Code] }
          crm.wipe:   { upstream: crm, mcp: /mcp, tool: delete_everything, risk: critical }
          ops.page:   { upstream: crm, mcp: /ops, tool: page, risk: low }
        rules:
          - { id: find, subjects: { groups: [support] }, functions: [crm.find], effect: allow }
          - { id: merge, subjects: { groups: [support] }, functions: [crm.merge], when: args.keep == 1, effect: allow }
          - id: delete
            subjects: { groups: [support, agents] }
            functions: [crm.delete]
            effect: approve
            approval: { stages: [{ groups: [leads], count: 1 }] }
          - { id: ops, subjects: { groups: [ops] }, functions: [ops.page], effect: allow }
          - { id: never, subjects: { groups: [contractors] }, functions: ["crm.*"], effect: deny }
        masks:
          - { id: pii, functions: [crm.find], fields: [ssn] }
        """;

    [Theory]
    [InlineData("find_user", "{\"id\":1}", 200)]
    [InlineData("merge_users", "{\"keep\":1}", 200)]
    [InlineData("merge_users", "{\"keep\":2}", 403)]
    [InlineData("merge_users", "{}", 403)]
    [InlineData("delete_user", "{\"id\":1}", 428)]
    [InlineData("delete_everything", "{}", 403)]
    [InlineData("find_users", "{}", 404)]
    [InlineData("Find_User", "{}", 404)]
    [InlineData("page", "{}", 404)]
    [InlineData("delete_ user", "{}", 404)]
    [InlineData("", "{}", 404)]
    public async Task A_tool_is_decided_by_its_own_function(string tool, string arguments, int status)
    {
        // Proves that the tool which the message names decides, with its arguments, and that the function gets the
        // very message, or none.
        await using MemoryGateway gateway = new(Policy);
        string body = Call(tool, arguments);
        WireMessage answer = await gateway.Connect().CallAsync(Requests.Post(gateway, Endpoint, body));
        Assert.Equal(status, answer.Status);
        Assert.Equal(status == 200 ? [body] : [], gateway.Upstream.Requests.Select(seen => seen.Text));
    }

    [Theory]
    [InlineData("POST", "/mcp", "/mcp")]
    [InlineData("GET", "/mcp", "/mcp")]
    [InlineData("POST", "/homes/mcp", "/homes/mcp")]
    [InlineData("POST", "/homes/8/mcp", "")]
    [InlineData("GET", "/people/1", "")]
    [InlineData("GET", "/mcpx", "")]
    public async Task Who_is_nobody_is_told_of_the_resource_they_asked(string method, string path, string resource)
    {
        // Proves RFC 9728 sections 3.3 and 5.1: an endpoint names its own metadata, which says that it is this
        // resource; everything else names the listener's.
        await using MemoryGateway gateway = new(HomesPolicy);
        MemoryClient client = gateway.Connect();
        WireMessage nobody = await client.CallAsync($"{method} {path} HTTP/1.1\r\nHost: gateway.test\r\n\r\n");
        Assert.Equal((401, "Bearer " + Named(resource)), (nobody.Status, nobody.Field("WWW-Authenticate")));
        WireMessage metadata = await client.CallAsync(
            $"GET /.well-known/oauth-protected-resource{resource} HTTP/1.1\r\nHost: gateway.test\r\n\r\n");
        Assert.Equal(MemoryGateway.PublicUrl + resource, Member(metadata, "resource"));
    }

    [Theory]
    [InlineData("/mcp", "find_user", "/mcp")]
    [InlineData("/homes/mcp", "find", "/homes/mcp")]
    [InlineData("/people", "", "")]
    public async Task Who_lacks_a_right_is_told_of_the_resource_they_asked(string path, string tool, string resource)
    {
        // Proves the insufficient_scope answer (RFC 6750 section 3.1) for a tool, and for what is no endpoint.
        await using MemoryGateway gateway = new(HomesPolicy);
        WireMessage denied = await gateway.Connect().CallAsync(
            Requests.Post(gateway, path, Call(tool, "{}"), groups: ["guests"]));
        string challenge = "Bearer error=\"insufficient_scope\", " + Named(resource);
        Assert.Equal((403, challenge), (denied.Status, denied.Field("WWW-Authenticate")));
    }

    private static string HomesPolicy => Policy.Replace("functions:\n", """
        functions:
          home.find: { upstream: crm, mcp: "/homes/mcp", tool: find, risk: low }
          people.add: { upstream: crm, method: POST, path: /people, risk: low }

        """, StringComparison.Ordinal);

    private static string Named(string resource) =>
        $"resource_metadata=\"{MemoryGateway.PublicUrl}/.well-known/oauth-protected-resource{resource}\"";

    public static TheoryData<string, string, string, string, bool> Digests()
    {
        TheoryData<string, string, string, string, bool> cases = [];
        foreach (JsonElement one in CaseFolder.Read("mcp", "digests.json").EnumerateArray())
        {
            cases.Add(
                one.GetProperty("name").GetString()!, one.GetProperty("body").GetString()!,
                one.GetProperty("fields").GetString()!, one.GetProperty("subject").GetString()!,
                one.GetProperty("same").GetBoolean());
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Digests))]
    public async Task Two_calls_are_one_by_tool_and_arguments(
        string name, string body, string fields, string subject, bool isSame)
    {
        // Proves what makes two calls of a tool one, by the digest and by the approval that the second joins or not.
        await using MemoryGateway gateway = new(Policy);
        MemoryClient client = gateway.Connect();
        WireMessage first = await client.CallAsync(
            Requests.Post(gateway, Endpoint, Call("delete_user", "{\"id\":7}"), "Mcp-Session-Id: s1\r\n"));
        WireMessage second = await client.CallAsync(Requests.Post(gateway, Endpoint, body, fields, subject));
        Assert.Equal((428, 428), (first.Status, second.Status));
        Assert.True(isSame == (Member(first, "digest") == Member(second, "digest")), name);
        Assert.True(isSame == (Member(first, "approval") == Member(second, "approval")), name);
    }

    [Fact]
    public async Task An_approved_call_passes_once_under_another_id()
    {
        // Proves the claim by a retry whose id and _meta differ, that other arguments under the approval are a
        // mismatch, and that the approval shows tool and arguments and the message goes up as it came.
        await using MemoryGateway gateway = new(Policy);
        MemoryClient client = gateway.Connect();
        WireMessage paused = await client.CallAsync(
            Requests.Post(gateway, Endpoint, Call("delete_user", "{\"id\":7}")));
        Assert.Equal("application/problem+json", paused.Field("Content-Type"));
        string id = Member(paused, "approval");
        Approval approval = (await gateway.Store.FindAsync(id)).Value!;
        Assert.Equal(
            ("crm.delete", "POST", "/mcp#delete_user"), (approval.Function, approval.Method, approval.Target));
        await gateway.DecideAsync(id, "fay", "leads");
        string claim = $"Countersign-Approval: {id}\r\n";
        WireMessage other = await client.CallAsync(
            Requests.Post(gateway, Endpoint, Call("delete_user", "{\"id\":8}"), claim));
        Assert.Equal((409, "urn:countersign:approval-mismatch"), (other.Status, Member(other, "type")));
        string retry = Call("delete_user", "{\"id\":7}", id: "\"again\"", meta: ",\"_meta\":{\"progressToken\":1}");
        Assert.Equal(200, (await client.CallAsync(Requests.Post(gateway, Endpoint, retry))).Status);
        Assert.Equal(retry, Assert.Single(gateway.Upstream.Requests).Text);
        Assert.Equal(428, (await client.CallAsync(Requests.Post(gateway, Endpoint, retry))).Status);
    }

    [Theory]
    [InlineData("tool: \"delete_*\"", "tool: \"remove_*\"", "")]
    [InlineData(
        "effect: approve\n    approval: { stages: [{ groups: [leads], count: 1 }] }", "effect: deny", "crm.delete")]
    public async Task A_tool_that_policy_refuses_since_voids_what_was_approved(
        string part, string other, string function)
    {
        // Proves that an approval of a tool does not outlast its rule or its function, and that the audit names a tool
        // also where policy knows none of that name.
        await using MemoryGateway gateway = new(Policy.ReplaceLineEndings("\n"));
        MemoryClient client = gateway.Connect();
        string body = Call("delete_user", "{\"id\":7}");
        string id = Member(await client.CallAsync(Requests.Post(gateway, Endpoint, body)), "approval");
        await gateway.DecideAsync(id, "fay", "leads");
        string changed = Policy.ReplaceLineEndings("\n").Replace(part, other, StringComparison.Ordinal);
        Assert.NotEqual(Policy.ReplaceLineEndings("\n"), changed);
        gateway.Publish(changed);
        WireMessage refused = await client.CallAsync(
            Requests.Post(gateway, Endpoint, body, $"Countersign-Approval: {id}\r\n"));
        Assert.Equal((410, "urn:countersign:approval-expired"), (refused.Status, Member(refused, "type")));
        Assert.Equal(ApprovalState.Expired, (await gateway.Store.FindAsync(id)).Value!.State);
        JsonElement outcome = (await gateway.CloseAuditAsync()).Last(one =>
            one.GetProperty("type").GetString() == "outcome");
        Assert.Equal("/mcp#delete_user", outcome.GetProperty("target").GetString());
        Assert.Equal(function, outcome.TryGetProperty("function", out JsonElement named) ? named.GetString() : "");
    }

    [Fact]
    public async Task A_call_made_without_its_caller_is_the_whole_message()
    {
        // Proves that what is made once somebody approved is the message and not the arguments that they saw.
        await using MemoryGateway gateway = new(Policy);
        string body = Call("delete_user", "{\"id\":7}", id: "41");
        WireMessage accepted = await gateway.Connect().CallAsync(
            Requests.Post(gateway, Endpoint, body, "Prefer: respond-async\r\n"));
        Assert.Equal(202, accepted.Status);
        string id = Member(accepted, "approval");
        await gateway.DecideAsync(id, "fay", "leads");
        await RetryAndRunTests.UntilAsync(gateway, id, one => one.State == ApprovalState.Executed);
        Assert.Equal(body, Assert.Single(gateway.Upstream.Requests).Text);
    }

    [Theory]
    [InlineData("POST", "support", 200)]
    [InlineData("GET", "support", 200)]
    [InlineData("DELETE", "support", 200)]
    [InlineData("POST", "agents", 200)]
    [InlineData("POST", "ops", 403)]
    [InlineData("GET", "ops", 403)]
    [InlineData("DELETE", "ops", 403)]
    [InlineData("POST", "nobody", 403)]
    [InlineData("POST", "support contractors", 403)]
    [InlineData("PUT", "support", 404)]
    [InlineData("HEAD", "support", 404)]
    public async Task The_protocol_is_for_those_who_may_call_a_tool(string method, string groups, int status)
    {
        // Proves who gets the protocol's own messages, the stream and the end of a session, and under which name.
        await using MemoryGateway gateway = new(Policy);
        string[] held = groups.Split(' ');
        string fields = "Mcp-Session-Id: s1\r\n";
        string request = method == "POST"
            ? Requests.Post(gateway, Endpoint, Message("tools/list"), fields, groups: held)
            : Requests.Head(gateway, method, Endpoint, fields, groups: held);
        WireMessage answer = await gateway.Connect().CallAsync(request, hasBody: method != "HEAD");
        Assert.Equal(status, answer.Status);
        Assert.Equal(status == 200 ? ["s1"] : [], gateway.Upstream.Requests.Select(one => one.Field("Mcp-Session-Id")));
        if (status == 404) return;
        JsonElement outcome = (await gateway.CloseAuditAsync()).Last(one =>
            one.GetProperty("type").GetString() == "outcome");
        Assert.Equal("crm:/mcp", outcome.GetProperty("function").GetString());
    }

    [Theory]
    [InlineData("resources/read", 403)]
    [InlineData("prompts/get", 403)]
    [InlineData("completion/complete", 403)]
    [InlineData("tasks/result", 403)]
    [InlineData("elicitation/create", 403)]
    [InlineData("server/discover", 200)]
    [InlineData("ping", 200)]
    public async Task Other_methods_are_denied(string method, int status)
    {
        // Proves that only what is listed passes, whoever asks.
        await using MemoryGateway gateway = new(Policy);
        WireMessage answer = await gateway.Connect().CallAsync(
            Requests.Post(gateway, Endpoint, Message(method)));
        Assert.Equal(status, answer.Status);
        Assert.Equal(status == 200 ? 1 : 0, gateway.Upstream.Requests.Count);
    }

    [Theory]
    [InlineData("/mcp?x=1", "")]
    [InlineData("/mcp?", "")]
    [InlineData("/mcp", "Content-Encoding: gzip\r\n")]
    [InlineData("/mcp", "Content-Type: application/json\r\n")]
    [InlineData("/mcp", "Mcp-Method: tools/list\r\n")]
    [InlineData("/mcp", "Mcp-Name: delete_user\r\n")]
    [InlineData("/mcp", "Mcp-Name: find_user\r\nMcp-Name: delete_user\r\n")]
    [InlineData("/mcp", "Mcp-Param-Id: 7\r\n")]
    public async Task What_another_reader_could_take_otherwise_is_refused(string target, string fields)
    {
        // Proves that nothing beside the message says what is called.
        await using MemoryGateway gateway = new(Policy);
        string body = Call("find_user", "{\"id\":1}");
        Assert.Equal(400, (await gateway.Connect().CallAsync(Requests.Post(gateway, target, body, fields))).Status);
        string agreeing = "Mcp-Method: tools/call\r\nMcp-Name: find_user\r\n";
        Assert.Equal(
            200, (await gateway.Connect().CallAsync(Requests.Post(gateway, Endpoint, body, agreeing))).Status);
        Assert.Single(gateway.Upstream.Requests);
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/json; charset=utf-16")]
    [InlineData("application/x-ndjson")]
    public async Task A_message_says_that_it_is_json(string type)
    {
        // Proves that a message under another type is refused: the function could go by the type.
        await using MemoryGateway gateway = new(Policy);
        string body = Call("find_user", "{}");
        string head = Requests.Head(
            gateway, "POST", Endpoint, $"Content-Type: {type}\r\nContent-Length: {body.Length}\r\n");
        Assert.Equal(400, (await gateway.Connect().CallAsync(head + body)).Status);
        Assert.Empty(gateway.Upstream.Requests);
    }

    [Fact]
    public async Task Answers_are_masked_where_the_tools_are()
    {
        // Proves that JSON inside the text of an answer is masked, of a tool under a mask and on the stream that may
        // bring any tool's answer, and not of another tool.
        await using MemoryGateway gateway = new(Policy);
        const string Answer = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[{\"type\":\"text\",\"text\":"
            + "\"{\\\"ssn\\\":\\\"078-05-1120\\\"}\"}],\"structuredContent\":{\"ssn\":\"078-05-1120\"}}}";
        gateway.Upstream.Reply = _ => ScriptedUpstream.Json(Answer);
        MemoryClient client = gateway.Connect();
        WireMessage masked = await client.CallAsync(Requests.Post(gateway, Endpoint, Call("find_user", "{}")));
        Assert.Equal(("2", false), (masked.Field("Countersign-Masked"), masked.Text.Contains("078", Ordinal)));
        WireMessage plain = await client.CallAsync(
            Requests.Post(gateway, Endpoint, Call("merge_users", "{\"keep\":1}")));
        Assert.Equal(Answer, plain.Text);
        gateway.Upstream.Reply = _ => "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: "
            + $"{Answer.Length + 8}\r\n\r\ndata: {Answer}\n\n";
        WireMessage stream = await client.CallAsync(Requests.Get(gateway, Endpoint));
        Assert.Equal((200, false), (stream.Status, stream.Text.Contains("078", Ordinal)));
    }

    [Fact]
    public async Task The_audit_says_which_tool()
    {
        // Proves that a record of a pattern's function names the tool.
        await using MemoryGateway gateway = new(Policy);
        await gateway.Connect().CallAsync(Requests.Post(gateway, Endpoint, Call("delete_team", "{}")));
        JsonElement outcome = (await gateway.CloseAuditAsync()).Last(one =>
            one.GetProperty("type").GetString() == "outcome");
        Assert.Equal("/mcp#delete_team", outcome.GetProperty("target").GetString());
        Assert.Equal("crm.delete", outcome.GetProperty("function").GetString());
    }

    [Fact]
    public async Task The_audit_keeps_the_arguments_under_their_own_masks()
    {
        // Proves that what is kept of a call is what approvers see: the arguments, in which a mask's path begins, and
        // nothing of the message around them.
        string policy = Policy.Replace("[crm.find], fields: [ssn]", "[crm.find], fields: [$.ssn]", Ordinal);
        await using MemoryGateway gateway = new(policy, auditTerms: new AuditTerms { Copies = AuditScope.All });
        string body = Call(
            "find_user", "{\"id\":1,\"ssn\":\"078-05-1120\"}", meta: ",\"_meta\":{\"t\":\"078-05-1120\"}");
        Assert.Equal(200, (await gateway.Connect().CallAsync(Requests.Post(gateway, Endpoint, body))).Status);
        JsonElement outcome = (await gateway.CloseAuditAsync()).Last(one =>
            one.GetProperty("type").GetString() == "outcome");
        Assert.StartsWith("{\"id\":1,\"ssn\":\"***\"}", outcome.GetProperty("request_copy").GetString(), Ordinal);
        Assert.DoesNotContain("078-05-1120", outcome.ToString(), Ordinal);
    }

    [Fact]
    public async Task A_chunked_message_is_read_at_every_split()
    {
        // Proves that how a message comes in pieces does not change what it calls.
        await using MemoryGateway gateway = new(Policy);
        string body = Call("find_user", "{\"id\":1}");
        string head = Requests.Head(
            gateway, "POST", Endpoint, "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n");
        MemoryClient client = gateway.Connect();
        for (int split = 1; split < body.Length; split++)
        {
            await client.SendAsync($"{head}{split:x}\r\n{body[..split]}\r\n");
            await client.SendAsync($"{body.Length - split:x}\r\n{body[split..]}\r\n0\r\n\r\n");
            Assert.Equal(200, (await client.ReadAsync())!.Status);
            Assert.Equal(body, gateway.Upstream.Requests[^1].Text);
        }
    }

    private const StringComparison Ordinal = StringComparison.Ordinal;

    private static string Call(string tool, string arguments, string id = "1", string meta = "") =>
        $"{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"tools/call\",\"params\":{{\"name\":\"{tool}\","
        + $"\"arguments\":{arguments}{meta}}}}}";

    private static string Message(string method) => $"{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"{method}\"}}";

    private static string Member(WireMessage answer, string name) => answer.Json.GetProperty(name).GetString()!;
}
