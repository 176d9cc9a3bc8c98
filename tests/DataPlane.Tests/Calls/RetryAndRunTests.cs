using System.Text;
using Countersign.DataPlane.Calls;
using Countersign.Identity.Inbound;
using Countersign.Kit;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Countersign.Policy.Revocations;

namespace Countersign.DataPlane.Tests.Calls;

/// <summary>Callers who come back: by their own key, or for a call that was made without them.</summary>
public sealed class RetryAndRunTests
{
    private const string Refund = "/billing/7/refunds";
    private const string Body = "{\"amount\":5}";
    private const string Key = "Idempotency-Key: \"k-1\"\r\n";
    private const string Async = "Prefer: respond-async\r\n";

    [Fact]
    public async Task A_retry_by_key_gets_the_first_ones_answer()
    {
        // Proves one approval and one outcome for a key: status, fields and body again, the function called once.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Reply = _ =>
            "HTTP/1.1 201 Created\r\nX-Made: yes\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nmade";
        MemoryClient client = gateway.Connect();
        string id = await AskAsync(gateway, client, Key, 428);
        Assert.Equal(id, await AskAsync(gateway, client, Key, 428));
        await gateway.DecideAsync(id, "fay", "finance-leads");
        WireMessage first = await CallAsync(gateway, client, Key);
        WireMessage again = await CallAsync(gateway, gateway.Connect(), Key);
        Assert.Equal((201, "made", "yes"), (first.Status, first.Text, first.Field("X-Made")));
        Assert.Equal((201, "made", "yes"), (again.Status, again.Text, again.Field("X-Made")));
        Assert.Null(first.Field("Countersign-Replayed"));
        Assert.Equal(first.Field("Countersign-Call"), again.Field("Countersign-Replayed"));
        Assert.NotEqual(first.Field("Countersign-Call"), again.Field("Countersign-Call"));
        Assert.Equal(id, Assert.Single(gateway.Upstream.Requests).Field("Idempotency-Key"));

        // Another call under the key, and the same call without it, are other calls.
        WireMessage other = await client.CallAsync(Requests.Post(gateway, Refund, "{\"amount\":6}", Key));
        Assert.Equal(409, other.Status);
        Assert.Equal("urn:countersign:approval-mismatch", other.Json.GetProperty("type").GetString());
        Assert.NotEqual(id, await AskAsync(gateway, client, "", 428));
        WireMessage stranger = await client.CallAsync(Requests.Post(gateway, Refund, Body, Key, subject: "mallory"));
        Assert.Equal(428, stranger.Status);
        Assert.Single(gateway.Upstream.Requests);
    }

    [Fact]
    public async Task A_key_that_was_denied_stays_denied()
    {
        // Proves that a denial is the outcome of a key as anything else, and that another key asks anew.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        string id = await AskAsync(gateway, client, Key, 428);
        await gateway.DecideAsync(id, "fay", "finance-leads", approve: false);
        Assert.Equal(410, (await CallAsync(gateway, client, Key)).Status);
        Assert.NotEqual(id, await AskAsync(gateway, client, "Idempotency-Key: \"k-2\"\r\n", 428));
    }

    [Fact]
    public async Task An_answer_too_large_to_keep_is_not_made_again()
    {
        // Proves the bound, by an answer beyond it: the retry is refused, and the function is not called twice.
        await using MemoryGateway gateway = new(Policies.Standard);
        string large = new('x', Limits.OutcomeBytesMax + 1);
        gateway.Upstream.Reply = _ => $"HTTP/1.1 200 OK\r\nContent-Length: {large.Length}\r\n\r\n{large}";
        MemoryClient client = gateway.Connect();
        string id = await AskAsync(gateway, client, Key, 428);
        await gateway.DecideAsync(id, "fay", "finance-leads");
        Assert.Equal(large.Length, (await CallAsync(gateway, client, Key)).Text.Length);
        WireMessage again = await CallAsync(gateway, gateway.Connect(), Key);
        Assert.Equal(409, again.Status);
        Assert.Single(gateway.Upstream.Requests);
    }

