using System.Net;
using System.Text.Json;

namespace Countersign.ControlPlane.Tests.Approvals;

/// <summary>What requests say of themselves: tags they had, tags that must hold, what their bodies are.</summary>
public sealed class PreconditionTests
{
    private const string Path = "/api/v1/approvals";

    [Theory]
    [InlineData("/decisions", "fay")]
    [InlineData("/cancel", "deploy-bot")]
    [InlineData("/withdraw", "sam")]
    [InlineData("/reveal", "rae")]
    public async Task An_act_on_another_approval_than_was_shown_does_nothing(string act, string who)
    {
        // Proves If-Match on acts: a made-up, a weak and an outdated tag are 412 and move nothing; the present one, one
        // among others, and * do the act.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        foreach (string good in (string[])["{0}", "\"x\", {0}", "*"])
        {
            string id = await gate.AskAsync();
            string token = TokenOf(gate, who);
            string old = await TagAsync(gate, id, token);
            await gate.DecideAsync(id, gate.Token("sam", "sre"));
            string now = await TagAsync(gate, id, token);
            int moves = gate.Store.Moves;
            foreach (string bad in (string[])["\"x\"", old, "W/" + now])
            {
                Answer failed = await PostAsync(gate, id, act, token, bad);
                Assert.Equal((HttpStatusCode.PreconditionFailed, "precondition-failed"), (
                    failed.Status, failed.Problem));
            }

            Assert.Equal((moves, now), (gate.Store.Moves, await TagAsync(gate, id, token)));
            Answer done = await PostAsync(
                gate, id, act, token, string.Format(System.Globalization.CultureInfo.InvariantCulture, good, now));
            Assert.Equal(HttpStatusCode.OK, done.Status);
        }
    }

