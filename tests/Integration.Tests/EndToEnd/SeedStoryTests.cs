using System.Text.Json.Nodes;
using Xunit;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>
/// The story the gateway exists for, told to the real program from outside: nobody can both ask for a high-impact call
/// and let it happen.
/// </summary>
public abstract class SeedStoryTests(GatewayWorld world)
{
    private const string Refunds = "/billing/44/refunds";

    private GatewayClient Client => world.Client;

    [Fact]
    public async Task A_ci_job_can_only_ask_and_its_actor_cannot_let_it_happen()
    {
        // Proves the seed story to its end, by asking, being refused approval on every side, and one who may approve.
        Answer asked = await Client.CallAsync("ci-deploy", "POST", "/billing/42/reset");
        AssertPaused(asked);
        Assert.Equal(0, await world.ResetsAsync("42"));
        foreach (string requester in new[] { "dave", "ci-deploy" })
        {
            Answer own = await Client.DecideAsync(requester, asked["approval"], asked["digest"]);
            Assert.Equal((403, "duty-conflict"), (own.Status, own.Problem));
        }

        Answer stranger = await Client.DecideAsync("sam", asked["approval"], asked["digest"]);
        Assert.Equal((404, "not-found"), (stranger.Status, stranger.Problem));
        Answer other = await Client.DecideAsync("carol", asked["approval"], "sha256:" + new string('0', 64));
        Assert.Equal((409, "approval-mismatch"), (other.Status, other.Problem));
        Assert.Equal(0, await world.ResetsAsync("42"));
        Answer carol = await Client.DecideAsync("carol", asked["approval"], asked["digest"]);
        Assert.Equal((200, "approved"), (carol.Status, carol["state"]));

        Answer called = await Client.CallAsync("ci-deploy", "POST", "/billing/42/reset", null, Names(asked));
        Assert.Equal((200, "reset"), (called.Status, called["status"]));
        Assert.Equal("***", called.Body["owner"]!["email"]!.ToString());
        await AssertLentAsync(called, asked);
        Answer again = await Client.CallAsync("ci-deploy", "POST", "/billing/42/reset", null, Names(asked));
        Assert.Equal((409, "approval-used"), (again.Status, again.Problem));
        Assert.Equal(1, await world.ResetsAsync("42"));
        Answer shown = await Client.ControlAsync("carol", "GET", "/api/v1/approvals/" + asked["approval"]);
        Assert.Equal("executed", shown["state"]);
    }

    [Fact]
    public async Task An_agent_cannot_be_approved_by_the_person_it_acts_for()
    {
        // Proves that the chain is compared, not the subject alone: agent-7's call carries bob as its subject.
        Answer asked = await Client.CallAsync("agent-7", "POST", "/billing/43/reset");
        AssertPaused(asked);
        Answer bob = await Client.DecideAsync("bob", asked["approval"], asked["digest"]);
        Assert.Equal((403, "duty-conflict"), (bob.Status, bob.Problem));
        Answer carol = await Client.DecideAsync("carol", asked["approval"], asked["digest"]);
        Assert.Equal(200, carol.Status);

        // Without the header: the identical call finds its approval by itself.
        Answer called = await Client.CallAsync("agent-7", "POST", "/billing/43/reset");
        Assert.Equal(200, called.Status);
        Answer again = await Client.CallAsync("agent-7", "POST", "/billing/43/reset");
        Assert.Equal(428, again.Status);
        Assert.NotEqual(asked["approval"], again["approval"]);
        Assert.Equal(1, await world.ResetsAsync("43"));
    }

