using Countersign.Kit;
using Countersign.Policy;
using Countersign.Policy.Approvals;

namespace Countersign.DataPlane.Tests.Calls;

/// <summary>Calls that other people must countersign, from the pause to the one use.</summary>
public sealed class ApprovalCallTests
{
    private const string Refund = "/billing/7/refunds";

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_approved_call_is_made_once(bool namesIt)
    {
        // Proves the whole way: 428, approval, one 200 with or without the header, and 409 when it is named again.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        string id = await PauseAsync(gateway, client);
        Assert.Empty(gateway.Upstream.Requests);
        await gateway.DecideAsync(id, "fay", "finance-leads");
        string named = $"Countersign-Approval: {id}\r\n";
        string fields = "Idempotency-Key: mine\r\n" + (namesIt ? named : "");
        Assert.Equal(200, (await client.CallAsync(Requests.Post(gateway, Refund, "{\"amount\":5}", fields))).Status);
        WireMessage seen = Assert.Single(gateway.Upstream.Requests);
        Assert.Equal(id, seen.Field("Idempotency-Key"));
        Assert.Equal("{\"amount\":5}", seen.Text);
        Assert.Equal(ApprovalState.Executed, (await gateway.Store.FindAsync(id)).Value!.State);
        WireMessage again = await client.CallAsync(Requests.Post(gateway, Refund, "{\"amount\":5}", named));
        Assert.Equal(409, again.Status);
        Assert.Equal("urn:countersign:approval-used", again.Json.GetProperty("type").GetString());
        Assert.Equal(id, again.Json.GetProperty("approval").GetString());
        Assert.Single(gateway.Upstream.Requests);
    }

    [Fact]
    public async Task A_pause_says_what_to_do()
    {
        // Proves the members and fields of 428, and that the same call joins the same approval.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        WireMessage answer = await client.CallAsync(Requests.Post(gateway, Refund, "{}"));
        Assert.Equal(428, answer.Status);
        Assert.Equal("urn:countersign:approval-required", answer.Json.GetProperty("type").GetString());
        string id = answer.Json.GetProperty("approval").GetString()!;
        Assert.Equal("/.countersign/approvals/" + id, answer.Field("Location"));
        Assert.Equal("5", answer.Field("Retry-After"));
        Assert.Equal(MemoryGateway.PublicUrl + "/.countersign/approvals/" + id, answer.Json.GetProperty("status_url")
            .GetString());
        Assert.Equal("2026-03-01T12:15:00Z", DateTimeOffset.Parse(
            answer.Json.GetProperty("expires_at").GetString()!, null).ToString("yyyy-MM-ddTHH:mm:ssZ", null));
        Assert.Matches("^sha256:[0-9a-f]{64}$", answer.Json.GetProperty("digest").GetString()!);
        Assert.Equal(id, await PauseAsync(gateway, client, "{}"));
        Assert.NotEqual(id, await PauseAsync(gateway, client, "{ }"));
    }

