using Countersign.Kit;
using Countersign.Policy.Approvals;

namespace Countersign.DataPlane.Tests.Calls;

/// <summary>What an <c>Idempotency-Key</c> stands for: named, fetched, or another agent's.</summary>
public sealed class RetryKeyTests
{
    private const string Refund = "/billing/7/refunds";
    private const string Body = "{\"amount\":5}";
    private const string Async = "Prefer: respond-async\r\n";
    private const string Made = "{\"done\":true}";

    [Theory]
    [InlineData("")]
    [InlineData("Idempotency-Key: first\r\n")]
    public async Task A_fresh_key_beside_a_used_approval_gets_nobodys_answer(string first)
    {
        // Proves that a used approval is used, whatever key comes with its name, and that the key stands for nothing
        // then; by one that was used with a key of its own and one that was used without.
        await using MemoryGateway gateway = NewGateway();
        MemoryClient client = gateway.Connect();
        string id = await ApprovedAsync(gateway, client, first);
        Assert.Equal(200, (await CallAsync(gateway, client, first)).Status);
        string fresh = "Idempotency-Key: fresh\r\n";
        foreach (string prefer in (string[])["", Async, "Prefer: wait=30\r\n"])
        {
            WireMessage refused = await CallAsync(gateway, client, Names(id) + fresh + prefer);
            Assert.Equal((409, "urn:countersign:approval-used"), (refused.Status, TypeOf(refused)));
        }

        Assert.NotEqual(id, await AskAsync(gateway, client, fresh, 428));
        if (first.Length > 0) Assert.NotNull((await CallAsync(gateway, client, first)).Field("Countersign-Replayed"));
        Assert.Single(gateway.Upstream.Requests);
    }

    [Theory]
    [InlineData("")]
    [InlineData(Async)]
    public async Task What_was_made_without_its_caller_is_fetched_once_whatever_key_comes(string prefer)
    {
        // Proves that a fresh key beside the approval of such a call gives no second copy, before and after it is
        // fetched.
        await using MemoryGateway gateway = NewGateway();
        MemoryClient client = gateway.Connect();
        string id = await MadeAsync(gateway, client, Async);
        string fields = Names(id) + "Idempotency-Key: fresh\r\n" + prefer;
        Assert.Equal(409, (await CallAsync(gateway, client, fields)).Status);
        Assert.Equal(Made, (await FetchAsync(gateway, client, id)).Text);
        Assert.Equal(409, (await CallAsync(gateway, client, fields)).Status);
        Assert.Equal(404, (await FetchAsync(gateway, client, id)).Status);
        Assert.Equal(409, (await CallAsync(gateway, client, Names(id) + prefer)).Status);
        Assert.Single(gateway.Upstream.Requests);
    }

    [Fact]
    public async Task A_key_that_comes_with_the_use_stands_for_it()
    {
        // Proves that a caller who adds a key when they use an approval gets its answer again by it: with the name and
        // without; and that the key is for that call alone.
        await using MemoryGateway gateway = NewGateway();
        MemoryClient client = gateway.Connect();
        string id = await ApprovedAsync(gateway, client, "");
        string key = "Idempotency-Key: late\r\n";
        WireMessage made = await CallAsync(gateway, client, Names(id) + key);
        Assert.Equal((200, Made), (made.Status, made.Text));
        foreach (string fields in (string[])[Names(id) + key, key])
        {
            WireMessage again = await CallAsync(gateway, gateway.Connect(), fields);
            Assert.Equal((200, Made), (again.Status, again.Text));
            Assert.Equal(made.Field("Countersign-Call"), again.Field("Countersign-Replayed"));
        }

        Assert.Equal(409, (await CallAsync(gateway, client, Names(id))).Status);
        Assert.Single(gateway.Upstream.Requests);
    }

