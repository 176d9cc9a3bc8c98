using Countersign.Kit;
using Countersign.Policy;
using Countersign.Policy.Approvals;

namespace Countersign.DataPlane.Tests.Calls;

/// <summary>Calls that dynamic separations of duties keep apart.</summary>
public sealed class DutyCallTests
{
    private const string Create = "/vendors";
    private const string Pay = "/vendors/pay";
    private const string Close = "/vendors/close";
    private const string Seven = "{\"vendor_id\":7}";

    private const string Policy = """
        apiVersion: countersign/v1
        upstreams: { erp: { endpoints: ["http://erp.test:9002"], credential: { broker: none } } }
        functions:
          vendors.create: { upstream: erp, method: POST, path: /vendors, risk: medium }
          vendors.pay: { upstream: erp, method: POST, path: /vendors/pay, risk: medium }
          vendors.close: { upstream: erp, method: POST, path: /vendors/close, risk: high }
        rules:
          - { id: clerks, subjects: { groups: [support] }, functions: [vendors.create, vendors.pay], effect: allow }
          - id: two-people
            subjects: { groups: [support] }
            functions: [vendors.close]
            effect: approve
            approval: { stages: [{ groups: [finance-leads], count: 1 }] }
        separations:
          - { id: one-each, kind: dynamic, functions: ["vendors.*"], object: args.vendor_id, window: 30m }
        """;

