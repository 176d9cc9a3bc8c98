using System.Globalization;
using System.Net;
using System.Text.Json;
using Countersign.ControlPlane.Notices;
using Countersign.Kit;
using Countersign.Policy.Approvals;

namespace Countersign.ControlPlane.Tests.Notices;

public sealed class NoticeTests
{
    private const string Path = "/api/v1/notices";
    private static readonly byte[] Secret = [.. Enumerable.Range(0, 32).Select(one => (byte)one)];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_webhook_is_told_once_what_it_wants_to_hear()
    {
        // Proves created and settled end to end, the signature over what was sent, and the events that are left out.
        await using WebhookReceiver receiver = await WebhookReceiver.StartAsync();
        await using ControlFixture gate = await StartAsync(
            Webhook(receiver, "all"), Webhook(receiver, "ends", NoticeEvents.Settled));
        string id = await gate.AskAsync();
        Received created = await receiver.NextAsync(Cancellation);
        Assert.Equal("/all", created.Path);
        Assert.Equal("application/json", created.Fields["Content-Type"]);
        string msg = created.Fields["webhook-id"];
        long at = long.Parse(created.Fields["webhook-timestamp"], CultureInfo.InvariantCulture);
        Assert.Equal(gate.Clock.GetUtcNow().ToUnixTimeSeconds(), at);
        Assert.Equal(WebhookSignature.Sign(Secret, msg, at, created.Body), created.Fields["webhook-signature"]);
        JsonElement data = JsonDocument.Parse(created.Body).RootElement.GetProperty("data");
        Assert.Equal(gate.Address + "/console/approvals/" + id, data.GetProperty("url").GetString());
        Assert.DoesNotContain("078-05-1120", created.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("Authorization", created.Fields.Keys);

        await gate.DecideAsync(id, gate.Token("sam", "sre"), "deny");
        Received[] settled = [await receiver.NextAsync(Cancellation), await receiver.NextAsync(Cancellation)];
        Assert.Equal(["/all", "/ends"], settled.Select(one => one.Path).Order(StringComparer.Ordinal));
        Assert.All(settled, one => Assert.Contains("\"state\":\"denied\"", one.Body, StringComparison.Ordinal));

        // Looking at everything again files nothing again: the next to come is of the next ask.
        gate.Memory.Miss();
        string next = await gate.AskAsync();
        Received third = await receiver.NextAsync(Cancellation);
        Assert.Contains(next, third.Body, StringComparison.Ordinal);
        Assert.True(receiver.IsQuiet);
    }

    [Fact]
    public async Task What_fails_is_tried_again_with_the_same_id_and_in_the_end_given_up()
    {
        // Proves retries and the dead, by a receiver that fails for ever, then one retry by hand that succeeds.
        await using WebhookReceiver receiver = await WebhookReceiver.StartAsync();
        for (int attempt = 0; attempt < ControlPlaneLimits.DeliveriesMax; attempt++) receiver.Then(500);
        await using ControlFixture gate = await StartAsync(Webhook(receiver, "ops"));
        string id = await gate.AskAsync(draft => draft with { ExpiresAt = draft.CreatedAt.AddDays(20) });
        HashSet<string> ids = [], times = [];
        for (int attempt = 1; attempt <= ControlPlaneLimits.DeliveriesMax; attempt++)
        {
            Received received = await NextOfAsync(receiver, gate);
            ids.Add(received.Fields["webhook-id"]);
            times.Add(received.Fields["webhook-timestamp"]);
            if (attempt == ControlPlaneLimits.DeliveriesMax) break;

            // The time stands still until the attempt has ended, or it would be cut as too late: until then the notice
            // is due when its lease ends.
            DateTimeOffset leased = gate.Clock.GetUtcNow() + ControlPlaneLimits.NoticeLease;
            JsonElement waits;
            do waits = await OneAsync(gate, "?status=waiting", "answered 500");
            while (waits.GetProperty("due_at").GetDateTimeOffset() == leased);
            Assert.Equal(attempt, waits.GetProperty("attempts").GetInt32());
            gate.Clock.Advance(TimeSpan.FromHours(8));
        }

        Assert.Single(ids);
        Assert.Equal(ControlPlaneLimits.DeliveriesMax, times.Count);
        string pat = gate.Token("pat", "policy-admins");
        JsonElement dead = await DeadAsync(gate, pat);
        Assert.Equal((id, "ops", "answered 500", ControlPlaneLimits.DeliveriesMax), (
            dead.GetProperty("approval").GetString(), dead.GetProperty("webhook").GetString(),
            dead.GetProperty("error").GetString(), dead.GetProperty("attempts").GetInt32()));
        string retry = Path + "/" + dead.GetProperty("id").GetString() + "/retry";
        Assert.Equal("denied", (await gate.PostAsync(retry, gate.Token("ada", "auditors"))).Problem);
        Assert.Equal(HttpStatusCode.OK, (await gate.PostAsync(retry, pat)).Status);
        Assert.Equal(Assert.Single(ids), (await receiver.NextAsync(Cancellation)).Fields["webhook-id"]);
        Assert.Equal("not-found", (await gate.PostAsync(retry, pat)).Problem);
        var acts = await gate.ActsAsync();
        Assert.Equal(
            ["notice-retry", "notice-retried", "notice-retry", "notice-retry-refused"], acts.Select(act => act.Event));
    }

    [Fact]
    public async Task Redirects_are_not_followed_and_gone_is_final()
    {
        // Proves that a receiver can send notices nowhere else, and that 410 ends the attempts at once.
        await using WebhookReceiver receiver = await WebhookReceiver.StartAsync();
        receiver.Then(307, "Location", receiver.Address + "/elsewhere");
        await using ControlFixture gate = await StartAsync(Webhook(receiver, "ops"));
        await gate.AskAsync();
        Assert.Equal("/ops", (await NextOfAsync(receiver, gate)).Path);
        const string NotFollowed = "answered 307, and redirects are not followed";
        JsonElement waiting = await OneAsync(gate, "?status=waiting", NotFollowed);
        Assert.Equal(1, waiting.GetProperty("attempts").GetInt32());
        receiver.Then(410);
        gate.Clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal("/ops", (await NextOfAsync(receiver, gate)).Path);
        Assert.Equal("answered 410", (await OneAsync(gate, "", "answered 410")).GetProperty("error").GetString());
    }

    [Fact]
    public async Task What_nobody_filed_is_found_again_but_old_news_is_not_told()
    {
        // Proves the look back, by asks from before the start, one of them older than a day.
        await using WebhookReceiver receiver = await WebhookReceiver.StartAsync();
        string old = "", recent = "";
        await using ControlFixture gate = await ControlFixture.StartAsync(
            [Webhook(receiver, "ops")],
            async fixture =>
            {
                old = await fixture.AskAsync(draft => draft with { ExpiresAt = draft.CreatedAt.AddDays(9) });
                fixture.Clock.Advance(TimeSpan.FromDays(2));
                recent = await fixture.AskAsync();
            });
        Assert.Contains(recent, (await receiver.NextAsync(Cancellation)).Body, StringComparison.Ordinal);
        string last = await gate.AskAsync();
        Received next = await receiver.NextAsync(Cancellation);
        Assert.Contains(last, next.Body, StringComparison.Ordinal);
        Assert.DoesNotContain(old, next.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Notices_are_seen_by_those_who_run_the_gateway()
    {
        // Proves who may list, and every bad parameter.
        await using ControlFixture gate = await StartAsync();
        foreach (string group in (string[])["policy-admins", "auditors"])
            Assert.Equal(HttpStatusCode.OK, (await gate.GetAsync(Path, gate.Token("pat", group))).Status);
        Assert.Equal("denied", (await gate.GetAsync(Path, gate.Token("fay", "finance"))).Problem);
        string pat = gate.Token("pat", "policy-admins");
        foreach (string query in (string[])["?status=all", "?limit=0", "?cursor=x", "?status=dead&status=dead"])
            Assert.Equal("malformed-request", (await gate.GetAsync(Path + query, pat)).Problem);
        Assert.Equal("not-found", (await gate.PostAsync(Path + "/x/retry", pat)).Problem);
        string bot = gate.Token("pat-bot", "policy-admins");
        Assert.Equal("denied", (await gate.PostAsync(Path + "/x/retry", bot)).Problem);
        gate.Notices.IsAway = true;
        Assert.Equal("store-unavailable", (await gate.GetAsync(Path, pat)).Problem);
    }

    [Fact]
    public async Task A_store_that_was_away_is_asked_again()
    {
        // Proves that no notice is lost to a store that did not take it, by one that is away for the first try.
        await using WebhookReceiver receiver = await WebhookReceiver.StartAsync();
        await using ControlFixture gate = await StartAsync(Webhook(receiver, "ops"));
        gate.Notices.IsAway = true;
        string id = await gate.AskAsync();
        gate.Notices.IsAway = false;
        Task<Received> next = receiver.NextAsync(Cancellation);
        while (!next.IsCompleted)
        {
            gate.Clock.Advance(TimeSpan.FromSeconds(1));
            await Task.WhenAny(next, Task.Delay(20, Cancellation));
        }

        Assert.Contains(id, (await next).Body, StringComparison.Ordinal);
    }

    private static Task<ControlFixture> StartAsync(params WebhookOptions[] webhooks) =>
        ControlFixture.StartAsync(webhooks, null);

    private static WebhookOptions Webhook(WebhookReceiver receiver, string name, NoticeEvents? events = null) => new()
    {
        Name = name,
        Url = new Uri(receiver.Address + "/" + name),
        Kind = WebhookKind.Generic,
        Events = events ?? NoticeEvents.Created | NoticeEvents.Settled,
        Secret = Secret,
    };

    private static Task<JsonElement> DeadAsync(ControlFixture gate, string pat) =>
        OneAsync(gate, "", "answered 500", pat);

    // The courier may go to wait a moment after the clock was moved, and then waits for a look more: the clock gives it
    // that, far less often than would cut an attempt that is under way.
    private static async Task<Received> NextOfAsync(WebhookReceiver receiver, ControlFixture gate)
    {
        Task<Received> next = receiver.NextAsync(Cancellation);
        for (int nudge = 0; nudge < 6 && await Task.WhenAny(next, Task.Delay(500, Cancellation)) != next; nudge++)
        {
            gate.Clock.Advance(TimeSpan.FromSeconds(1));
        }

        return await next;
    }

    // The attempt's end is written a moment after the receiver answered: asked for until it is there.
    private static async Task<JsonElement> OneAsync(
        ControlFixture gate, string query, string error, string? token = null)
    {
        token ??= gate.Token("pat", "policy-admins");
        while (true)
        {
            Answer list = await gate.GetAsync(Path + query, token);
            JsonElement items = list.Json.GetProperty("items");
            if (items.GetArrayLength() == 1 && items[0].GetProperty("error").GetString() == error) return items[0];
            await Task.Yield();
            Cancellation.ThrowIfCancellationRequested();
        }
    }
}