    [Fact]
    public async Task What_may_not_be_done_anyway_is_refused_as_without_a_tag()
    {
        // Proves the order of RFC 9110 section 13.2.1, that a field without a tag is malformed, and that a decision
        // that stands is told again to whoever repeats it with the tag that they had.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        string id = await gate.AskAsync();
        string fay = gate.Token("fay", "finance");
        string tag = await TagAsync(gate, id, fay);
        Answer own = await PostAsync(gate, id, "/decisions", gate.Token("dave", "sre"), "\"x\"");
        Assert.Equal("duty-conflict", own.Problem);
        Answer stranger = await PostAsync(gate, id, "/cancel", fay, "\"x\"");
        Assert.Equal(HttpStatusCode.Forbidden, stranger.Status);
        Assert.Equal("malformed-request", (await PostAsync(gate, id, "/decisions", fay, "x y")).Problem);
        Assert.Equal("malformed-request", (await PostAsync(gate, id, "/cancel", fay, "x y")).Problem);
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(gate, id, "/decisions", fay, tag)).Status);
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(gate, id, "/decisions", fay, tag)).Status);
        Assert.Equal(1, gate.Store.Moves);
    }

    [Fact]
    public async Task Lists_carry_tags_that_spare_them_while_they_are_the_same()
    {
        // Proves If-None-Match on lists: 304 without a body until there is something new, and for HEAD as for GET.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        string id = await gate.AskAsync();
        string rae = gate.Token("rae", "finance", "auditors", "policy-admins");
        string[] lists =
        [
            Path, Path + "?status=pending", "/api/v1/reviews", $"{Path}/{id}/earlier", "/api/v1/notices",
            "/api/v1/revocations", "/api/v1/audit/calls",
        ];
        foreach (string list in lists)
        {
            Answer whole = await gate.GetAsync(list, rae);
            Assert.Equal(HttpStatusCode.OK, whole.Status);
            string tag = whole.Message.Headers.ETag!.ToString();
            Answer same = await gate.GetAsync(list, rae, tag);
            Assert.Equal((HttpStatusCode.NotModified, "", tag), (
                same.Status, same.Body, same.Message.Headers.ETag!.ToString()));
            using HttpRequestMessage head = new(HttpMethod.Head, gate.Address + list);
            head.Headers.TryAddWithoutValidation("If-None-Match", tag);
            Assert.Equal(HttpStatusCode.NotModified, (await gate.SendAsync(head, rae)).Status);
        }

        string before = (await gate.GetAsync(Path, rae)).Message.Headers.ETag!.ToString();
        await gate.DecideAsync(id, rae);
        Answer moved = await gate.GetAsync(Path, rae, before);
        Assert.Equal(HttpStatusCode.OK, moved.Status);
        Assert.NotEqual(before, moved.Message.Headers.ETag!.ToString());
        Assert.Equal(HttpStatusCode.Unauthorized, (await gate.GetAsync(Path, null, before)).Status);
    }

    [Theory]
    [InlineData("application/json", true)]
    [InlineData("Application/JSON; charset=UTF-8", true)]
    [InlineData("application/vnd.acme.decision+json", true)]
    [InlineData("text/plain", false)]
    [InlineData("application/x-www-form-urlencoded", false)]
    [InlineData("application/json; charset=utf-16", false)]
    [InlineData("application/jsonp", false)]
    [InlineData(null, false)]
    public async Task A_body_that_does_not_say_it_is_json_is_not_read_as_json(string? type, bool isTaken)
    {
        // Proves 415 on every path that takes JSON, before anything is done.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        string id = await gate.AskAsync();
        string fay = gate.Token("fay", "finance");
        foreach (string act in (string[])["/reveal", "/break-glass", "/review", "/decisions"])
        {
            Answer answer = await gate.PostAsync($"{Path}/{id}{act}", fay, BodyOf(act, id), type);
            Assert.Equal(isTaken, answer.Problem != "unsupported-media-type");
            Assert.Equal(isTaken, answer.Status != HttpStatusCode.UnsupportedMediaType);
        }

        Answer revoked = await gate.PostAsync("/api/v1/revocations", fay, "{}", type);
        Assert.Equal(isTaken ? "malformed-request" : "unsupported-media-type", revoked.Problem);
        Assert.Equal(isTaken ? 1 : 0, gate.Store.Moves);
    }

    [Fact]
    public async Task A_path_that_is_no_http_is_refused_before_us()
    {
        // Proves what API.md says of the HTTP server's own refusals, and that any other odd path gets a problem.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        string fay = gate.Token("fay", "finance");
        Answer bare = await gate.GetAsync(Path + "/%00", fay);
        Assert.Equal((HttpStatusCode.BadRequest, "", true), (
            bare.Status, bare.Body, bare.Message.Headers.ConnectionClose));
        foreach (string odd in (string[])["/%01", "/%2F", "/%C3%28", "/..%2f", "/%20"])
            Assert.Equal("not-found", (await gate.GetAsync(Path + odd, fay)).Problem);
    }

    private static string TokenOf(ControlFixture gate, string who) => who switch
    {
        "rae" => gate.Token(who, "finance", "pii-officers"),
        "sam" => gate.Token(who, "sre"),
        "deploy-bot" => gate.Token(who, "ci"),
        _ => gate.Token(who, "finance"),
    };

    private static async Task<string> TagAsync(ControlFixture gate, string id, string token) =>
        (await gate.GetAsync(Path + "/" + id, token)).Message.Headers.ETag!.ToString();

    private static Task<Answer> PostAsync(ControlFixture gate, string id, string act, string token, string match) =>
        gate.PostAsync($"{Path}/{id}{act}", token, BodyOf(act, id), match: match);

    private static string BodyOf(string act, string id) => act switch
    {
        "/decisions" => JsonSerializer.Serialize(new { decision = "approve", digest = Drafts.DigestOf(id) }),
        "/break-glass" => JsonSerializer.Serialize(new { digest = Drafts.DigestOf(id), reason = "down" }),
        "/review" => """{"note":"seen"}""",
        "/reveal" => """{"pointer":"/ssn","reason":"ticket"}""",
        _ => "",
    };
}