    [Fact]
    public async Task Answers_are_masked_for_everybody_who_is_not_cleared()
    {
        // Proves masking in what callers and approvers see, by the same account and call under different eyes.
        Answer alice = await Client.CallAsync("alice", "GET", "/billing/45");
        Assert.Equal(200, alice.Status);
        Assert.Equal("***", alice.Body["owner"]!["email"]!.ToString());
        Assert.Equal("************5100", alice.Body["payment_method"]!["card"]!["number"]!.ToString());
        Assert.DoesNotContain("NL91ABNA0417164300", alice.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("whk_demo_", alice.Text, StringComparison.Ordinal);
        Assert.NotEqual("", alice.Header("Countersign-Masked"));
        Answer nina = await Client.CallAsync("nina", "GET", "/billing/45");
        Assert.Equal("daan.devries@example.com", nina.Body["owner"]!["email"]!.ToString());
        Assert.Contains("NL91ABNA0417164300", nina.Text, StringComparison.Ordinal);

        string body = """{"amount":3.5,"iban":"NL91ABNA0417164300","card":{"number":"4111111111111111"}}""";
        Answer asked = await Client.CallAsync("alice", "POST", Refunds, body);
        Answer shown = await Client.ControlAsync("carol", "GET", "/api/v1/approvals/" + asked["approval"]);
        JsonNode arguments = shown.Body["arguments"]!;
        Assert.Equal("3.5", arguments["amount"]!.ToJsonString());
        Assert.Equal("***", arguments["iban"]!.ToString());
        Assert.Equal("************1111", arguments["card"]!["number"]!.ToString());
    }

    [Fact]
    public async Task A_held_call_is_woken_by_its_approval()
    {
        // Proves that Prefer: wait holds one request until another person approves it, by approving while it waits.
        Task<Answer> held = Client.CallAsync(
            "alice", "POST", Refunds, Refund(11), ("Prefer", "wait=30"), Reason("held"));
        JsonObject pending = await Client.PendingAsync("bob", "held");
        Assert.False(held.IsCompleted);
        await Client.DecideAsync("bob", pending["id"]!.ToString(), pending["digest"]!.ToString());
        Answer called = await held;
        Assert.Equal((201, "refunded"), (called.Status, called["status"]));
        JsonObject seen = await world.SeenAsync(called.Header("Countersign-Call"));
        Assert.Equal(pending["id"]!.ToString(), seen["idempotency_key"]!.ToString());
    }

    [Theory]
    [InlineData("deny")]
    [InlineData("cancel")]
    public async Task A_held_call_is_woken_by_its_end(string end)
    {
        // Proves that a call that waits learns of its denial or cancelling at once, and asks for nothing anew.
        string reason = "held-" + end;
        Task<Answer> held = Client.CallAsync(
            "alice", "POST", Refunds, Refund(13), ("Prefer", "wait=30"), Reason(reason));
        JsonObject pending = await Client.PendingAsync("bob", reason);
        string id = pending["id"]!.ToString();
        if (end == "deny") await Client.DecideAsync("bob", id, pending["digest"]!.ToString(), "deny");
        else await Client.CallAsync("alice", "DELETE", "/.countersign/approvals/" + id);
        Answer refused = await held;
        Assert.Equal((410, "approval-denied"), (refused.Status, refused.Problem));
    }

    [Fact]
    public async Task A_held_call_that_nobody_decides_is_answered_428()
    {
        // Proves that waiting ends: the same pause as without it, once the time the caller named is up.
        Answer asked = await Client.CallAsync("alice", "POST", Refunds, Refund(12), ("Prefer", "wait=1"));
        AssertPaused(asked);
    }

    [Fact]
    public async Task A_denied_or_cancelled_approval_is_gone()
    {
        // Proves that one denial, or the requester's own DELETE, ends an approval for good.
        Answer denied = await Client.CallAsync("alice", "POST", Refunds, Refund(21));
        Answer said = await Client.DecideAsync("bob", denied["approval"], denied["digest"], "deny");
        Assert.Equal("denied", said["state"]);
        Answer late = await Client.DecideAsync("carol", denied["approval"], denied["digest"]);
        Assert.Equal((410, "approval-denied"), (late.Status, late.Problem));
        Answer refused = await Client.CallAsync("alice", "POST", Refunds, Refund(21), Names(denied));
        Assert.Equal((410, "approval-denied"), (refused.Status, refused.Problem));

        Answer asked = await Client.CallAsync("alice", "POST", Refunds, Refund(22));
        string status = "/.countersign/approvals/" + asked["approval"];
        Assert.Equal(404, (await Client.CallAsync("nina", "DELETE", status)).Status);
        Assert.Equal("pending", (await Client.CallAsync("alice", "GET", status))["state"]);
        Assert.Equal("cancelled", (await Client.CallAsync("alice", "DELETE", status))["state"]);
        Answer cancelled = await Client.CallAsync("alice", "POST", Refunds, Refund(22), Names(asked));
        Assert.Equal((410, "approval-denied"), (cancelled.Status, cancelled.Problem));
    }

    [Fact]
    public async Task An_approval_lapses_when_nobody_decides_or_uses_it_in_time()
    {
        // Proves both windows under a policy that sets them to one second, by waiting until the status says so.
        Answer undecided = await Client.CallAsync("alice", "POST", "/billing/44/hurry");
        AssertPaused(undecided);
        await LapsesAsync(undecided);
        Answer late = await Client.DecideAsync("carol", undecided["approval"], undecided["digest"]);
        Assert.Equal((410, "approval-expired"), (late.Status, late.Problem));
        Answer refused = await Client.CallAsync("alice", "POST", "/billing/44/hurry", null, Names(undecided));
        Assert.Equal((410, "approval-expired"), (refused.Status, refused.Problem));

        Answer unused = await Client.AskApprovedAsync("alice", "/billing/44/late", null, "carol");
        await LapsesAsync(unused);
        refused = await Client.CallAsync("alice", "POST", "/billing/44/late", null, Names(unused));
        Assert.Equal((410, "approval-expired"), (refused.Status, refused.Problem));
        Answer anew = await Client.CallAsync("alice", "POST", "/billing/44/late");
        Assert.Equal(428, anew.Status);
        Assert.NotEqual(unused["approval"], anew["approval"]);
    }

    [Fact]
    public async Task Only_the_call_that_was_approved_goes_through()
    {
        // Proves that the digest binds bytes, target and caller, by a changed byte, another account and another caller.
        Answer asked = await Client.AskApprovedAsync("alice", Refunds, Refund(31), "bob");
        Answer changed = await Client.CallAsync("alice", "POST", Refunds, Refund(32));
        Assert.Equal(428, changed.Status);
        Assert.NotEqual(asked["approval"], changed["approval"]);
        Answer[] refused =
        [
            await Client.CallAsync("alice", "POST", Refunds, Refund(32), Names(asked)),
            await Client.CallAsync("alice", "POST", Refunds, Refund(31) + " ", Names(asked)),
            await Client.CallAsync("alice", "POST", Refunds + "?a", Refund(31), Names(asked)),
            await Client.CallAsync("alice", "POST", "/billing/45/refunds", Refund(31), Names(asked)),
            await Client.CallAsync("nina", "POST", Refunds, Refund(31), Names(asked)),
            await Client.CallAsync("ci-deploy", "POST", "/billing/44/reset", null, Names(asked)),
            await Client.CallAsync("alice", "POST", Refunds, Refund(31), ("Countersign-Approval", "none")),
        ];
        Assert.All(refused, answer => Assert.Equal((409, "approval-mismatch"), (answer.Status, answer.Problem)));
        Answer called = await Client.CallAsync("alice", "POST", Refunds, Refund(31), Names(asked));
        Assert.Equal(201, called.Status);
    }

    [Fact]
    public async Task What_no_policy_allows_is_refused()
    {
        // Proves default deny, deny before allow, and that nobody unknown learns anything.
        Answer dave = await Client.CallAsync("dave", "POST", "/billing/42/reset");
        Assert.Equal((403, "denied"), (dave.Status, dave.Problem));
        Answer sam = await Client.CallAsync("sam", "GET", "/people/1");
        Assert.Equal((403, "denied"), (sam.Status, sam.Problem));
        Answer unknown = await Client.CallAsync("alice", "DELETE", "/billing/42");
        Assert.Equal((404, "unknown-function"), (unknown.Status, unknown.Problem));
        Answer nobody = await Client.CallAsync("", "GET", "/billing/42");
        Assert.Equal((401, "unauthenticated"), (nobody.Status, nobody.Problem));
        string metadata = "resource_metadata=\"" + Client.Data + "/.well-known/";
        Assert.Contains(metadata, nobody.Header("WWW-Authenticate"), StringComparison.Ordinal);
        Answer api = await Client.ControlAsync("", "GET", "/api/v1/approvals");
        Assert.Equal((401, "unauthenticated"), (api.Status, api.Problem));
    }

    [Fact]
    public async Task Nobody_can_quietly_edit_what_was_written_down()
    {
        // Proves the log through the CLI after the gateway stopped: whole as it is, and not with one byte of it turned.
        Answer called = await Client.CallAsync("alice", "GET", "/people/2");
        Assert.Equal(200, called.Status);
        await world.RestartAsync(async () =>
        {
            CommandEnd whole = await CountersignProcess.RunAsync("audit", "verify", "--json", world.AuditFolder);
            Assert.Equal((0, true), (whole.ExitCode, (bool)JsonNode.Parse(whole.Output)!["ok"]!));
            CommandEnd tail = await CountersignProcess.RunAsync(
                "audit", "tail", "-n", "1000", "--json", world.AuditFolder);
            string[] lines = tail.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            string call = called.Header("Countersign-Call");
            int entry = Array.FindIndex(lines, line => line.Contains(call, StringComparison.Ordinal));
            Assert.InRange(entry, 0, lines.Length - 1);
            await AssertDamageIsNamedAsync(lines[entry], entry);
        });
        Assert.Equal(200, (await Client.CallAsync("alice", "GET", "/people/2")).Status);
    }

    protected async Task AnApprovalOutlivesTheGatewayAsync()
    {
        Answer asked = await Client.AskApprovedAsync("alice", Refunds, Refund(41), "bob");
        await world.RestartAsync(() => Task.CompletedTask);
        Answer called = await Client.CallAsync("alice", "POST", Refunds, Refund(41), Names(asked));
        Assert.Equal(201, called.Status);
    }

    private async Task AssertDamageIsNamedAsync(string record, int entry)
    {
        string segment = Assert.Single(Directory.GetFiles(Path.Combine(world.AuditFolder, "segments")));
        byte[] bytes = await File.ReadAllBytesAsync(segment);
        int at = bytes.AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(record));
        bytes[at + record.Length - 2] ^= 1;
        await File.WriteAllBytesAsync(segment, bytes);
        CommandEnd damaged = await CountersignProcess.RunAsync("audit", "verify", world.AuditFolder);
        Assert.Equal(4, damaged.ExitCode);
        Assert.Contains($"entry {entry}:", damaged.Output, StringComparison.Ordinal);
        bytes[at + record.Length - 2] ^= 1;
        await File.WriteAllBytesAsync(segment, bytes);
    }

