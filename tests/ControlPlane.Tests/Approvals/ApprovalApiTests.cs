using System.Net;
using System.Text.Json;
using Countersign.Policy;
using Countersign.Policy.Approvals;

namespace Countersign.ControlPlane.Tests.Approvals;

public sealed class ApprovalApiTests
{
    private const string Path = "/api/v1/approvals";

    [Fact]
    public async Task An_approver_sees_the_arguments_masked_by_their_own_clearance()
    {
        // Proves masking by viewer; by one approver who is cleared and one who is not, and a body that is not JSON.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        string id = await gate.AskAsync();
        Answer masked = await gate.GetAsync(Path + "/" + id, gate.Token("fay", "finance"));
        Assert.Equal(HttpStatusCode.OK, masked.Status);
        Assert.Equal("***", masked.Json.GetProperty("arguments").GetProperty("ssn").GetString());
        Assert.DoesNotContain("078-05-1120", masked.Body, StringComparison.Ordinal);
        Assert.Equal("pending", masked.Json.GetProperty("state").GetString());
        Answer cleared = await gate.GetAsync(Path + "/" + id, gate.Token("kim", "finance", "pii-cleared"));
        Assert.Equal("078-05-1120", cleared.Json.GetProperty("arguments").GetProperty("ssn").GetString());
        string text = await gate.AskAsync("ssn=078-05-1120", "text/plain");
        Answer opaque = await gate.GetAsync(Path + "/" + text, gate.Token("fay", "finance"));
        Assert.Equal(JsonValueKind.Null, opaque.Json.GetProperty("arguments").ValueKind);
    }

    [Fact]
    public async Task A_tag_spares_the_body_until_the_approval_moves_or_lapses()
    {
        // Proves If-None-Match; by one tag before a decision, after it, for other eyes, and once lapsed.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        string id = await gate.AskAsync();
        string fay = gate.Token("fay", "finance");
        string tag = (await gate.GetAsync(Path + "/" + id, fay)).Message.Headers.ETag!.ToString();
        Assert.StartsWith("\"", tag, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotModified, (await gate.GetAsync(Path + "/" + id, fay, "\"0\", W/" + tag)).Status);
        await gate.DecideAsync(id, fay);
        Answer moved = await gate.GetAsync(Path + "/" + id, fay, tag);
        Assert.Equal(HttpStatusCode.OK, moved.Status);
        string next = moved.Message.Headers.ETag!.ToString();
        Assert.NotEqual(tag, next);
        string kim = gate.Token("kim", "finance", "pii-cleared");
        Assert.Equal(HttpStatusCode.OK, (await gate.GetAsync(Path + "/" + id, kim, next)).Status);
        gate.Clock.Advance(TimeSpan.FromMinutes(16));
        Answer lapsed = await gate.GetAsync(Path + "/" + id, fay, next);
        Assert.Equal("expired", lapsed.Json.GetProperty("state").GetString());
    }

