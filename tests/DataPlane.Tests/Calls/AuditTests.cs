using System.Security.Cryptography;
using System.Text.Json;
using Countersign.Audit;
using Countersign.Kit;
using Countersign.Policy.Approvals;

namespace Countersign.DataPlane.Tests.Calls;

/// <summary>What the log says of calls, and what happens without it.</summary>
public sealed class AuditTests
{
    [Fact]
    public async Task A_strict_call_is_in_the_log_before_the_upstream_sees_a_byte()
    {
        // Proves intent before effect: when the first byte arrives upstream, the intent can be read from the log's
        // folder.
        await using MemoryGateway gateway = new(Policies.Standard);
        IReadOnlyList<JsonElement> atArrival = [];
        gateway.Upstream.Script = async session =>
        {
            await session.WaitForAsync(1);
            atArrival = gateway.ReadAudit();
            await session.ReadAsync();
            await session.WriteAsync(ScriptedUpstream.Json("{}"));
        };
        WireMessage answer = await gateway.Connect().CallAsync(Requests.Get(gateway, "/strict/1"));
        Assert.Equal(200, answer.Status);
        JsonElement intent = Assert.Single(atArrival);
        Assert.Equal("intent", intent.GetProperty("type").GetString());
        Assert.Equal(answer.Field("Countersign-Call"), intent.GetProperty("call").GetString());
        Assert.Equal("raw.strict", intent.GetProperty("function").GetString());
    }