    [Theory]
    [InlineData("Idempotency-Key: a\r\nIdempotency-Key: b\r\n")]
    [InlineData("Idempotency-Key: \r\n")]
    public async Task A_key_that_reads_two_ways_is_refused(string fields)
    {
        // Proves that a retry cannot be taken for another one.
        await using MemoryGateway gateway = new(Policies.Standard);
        Assert.Equal(400, (await CallAsync(gateway, gateway.Connect(), fields)).Status);
    }

    [Fact]
    public async Task A_call_is_made_without_its_caller()
    {
        // Proves respond-async to its end: 202, made once when approved, what came of it told once to who asked.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Reply = _ => ScriptedUpstream.Json("{\"done\":true}", "X-Made: yes\r\n");
        MemoryClient client = gateway.Connect();
        WireMessage accepted = await CallAsync(gateway, client, Async + "Countersign-Reason: month end\r\n");
        Assert.Equal(202, accepted.Status);
        Assert.Equal("respond-async", accepted.Field("Preference-Applied"));
        string id = accepted.Json.GetProperty("approval").GetString()!;
        string path = "/.countersign/approvals/" + id;
        Assert.Equal(path, accepted.Field("Location"));
        Assert.Equal("pending", accepted.Json.GetProperty("state").GetString());
        client.Close();
        await gateway.DecideAsync(id, "fay", "finance-leads");
        MemoryClient later = gateway.Connect();
        await UntilAsync(gateway, id, one => one.HasOutcome);
        WireMessage made = Assert.Single(gateway.Upstream.Requests);
        Assert.Equal((Body, id), (made.Text, made.Field("Idempotency-Key")));
        Assert.Null(made.Field("Prefer"));
        string minimal = Requests.Get(gateway, path, "Prefer: return=minimal\r\n");
        Assert.True((await later.CallAsync(minimal)).Json.GetProperty("outcome_waits").GetBoolean());
        WireMessage told = await later.CallAsync(Requests.Get(gateway, path));
        Assert.Equal("executed", told.Json.GetProperty("state").GetString());
        System.Text.Json.JsonElement outcome = told.Json.GetProperty("outcome");
        Assert.Equal(200, outcome.GetProperty("status").GetInt32());
        Assert.True(outcome.GetProperty("body").GetProperty("done").GetBoolean());
        Assert.Contains("[\"X-Made\",\"yes\"]", outcome.GetProperty("headers").GetRawText());
        Assert.False((await later.CallAsync(Requests.Get(gateway, path))).Json.TryGetProperty("outcome", out _));
        Assert.Equal(404, (await later.CallAsync(Requests.Get(gateway, path + "/outcome"))).Status);
        Assert.Single(gateway.Upstream.Requests);
    }

    [Fact]
    public async Task An_outcome_is_given_as_the_function_gave_it()
    {
        // Proves the other way to fetch it, for who asked alone, once.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Reply = _ =>
            "HTTP/1.1 201 Created\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "4\r\nmade\r\n0\r\n\r\n";
        MemoryClient client = gateway.Connect();
        string id = await AskAsync(gateway, client, Async, 202);
        string path = $"/.countersign/approvals/{id}/outcome";
        Assert.Equal(404, (await client.CallAsync(Requests.Get(gateway, path))).Status);
        await gateway.DecideAsync(id, "fay", "finance-leads");
        await UntilAsync(gateway, id, one => one.HasOutcome);
        Assert.Equal(404, (await client.CallAsync(Requests.Get(gateway, path, subject: "mallory"))).Status);
        WireMessage given = await client.CallAsync(Requests.Get(gateway, path));
        Assert.Equal((201, "made", "text/plain"), (given.Status, given.Text, given.Field("Content-Type")));
        Assert.Equal(404, (await client.CallAsync(Requests.Get(gateway, path))).Status);
    }