    [Fact]
    public async Task Two_people_fill_two_stages_and_the_audit_tells_it_in_order()
    {
        // Proves the whole way; by two decisions and a repeated one, then the log: each intent before its outcome.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        string id = await gate.AskAsync();
        string fay = gate.Token("fay", "finance");
        Answer first = await gate.DecideAsync(id, fay, reason: "checked");
        Assert.Equal("pending", first.Json.GetProperty("state").GetString());
        Answer second = await gate.DecideAsync(id, gate.Token("sam", "sre"));
        Assert.Equal("approved", second.Json.GetProperty("state").GetString());
        JsonElement said = second.Json.GetProperty("stages")[0].GetProperty("decisions")[0];
        Assert.Equal("fay", said.GetProperty("approver").GetString());
        Assert.Equal("approve", said.GetProperty("decision").GetString());
        Assert.Equal("checked", said.GetProperty("reason").GetString());
        Answer again = await gate.DecideAsync(id, fay);
        Assert.Equal(HttpStatusCode.OK, again.Status);
        Assert.Equal("approved", again.Json.GetProperty("state").GetString());
        Assert.Equal(2, gate.Store.Moves);
        var acts = await gate.ActsAsync();
        Assert.Equal(
            [
                ("approval-decision", "fay"), ("approval-decided", "fay"),
                ("approval-decision", "sam"), ("approval-decided", "sam"),
            ],
            acts.Select(act => (act.Event, act.Actor)));
        Assert.All(acts, act => Assert.Equal(id, act.Subject));
        Assert.Equal("approve " + Drafts.DigestOf(id) + ": checked", acts[0].Detail);
        Assert.StartsWith("approved; ", acts[3].Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nobody_decides_on_their_own_call_and_the_attempt_is_audited()
    {
        // Proves separation of duties; by the job, by its actor in a stage's group and in none, and by strangers.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        string id = await gate.AskAsync();
        Answer[] conflicts =
        [
            await gate.DecideAsync(id, gate.Token("dave", "staff")),
            await gate.DecideAsync(id, gate.Token("dave", "sre")),
            await gate.DecideAsync(id, gate.Token("DAVE", "sre")),
            await gate.DecideAsync(id, gate.Token("deploy-bot", "sre")),
            await gate.DecideAsync(id, gate.Token("eve", "finance", "ap-clerk", "ap-approver")),
        ];
        Assert.All(conflicts, one => Assert.Equal(HttpStatusCode.Forbidden, one.Status));
        Assert.All(conflicts, one => Assert.Equal("duty-conflict", one.Problem));
        Answer[] strangers =
        [
            await gate.DecideAsync(id, gate.Token("mallory", "staff")),
            await gate.DecideAsync(id, gate.Token("fay-bot", "finance")),
        ];
        Assert.All(
            strangers, one => Assert.Equal((HttpStatusCode.Forbidden, "not-an-approver"), (one.Status, one.Problem)));
        Answer admin = await gate.DecideAsync(id, gate.Token("pat", "policy-admins"));
        Assert.Equal((HttpStatusCode.Forbidden, "not-an-approver"), (admin.Status, admin.Problem));
        Assert.Equal(0, gate.Store.Moves);
        var acts = await gate.ActsAsync();
        Assert.Equal(8, acts.Count(act => act.Event == "approval-decision-refused"));
        Assert.StartsWith("duty-conflict; approve ", acts[0].Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_older_token_brings_no_group_back()
    {
        // Proves groups at the time of the decision; by a token that is good still, and a newer one without the group
        // that was shown for something else. What the newer one has besides is not the older one's.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        string id = await gate.AskAsync(), older = gate.Token("fay", "finance", "pii-officers");
        gate.Clock.Advance(TimeSpan.FromSeconds(1));
        string newer = gate.Token("fay", "sre", "pii-officers");
        Assert.Equal(HttpStatusCode.OK, (await gate.GetAsync(Path + "/" + id, newer)).Status);
        Assert.Equal("not-an-approver", (await gate.DecideAsync(id, older)).Problem);
        Answer revealed = await gate.PostAsync(
            $"{Path}/{id}/reveal", older, """{"pointer":"/ssn","reason":"ticket"}""");
        Assert.Equal("not-an-approver", revealed.Problem);
        Assert.Equal(0, gate.Store.Moves);
        Assert.Equal(HttpStatusCode.OK, (await gate.DecideAsync(id, newer)).Status);
    }

    [Fact]
    public async Task What_cannot_be_decided_is_refused_by_name()
    {
        // Proves the refusals of decisions; by one request for each.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        string id = await gate.AskAsync();
        string fay = gate.Token("fay", "finance");
        string sam = gate.Token("sam", "sre");
        string decisions = Path + "/" + id + "/decisions";
        Assert.Equal("approval-mismatch", (await gate.DecideAsync(id, fay, digest: Drafts.DigestOf("other"))).Problem);
        Assert.Equal("malformed-request", (await gate.PostAsync(decisions, fay, """{"decision":"approve"}""")).Problem);
        Assert.Equal("malformed-request", (await gate.DecideAsync(id, fay, reason: new string('x', 501))).Problem);
        Assert.Equal("body-too-large", (await gate.DecideAsync(id, fay, reason: new string('x', 20_000))).Problem);
        string absent = Guid.CreateVersion7().ToString("D");
        Assert.Equal("not-found", (await gate.DecideAsync(absent, fay)).Problem);
        Assert.Equal("unauthenticated", (await gate.PostAsync(decisions, null, "{}")).Problem);
        Assert.Equal(0, gate.Store.Moves);

        Assert.Equal(HttpStatusCode.OK, (await gate.DecideAsync(id, fay)).Status);
        Assert.Equal("approval-settled", (await gate.DecideAsync(id, fay, "deny")).Problem);
        Assert.Equal("approval-settled", (await gate.DecideAsync(id, gate.Token("kim", "finance"))).Problem);
        Answer denied = await gate.DecideAsync(id, sam, "deny");
        Assert.Equal("denied", denied.Json.GetProperty("state").GetString());
        Answer late = await gate.DecideAsync(id, gate.Token("sue", "sre"));
        Assert.Equal((HttpStatusCode.Gone, "approval-denied"), (late.Status, late.Problem));
        Assert.Equal(HttpStatusCode.OK, (await gate.DecideAsync(id, sam, "deny")).Status);

        string other = await gate.AskAsync();
        gate.Clock.Advance(TimeSpan.FromMinutes(15));
        Answer expired = await gate.DecideAsync(other, fay);
        Assert.Equal((HttpStatusCode.Gone, "approval-expired"), (expired.Status, expired.Problem));
    }

    [Fact]
    public async Task Requesters_cancel_and_approvers_revoke_and_nobody_else_does()
    {
        // Proves both withdrawals; by those who may and those who may not, and by withdrawing twice.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        string job = gate.Token("deploy-bot", "ci");
        string fay = gate.Token("fay", "finance");
        string first = await gate.AskAsync();
        Assert.Equal("denied", (await gate.PostAsync(Path + "/" + first + "/cancel", fay)).Problem);
        Answer cancelled = await gate.PostAsync(Path + "/" + first + "/cancel", job);
        Assert.Equal("cancelled", cancelled.Json.GetProperty("state").GetString());
        Assert.Equal("approval-denied", (await gate.PostAsync(Path + "/" + first + "/cancel", job)).Problem);

        string second = await gate.AskAsync();
        await gate.DecideAsync(second, fay);
        Assert.Equal("approval-settled", (await gate.PostAsync(Path + "/" + second + "/revoke", fay)).Problem);
        await gate.DecideAsync(second, gate.Token("sam", "sre"));
        string kim = gate.Token("kim", "finance");
        Assert.Equal("not-an-approver", (await gate.PostAsync(Path + "/" + second + "/revoke", kim)).Problem);
        Answer revoked = await gate.PostAsync(Path + "/" + second + "/revoke", fay);
        Assert.Equal("revoked", revoked.Json.GetProperty("state").GetString());
        Assert.Contains(await gate.ActsAsync(), act => act.Event == "approval-revoked" && act.Subject == second);
    }

    [Fact]
    public async Task A_decision_that_meets_another_is_ruled_on_again()
    {
        // Proves the bounded retry; by a store that reports conflicts twice, then for ever, then goes away.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        string id = await gate.AskAsync();
        string fay = gate.Token("fay", "finance");
        gate.Store.OnMove = (_, _) => gate.Store.Moves <= 2 ? StoreStatus.Conflict : null;
        Assert.Equal(HttpStatusCode.OK, (await gate.DecideAsync(id, fay)).Status);
        Assert.Equal(3, gate.Store.Moves);

        string sam = gate.Token("sam", "sre");
        gate.Store.OnMove = (_, _) => StoreStatus.Conflict;
        Assert.Equal("store-unavailable", (await gate.DecideAsync(id, sam)).Problem);
        gate.Store.OnMove = (_, _) => StoreStatus.Unavailable;
        Answer unclear = await gate.DecideAsync(id, sam);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "store-unavailable"), (unclear.Status, unclear.Problem));
        Assert.Equal(TimeSpan.FromSeconds(1), unclear.Message.Headers.RetryAfter!.Delta);
        gate.Store.IsAway = true;
        Assert.Equal("store-unavailable", (await gate.DecideAsync(id, sam)).Problem);
        Assert.Equal("store-unavailable", (await gate.GetAsync(Path, sam)).Problem);
        Assert.Equal("store-unavailable", (await gate.GetAsync(Path + "/" + id, sam)).Problem);
        var acts = await gate.ActsAsync();
        Assert.Equal(3, acts.Count(act => act.Event == "approval-decision"));
        Assert.Equal(["approval-decided"], acts.Where(act => act.Event == "approval-decided").Select(act => act.Event));
    }

    [Fact]
    public async Task Without_the_audit_nothing_is_moved()
    {
        // Proves that refusal comes before the effect; by deciding and cancelling over a closed log.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        string id = await gate.AskAsync();
        string fay = gate.Token("fay", "finance");
        await gate.Audit.DisposeAsync();
        Answer refused = await gate.DecideAsync(id, fay);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "audit-unavailable"), (refused.Status, refused.Problem));
        string job = gate.Token("deploy-bot", "ci");
        Assert.Equal("audit-unavailable", (await gate.PostAsync(Path + "/" + id + "/cancel", job)).Problem);
        Assert.Equal(0, gate.Store.Moves);
        Assert.Equal("pending", (await gate.GetAsync(Path + "/" + id, fay)).Json.GetProperty("state").GetString());
        Assert.Equal("not-ready", (await gate.GetAsync("/health/ready")).Json.GetProperty("status").GetString());
    }