    [Theory]
    [InlineData(Refund, "Countersign-Approval: {id}\r\nCountersign-Approval: {other}\r\n")]
    [InlineData(Refund, "countersign-approval: {id}\r\nCountersign-Approval: {id}\r\n")]
    [InlineData("/raw/1", "Countersign-Approval: {id}\r\nCountersign-Approval: {other}\r\n")]
    [InlineData("/raw/1", "Idempotency-Key: a\r\nIdempotency-Key: a\r\n")]
    [InlineData("/raw/1", "Countersign-Reason: a\r\nCountersign-Reason: b\r\n")]
    public async Task What_has_one_value_is_sent_once(string target, string fields)
    {
        // Proves that the second of two is never passed over, on calls that pause and on those that do not; the answer
        // says which fields these are, the audit too, and nothing is used.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        string id = await PauseAsync(gateway, client);
        await gateway.DecideAsync(id, "fay", "finance-leads");
        fields = fields.Replace("{id}", id, StringComparison.Ordinal)
            .Replace("{other}", Guid.NewGuid().ToString(), StringComparison.Ordinal);
        WireMessage answer = await client.CallAsync(Requests.Post(gateway, target, "{\"amount\":5}", fields));
        Assert.Equal((400, "urn:countersign:malformed-request"),
            (answer.Status, answer.Json.GetProperty("type").GetString()));
        string name = fields.Split(':')[0];
        Assert.Contains(name, answer.Json.GetProperty("detail").GetString()!, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(ApprovalState.Approved, (await gateway.Store.FindAsync(id)).Value!.State);
        Assert.Empty(gateway.Upstream.Requests);
        Assert.Contains(name, (await gateway.CloseAuditAsync())[^1].GetProperty("detail").GetString()!,
            StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("Countersign-Reason: one\r\ncountersign-reason: two\r\n", 400, "malformed-request")]
    [InlineData("Countersign-Reason: {1001}\r\n", 431, "headers-too-large")]
    [InlineData("Countersign-Reason: {1000}\r\n", 428, "approval-required")]
    public async Task A_reason_is_shown_whole_or_refused(string fields, int status, string problem)
    {
        // Proves that approvers are never shown half of what was said; by two reasons, one too long and the longest.
        await using MemoryGateway gateway = new(Policies.Standard);
        foreach (int length in (int[])[1_000, 1_001])
            fields = fields.Replace($"{{{length}}}", new string('r', length), StringComparison.Ordinal);
        WireMessage answer = await gateway.Connect().CallAsync(Requests.Post(gateway, Refund, "{}", fields));
        Assert.Equal(status, answer.Status);
        Assert.Equal("urn:countersign:" + problem, answer.Json.GetProperty("type").GetString());
        IReadOnlyList<Approval> filed = (await gateway.Store.ListAsync(null, 10, null)).Value!.Items;
        Assert.Equal(status == 428 ? [1_000] : [], filed.Select(one => one.Reason.Length));
        Assert.Empty(gateway.Upstream.Requests);
    }

    [Fact]
    public async Task A_held_call_is_woken_by_its_approval()
    {
        // Proves that a call held by Prefer: wait goes through as soon as the approval is settled, without a retry.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        string id = await ParkAsync(gateway, client, "Prefer: wait=30\r\n");
        await gateway.DecideAsync(id, "fay", "finance-leads");
        Assert.Equal(200, (await client.ReadAsync())!.Status);
    }

    [Fact]
    public async Task A_held_call_that_nobody_decides_is_answered_428()
    {
        // Proves that the hold ends by the clock, and that the approval stays pending.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        string id = await ParkAsync(gateway, client, "Prefer: wait=30\r\n");
        gateway.Advance(TimeSpan.FromSeconds(31));
        Assert.Equal(428, (await client.ReadAsync())!.Status);
        Assert.Equal(ApprovalState.Pending, (await gateway.Store.FindAsync(id)).Value!.State);
    }

    [Fact]
    public async Task A_client_that_leaves_while_parked_leaves_the_approval_pending()
    {
        // Proves that nothing is claimed for a client that is gone, not even when the approval comes.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        string id = await ParkAsync(gateway, client, "Prefer: wait=30\r\n");
        client.Close();
        await client.ServedAsync();
        Assert.Equal(ApprovalState.Pending, (await gateway.Store.FindAsync(id)).Value!.State);
        await gateway.DecideAsync(id, "fay", "finance-leads");
        Assert.Empty(gateway.Upstream.Requests);
        Assert.Equal("client-gone", (await gateway.CloseAuditAsync())[^1].GetProperty("verdict").GetString());
    }

    [Fact]
    public async Task A_denied_call_stays_denied()
    {
        // Proves that one denial ends it with 410 while it is named.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        string id = await PauseAsync(gateway, client);
        await gateway.DecideAsync(id, "fay", "finance-leads", approve: false);
        await RefusedAsync(gateway, client, id, 410, "approval-denied");
    }

    [Fact]
    public async Task An_expired_approval_is_gone()
    {
        // Proves that an approval which was not used in its window is answered 410.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        string id = await PauseAsync(gateway, client);
        await gateway.DecideAsync(id, "fay", "finance-leads");
        gateway.InForce.Heard(gateway.Clock.GetTimestamp());
        gateway.Clock.SetUtcNow(gateway.Clock.GetUtcNow().AddMinutes(6));
        gateway.InForce.Heard(gateway.Clock.GetTimestamp());
        MemoryClient later = gateway.Connect();
        await RefusedAsync(gateway, later, id, 410, "approval-expired");
    }

    [Theory]
    [InlineData("{\"amount\":6}", Refund, "")]
    [InlineData("{\"amount\":5}", "/billing/8/refunds", "")]
    [InlineData("{\"amount\":5}", Refund + "?x=1", "")]
    [InlineData("{\"amount\":5}", Refund, "If-Match: \"2\"\r\n")]
    [InlineData("{\"amount\":5}", Refund, "If-Match:\r\n")]
    public async Task Another_call_cannot_use_the_approval(string body, string target, string fields)
    {
        // Proves that body, path, query and binding headers are all part of what was approved, an empty one too.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        string id = await PauseAsync(gateway, client);
        await gateway.DecideAsync(id, "fay", "finance-leads");
        WireMessage answer = await client.CallAsync(
            Requests.Post(gateway, target, body, $"Countersign-Approval: {id}\r\n{fields}"));
        Assert.Equal(409, answer.Status);
        Assert.Equal("urn:countersign:approval-mismatch", answer.Json.GetProperty("type").GetString());
        Assert.Empty(gateway.Upstream.Requests);
        Assert.Equal(ApprovalState.Approved, (await gateway.Store.FindAsync(id)).Value!.State);
    }

    [Fact]
    public async Task Another_caller_cannot_use_or_see_the_approval()
    {
        // Proves that someone else's approval is answered as if it were not there.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        string id = await PauseAsync(gateway, client);
        await gateway.DecideAsync(id, "fay", "finance-leads");
        WireMessage answer = await client.CallAsync(
            Requests.Post(gateway, Refund, "{\"amount\":5}", $"Countersign-Approval: {id}\r\n", subject: "mallory"));
        Assert.Equal(409, answer.Status);
        Assert.False(answer.Json.TryGetProperty("approval", out _));
        Assert.Equal(404, (await client.CallAsync(
            Requests.Get(gateway, "/.countersign/approvals/" + id, subject: "mallory"))).Status);
        Assert.Empty(gateway.Upstream.Requests);
    }

    [Theory]
    [InlineData("If-Match: \"1\"\r\nIf-Match: \"2\"\r\n")]
    [InlineData("If-Match: \"1\"\r\nConnection: If-Match\r\n")]
    [InlineData("Content-Type: application/json\r\n")]
    [InlineData("Connection: content-type\r\n")]
    public async Task A_field_that_binds_is_there_once_and_passes(string fields)
    {
        // Proves that nothing reaches the upstream, or stays behind, without being what the digest says.
        await using MemoryGateway gateway = new(Policies.Standard);
        WireMessage answer = await gateway.Connect().CallAsync(Requests.Post(gateway, Refund, "{\"amount\":5}",
            fields));
        Assert.Equal(400, answer.Status);
        Assert.Equal("urn:countersign:malformed-request", answer.Json.GetProperty("type").GetString());
    }

    [Fact]
    public async Task Without_the_store_nothing_is_called()
    {
        // Proves that a call which needs an approval is refused with 503 and that nothing reaches the upstream.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Store.IsAway = true;
        MemoryClient client = gateway.Connect();
        WireMessage answer = await client.CallAsync(Requests.Post(gateway, Refund, "{}"));
        Assert.Equal(503, answer.Status);
        Assert.Equal("urn:countersign:store-unavailable", answer.Json.GetProperty("type").GetString());
        Assert.Equal(0, gateway.Upstream.Dials);
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
    }

    [Fact]
    public async Task A_claim_that_nobody_confirms_counts_as_spent()
    {
        // Proves that an unclear answer to the claim refuses the call, without trying again.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        string id = await PauseAsync(gateway, client);
        await gateway.DecideAsync(id, "fay", "finance-leads");
        int claims = 0;
        gateway.Store.OnMove = (_, to) =>
        {
            if (to.State != ApprovalState.Claimed) return null;
            claims++;
            return StoreStatus.Unavailable;
        };
        await RefusedAsync(gateway, client, id, 503, "store-unavailable");
        Assert.Equal(1, claims);
    }

    [Theory]
    [InlineData(true, ApprovalState.Failed)]
    [InlineData(false, ApprovalState.Unknown)]
    public async Task A_claimed_call_that_fails_says_how(bool isAway, ApprovalState expected)
    {
        // Proves that what never left is failed, and that what may have arrived is unknown.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        string id = await PauseAsync(gateway, client);
        await gateway.DecideAsync(id, "fay", "finance-leads");
        gateway.Upstream.IsAway = isAway;
        gateway.Upstream.Reply = _ => null;
        Assert.Equal(502, (await client.CallAsync(Requests.Post(gateway, Refund, "{\"amount\":5}"))).Status);
        Assert.Equal(expected, (await gateway.Store.FindAsync(id)).Value!.State);
    }

    [Fact]
    public async Task The_requester_sees_and_cancels()
    {
        // Proves the status and cancel paths for the caller who asked.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        string id = await PauseAsync(gateway, client);
        string path = "/.countersign/approvals/" + id;
        WireMessage status = await client.CallAsync(Requests.Get(gateway, path));
        Assert.Equal(200, status.Status);
        Assert.Equal("pending", status.Json.GetProperty("state").GetString());
        WireMessage cancelled = await client.CallAsync(Requests.Head(gateway, "DELETE", path));
        Assert.Equal("cancelled", cancelled.Json.GetProperty("state").GetString());
        await RefusedAsync(gateway, client, id, 410, "approval-denied");
    }

    [Fact]
    public async Task Stages_that_changed_void_the_approval()
    {
        // Proves that the claim re-decides: an approval filled under other stages is not used.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        string id = await PauseAsync(gateway, client);
        await gateway.DecideAsync(id, "fay", "finance-leads");
        gateway.Publish(Policies.Standard.Replace(
            "stages: [{ groups: [finance-leads], count: 1 }], decideWithin",
            "stages: [{ groups: [finance-leads], count: 2 }], decideWithin", StringComparison.Ordinal));
        await RefusedAsync(gateway, client, id, 410, "approval-expired");
    }

    [Fact]
    public async Task A_body_that_reads_two_ways_is_not_paused()
    {
        // Proves that duplicate keys are refused before anyone is asked to approve them.
        await using MemoryGateway gateway = new(Policies.Standard);
        WireMessage answer = await gateway.Connect().CallAsync(Requests.Post(gateway, Refund,
            "{\"amount\":5,\"amount\":500}"));
        Assert.Equal(400, answer.Status);
        Assert.Empty((await gateway.Store.ListAsync(null, 10, null)).Value!.Items);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("identity")]
    public async Task An_encoded_body_is_not_paused(string coding)
    {
        // Proves that nobody is asked to approve bytes that mean something else once they are decoded, nor can a coding
        // be added to a call that was approved without one.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        string id = await PauseAsync(gateway, client);
        await gateway.DecideAsync(id, "fay", "finance-leads");
        string fields = $"Countersign-Approval: {id}\r\nContent-Encoding: {coding}\r\n";
        WireMessage answer = await client.CallAsync(Requests.Post(gateway, Refund, "{\"amount\":5}", fields));
        Assert.Equal(400, answer.Status);
        Assert.Empty(gateway.Upstream.Requests);
        Assert.Equal(ApprovalState.Approved, (await gateway.Store.FindAsync(id)).Value!.State);
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/json; charset=utf-16")]
    [InlineData("*/*")]
    public async Task Another_content_type_does_not_hide_a_body_that_reads_two_ways(string type)
    {
        // Proves that whoever asks cannot switch the check off by naming another type.
        await using MemoryGateway gateway = new(Policies.Standard);
        string request = Requests.Post(gateway, Refund, " {\"amount\":5,\"amount\":500}")
            .Replace("application/json", type, StringComparison.Ordinal);
        Assert.Equal(400, (await gateway.Connect().CallAsync(request)).Status);
        Assert.Empty((await gateway.Store.ListAsync(null, 10, null)).Value!.Items);
    }

    [Fact]
    public async Task A_held_call_is_answered_when_the_gateway_drains()
    {
        // Proves that a held call hears of its approval at once instead of being cut at the end of the drain.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        string id = await ParkAsync(gateway, client, "Prefer: wait=60\r\n");
        _ = gateway.Handler.DrainAsync(TimeSpan.FromSeconds(30));
        WireMessage answer = (await client.ReadAsync())!;
        Assert.Equal(428, answer.Status);
        Assert.Equal("close", answer.Field("Connection"));
        Assert.Equal(ApprovalState.Pending, (await gateway.Store.FindAsync(id)).Value!.State);
    }

    private static async Task<string> PauseAsync(MemoryGateway gateway, MemoryClient client,
        string body = "{\"amount\":5}")
    {
        WireMessage answer = await client.CallAsync(Requests.Post(gateway, Refund, body));
        Assert.Equal(428, answer.Status);
        return answer.Json.GetProperty("approval").GetString()!;
    }

    private static async Task<string> ParkAsync(MemoryGateway gateway, MemoryClient client, string fields)
    {
        TaskCompletionSource<string> parked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        gateway.Store.OnWatch = id => parked.TrySetResult(id);
        await client.SendAsync(Requests.Post(gateway, Refund, "{\"amount\":5}", fields));
        return await parked.Task;
    }

    private static async Task RefusedAsync(MemoryGateway gateway, MemoryClient client, string id, int status,
        string name)
    {
        WireMessage answer = await client.CallAsync(
            Requests.Post(gateway, Refund, "{\"amount\":5}", $"Countersign-Approval: {id}\r\n"));
        Assert.Equal(status, answer.Status);
        Assert.Equal("urn:countersign:" + name, answer.Json.GetProperty("type").GetString());
        Assert.Empty(gateway.Upstream.Requests);
    }
}
