using System.Net;
using System.Text;
using System.Text.Json;
using Countersign.Policy.Approvals;

namespace Countersign.ControlPlane.Tests.Approvals;

/// <summary>What waits sealed with an approval, as the API shows it.</summary>
public sealed class PayloadApiTests
{
    private const string Path = "/api/v1/approvals";

    [Fact]
    public async Task What_binds_the_call_beside_its_body_is_shown_masked_and_credentials_never()
    {
        // Proves that an approver sees the headers under the digest; by one of every kind, a viewer who is cleared and
        // one who is not.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        string id = await gate.AskAsync(
            draft => draft, """{"amount":1}""", Bound("cookie", "sid=s3cr3t"), Bound("if-match", "\"v7\""),
            Bound("ssn", "078-05-1120"), Bound("x-api-key", "k3y"), new BindingHeader("x-trace", null),
            Bound("x-unit", ""), new BindingHeader("x-odd", new byte[] { 0xE9 }));
        string[] masked = await HeadersAsync(gate.Token("fay", "finance"));
        Assert.Equal(
            [
                "cookie credential ", "if-match shown \"v7\"", "ssn shown ***", "x-api-key credential ",
                "x-trace absent ", "x-unit shown ", "x-odd unreadable ",
            ],
            masked);
        Assert.Equal("ssn shown 078-05-1120", (await HeadersAsync(gate.Token("kim", "finance", "pii-cleared")))[2]);
        string list = (await gate.GetAsync(Path, gate.Token("kim", "finance", "pii-cleared"))).Body;
        Assert.DoesNotContain("s3cr3t", list, StringComparison.Ordinal);
        Assert.DoesNotContain("k3y", list, StringComparison.Ordinal);

        async Task<string[]> HeadersAsync(string token)
        {
            Answer shown = await gate.GetAsync(Path + "/" + id, token);
            return [.. shown.Json.GetProperty("headers").EnumerateArray().Select(one =>
                $"{one.GetProperty("name")} {one.GetProperty("state")} {one.GetProperty("value")}")];
        }

        static BindingHeader Bound(string name, string value) => new(name, Encoding.UTF8.GetBytes(value));
    }

    [Fact]
    public async Task A_payload_is_shown_as_long_as_its_approval_may_be_used()
    {
        // Proves the one rule for what has ended; by an end of each kind, in the list and alone.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        string denied = await gate.AskAsync(), cancelled = await gate.AskAsync(), revoked = await gate.AskAsync();
        string used = await gate.AskAsync();
        string fay = gate.Token("fay", "finance"), sam = gate.Token("sam", "sre");
        Assert.Equal(HttpStatusCode.OK, (await gate.DecideAsync(denied, fay, "deny")).Status);
        string asker = gate.Token("deploy-bot", "ci");
        Assert.Equal(HttpStatusCode.OK, (await gate.PostAsync($"{Path}/{cancelled}/cancel", asker)).Status);
        foreach (string id in (string[])[revoked, used])
        {
            Assert.Equal(HttpStatusCode.OK, (await gate.DecideAsync(id, fay)).Status);
            Assert.Equal(HttpStatusCode.OK, (await gate.DecideAsync(id, sam)).Status);
        }

        Assert.Equal(HttpStatusCode.OK, (await gate.PostAsync($"{Path}/{revoked}/revoke", fay)).Status);
        Approval approved = (await gate.Store.FindAsync(used)).Value!;
        Approval claimed = approved with { State = ApprovalState.Claimed, Version = approved.Version + 1 };
        Assert.True((await gate.Store.MoveAsync(approved, claimed)).IsOk);
        string lapsed = await gate.AskAsync();
        Assert.Equal(JsonValueKind.Object, await ShownAsync(lapsed));
        gate.Clock.Advance(TimeSpan.FromDays(1));
        foreach (string id in (string[])[denied, cancelled, revoked, lapsed])
            Assert.Equal(JsonValueKind.Null, await ShownAsync(id));
        Assert.Equal(JsonValueKind.Object, await ShownAsync(used));

        async Task<JsonValueKind> ShownAsync(string id)
        {
            JsonElement one = (await gate.GetAsync($"{Path}/{id}", gate.Token("pat", "policy-admins"))).Json;
            JsonValueKind kind = one.GetProperty("arguments").ValueKind;
            bool isThere = kind != JsonValueKind.Null;
            Assert.Equal(isThere, one.TryGetProperty("body_bytes", out _));
            Assert.Equal(isThere, one.GetProperty("headers").ValueKind == JsonValueKind.Array);
            return kind;
        }
    }
}
