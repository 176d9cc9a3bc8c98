using Countersign.Kit;
using Countersign.Policy.Approvals;

namespace Countersign.DataPlane.Tests.Calls;

/// <summary>Approvals that the policy then in force would not ask for any more.</summary>
public sealed class VoidedApprovalTests
{
    private const string Refund = "/billing/7/refunds";
    private const string Rule = "functions: [billing.refund]\n    effect: approve\n"
        + "    approval: { stages: [{ groups: [finance-leads], count: 1 }], decideWithin: 15m, useWithin: 5m }";

    [Theory]
    [InlineData("functions: [billing.held]\n    effect: deny", 410)]
    [InlineData("functions: [billing.refund]\n    effect: deny", 410)]
    [InlineData("functions: [billing.refund]\n    effect: allow", 200)]
    public async Task What_policy_asks_for_no_more_is_void(string rule, int status)
    {
        // Proves that an approval does not outlast its rule, refused or allowed since, and does not come back with it.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        string id = await AskApprovedAsync(gateway, client);
        gateway.Publish(Replaced(rule));
        Assert.Equal(status, (await CallAsync(gateway, client, id)).Status);
        Assert.Equal(ApprovalState.Expired, (await gateway.Store.FindAsync(id)).Value!.State);
        gateway.Publish(Policies.Standard);
        WireMessage again = await CallAsync(gateway, client, id);
        Assert.Equal(410, again.Status);
        Assert.Equal("urn:countersign:approval-expired", again.Json.GetProperty("type").GetString());
        Assert.Equal(status == 200 ? 1 : 0, gateway.Upstream.Requests.Count);
    }

    [Theory]
    [InlineData("functions: [billing.refund]\n    effect: deny", "denies this call.")]
    [InlineData("functions: [billing.held]\n    effect: deny", "No rule allows this caller to call this function.")]
    public async Task What_refuses_an_approved_call_is_named(string rule, string why)
    {
        // Proves that who is told that an approval is void is told what policy says of the call now.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        string id = await AskApprovedAsync(gateway, client);
        gateway.Publish(Replaced(rule));
        string detail = (await CallAsync(gateway, client, id)).Json.GetProperty("detail").GetString()!;
        Assert.EndsWith(why + " What was approved before is void; ask again.", detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_function_that_is_gone_voids_what_was_approved()
    {
        // Proves it where nothing of the call can be matched but who makes it, and what.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        string id = await AskApprovedAsync(gateway, client);
        gateway.Publish(Policies.Standard.Replace(
            "\"/billing/{account}/refunds\"", "\"/elsewhere/{account}\"", StringComparison.Ordinal));
        Assert.Equal(410, (await CallAsync(gateway, client, id)).Status);
        Assert.Equal(ApprovalState.Expired, (await gateway.Store.FindAsync(id)).Value!.State);
    }

    [Theory]
    [InlineData("mallory", Refund)]
    [InlineData("alice", "/billing/8/refunds")]
    public async Task A_call_that_is_another_voids_nothing(string subject, string path)
    {
        // Proves that nobody voids what others asked for, nor by another call; both are refused as ever.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        string id = await AskApprovedAsync(gateway, client);
        gateway.Publish(Replaced("functions: [billing.held]\n    effect: deny"));
        string named = $"Countersign-Approval: {id}\r\n";
        WireMessage refused =
            await client.CallAsync(Requests.Post(gateway, path, "{\"amount\":5}", named, subject: subject));
        Assert.Equal(403, refused.Status);
        Assert.Equal(ApprovalState.Approved, (await gateway.Store.FindAsync(id)).Value!.State);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_reason_that_approvers_saw_is_not_asked_for_again(bool isNamed)
    {
        // Proves that an identical call needs no reason of its own to join what is pending or to claim what is
        // approved, whether it names its approval or not; and that without one nothing is filed, also by an empty name.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        const string Path = "/billing/7/explained";
        WireMessage asked =
            await client.CallAsync(Requests.Post(gateway, Path, "{}", "Countersign-Reason: month end\r\n"));
        string id = asked.Json.GetProperty("approval").GetString()!;
        string named = isNamed ? $"Countersign-Approval: {id}\r\n" : "";
        WireMessage joined = await client.CallAsync(Requests.Post(gateway, Path, "{}", named));
        Assert.Equal((428, id), (joined.Status, joined.Json.GetProperty("approval").GetString()));
        await gateway.DecideAsync(id, "fay", "finance-leads");
        Assert.Equal(200, (await client.CallAsync(Requests.Post(gateway, Path, "{}", named))).Status);
        foreach (string fields in (string[])["", "Countersign-Approval: \r\n", "Prefer: respond-async\r\n"])
            Assert.Equal(403, (await client.CallAsync(Requests.Post(gateway, Path, "{}", fields))).Status);
        Assert.Single((await gateway.Store.ListAsync(null, 10, null)).Value!.Items);
    }

    [Theory]
    [InlineData("Prefer: respond-async\r\n", 400)]
    [InlineData("", 428)]
    public async Task A_call_bound_to_a_credential_is_not_made_later(string fields, int status)
    {
        // Proves that no approver is asked for what can never be made: a credential is not kept until then.
        await using MemoryGateway gateway = new(Policies.Standard.Replace(
            "headers: [If-Match]", "headers: [Cookie]", StringComparison.Ordinal));
        WireMessage answer = await gateway.Connect().CallAsync(
            Requests.Post(gateway, Refund, "{}", fields + "Cookie: session=1\r\n"));
        Assert.Equal(status, answer.Status);
        int filed = (await gateway.Store.ListAsync(null, 10, null)).Value!.Items.Count;
        Assert.Equal(status == 428 ? 1 : 0, filed);
    }

    private static string Replaced(string rule)
    {
        string policy = Policies.Standard.ReplaceLineEndings("\n");
        Assert.Contains(Rule, policy, StringComparison.Ordinal);
        return policy.Replace(Rule, rule, StringComparison.Ordinal);
    }

    private static Task<WireMessage> CallAsync(MemoryGateway gateway, MemoryClient client, string id) =>
        client.CallAsync(Requests.Post(gateway, Refund, "{\"amount\":5}", $"Countersign-Approval: {id}\r\n"));

    private static async Task<string> AskApprovedAsync(MemoryGateway gateway, MemoryClient client)
    {
        WireMessage asked = await client.CallAsync(Requests.Post(gateway, Refund, "{\"amount\":5}"));
        string id = asked.Json.GetProperty("approval").GetString()!;
        await gateway.DecideAsync(id, "fay", "finance-leads");
        return id;
    }
}
