using System.Text;
using System.Text.Json;
using Countersign.Identity.Inbound;
using Countersign.Kit;
using Countersign.Policy.Approvals;
using Countersign.Policy.Revocations;

namespace Countersign.DataPlane.Tests.Calls;

/// <summary>People who are revoked between the asking and the claim: callers, and those who approved.</summary>
public sealed class RevokedCallerTests
{
    private const string Refund = "/billing/7/refunds";
    private const string Body = "{\"amount\":5}";
    private const string Held = "Prefer: wait=60\r\n";

    [Theory]
    [InlineData(RevocationKind.Token)]
    [InlineData(RevocationKind.Id)]
    [InlineData(RevocationKind.Subject)]
    public async Task A_held_call_of_who_was_revoked_is_not_made(RevocationKind how)
    {
        // Proves that the claim looks at the caller again, by token, jti and subject: approved a moment later, the call
        // is refused, nothing leaves, the approval is void and the audit says who was refused.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        string request = Requests.Post(gateway, Refund, Body, Held);
        string id = await ParkAsync(gateway, client, request);
        Revoke(gateway, Naming(how, gateway, request));
        await gateway.DecideAsync(id, "fay", "finance-leads");
        WireMessage refused = (await client.ReadAsync())!;
        Assert.Equal((401, "unauthenticated"), (refused.Status, NameOf(refused)));
        Assert.Contains("revoked", refused.Text, StringComparison.Ordinal);
        Assert.Empty(gateway.Upstream.Requests);
        Assert.Equal(ApprovalState.Expired, (await gateway.Store.FindAsync(id)).Value!.State);
        JsonElement outcome = (await gateway.CloseAuditAsync())[^1];
        Assert.Equal("unauthenticated", outcome.GetProperty("verdict").GetString());
        Assert.Equal("ann", outcome.GetProperty("caller").GetProperty("sub").GetString());
    }

    [Fact]
    public async Task The_claim_asks_what_is_revoked_now()
    {
        // Proves that what the store has been told, and this gateway has not heard of yet, counts at the claim.
        await using MemoryGateway gateway = new(Policies.Standard);
        ScriptedFeed feed = new(gateway, Naming(RevocationKind.Subject, gateway, ""));
        gateway.Callers.Revocations = feed;
        MemoryClient client = gateway.Connect();
        string id = await ParkAsync(gateway, client, Requests.Post(gateway, Refund, Body, Held));
        Assert.Equal(0, feed.Asked);
        await gateway.DecideAsync(id, "fay", "finance-leads");
        Assert.Equal(401, (await client.ReadAsync())!.Status);
        Assert.Equal(1, feed.Asked);
        Assert.Empty(gateway.Upstream.Requests);
    }

    [Fact]
    public async Task Nothing_is_claimed_where_nobody_knows_what_is_revoked()
    {
        // Proves that a store that does not tell refuses the claim, and takes nothing from the approval.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Callers.Revocations = new ScriptedFeed(gateway, null);
        MemoryClient client = gateway.Connect();
        string id = await ParkAsync(gateway, client, Requests.Post(gateway, Refund, Body, Held));
        await gateway.DecideAsync(id, "fay", "finance-leads");
        WireMessage refused = (await client.ReadAsync())!;
        Assert.Equal((503, "store-unavailable"), (refused.Status, NameOf(refused)));
        Assert.Equal(ApprovalState.Approved, (await gateway.Store.FindAsync(id)).Value!.State);
        gateway.Callers.Revocations = null;
        Assert.Equal(200, (await client.CallAsync(Requests.Post(gateway, Refund, Body))).Status);
    }