    [Fact]
    public async Task A_key_and_a_name_that_disagree_are_refused()
    {
        // Proves that a key which stands for one approval uses no other, not even of an identical call.
        await using MemoryGateway gateway = NewGateway();
        MemoryClient client = gateway.Connect();
        string key = "Idempotency-Key: one\r\n";
        await ApprovedAsync(gateway, client, key);
        Assert.Equal(200, (await CallAsync(gateway, client, key)).Status);
        string second = await ApprovedAsync(gateway, client, "");
        WireMessage refused = await CallAsync(gateway, client, Names(second) + key);
        Assert.Equal((409, "urn:countersign:approval-mismatch"), (refused.Status, TypeOf(refused)));
        Assert.Equal(ApprovalState.Approved, (await gateway.Store.FindAsync(second)).Value!.State);
        Assert.Single(gateway.Upstream.Requests);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/outcome")]
    public async Task Fetching_an_outcome_does_not_end_its_key(string suffix)
    {
        // Proves both promises at once: the status URL gives it once, the key gives it to every retry, whether or not
        // it was fetched; and that a status read waits for nothing more.
        await using MemoryGateway gateway = NewGateway();
        MemoryClient client = gateway.Connect();
        string key = "Idempotency-Key: both\r\n";
        string id = await MadeAsync(gateway, client, Async + key);
        Assert.Equal(Made, (await CallAsync(gateway, client, key)).Text);
        string path = "/.countersign/approvals/" + id;
        WireMessage fetched = await client.CallAsync(Requests.Get(gateway, path + suffix));
        Assert.Contains(Made, fetched.Text, StringComparison.Ordinal);
        Assert.Equal(404, (await FetchAsync(gateway, client, id)).Status);
        WireMessage status = await client.CallAsync(Requests.Get(gateway, path, "Prefer: wait=30\r\n"));
        Assert.Equal("executed", status.Json.GetProperty("state").GetString());
        Assert.False(status.Json.TryGetProperty("outcome", out _));
        Assert.False(status.Json.TryGetProperty("outcome_waits", out _));
        foreach (string fields in (string[])[key, key + Async, key + Names(id)])
        {
            WireMessage again = await CallAsync(gateway, client, fields);
            Assert.Equal((200, Made), (again.Status, again.Text));
            Assert.NotNull(again.Field("Countersign-Replayed"));
        }

        Assert.Single(gateway.Upstream.Requests);
    }

    [Fact]
    public async Task Agents_of_one_person_have_keys_of_their_own()
    {
        // Proves that one key is three for two agents and the person whose tokens they hold: three approvals, three
        // calls, and nobody gets another's answer; other calls too, which the same key of one caller would refuse.
        await using MemoryGateway gateway = NewGateway();
        int count = 0;
        gateway.Upstream.Reply = _ => ScriptedUpstream.Json($"{{\"made\":{Interlocked.Increment(ref count)}}}");
        MemoryClient client = gateway.Connect();
        string?[] hands = ["agent-1", "agent-2", null];
        Dictionary<string, string> answers = [];
        for (int turn = 0; turn < hands.Length; turn++)
        {
            string request = Post(gateway, hands[turn], turn == 2 ? "{\"amount\":6}" : Body);
            WireMessage asked = await client.CallAsync(request);
            Assert.Equal(428, asked.Status);
            await gateway.DecideAsync(asked.Json.GetProperty("approval").GetString()!, "fay", "finance-leads");
            WireMessage made = await client.CallAsync(request);
            Assert.Equal((200, $"{{\"made\":{turn + 1}}}"), (made.Status, made.Text));
            answers.Add(request, made.Text);
        }

        foreach ((string request, string answer) in answers)
        {
            WireMessage again = await gateway.Connect().CallAsync(request);
            Assert.Equal(answer, again.Text);
            Assert.NotNull(again.Field("Countersign-Replayed"));
        }

        Assert.Equal(3, gateway.Upstream.Requests.Count);
    }

    private static MemoryGateway NewGateway()
    {
        MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Reply = _ => ScriptedUpstream.Json(Made);
        return gateway;
    }

    private static string Post(MemoryGateway gateway, string? agent, string body)
    {
        string token = gateway.Issuer.Token(
            "ann", ["support"], agent is null ? "human" : "agent", agent: agent);
        return $"POST {Refund} HTTP/1.1\r\nHost: gateway.test\r\nAuthorization: Bearer {token}\r\n"
            + $"Idempotency-Key: shared\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n"
            + body;
    }

    private static string Names(string id) => $"Countersign-Approval: {id}\r\n";

    private static string TypeOf(WireMessage answer) => answer.Json.GetProperty("type").GetString()!;

    private static Task<WireMessage> CallAsync(MemoryGateway gateway, MemoryClient client, string fields) =>
        client.CallAsync(Requests.Post(gateway, Refund, Body, fields));

    private static Task<WireMessage> FetchAsync(MemoryGateway gateway, MemoryClient client, string id) =>
        client.CallAsync(Requests.Get(gateway, $"/.countersign/approvals/{id}/outcome"));

    private static async Task<string> AskAsync(MemoryGateway gateway, MemoryClient client, string fields, int status)
    {
        WireMessage answer = await CallAsync(gateway, client, fields);
        Assert.Equal(status, answer.Status);
        return answer.Json.GetProperty("approval").GetString()!;
    }

    private static async Task<string> ApprovedAsync(MemoryGateway gateway, MemoryClient client, string fields)
    {
        string id = await AskAsync(gateway, client, fields, 428);
        await gateway.DecideAsync(id, "fay", "finance-leads");
        return id;
    }

    // Asked, approved and made without its caller.
    private static async Task<string> MadeAsync(MemoryGateway gateway, MemoryClient client, string fields)
    {
        string id = await AskAsync(gateway, client, fields, 202);
        await gateway.DecideAsync(id, "fay", "finance-leads");
        await RetryAndRunTests.UntilAsync(gateway, id, one => one.HasOutcome);
        return id;
    }
}