    [Fact]
    public async Task Who_created_does_not_pay()
    {
        // Proves the refusal by the same person and object only, its words, that nothing leaves, and its end.
        await using MemoryGateway gateway = new(Policy);
        Assert.Equal(200, (await CallAsync(gateway, Create)).Status);
        WireMessage refused = await CallAsync(gateway, Pay, "{\"vendor_id\":\"7\",\"amount\":5}");
        Assert.Equal(403, refused.Status);
        Assert.Equal("urn:countersign:duty-conflict", refused.Json.GetProperty("type").GetString());
        Assert.Contains("'one-each'", refused.Json.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Single(gateway.Upstream.Requests);
        Assert.Equal(200, (await CallAsync(gateway, Create)).Status);
        Assert.Equal(200, (await CallAsync(gateway, Pay, "{\"vendor_id\":8}")).Status);
        Assert.Equal(200, (await CallAsync(gateway, Pay, Seven, "bob")).Status);
        Assert.Equal(403, (await CallAsync(gateway, Create, Seven, "BOB")).Status);
        gateway.Advance(TimeSpan.FromMinutes(31));
        Assert.Equal(200, (await CallAsync(gateway, Pay)).Status);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("{\"vendor_id\":7,\"vendor_id\":8}")]
    [InlineData("{\"vendor_id\":{}}")]
    public async Task An_object_that_cannot_be_told_is_denied(string body)
    {
        // Proves that nothing passes that could not be remembered.
        await using MemoryGateway gateway = new(Policy);
        Assert.Equal(403, (await CallAsync(gateway, Create, body)).Status);
        Assert.Empty(gateway.Upstream.Requests);
    }

    [Fact]
    public async Task Without_the_store_nothing_passes()
    {
        // Proves that a separation fails closed while nobody can say who did what.
        await using MemoryGateway gateway = new(Policy);
        gateway.Store.IsAway = true;
        WireMessage refused = await CallAsync(gateway, Create);
        Assert.Equal((503, "urn:countersign:store-unavailable"),
            (refused.Status, refused.Json.GetProperty("type").GetString()));
        Assert.Empty(gateway.Upstream.Requests);
    }

    [Fact]
    public async Task In_observe_it_is_recorded_and_let_through()
    {
        // Proves that nothing is refused, not even without an object or a store, and that the audit tells.
        await using MemoryGateway gateway = new(Policy + "\nmode: observe");
        Assert.Equal(200, (await CallAsync(gateway, Create)).Status);
        Assert.Equal(200, (await CallAsync(gateway, Pay)).Status);
        Assert.Equal(200, (await CallAsync(gateway, Pay, "{}")).Status);
        gateway.Store.IsAway = true;
        Assert.Equal(200, (await CallAsync(gateway, Pay)).Status);
        gateway.Store.IsAway = false;
        Assert.Contains(await gateway.CloseAuditAsync(), record =>
            record.ToString().Contains("Separation of duties 'one-each' would forbid", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Nobody_is_asked_for_what_cannot_be()
    {
        // Proves that a conflict is told before an approval is filed.
        await using MemoryGateway gateway = new(Policy);
        Assert.Equal(200, (await CallAsync(gateway, Create)).Status);
        Assert.Equal(403, (await CallAsync(gateway, Close)).Status);
        Assert.Empty((await gateway.Store.ListAsync(null, 10, null)).Value!.Items);
    }

    [Fact]
    public async Task A_claim_remembers_who_asked_and_who_approved()
    {
        // Proves that both have acted once the call was made, and neither before.
        await using MemoryGateway gateway = new(Policy);
        string id = await AskAsync(gateway);
        await gateway.DecideAsync(id, "fay", "finance-leads");
        Assert.Equal(200, (await CallAsync(gateway, Close)).Status);
        Assert.Equal(ApprovalState.Executed, (await gateway.Store.FindAsync(id)).Value!.State);
        Assert.Equal(403, (await CallAsync(gateway, Pay)).Status);
        Assert.Equal(403, (await CallAsync(gateway, Pay, Seven, "fay")).Status);
        Assert.Equal(200, (await CallAsync(gateway, Pay, Seven, "bob")).Status);
    }

    [Theory]
    [InlineData("ann")]
    [InlineData("fay")]
    public async Task What_was_done_meanwhile_stops_the_claim(string who)
    {
        // Proves that the claim looks again at who asked and who approved, and leaves the approval as it is.
        await using MemoryGateway gateway = new(Policy);
        string id = await AskAsync(gateway);
        await gateway.DecideAsync(id, "fay", "finance-leads");
        Assert.Equal(200, (await CallAsync(gateway, Pay, Seven, who)).Status);
        WireMessage refused = await CallAsync(gateway, Close);
        Assert.Equal((403, "urn:countersign:duty-conflict"),
            (refused.Status, refused.Json.GetProperty("type").GetString()));
        Assert.Equal(ApprovalState.Approved, (await gateway.Store.FindAsync(id)).Value!.State);
        Assert.Single(gateway.Upstream.Requests);
    }

    [Fact]
    public async Task Who_paid_does_not_approve()
    {
        // Proves that approving is acting: the store refuses the decision, and the approval waits for somebody else.
        await using MemoryGateway gateway = new(Policy);
        string id = await AskAsync(gateway);
        Assert.Equal(200, (await CallAsync(gateway, Pay, Seven, "fay")).Status);
        Approval found = (await gateway.Store.FindAsync(id)).Value!;
        Caller fay = new(TestIssuer.Issuer, "fay", CallerKind.Human, ["finance-leads"], ["fay"]);
        Approval next = ApprovalRules.Decide(found, fay, true, found.Digest, "", found.CreatedAt).Next!;
        StoreResult<Approval> moved = await gateway.Store.MoveAsync(found, next);
        Assert.Equal((StoreStatus.DutyConflict, "one-each"), (moved.Status, moved.Separation));
        Assert.Equal(ApprovalState.Pending, (await gateway.Store.FindAsync(id)).Value!.State);
        await gateway.DecideAsync(id, "gus", "finance-leads");
        Assert.Equal(200, (await CallAsync(gateway, Close)).Status);
    }

    private static async Task<string> AskAsync(MemoryGateway gateway)
    {
        WireMessage asked = await CallAsync(gateway, Close);
        Assert.Equal(428, asked.Status);
        return asked.Json.GetProperty("approval").GetString()!;
    }

    private static Task<WireMessage> CallAsync(
        MemoryGateway gateway, string path, string body = Seven, string who = "ann") =>
        gateway.Connect().CallAsync(Requests.Post(gateway, path, body, "", who));
}