    [Fact]
    public async Task Lists_page_over_what_the_viewer_may_not_see()
    {
        // Proves pages; by five approvals in pages of two, and by every bad parameter.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        List<string> asked = [];
        for (int index = 0; index < 5; index++)
        {
            asked.Insert(0, await gate.AskAsync());
            gate.Clock.Advance(TimeSpan.FromSeconds(1));
        }

        string fay = gate.Token("fay", "finance");
        List<string> seen = [];
        string? cursor = null;
        do
        {
            Answer page = await gate.GetAsync(Path + "?limit=2" + (cursor is null ? "" : "&cursor=" + cursor), fay);
            JsonElement items = page.Json.GetProperty("items");
            seen.AddRange(items.EnumerateArray().Select(item => item.GetProperty("id").GetString()!));
            cursor = page.Json.GetProperty("next").GetString();
        }
        while (cursor is not null);
        Assert.Equal(asked, seen);
        string[] bad =
        [
            "?status=open", "?status=", "?limit=0", "?limit=201", "?limit=x", "?limit=1&limit=2", "?cursor=a&cursor=b",
            "?cursor=a", "?function=a&function=b", "?caller=a&caller=b",
        ];
        foreach (string query in bad)
        {
            Assert.Equal("malformed-request", (await gate.GetAsync(Path + query, fay)).Problem);
        }

        Answer denied = await gate.GetAsync(Path + "?status=denied", fay);
        Assert.Equal(0, denied.Json.GetProperty("items").GetArrayLength());
    }