    [Fact]
    public async Task A_run_that_policy_refuses_by_then_is_void()
    {
        // Proves that it is decided again: under a policy without the rule nothing is called and the approval is void.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        string id = await AskAsync(gateway, client, Async, 202);
        gateway.Publish(Policies.Standard.Replace(
            "functions: [billing.refund]\n", "functions: [billing.held]\n", StringComparison.Ordinal));
        await gateway.DecideAsync(id, "fay", "finance-leads");
        await UntilAsync(gateway, id, one => one.State == ApprovalState.Expired);
        Assert.Empty(gateway.Upstream.Requests);
    }

    [Theory]
    [InlineData("token")]
    [InlineData("subject")]
    public async Task A_run_whose_caller_was_revoked_is_void(string how)
    {
        // Proves that who asked is looked for among the revoked when it is approved, though their token is long gone:
        // by the token's hash and by the subject. Nothing is called, and a call that another asked for is made.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        string request = Requests.Post(gateway, "/billing/7/refunds", Body, Async);
        WireMessage asked = await client.CallAsync(request);
        string id = asked.Json.GetProperty("approval").GetString()!;
        string token = request.Split("Bearer ")[1].Split('\r')[0];
        DateTimeOffset now = gateway.Time.GetUtcNow();
        Revocation revoked = how == "token"
            ? new(RevocationKind.Token, "", GatewayTokens.HashOf(Encoding.ASCII.GetBytes(token)), now, now.AddHours(1),
                "", "")
            : new(RevocationKind.Subject, TestIssuer.Issuer, "ann", now, now.AddHours(1), "", "");
        gateway.Callers.Revoke(new RevocationIndex(new RevocationListing(1, [revoked])));
        await gateway.DecideAsync(id, "fay", "finance-leads");
        await UntilAsync(gateway, id, one => one.State == ApprovalState.Expired);
        Assert.Empty(gateway.Upstream.Requests);
        WireMessage others = await client.CallAsync(
            Requests.Post(gateway, "/billing/8/refunds", Body, Async, subject: "bob"));
        string other = others.Json.GetProperty("approval").GetString()!;
        await gateway.DecideAsync(other, "fay", "finance-leads");
        await UntilAsync(gateway, other, one => one.HasOutcome);
        Assert.Single(gateway.Upstream.Requests);
    }

    [Fact]
    public async Task A_run_that_fails_says_so()
    {
        // Proves that a failure is an outcome too, and that it is not tried again.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Reply = _ => null;
        MemoryClient client = gateway.Connect();
        string id = await AskAsync(gateway, client, Async, 202);
        await gateway.DecideAsync(id, "fay", "finance-leads");
        await UntilAsync(gateway, id, one => one.HasOutcome);
        WireMessage told = await client.CallAsync(Requests.Get(gateway, "/.countersign/approvals/" + id));
        Assert.Equal("unknown", told.Json.GetProperty("state").GetString());
        Assert.Equal(502, told.Json.GetProperty("outcome").GetProperty("status").GetInt32());
        Assert.Single(gateway.Upstream.Requests);
    }

    [Fact]
    public async Task Stopping_waits_for_what_runs_and_for_nothing_else()
    {
        // Proves that the end of the last run ends the wait, by a clock that stands still.
        TaskCompletionSource answer = new();
        MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Script = async session =>
        {
            gateway.Upstream.Note((await session.ReadAsync())!);
            await answer.Task;
            await session.WriteAsync(ScriptedUpstream.Json("{}"));
        };
        string id = await AskAsync(gateway, gateway.Connect(), Async, 202);
        await gateway.DecideAsync(id, "fay", "finance-leads");
        await UntilAsync(gateway, id, one => one.State == ApprovalState.Claimed);
        while (gateway.Upstream.Requests.Count == 0) await Task.Yield();
        Task stopping = gateway.DisposeAsync().AsTask();
        Assert.False(stopping.IsCompleted);
        answer.SetResult();
        await stopping;
        Assert.True((await gateway.Store.FindAsync(id)).Value!.HasOutcome);
    }