    private async Task AssertLentAsync(Answer called, Answer asked)
    {
        JsonObject seen = await world.SeenAsync(called.Header("Countersign-Call"));
        Answer jwks = await Client.GetAsync(Client.Control + "/oauth/jwks");
        JsonObject claims = LentToken.Verify(seen["authorization"]!.ToString(), jwks.Body);
        Assert.Equal(Client.Control, claims["iss"]!.ToString());
        Assert.Equal("billing", claims["aud"]!.ToString());
        Assert.Equal("billing.reset", claims["sub"]!.ToString());
        Assert.Equal("ci-deploy", claims["act"]!["sub"]!.ToString());
        Assert.Equal("""["dave"]""", claims["act"]!["chain"]!.ToJsonString());
        Assert.Equal(called.Header("Countersign-Call"), claims["jti"]!.ToString());
        Assert.Equal(asked["digest"], claims["digest"]!.ToString());
        Assert.Equal(asked["approval"], claims["approval"]!.ToString());
        Assert.Equal("""["carol"]""", claims["approvers"]!.ToJsonString());
        Assert.Equal(30, (long)claims["exp"]! - (long)claims["iat"]!);
        Assert.Equal(asked["approval"], seen["idempotency_key"]!.ToString());
        Answer all = await Client.GetAsync(world.Upstream + "/_seen");
        Assert.DoesNotContain(world.TokenOf("ci-deploy"), all.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("Countersign-Approval", all.Text, StringComparison.OrdinalIgnoreCase);
    }

    private void AssertPaused(Answer asked)
    {
        Assert.Equal((428, "approval-required"), (asked.Status, asked.Problem));
        Assert.Equal("application/problem+json", asked.Header("Content-Type"));
        foreach (string member in new[] { "title", "detail", "call", "expires_at" }) Assert.NotEqual("", asked[member]);
        Assert.Equal("428", asked["status"]);
        Assert.Matches("^sha256:[0-9a-f]{64}$", asked["digest"]);
        string path = "/.countersign/approvals/" + asked["approval"];
        Assert.Equal(Client.Data + path, asked["status_url"]);
        Assert.Equal(path, asked.Header("Location"));
        Assert.NotEqual("", asked.Header("Retry-After"));
        Assert.Equal(asked["call"], asked.Header("Countersign-Call"));
    }

    private Task LapsesAsync(Answer asked) => Until.TrueAsync(async () =>
        (await Client.CallAsync("alice", "GET", "/.countersign/approvals/" + asked["approval"]))["state"] == "expired");

    private static (string Name, string Value) Names(Answer asked) => ("Countersign-Approval", asked["approval"]);

    private static (string Name, string Value) Reason(string reason) => ("Countersign-Reason", reason);

    private static string Refund(int amount) => $$"""{"amount":{{amount}},"reason":"seats"}""";
}

/// <summary>Against <c>countersign demo</c>.</summary>
public sealed class DemoSeedStoryTests(DemoWorld world) : SeedStoryTests(world), IClassFixture<DemoWorld>;

/// <summary>Against <c>countersign serve</c> on a real Redis.</summary>
public sealed class RedisSeedStoryTests(RedisWorld world) : SeedStoryTests(world), IClassFixture<RedisWorld>
{
    [Fact]
    public async Task An_approval_outlives_the_gateway()
    {
        // Proves that what was approved before a restart is used after it, by the store and the sealing key alone.
        await AnApprovalOutlivesTheGatewayAsync();
    }
}

/// <summary>Against <c>countersign serve</c> on the embedded store.</summary>
public sealed class EmbeddedSeedStoryTests(EmbeddedWorld world) : SeedStoryTests(world), IClassFixture<EmbeddedWorld>
{
    [Fact]
    public async Task An_approval_outlives_the_gateway()
    {
        // Proves the same of the store in the gateway's own process, which went down with it.
        await AnApprovalOutlivesTheGatewayAsync();
    }
}
