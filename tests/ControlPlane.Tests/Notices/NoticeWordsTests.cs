using System.Text.Json;
using Countersign.ControlPlane.Notices;
using Countersign.Policy.Approvals;

namespace Countersign.ControlPlane.Tests.Notices;

public sealed class NoticeWordsTests
{
    private const string Link = "https://gate.test/console/approvals/1";

    private static readonly Approval Asked = Drafts.New() with
    {
        Target = "/billing/7/reset?card=4111111111111111",
        Reason = "*now* <!channel> <https://evil.test|here> & \u202Eevil\u200B\n> quote",
        Requester = new Requester(
            "https://issuer.test", "<@U123> `dave`", Policy.CallerKind.Ci, ["ci"], ["dave"], ""),
    };

    [Fact]
    public void A_generic_notice_says_who_asks_for_what_and_nothing_of_the_call()
    {
        // Proves the members, that the target is not among them, and that nothing in it hides or turns a line.
        NoticeOccasion created = Assert.Single(NoticeOccasion.Of(Asked, Drafts.Now));
        string body = NoticeWriter.Write(WebhookKind.Generic, created, Asked, Link);
        JsonElement json = JsonDocument.Parse(body).RootElement;
        Assert.Equal("approval.created", json.GetProperty("type").GetString());
        Assert.Equal("2026-03-01T12:00:00.000Z", json.GetProperty("timestamp").GetString());
        JsonElement data = json.GetProperty("data");
        string[] members =
        [
            "approval", "state", "function", "risk", "caller", "reason", "rule", "groups", "created_at", "expires_at",
            "url",
        ];
        Assert.Equal(members, data.EnumerateObject().Select(member => member.Name));
        Assert.Equal((Asked.Id, "pending", Link), (
            data.GetProperty("approval").GetString(), data.GetProperty("state").GetString(),
            data.GetProperty("url").GetString()));
        Assert.Equal(["finance", "sre"], data.GetProperty("groups").EnumerateArray().Select(one => one.GetString()!));
        string reason = data.GetProperty("reason").GetString()!;
        Assert.Equal("*now* <!channel> <https://evil.test|here> & \\u{202e}evil\\u{200b}\\u{a}> quote", reason);
        Assert.DoesNotContain("4111", body, StringComparison.Ordinal);
        Assert.DoesNotContain("/billing/", body, StringComparison.Ordinal);
    }

    [Fact]
    public void A_slack_notice_mentions_nobody_and_links_nowhere_else()
    {
        // Proves that what callers wrote stands in plain_text alone, and escaped where Slack reads its own marks.
        NoticeOccasion created = Assert.Single(NoticeOccasion.Of(Asked, Drafts.Now));
        string body = NoticeWriter.Write(WebhookKind.Slack, created, Asked, Link);
        JsonElement json = JsonDocument.Parse(body).RootElement;
        string text = json.GetProperty("text").GetString()!;
        const string Begins = "Approval needed: billing.reset, asked by &lt;@U123&gt; `dave` <";
        Assert.StartsWith(Begins, text, StringComparison.Ordinal);
        Assert.EndsWith($" <{Link}|Open it>", text, StringComparison.Ordinal);
        Assert.Equal(1, text.Count(one => one == '<'));
        foreach (JsonElement block in json.GetProperty("blocks").EnumerateArray())
        {
            JsonElement said = block.GetProperty("text");
            string words = said.GetProperty("text").GetString()!;
            if (said.GetProperty("type").GetString() == "mrkdwn")
                Assert.Equal($"<{Link}|Open it in the console>", words);
            else Assert.DoesNotContain('\u202E', words);
        }

        Assert.DoesNotContain("4111", body, StringComparison.Ordinal);
    }