    [Fact]
    public async Task A_group_that_an_approver_lost_voids_the_approval()
    {
        // Proves the check at the claim, by a newer token that the approver showed since.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        string id = await AskAsync(gateway, client, "", 428);
        await gateway.DecideAsync(id, "fay", "finance-leads");
        await gateway.Store.NoteAsync(new(TestIssuer.Issuer, "fay", CallerKind.Human, ["others"], ["fay"]));
        WireMessage refused = await CallAsync(gateway, client, "");
        Assert.Equal(410, refused.Status);
        Assert.Equal("urn:countersign:approval-expired", refused.Json.GetProperty("type").GetString());
        Assert.Equal(ApprovalState.Expired, (await gateway.Store.FindAsync(id)).Value!.State);
        Assert.Empty(gateway.Upstream.Requests);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_claim_in_doubt_ends_as_unknown(bool wasTaken)
    {
        // Proves that an unclear claim is spent whether the store took it or not, once the store is back.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        string id = await AskAsync(gateway, client, "", 428);
        await gateway.DecideAsync(id, "fay", "finance-leads");
        bool isAway = true;
        Approval approved = (await gateway.Store.FindAsync(id)).Value!;
        gateway.Store.BeforeMove = async to =>
        {
            if (isAway && wasTaken && to.State == ApprovalState.Claimed)
                await gateway.Store.Inner.MoveAsync(approved, to);
        };
        gateway.Store.OnMove = (_, to) =>
            isAway && to.State == ApprovalState.Claimed ? StoreStatus.Unavailable : null;
        Assert.Equal(503, (await CallAsync(gateway, client, "")).Status);
        Assert.Equal(1, gateway.Settlements.Open);
        isAway = false;
        await UntilAsync(gateway, id, one => one.State == ApprovalState.Unknown);
        Assert.Equal(409, (await CallAsync(gateway, client, $"Countersign-Approval: {id}\r\n")).Status);
        Assert.Empty(gateway.Upstream.Requests);
        Assert.Equal(0, gateway.Settlements.Open);
    }

    [Fact]
    public async Task An_outcome_that_the_store_did_not_take_is_told_again()
    {
        // Proves that a made call's state is made good in the background, and the call not made again.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        string id = await AskAsync(gateway, client, "", 428);
        await gateway.DecideAsync(id, "fay", "finance-leads");
        bool isAway = true;
        gateway.Store.OnMove = (_, to) =>
            isAway && to.State == ApprovalState.Executed ? StoreStatus.Unavailable : null;
        Assert.Equal(200, (await CallAsync(gateway, client, "")).Status);
        Assert.Equal(ApprovalState.Claimed, (await gateway.Store.FindAsync(id)).Value!.State);
        isAway = false;
        await UntilAsync(gateway, id, one => one.State == ApprovalState.Executed);
        Assert.Single(gateway.Upstream.Requests);
    }

    private static Task<WireMessage> CallAsync(MemoryGateway gateway, MemoryClient client, string fields) =>
        client.CallAsync(Requests.Post(gateway, Refund, Body, fields));

    private static async Task<string> AskAsync(MemoryGateway gateway, MemoryClient client, string fields, int status)
    {
        WireMessage answer = await CallAsync(gateway, client, fields);
        Assert.Equal(status, answer.Status);
        return answer.Json.GetProperty("approval").GetString()!;
    }

    // The clock is the test's: it moves until the background has begun its part, and no call's time runs out meanwhile.
    internal static async Task UntilAsync(MemoryGateway gateway, string id, Predicate<Approval> isSo)
    {
        CancellationToken patience = TestContext.Current.CancellationToken;
        for (int turn = 0; turn < 6_000; turn++)
        {
            if (isSo((await gateway.Store.FindAsync(id)).Value!)) return;
            bool isMaking = gateway.Admission.Gateway.InFlight > 0;
            if (!isMaking) gateway.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Delay(5, patience);
        }

        Assert.Fail("it did not come to that");
    }
}
