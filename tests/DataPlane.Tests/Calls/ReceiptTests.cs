using System.Text.Json;
using Countersign.Audit;
using Countersign.Kit;

namespace Countersign.DataPlane.Tests.Calls;

/// <summary>Receipts that callers get, and a log whose past is in doubt.</summary>
public sealed class ReceiptTests
{
    [Fact]
    public async Task A_receipt_is_of_the_intent_that_is_in_the_log()
    {
        // Proves that what the header says is the log's word for the very record that is in it, for allowed and masked
        // answers, and that a refused call, of which there is no intent, has none.
        AuditTerms terms = new() { Copies = AuditScope.None, Receipts = AuditScope.All };
        await using MemoryGateway gateway = new(Policies.Standard, auditTerms: terms);
        gateway.Upstream.Reply = _ => ScriptedUpstream.Json("{\"ssn\":\"123-45-6789\"}");
        MemoryClient client = gateway.Connect();
        WireMessage masked = await client.CallAsync(Requests.Get(gateway, "/people/1"));
        WireMessage strict = await client.CallAsync(Requests.Get(gateway, "/strict/1"));
        WireMessage denied = await client.CallAsync(Requests.Get(gateway, "/people/1", groups: ["none"]));
        AuditKey key = gateway.Audit.Key;
        await gateway.CloseAuditAsync();
        foreach (WireMessage answer in (WireMessage[])[masked, strict])
        {
            Assert.True(CallReceipt.TryParse(answer.Field("Countersign-Receipt")!, out CallReceipt? receipt));
            Assert.True(receipt!.IsGivenBy(key));
            Assert.Equal(answer.Field("Countersign-Call"), receipt.Call.ToString());
            AuditEntry intent = CallStory.Find(gateway.AuditFolder, receipt.Call)!.Record("intent")!.Value;
            Assert.True(receipt.IsOf(intent.Payload.Span));
        }

        Assert.Equal(403, denied.Status);
        Assert.Empty(denied.All("Countersign-Receipt"));
    }

    [Theory]
    [InlineData(AuditScope.None, 0)]
    [InlineData(AuditScope.Strict, 1)]
    [InlineData(AuditScope.All, 2)]
    public async Task Who_gets_one_is_configured(AuditScope scope, int count)
    {
        // Proves the three scopes, with a call of low and one of high risk on one connection: nothing of one call's
        // receipt is in the next call's answer.
        AuditTerms terms = new() { Copies = AuditScope.None, Receipts = scope };
        await using MemoryGateway gateway = new(Policies.Standard, auditTerms: terms);
        MemoryClient client = gateway.Connect();
        WireMessage strict = await client.CallAsync(Requests.Get(gateway, "/strict/1"));
        WireMessage low = await client.CallAsync(Requests.Get(gateway, "/raw/1"));
        WireMessage denied = await client.CallAsync(Requests.Get(gateway, "/raw/1", groups: ["none"]));
        Assert.Equal(count, strict.All("Countersign-Receipt").Count + low.All("Countersign-Receipt").Count);
        Assert.Empty(denied.All("Countersign-Receipt"));
    }

    [Fact]
    public async Task A_receipt_leaves_only_once_its_intent_is_on_disk()
    {
        // Proves that with a receipt for every call the intent of a low-risk one is in the folder when the answer is
        // there: a crash right then convicts nobody.
        AuditTerms terms = new() { Copies = AuditScope.None, Receipts = AuditScope.All };
        await using MemoryGateway gateway = new(Policies.Standard, auditTerms: terms);
        MemoryClient client = gateway.Connect();
        for (int call = 0; call < 20; call++)
        {
            WireMessage low = await client.CallAsync(Requests.Get(gateway, "/raw/1"));
            Assert.True(CallReceipt.TryParse(low.All("Countersign-Receipt").Single(), out CallReceipt? receipt));
            AuditEntry intent = CallStory.Find(gateway.Audit.Folder, receipt!.Call)!.Record("intent")!.Value;
            Assert.True(receipt.IsOf(intent.Payload.Span));
        }
    }

    [Fact]
    public async Task A_log_without_its_witnesses_lets_no_strict_call_go()
    {
        // Proves that strict calls go while witnesses are near, and not a moment longer; that others always do.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        gateway.Audit.HoldWitnessedUntil(DateTimeOffset.MinValue);
        WireMessage refused = await client.CallAsync(Requests.Get(gateway, "/strict/1"));
        Assert.Equal(503, refused.Status);
        Assert.Equal("urn:countersign:audit-unavailable", refused.Json.GetProperty("type").GetString());
        Assert.Equal(0, gateway.Upstream.Dials);
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
        gateway.Audit.HoldWitnessedUntil(DateTimeOffset.MaxValue);
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/strict/1"))).Status);
    }

    [Fact]
    public async Task A_log_in_doubt_lets_no_strict_call_go()
    {
        // Proves that high-risk calls are refused before anybody is asked to approve, with 503 and a record, and that
        // others go on.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Audit.Doubt("a test says so");
        MemoryClient client = gateway.Connect();
        WireMessage strict = await client.CallAsync(Requests.Get(gateway, "/strict/1"));
        WireMessage paused = await client.CallAsync(Requests.Post(gateway, "/billing/7/refunds", "{}"));
        foreach (WireMessage answer in (WireMessage[])[strict, paused])
        {
            Assert.Equal(503, answer.Status);
            Assert.Equal("urn:countersign:audit-unavailable", answer.Json.GetProperty("type").GetString());
        }

        Assert.Equal(0, gateway.Upstream.Dials);
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
        IReadOnlyList<JsonElement> records = await gateway.CloseAuditAsync();
        Assert.Equal(2, records.Count(one =>
            one.TryGetProperty("verdict", out JsonElement verdict) && verdict.GetString() == "audit-unavailable"));
    }
}