    [Fact]
    public void Long_texts_are_cut_and_say_so()
    {
        // Proves the bounds of names and reasons, by texts that pass them.
        Approval verbose = Asked with { Reason = new string('r', 600), Function = new string('f', 130) };
        NoticeOccasion created = Assert.Single(NoticeOccasion.Of(verbose, Drafts.Now));
        string body = NoticeWriter.Write(WebhookKind.Slack, created, verbose, Link);
        Assert.Contains(new string('r', 500) + "… (100 more characters)", body, StringComparison.Ordinal);
        Assert.Contains(new string('f', 120) + "… (10 more characters)", body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ApprovalState.Pending, "created")]
    [InlineData(ApprovalState.Approved, "settled:approved")]
    [InlineData(ApprovalState.Denied, "settled:denied")]
    [InlineData(ApprovalState.Expired, "settled:expired")]
    [InlineData(ApprovalState.Cancelled, "settled:cancelled")]
    [InlineData(ApprovalState.Revoked, "settled:revoked")]
    [InlineData(ApprovalState.Claimed, "")]
    [InlineData(ApprovalState.Executed, "")]
    [InlineData(ApprovalState.Failed, "")]
    [InlineData(ApprovalState.Unknown, "")]
    public void Every_state_has_its_occasion_or_none(ApprovalState state, string key)
    {
        // Proves what is told of an approval, by one in each state.
        Assert.Equal(key, string.Join(",", KeysOf(Asked with { State = state }, Drafts.Now)));
    }

    [Fact]
    public void Signatures_are_those_of_standard_webhooks()
    {
        // Proves the signature by the example that the specification's own libraries are tested with.
        byte[] secret = Convert.FromBase64String("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        Assert.Equal(
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            WebhookSignature.Sign(
                secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, """{"test": 2432232314}"""));
    }

    [Theory]
    [InlineData(1, 0.0, 4)]
    [InlineData(1, 0.5, 5)]
    [InlineData(2, 0.5, 20)]
    [InlineData(3, 1.0, 96)]
    [InlineData(7, 0.5, 20480)]
    [InlineData(8, 0.5, 21600)]
    [InlineData(50, 0.0, 17280)]
    public void Waits_grow_fourfold_to_six_hours_and_spread_by_a_fifth(int attempt, double chance, double seconds)
    {
        // Proves the schedule, by attempts and chances at its ends.
        Assert.Equal(seconds, BackOff.After(attempt, chance).TotalSeconds, precision: 6);
    }

    [Fact]
    public void A_receiver_may_ask_for_more_time_within_reason()
    {
        // Proves Retry-After: heeded where it is longer, never beyond six hours, never to hurry.
        Assert.Equal(TimeSpan.FromMinutes(2), BackOff.After(1, 0.5, TimeSpan.FromMinutes(2)));
        Assert.Equal(TimeSpan.FromHours(6), BackOff.After(1, 0.5, TimeSpan.FromDays(30)));
        Assert.Equal(TimeSpan.FromSeconds(5), BackOff.After(1, 0.5, TimeSpan.FromSeconds(-9)));
    }

    [Fact]
    public void A_broken_glass_is_told_with_who_and_why_and_its_review_daily_until_it_is_closed()
    {
        // Proves the occasions of a broken glass on its day, three days later and once reviewed, and its words.
        ApprovalAct broken = new("https://issuer.test", "eve", ["eve"], "site <down>", Drafts.Now);
        Approval open = Asked with { State = ApprovalState.Approved, Broken = broken };
        Assert.Equal(["break-glass", "review-owed:0"], KeysOf(open, Drafts.Now));
        Assert.Equal(["break-glass", "review-owed:3"], KeysOf(open, Drafts.Now.AddDays(3.5)));
        Approval closed = open with { State = ApprovalState.Executed, Review = broken with { Subject = "fay" } };
        Assert.Equal(["break-glass"], KeysOf(closed, Drafts.Now.AddDays(3.5)));
        NoticeOccasion glass = NoticeOccasion.Of(open, Drafts.Now).First();
        string generic = NoticeWriter.Write(WebhookKind.Generic, glass, open, Link);
        JsonElement told = JsonDocument.Parse(generic).RootElement.GetProperty("data").GetProperty("break_glass");
        Assert.Equal(("eve", "site <down>"), (
            told.GetProperty("by").GetString(), told.GetProperty("reason").GetString()));
        string slack = NoticeWriter.Write(WebhookKind.Slack, glass, open, Link);
        Assert.Contains("BREAK-GLASS", slack, StringComparison.Ordinal);
        Assert.Contains("Let through by eve", slack, StringComparison.Ordinal);
    }

    private static IEnumerable<string> KeysOf(Approval approval, DateTimeOffset now) =>
        NoticeOccasion.Of(approval, now).Select(one => one.Key);
}
