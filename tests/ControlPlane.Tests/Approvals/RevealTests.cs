using System.Net;
using System.Text;
using System.Text.Json;
using Countersign.ControlPlane.Approvals;

namespace Countersign.ControlPlane.Tests.Approvals;

public sealed class RevealTests
{
    private const string Path = "/api/v1/approvals/";
    private const string Body = """{"ssn":"078-05-1120","users":[{"a/b":"x","n":12345678901234567890.10}]}""";

    [Fact]
    public async Task A_revealed_argument_is_in_the_audit_before_it_leaves()
    {
        // Proves the way of one value; by the mask before, the value, and the intent and outcome in the log.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        string id = await gate.AskAsync(Body);
        string rae = gate.Token("rae", "finance", "pii-officers");
        Answer masked = await gate.GetAsync(Path + id, rae);
        Assert.DoesNotContain("078-05-1120", masked.Body, StringComparison.Ordinal);
        Answer shown = await RevealAsync(gate, id, rae, "/ssn");
        Assert.Equal(HttpStatusCode.OK, shown.Status);
        Assert.Equal("no-store", shown.Message.Headers.CacheControl!.ToString());
        Assert.Null(shown.Message.Headers.ETag);
        Assert.Equal("078-05-1120", shown.Json.GetProperty("value").GetString());
        Answer number = await RevealAsync(gate, id, rae, "/users/0/n");
        Assert.Equal("12345678901234567890.10", number.Json.GetProperty("value").GetRawText());
        Answer after = await gate.GetAsync(Path + id, rae);
        Assert.Equal(masked.Body, after.Body);
        var acts = await gate.ActsAsync();
        Assert.Equal(
            [
                ("approval-reveal", "rae", id, "/ssn: ticket 7"),
                ("approval-revealed", "rae", id, "revealed; /ssn: ticket 7"),
            ],
            acts.Take(2));
    }

    [Fact]
    public async Task Without_permission_place_or_reason_nothing_is_revealed()
    {
        // Proves each refusal by its name; by those who lack one thing each, and that the attempts are audited.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        string id = await gate.AskAsync(Body);
        (string Token, string Problem)[] others =
        [
            (gate.Token("fay", "finance"), "denied"), (gate.Token("kim", "finance", "pii-cleared"), "denied"),
            (gate.Token("rae-bot", "finance", "pii-officers"), "not-found"),
            (gate.Token("dave", "sre", "pii-officers"), "duty-conflict"),
            (gate.Token("pat", "policy-admins", "pii-officers"), "not-an-approver"),
            (gate.Token("mallory", "pii-officers"), "not-found"),
            (gate.Token("eve", "finance", "pii-officers", "ap-clerk", "ap-approver"), "duty-conflict"),
        ];
        foreach ((string token, string problem) in others)
            Assert.Equal(problem, (await RevealAsync(gate, id, token, "/ssn")).Problem);
        string rae = gate.Token("rae", "finance", "pii-officers");
        foreach (string pointer in (string[])["/no", "/ssn/0", "/users/00", "/users/1", "/users/-"])
            Assert.Equal("not-found", (await RevealAsync(gate, id, rae, pointer)).Problem);
        string[] bad =
        [
            "{}", """{"pointer":"/ssn"}""", """{"pointer":"ssn","reason":"x"}""", """{"pointer":"/ssn","reason":" "}""",
            """{"pointer":"/ssn","reason":"x","as":"root"}""", "[]", """{"pointer":"/ssn","reason":7}""",
        ];
        foreach (string body in bad)
            Assert.Equal("malformed-request", (await gate.PostAsync(Path + id + "/reveal", rae, body)).Problem);
        await gate.DecideAsync(id, gate.Token("sam", "sre"), "deny");
        Assert.Equal("approval-denied", (await RevealAsync(gate, id, rae, "/ssn")).Problem);
        string late = await gate.AskAsync(Body);
        gate.Clock.Advance(TimeSpan.FromMinutes(15));
        Assert.Equal("approval-expired", (await RevealAsync(gate, late, rae, "/ssn")).Problem);
        var acts = await gate.ActsAsync();
        Assert.DoesNotContain(acts, act => act.Event is "approval-reveal" or "approval-revealed");
        Assert.Equal(7 + 5 + 2, acts.Count(act => act.Event == "approval-reveal-refused"));
    }

    [Fact]
    public async Task Without_the_audit_nothing_is_revealed()
    {
        // Proves that the value waits for its intent, by a log that is closed and by a store that is away.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        string id = await gate.AskAsync(Body);
        string rae = gate.Token("rae", "finance", "pii-officers");
        gate.Store.IsAway = true;
        Assert.Equal("store-unavailable", (await RevealAsync(gate, id, rae, "/ssn")).Problem);
        gate.Store.IsAway = false;
        await gate.Audit.DisposeAsync();
        Answer refused = await RevealAsync(gate, id, rae, "/ssn");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "audit-unavailable"), (refused.Status, refused.Problem));
        Assert.DoesNotContain("078-05-1120", refused.Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "{\"a\":[1,2],\"b/c\":{\"~\":null}}")]
    [InlineData("/a/1", "2")]
    [InlineData("/a", "[1,2]")]
    [InlineData("/b~1c/~0", "null")]
    [InlineData("/a/2", null)]
    [InlineData("/a/01", null)]
    [InlineData("/a/+1", null)]
    [InlineData("/", null)]
    public void Pointers_are_those_of_rfc_6901(string pointer, string? found)
    {
        // Proves the escapes and indexes of the RFC, by one document.
        using JsonDocument document =
            JsonDocument.Parse(Encoding.UTF8.GetBytes("{\"a\":[1,2],\"b/c\":{\"~\":null}}"));
        Assert.Equal(found, RevealRequest.Find(document.RootElement, pointer)?.GetRawText());
    }

    private static Task<Answer> RevealAsync(ControlFixture gate, string id, string token, string pointer) =>
        gate.PostAsync(Path + id + "/reveal", token, JsonSerializer.Serialize(new { pointer, reason = "ticket 7" }));
}