    [Fact]
    public async Task Lists_are_filtered_by_function_and_by_who_asked()
    {
        // Proves the filters; by two functions and two callers, alone, together and as a pattern, over pages of one.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        string reset = await gate.AskAsync();
        gate.Clock.Advance(TimeSpan.FromSeconds(1));
        string refund = await gate.AskAsync(draft => draft with { Function = "billing.refund" });
        gate.Clock.Advance(TimeSpan.FromSeconds(1));
        string hers = await gate.AskAsync(
            draft => draft with { Requester = draft.Requester with { Subject = "alice", Chain = ["alice"] } });
        string fay = gate.Token("fay", "finance");
        (string Query, string[] Found)[] cases =
        [
            ("?function=billing.reset", [hers, reset]), ("?function=billing.*", [hers, refund, reset]),
            ("?function=billing", []), ("?caller=alice", [hers]), ("?caller=deploy-bot", [refund, reset]),
            ("?caller=alice&function=billing.refund", []), ("?caller=deploy-bot&status=pending", [refund, reset]),
        ];
        foreach ((string query, string[] found) in cases)
        {
            List<string> seen = [];
            string? cursor = null;
            do
            {
                string at = Path + query + "&limit=1" + (cursor is null ? "" : "&cursor=" + cursor);
                Answer page = await gate.GetAsync(at, fay);
                JsonElement items = page.Json.GetProperty("items");
                seen.AddRange(items.EnumerateArray().Select(item => item.GetProperty("id").GetString()!));
                cursor = page.Json.GetProperty("next").GetString();
            }
            while (cursor is not null);
            Assert.Equal(found, seen);
        }
    }

    [Fact]
    public async Task Earlier_calls_like_one_are_told_with_their_outcomes()
    {
        // Proves that they are of the same function and caller, before it, and only for those who may see them.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        string fay = gate.Token("fay", "finance");
        string denied = await gate.AskAsync();
        await gate.DecideAsync(denied, fay, "deny", reason: "wrong month");
        gate.Clock.Advance(TimeSpan.FromSeconds(1));
        await gate.AskAsync(draft => draft with { Function = "billing.refund" });
        string hidden = await gate.AskAsync(draft => draft with { Stages = [new StageTerms(["sre"], 1)] });
        gate.Clock.Advance(TimeSpan.FromSeconds(1));
        string now = await gate.AskAsync();
        gate.Clock.Advance(TimeSpan.FromSeconds(1));
        await gate.AskAsync();
        JsonElement items = (await gate.GetAsync(Path + "/" + now + "/earlier", fay)).Json.GetProperty("items");
        JsonElement only = Assert.Single(items.EnumerateArray());
        Assert.Equal((denied, "denied"), (only.GetProperty("id").GetString(), only.GetProperty("state").GetString()));
        JsonElement said = only.GetProperty("decisions")[0];
        Assert.Equal(("fay", "wrong month"), (
            said.GetProperty("approver").GetString(), said.GetProperty("reason").GetString()));
        Answer sam = await gate.GetAsync(Path + "/" + now + "/earlier?limit=1", gate.Token("sam", "sre"));
        Assert.Equal(hidden, sam.Json.GetProperty("items")[0].GetProperty("id").GetString());
        string stranger = gate.Token("mallory", "staff");
        Assert.Equal("not-found", (await gate.GetAsync(Path + "/" + now + "/earlier", stranger)).Problem);
        Assert.Equal("malformed-request", (await gate.GetAsync(Path + "/" + now + "/earlier?limit=0", fay)).Problem);
    }
}
