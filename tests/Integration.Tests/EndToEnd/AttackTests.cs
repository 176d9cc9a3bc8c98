using Xunit;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>
/// Every way somebody might get a call through that nobody countersigned, over two gateways and one Redis. What each
/// comes to is stated in docs/APPROVALS.md.
/// </summary>
public sealed class AttackTests(AttackWorld world) : IClassFixture<AttackWorld>
{
    private static int _next;

    private GatewayClient A => world.A;

    private GatewayClient B => world.B;

    [Theory]
    [InlineData("alice", "alice", 403, "duty-conflict")]
    [InlineData("agent-7", "bob", 403, "duty-conflict")]
    [InlineData("ci-deploy", "dave", 403, "duty-conflict")]
    [InlineData("alice", "agent-7", 404, "not-found")]
    [InlineData("alice", "olga", 403, "not-an-approver")]
    public async Task Nobody_lets_their_own_call_happen(string caller, string approver, int status, string problem)
    {
        // Proves it for the caller, whom an agent or a job acts for, an agent of an approver, and an administrator.
        string path = Path();
        Answer asked = await A.CallAsync(caller, "POST", path);
        Assert.Equal(428, asked.Status);
        Answer decided = await B.DecideAsync(approver, asked["approval"], asked["digest"]);
        Assert.Equal((status, problem), (decided.Status, decided.Problem));
        Assert.Equal(428, (await B.CallAsync(caller, "POST", path)).Status);
    }

    [Fact]
    public async Task What_was_on_the_screen_is_what_is_approved()
    {
        // Proves that a stale digest approves nothing.
        Answer asked = await A.CallAsync("alice", "POST", Path());
        Answer decided = await B.DecideAsync("carol", asked["approval"], "sha256:" + new string('0', 64));
        Assert.Equal((409, "approval-mismatch"), (decided.Status, decided.Problem));
    }

    [Theory]
    [InlineData("?x=2", "", "alice")]
    [InlineData("", "", "alice")]
    [InlineData("?x=1", "\"2\"", "alice")]
    [InlineData("?x=1", "", "nina")]
    public async Task Another_call_cannot_use_the_approval(string query, string match, string caller)
    {
        // Proves that query, binding header and caller are bound; the body's bytes are in the next test.
        world.Upstream.Release();
        string path = Path();
        Answer asked = await A.AskApprovedAsync("alice", path + "?x=1", null, "carol");
        int before = world.Upstream.Requests;
        (string, string)[] fields = match.Length > 0 ? [Names(asked), ("If-Match", match)] : [Names(asked)];
        Answer used = await B.CallAsync(caller, "POST", path + query, null, fields);
        Assert.Contains((used.Status, used.Problem), new[] { (409, "approval-mismatch"), (403, "denied") });
        Assert.Equal(before, world.Upstream.Requests);
        Assert.Equal(200, (await B.CallAsync("alice", "POST", path + "?x=1", null, Names(asked))).Status);
    }

    [Fact]
    public async Task One_byte_more_is_another_call()
    {
        // Proves that exact bytes are bound, by a space that no JSON parser sees.
        const string Refunds = "/billing/48/refunds";
        Answer asked = await A.AskApprovedAsync("alice", Refunds, """{"amount":5}""", "carol");
        Answer used = await B.CallAsync("alice", "POST", Refunds, """{"amount": 5}""", Names(asked));
        Assert.Equal((409, "approval-mismatch"), (used.Status, used.Problem));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Two_hundred_claims_make_one_call(bool namesIt)
    {
        // Proves the one claim, by identical calls at once over both gateways, and the function's own count.
        world.Upstream.Release();
        string path = Path();
        Answer asked = await A.AskApprovedAsync("alice", path, null, "carol");
        int before = world.Upstream.Requests;
        (string, string)[] fields = namesIt ? [Names(asked)] : [];
        Answer[] answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(one =>
            (one % 2 == 0 ? A : B).CallAsync("alice", "POST", path, null, fields)));
        Assert.Single(answers, answer => answer.Status == 200);
        Assert.Equal(199, answers.Count(answer => answer.Status == (namesIt ? 409 : 428)));
        Assert.Equal(before + 1, world.Upstream.Requests);
    }