    [Theory]
    [InlineData("/people/1?access_token=eyJhbGciOi.eyJzdWIi.c2ln", "/people/1?access_token=***")]
    [InlineData("/people/1?q=1&ACCESS_TOKEN=abc&r=2", "/people/1?q=1&ACCESS_TOKEN=***&r=2")]
    [InlineData("/people/1?access%5Ftoken=abc&id_token=def", "/people/1?access%5Ftoken=***&id_token=***")]
    [InlineData("/people/1?client_secret=a=b&assertion=c", "/people/1?client_secret=***&assertion=***")]
    [InlineData("/people/1?access_token=&tokens=3&q=token", "/people/1?access_token=&tokens=3&q=token")]
    [InlineData("/people/1?a&&b=%7E", "/people/1?a&&b=%7E")]
    public async Task A_token_in_a_target_is_not_kept(string target, string kept)
    {
        // Proves that what a client puts into the query as RFC 6750 section 2.3 has it is hidden in every record, of a
        // call that is refused for want of a token and of one that is not, and that nothing else is touched.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Reply = _ => ScriptedUpstream.Json("{}");
        MemoryClient client = gateway.Connect();
        Assert.Equal(401, (await client.CallAsync($"GET {target} HTTP/1.1\r\nHost: h\r\n\r\n")).Status);
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, target))).Status);
        Assert.EndsWith(target, gateway.Upstream.Requests[^1].Line.Split(' ')[1], StringComparison.Ordinal);
        string[] targets = [.. (await gateway.CloseAuditAsync()).Where(one => one.TryGetProperty("target", out _))
            .Select(one => one.GetProperty("target").GetString()!)];
        Assert.True(targets.Length >= 2);
        Assert.All(targets, one => Assert.Equal(kept, one));
    }

    [Fact]
    public async Task Each_call_has_its_outcome()
    {
        // Proves that every call, allowed or not, leaves one outcome with its digest, and that the log verifies.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        gateway.Upstream.Reply = _ => ScriptedUpstream.Json("{\"ssn\":\"123-45-6789\"}");
        WireMessage own = await client.CallAsync(
            "GET /.well-known/oauth-protected-resource HTTP/1.1\r\nHost: h\r\n\r\n");
        WireMessage allowed = await client.CallAsync(Requests.Get(gateway, "/people/1?q=1"));
        WireMessage denied = await client.CallAsync(Requests.Get(gateway, "/people/1", groups: ["none"]));
        WireMessage unknown = await client.CallAsync(Requests.Get(gateway, "/nowhere"));
        WireMessage unsound = await client.CallAsync("GET /a HTTP/1.1\r\n\r\n");
        IReadOnlyList<JsonElement> records = await gateway.CloseAuditAsync();
        Assert.Equal(200, own.Status);
        JsonElement[] outcomes = [.. records.Where(one => one.GetProperty("type").GetString() == "outcome")];
        WireMessage[] answers = [allowed, denied, unknown, unsound];
        Assert.Equal(answers.Select(one => one.Field("Countersign-Call")), outcomes.Select(one
            => one.GetProperty("call").GetString()));
        Assert.Equal(answers.Select(one => one.Status), outcomes.Select(one => one.GetProperty("status").GetInt32()));
        foreach ((WireMessage answer, JsonElement outcome) in answers.Zip(outcomes))
        {
            string digest = "sha256:" + Convert.ToHexStringLower(SHA256.HashData(answer.Body));
            Assert.Equal(digest, outcome.GetProperty("response_digest").GetString());
            Assert.Equal(answer.Body.Length, outcome.GetProperty("response_bytes").GetInt32());
        }

        JsonElement first = outcomes[0];
        Assert.Equal("ok", first.GetProperty("verdict").GetString());
        Assert.Equal("ann", first.GetProperty("caller").GetProperty("sub").GetString());
        Assert.Equal("/people/1?q=1", first.GetProperty("target").GetString());
        Assert.Equal("read", first.GetProperty("rule").GetString());
        Assert.Equal(7, first.GetProperty("policy_version").GetInt32());
        Assert.Equal(1, first.GetProperty("masked").GetInt32());
        Assert.Single(records, one => one.GetProperty("type").GetString() == "intent");
        Assert.DoesNotContain("123-45-6789", string.Concat(records), StringComparison.Ordinal);
        Assert.True(AuditVerifier.Verify(gateway.AuditFolder).IsOk);
    }

    [Fact]
    public async Task A_full_log_refuses_calls()
    {
        // Proves that without room for both records nothing is called, and that room given back is used.
        await using MemoryGateway gateway = new(Policies.Standard, auditRecordsMax: 2);
        Assert.True(gateway.Audit.TryReserve(out AuditReservation slot));
        MemoryClient client = gateway.Connect();
        Assert.Equal(503, (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
        Assert.Equal(0, gateway.Upstream.Dials);
        gateway.Audit.Return(slot);
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
    }

    [Fact]
    public async Task A_log_that_fails_after_the_claim_stops_the_call()
    {
        // Proves that a claimed call whose intent cannot be written is not made, and is settled as failed.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        string request = Requests.Post(gateway, "/billing/7/refunds", "{}");
        string id = (await client.CallAsync(request)).Json.GetProperty("approval").GetString()!;
        await gateway.DecideAsync(id, "fay", "finance-leads");
        gateway.Store.BeforeMove = async to =>
        {
            if (to.State == ApprovalState.Claimed) await gateway.Audit.DisposeAsync();
        };
        WireMessage answer = await client.CallAsync(request);
        Assert.Equal(503, answer.Status);
        Assert.Equal("urn:countersign:audit-unavailable", answer.Json.GetProperty("type").GetString());
        Assert.Equal(0, gateway.Upstream.Dials);
        Assert.Equal(ApprovalState.Failed, (await gateway.Store.FindAsync(id)).Value!.State);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_held_call_keeps_no_room_and_is_refused_where_there_is_none_again()
    {
        // Proves that others have the room while a call is held, that a call which comes back to a full log claims
        // nothing, and that the approval is good once there is room.
        await using MemoryGateway gateway = new(Policies.Standard, auditRecordsMax: 2);
        MemoryClient client = gateway.Connect();
        TaskCompletionSource<string> watched = new(TaskCreationOptions.RunContinuationsAsynchronously);
        gateway.Store.OnWatch = id => watched.TrySetResult(id);
        string request = Requests.Post(gateway, "/billing/7/refunds", "{}", "Prefer: wait=30\r\n");
        await client.SendAsync(request);
        string id = await watched.Task;
        AuditReservation slot;
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        while (!gateway.Audit.TryReserve(out slot)) await Task.Delay(1, cancellation);
        await gateway.DecideAsync(id, "fay", "finance-leads");
        WireMessage answer = (await client.ReadAsync())!;
        Assert.Equal(503, answer.Status);
        Assert.Equal("urn:countersign:audit-unavailable", answer.Json.GetProperty("type").GetString());
        Assert.Equal(0, gateway.Upstream.Dials);
        Assert.Equal(ApprovalState.Approved, (await gateway.Store.FindAsync(id)).Value!.State);
        gateway.Audit.Return(slot);
        Assert.Equal(200, (await gateway.Connect().CallAsync(request)).Status);
    }

    [Fact]
    public async Task A_log_that_fails_while_a_call_is_held_leaves_its_approval_unclaimed()
    {
        // Proves that a call which was let in before the hold claims nothing once the log takes nothing: 503, and the
        // approval can be used when it does.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        TaskCompletionSource<string> parked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        gateway.Store.OnWatch = id => parked.TrySetResult(id);
        await client.SendAsync(Requests.Post(gateway, "/billing/7/refunds", "{}", "Prefer: wait=30\r\n"));
        string id = await parked.Task;
        await gateway.Audit.DisposeAsync();
        await gateway.DecideAsync(id, "fay", "finance-leads");
        WireMessage answer = (await client.ReadAsync())!;
        Assert.Equal(503, answer.Status);
        Assert.Equal("urn:countersign:audit-unavailable", answer.Json.GetProperty("type").GetString());
        Assert.Equal(0, gateway.Upstream.Dials);
        Assert.Equal(ApprovalState.Approved, (await gateway.Store.FindAsync(id)).Value!.State);
    }
}