    [Theory]
    [InlineData("fay", 410, ApprovalState.Expired)]
    [InlineData("kim", 200, ApprovalState.Executed)]
    public async Task An_approver_who_was_revoked_does_not_count(string revoked, int status, ApprovalState state)
    {
        // Proves that an approval of somebody who was revoked after they gave it fills no stage at the claim, and that
        // somebody else's end changes nothing.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        WireMessage asked = await client.CallAsync(Requests.Post(gateway, Refund, Body));
        string id = asked.Json.GetProperty("approval").GetString()!;
        await gateway.DecideAsync(id, "fay", "finance-leads");
        Revoke(gateway, Subject(gateway, revoked));
        WireMessage answer = await client.CallAsync(Requests.Post(gateway, Refund, Body));
        Assert.Equal(status, answer.Status);
        if (status == 410) Assert.Equal("approval-expired", NameOf(answer));
        Assert.Equal(state, (await gateway.Store.FindAsync(id)).Value!.State);
        Assert.Equal(status == 200 ? 1 : 0, gateway.Upstream.Requests.Count);
    }

    [Fact]
    public async Task What_an_approver_says_after_they_signed_in_again_counts()
    {
        // Proves that a revocation ends what was said until then, and no more.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        WireMessage asked = await client.CallAsync(Requests.Post(gateway, Refund, Body));
        Revoke(gateway, Subject(gateway, "fay"));
        gateway.Advance(TimeSpan.FromSeconds(1));
        await gateway.DecideAsync(asked.Json.GetProperty("approval").GetString()!, "fay", "finance-leads");
        Assert.Equal(200, (await client.CallAsync(Requests.Post(gateway, Refund, Body))).Status);
    }

    [Fact]
    public async Task Who_watches_is_told_nothing_once_they_are_revoked()
    {
        // Proves it for a wait at the approval's own address.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        WireMessage asked = await client.CallAsync(Requests.Post(gateway, Refund, Body));
        string id = asked.Json.GetProperty("approval").GetString()!;
        string look = Requests.Get(gateway, "/.countersign/approvals/" + id, Held);
        await ParkAsync(gateway, client, look);
        Revoke(gateway, Subject(gateway, "ann"));
        await gateway.DecideAsync(id, "fay", "finance-leads");
        Assert.Equal(401, (await client.ReadAsync())!.Status);
    }

    private static async Task<string> ParkAsync(MemoryGateway gateway, MemoryClient client, string request)
    {
        TaskCompletionSource<string> parked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        gateway.Store.OnWatch = id => parked.TrySetResult(id);
        await client.SendAsync(request);
        return await parked.Task;
    }

    private static Revocation Naming(RevocationKind how, MemoryGateway gateway, string request)
    {
        DateTimeOffset now = gateway.Time.GetUtcNow();
        return how switch
        {
            RevocationKind.Token => new(
                how, "", GatewayTokens.HashOf(Encoding.ASCII.GetBytes(request.Split("Bearer ")[1].Split('\r')[0])), now,
                now.AddHours(1), "", ""),
            RevocationKind.Id => new(how, TestIssuer.Issuer, TestIssuer.IdOf("ann"), now, now.AddHours(1), "", ""),
            _ => Subject(gateway, "ann"),
        };
    }

    private static Revocation Subject(MemoryGateway gateway, string subject)
    {
        DateTimeOffset now = gateway.Time.GetUtcNow();
        return new(RevocationKind.Subject, TestIssuer.Issuer, subject, now, now.AddHours(1), "", "");
    }

    private static void Revoke(MemoryGateway gateway, Revocation one) =>
        gateway.Callers.Revoke(new RevocationIndex(new RevocationListing(1, [one])));

    private static string NameOf(WireMessage problem) =>
        problem.Json.GetProperty("type").GetString()!["urn:countersign:".Length..];

    /// <summary>Brings one revocation when it is asked, or does not answer.</summary>
    private sealed class ScriptedFeed(MemoryGateway gateway, Revocation? brings) : IRevocationFeed
    {
        public int Asked { get; private set; }

        public ValueTask<bool> CatchUpAsync()
        {
            Asked++;
            if (brings is not null) Revoke(gateway, brings);
            return new(brings is not null);
        }
    }
}