    [Fact]
    public async Task After_expiry_and_revocation_there_is_nothing_to_use()
    {
        // Proves both ends of an approved approval: its window closes, and its approver takes it back.
        string brief = "/brief/" + Path()[8..];
        Answer lapsed = await A.AskApprovedAsync("alice", brief, null, "carol");
        await Until.TrueAsync(async () => (await Shown(lapsed))["state"] == "expired");
        Answer used = await B.CallAsync("alice", "POST", brief, null, Names(lapsed));
        Assert.Equal((410, "approval-expired"), (used.Status, used.Problem));
        string path = Path();
        Answer revoked = await A.AskApprovedAsync("alice", path, null, "carol");
        string revoke = $"/api/v1/approvals/{revoked["approval"]}/revoke";
        Assert.Equal("revoked", (await B.ControlAsync("carol", "POST", revoke))["state"]);
        used = await A.CallAsync("alice", "POST", path, null, Names(revoked));
        Assert.Equal((410, "approval-denied"), (used.Status, used.Problem));
    }

    [Fact]
    public async Task Who_waits_is_told_when_the_window_closes()
    {
        // Proves over both gateways that expiry ends what is held: calls, by the rule and by their wish, and a status
        // that is waited for. Their holds are longer than the patience of who asks here.
        string path = "/short/" + Path()[8..];
        (string, string) wait = ("Prefer", "wait=200"), least = ("Prefer", "wait=0");
        Answer asked = await A.CallAsync("alice", "POST", path, null, least);
        string status = "/.countersign/approvals/" + asked["approval"];
        Answer[] ended = await Task.WhenAll(
            A.CallAsync("alice", "POST", path), B.CallAsync("alice", "POST", path, null, wait),
            B.CallAsync("alice", "GET", status, null, wait), A.CallAsync("alice", "GET", status, null, wait));
        Assert.Equal([410, 410, 200, 200], ended.Select(one => one.Status));
        Assert.All(ended[..2], one => Assert.Equal("approval-expired", one.Problem));
        Assert.All(ended[2..], one => Assert.Equal("expired", one["state"]));
    }

    [Fact]
    public async Task Of_an_approval_and_a_denial_at_once_one_stands()
    {
        // Proves that a race ends in one state, which both gateways act by, many times.
        world.Upstream.Release();
        for (int round = 0; round < 20; round++)
        {
            string path = Path();
            Answer asked = await A.CallAsync("alice", "POST", path);
            Answer[] said = await Task.WhenAll(
                A.DecideAsync("carol", asked["approval"], asked["digest"]),
                B.DecideAsync("bob", asked["approval"], asked["digest"], "deny"));
            string state = (await Shown(asked))["state"];
            Answer won = Assert.Single(said, one => one.Status == 200 && one["state"] == state);
            Answer used = await B.CallAsync("alice", "POST", path, null, Names(asked));
            Assert.Equal(won == said[0] ? 200 : 410, used.Status);
        }
    }

    [Fact]
    public async Task A_policy_without_the_rule_voids_what_was_approved_under_it()
    {
        // Proves that the claim decides again: under other stages it is void, and stays so when they come back.
        string path = Path();
        Answer asked = await A.AskApprovedAsync("alice", path, null, "carol");
        string stricter = world.Policy.Replace(
            "approval: { stages: [{ groups: [finance-leads], count: 1 }] }",
            "approval: { stages: [{ groups: [finance-leads], count: 2 }] }", StringComparison.Ordinal);
        Answer published = await A.PublishAsync("olga", stricter);
        await RunsAsync(published["version"]);
        Answer used = await B.CallAsync("alice", "POST", path, null, Names(asked));
        Assert.Equal((410, "approval-expired"), (used.Status, used.Problem));
        published = await A.PublishAsync("olga", world.Policy);
        await RunsAsync(published["version"]);
        used = await B.CallAsync("alice", "POST", path, null, Names(asked));
        Assert.Equal((410, "approval-expired"), (used.Status, used.Problem));
    }

    [Fact]
    public async Task A_call_that_did_not_wait_is_made_once_by_either_gateway()
    {
        // Proves respond-async over the fleet: asked at A, approved at B, made once, fetched once at B.
        world.Upstream.Release();
        int before = world.Upstream.Requests;
        Answer asked = await A.CallAsync("alice", "POST", Path(), null, ("Prefer", "respond-async"));
        Assert.Equal((202, "respond-async"), (asked.Status, asked.Header("Preference-Applied")));
        await B.DecideAsync("carol", asked["approval"], asked["digest"]);
        string status = "/.countersign/approvals/" + asked["approval"];
        Answer told = await B.CallAsync("alice", "GET", status, null, ("Prefer", "wait=30"));
        Assert.Equal("executed", told["state"]);
        Assert.Equal(200, (int)told.Body["outcome"]!["status"]!);
        Assert.True((bool)told.Body["outcome"]!["body"]!["late"]!);
        Assert.Null((await A.CallAsync("alice", "GET", status)).Body["outcome"]);
        Assert.Equal(before + 1, world.Upstream.Requests);
    }

    [Fact]
    public async Task A_broken_glass_is_loud_and_owes_a_review()
    {
        // Proves the emergency to its end: who may, the call, the review that only somebody else can close.
        world.Upstream.Release();
        string path = "/glass/" + Path()[8..];
        Answer asked = await A.CallAsync("alice", "POST", path);
        string approval = "/api/v1/approvals/" + asked["approval"];
        string emergency = $$"""{"digest":"{{asked["digest"]}}","reason":"the site is down"}""";
        Answer stranger = await B.ControlAsync("carol", "POST", approval + "/break-glass", emergency);
        Assert.Equal((403, "denied"), (stranger.Status, stranger.Problem));
        Answer silent = await B.ControlAsync(
            "alice", "POST", approval + "/break-glass", $$"""{"digest":"{{asked["digest"]}}","reason":" "}""");
        Assert.Equal(400, silent.Status);
        Answer broken = await B.ControlAsync("alice", "POST", approval + "/break-glass", emergency);
        Assert.Equal((200, "approved", "true"), (broken.Status, broken["state"], broken["review_owed"]));
        Assert.Equal("the site is down", broken.Body["break_glass"]!["reason"]!.ToString());
        Assert.Equal(200, (await A.CallAsync("alice", "POST", path, null, Names(asked))).Status);
        const string Note = """{"note":"it was"}""";
        Answer own = await A.ControlAsync("alice", "POST", approval + "/review", Note);
        Assert.Equal(403, own.Status);
        Answer owed = await A.ControlAsync("carol", "GET", "/api/v1/reviews");
        Assert.Contains(owed.Body["items"]!.AsArray(), one => one!["id"]!.ToString() == asked["approval"]);
        Answer reviewed = await A.ControlAsync("carol", "POST", approval + "/review", Note);
        Assert.Equal((200, "executed", "false"), (reviewed.Status, reviewed["state"], reviewed["review_owed"]));
        owed = await A.ControlAsync("carol", "GET", "/api/v1/reviews");
        Assert.DoesNotContain(owed.Body["items"]!.AsArray(), one => one!["id"]!.ToString() == asked["approval"]);
    }

    // An address of its own for each test, since identical calls are one.
    private static string Path() => "/attack/" + Interlocked.Increment(ref _next);

    private static (string Name, string Value) Names(Answer asked) => ("Countersign-Approval", asked["approval"]);

    private Task<Answer> Shown(Answer asked) =>
        A.ControlAsync("carol", "GET", "/api/v1/approvals/" + asked["approval"]);

    private Task RunsAsync(string version) => Until.TrueAsync(async () =>
        (await A.GetAsync(A.Control + "/health/ready"))["policy_version"] == version
        && (await B.GetAsync(B.Control + "/health/ready"))["policy_version"] == version);
}
